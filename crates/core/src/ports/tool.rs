//! What acts.

use std::sync::{Arc, Weak};

use async_trait::async_trait;
use serde_json::Value;

use super::HostContext;
use crate::{
    content::Text,
    diagnostic::ToolSourceState,
    outcome::Failure,
    tool::{NoTools, ToolCatalog, ToolOutput, ToolSelection, ToolSpec},
};

/// What a tool is given. It names no chat: a tool cannot address one (law 3).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ToolInput {
    /// The arguments, which fit the tool's schema.
    pub arguments: Value,
    /// What the embedder attached; read-only.
    pub context: HostContext,
}

impl ToolInput {
    /// Arguments and context.
    #[must_use]
    pub fn new(arguments: Value, context: HostContext) -> Self {
        Self { arguments, context }
    }
}

/// Where live output and progress of one call go; whoever started the call stamps its origin.
///
/// Nothing here waits or fails: what comes after the call has ended is dropped.
pub trait ProgressSink: Send + Sync {
    /// Shows text, for people. What is beyond the limit is cut, and the result says how much.
    fn output(&self, text: &str);

    /// Says how far the call is: any JSON, by custom `{"progress": 3, "total": 10, "message": "…"}`.
    /// It supersedes earlier progress that nobody has read yet.
    fn progress(&self, progress: Value);

    /// Whether nobody waits for the call any more. A tool whose future is dropped need not ask;
    /// one that works on a thread of its own should, and end.
    fn is_stopped(&self) -> bool {
        false
    }
}

/// The sink of one call.
pub type ToolSink = Arc<dyn ProgressSink>;

/// Acts, or finds out.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What it is. The same each time.
    fn spec(&self) -> ToolSpec;

    /// Runs one call. Dropping the future stops it.
    ///
    /// # Errors
    ///
    /// A [`Failure`], usually of kind `ToolFailed`; the model hears it.
    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure>;
}

/// A shared tool is a tool.
#[async_trait]
impl<T: Tool + ?Sized> Tool for Arc<T> {
    fn spec(&self) -> ToolSpec {
        (**self).spec()
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        (**self).call(input, output).await
    }
}

/// The tools of a world, and what runs them.
///
/// One toolbox serves all chats of a world at once, and may serve several worlds.
#[async_trait]
pub trait Toolbox: Send + Sync {
    /// The tools as they are now, for the rules and for models. It must not block: it is asked for
    /// every input of every chat.
    fn catalog(&self) -> Arc<dyn ToolCatalog>;

    /// What runs calls of the tool of this name.
    fn get(&self, name: &str) -> Option<Arc<dyn Tool>>;

    /// Makes ready what an agent with this selection may use, for example starts a server, so that
    /// [`catalog`](Self::catalog) shows its tools. Awaited in the task of each model call before
    /// the model is told its tools; a source that cannot be made ready is left out, and reports.
    async fn prepare(&self, selection: &ToolSelection) {
        let _ = selection;
    }

    /// Tells an observer from now on how the sources of tools are doing, for as long as it lives.
    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        let _ = observer;
    }
}

/// Hears how the sources of tools are doing. Nothing here waits or fails.
pub trait ToolObserver: Send + Sync {
    /// A source, for example a server, has changed its state.
    fn source_changed(&self, source: &Text, state: ToolSourceState, reason: &str);
}

impl Toolbox for NoTools {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        Arc::new(Self)
    }

    fn get(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        None
    }
}

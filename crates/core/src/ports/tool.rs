//! What acts.

use async_trait::async_trait;
use serde_json::Value;

use super::HostContext;
use crate::{
    outcome::Failure,
    tool::{ToolOutput, ToolSpec},
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
pub trait ProgressSink: Send + Sync {
    /// Shows text, for people. What is beyond the limit is cut, and the result says so.
    fn output(&self, text: &str);
    /// Says how far the call is.
    fn progress(&self, progress: Value);
}

/// The sink of one call.
pub type ToolSink = std::sync::Arc<dyn ProgressSink>;

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

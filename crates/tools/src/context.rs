//! What a function that is a tool knows of its call.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use polychat_core::ports::{HostContext, ToolSink};
use serde_json::{Map, Value};

/// What a call knows besides its arguments. It names no chat: a tool cannot address one (law 3).
///
/// A clone speaks for the same call.
#[derive(Clone)]
#[non_exhaustive]
pub struct ToolContext {
    /// What the embedder attached; read-only.
    pub host: HostContext,
    sink: ToolSink,
    stopped: Option<Arc<AtomicBool>>,
}

impl ToolContext {
    /// The context of a call with this sink.
    #[must_use]
    pub fn new(host: HostContext, sink: ToolSink) -> Self {
        Self { host, sink, stopped: None }
    }

    /// Also stopped once this flag is up.
    pub(crate) fn stopped_by(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stopped = Some(flag);
        self
    }

    /// Shows text to people while the call runs. What is beyond the limit is not shown.
    pub fn output(&self, text: &str) {
        self.sink.output(text);
    }

    /// Says how far the call is.
    ///
    /// ```
    /// # fn shown(context: &polychat_tools::ToolContext) {
    /// use polychat_tools::Progress;
    /// context.progress(Progress::new(3.0).total(10.0).message("third page"));
    /// # }
    /// ```
    pub fn progress(&self, progress: impl Into<Value>) {
        self.sink.progress(progress.into());
    }

    /// Whether nobody waits for the call any more: it was cancelled or took too long.
    ///
    /// An async function need not ask, because it is dropped then. A blocking one should ask
    /// between steps, and end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let flag = self.stopped.as_ref().is_some_and(|flag| flag.load(Ordering::Acquire));
        flag || self.sink.is_stopped()
    }
}

/// How far a call is, in the shape that people expect: `{"progress": 3, "total": 10, "message": "…"}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    done: f64,
    total: Option<f64>,
    message: Option<String>,
}

impl Progress {
    /// So much is done, in any unit.
    #[must_use]
    pub fn new(done: f64) -> Self {
        Self { done, total: None, message: None }
    }

    /// Of so much, in the same unit.
    #[must_use]
    pub fn total(mut self, total: f64) -> Self {
        self.total = Some(total);
        self
    }

    /// What is being done, in words.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

impl From<Progress> for Value {
    fn from(progress: Progress) -> Self {
        let mut object = Map::new();
        object.insert("progress".to_owned(), progress.done.into());
        if let Some(total) = progress.total {
            object.insert("total".to_owned(), total.into());
        }
        if let Some(message) = progress.message {
            object.insert("message".to_owned(), message.into());
        }
        Self::Object(object)
    }
}

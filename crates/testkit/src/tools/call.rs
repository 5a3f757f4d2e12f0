//! One call of a scripted tool, as the test holds it.

use std::{fmt, sync::Arc};

use polychat_core::{
    Failure,
    content::Text,
    ports::{HostContext, ToolInput, ToolSink},
    tool::ToolOutput,
};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::Act;

/// One call: what was asked, and the hand that releases what the tool does.
///
/// Releasing never waits and works also when nobody listens any more. What is released after an
/// end (a result, a failure, a panic) is never done. A call for which nothing is released hangs,
/// also when this handle is dropped.
pub struct Call {
    tool: Text,
    input: ToolInput,
    sink: ToolSink,
    acts: mpsc::UnboundedSender<Act>,
    // How many were released; the tool says how many it has done.
    released: watch::Sender<usize>,
    progress: Arc<watch::Sender<Progress>>,
}

/// What has become of the call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Progress {
    /// How many acts were done.
    pub(super) done: usize,
    /// It came to its own end.
    pub(super) ended: bool,
    /// Its future is gone.
    pub(super) dropped: bool,
}

/// The other end of a [`Call`], as the tool holds it.
pub(super) struct Stage {
    pub(super) acts: mpsc::UnboundedReceiver<Act>,
    progress: Arc<watch::Sender<Progress>>,
    // Nobody may end the acts by dropping the call.
    _open: mpsc::UnboundedSender<Act>,
}

impl Call {
    pub(super) fn new(tool: Text, input: ToolInput, sink: ToolSink) -> (Self, Stage) {
        let (acts, receiver) = mpsc::unbounded_channel();
        let progress = Arc::<watch::Sender<Progress>>::default();
        let stage = Stage { acts: receiver, progress: Arc::clone(&progress), _open: acts.clone() };
        (Self { tool, input, sink, acts, released: watch::Sender::default(), progress }, stage)
    }

    /// The tool's name.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The arguments.
    #[must_use]
    pub fn arguments(&self) -> &Value {
        &self.input.arguments
    }

    /// What the embedder attached, as the tool sees it.
    #[must_use]
    pub fn context(&self) -> &HostContext {
        &self.input.context
    }

    /// Shows text.
    pub fn output(&self, text: impl Into<String>) -> &Self {
        self.act(Act::output(text))
    }

    /// Says how far the call is.
    pub fn progress(&self, progress: Value) -> &Self {
        self.act(Act::Progress(progress))
    }

    /// Shows so many pieces of so many bytes at once.
    pub fn flood(&self, pieces: usize, bytes: usize) -> &Self {
        self.act(Act::Flood { pieces, bytes })
    }

    /// Ends the call with this text.
    pub fn result(&self, text: impl Into<String>) {
        self.act(Act::result(text));
    }

    /// Ends the call with this output.
    pub fn finish(&self, output: ToolOutput) {
        self.act(Act::Finish(output));
    }

    /// Ends the call as failed, for this reason.
    pub fn fail(&self, why: impl Into<String>) {
        self.act(Act::Fail(why.into()));
    }

    /// Ends the call with this failure.
    pub fn fail_with(&self, failure: Failure) {
        self.act(Act::Failure(failure));
    }

    /// Panics inside the tool, in whoever polls it.
    pub fn panic(&self, message: impl Into<String>) {
        self.act(Act::Panic(message.into()));
    }

    /// Releases any act.
    pub fn act(&self, act: Act) -> &Self {
        // Counted before it can be done.
        self.released.send_modify(|released| *released += 1);
        let _ = self.acts.send(act);
        self
    }

    /// The sink of the call, as a tool would hold it that has left something running.
    #[must_use]
    pub fn sink(&self) -> &ToolSink {
        &self.sink
    }

    /// Whether the future of the call is gone, after its end or before.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.progress.borrow().dropped
    }

    /// Whether the future was dropped before the call came to its own end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let progress = *self.progress.borrow();
        progress.dropped && !progress.ended
    }

    /// Waits until the future of the call is gone. Dropping this wait is harmless.
    pub async fn dropped(&self) {
        self.wait_for(|progress| progress.dropped).await;
    }

    /// Waits until everything released so far was done. A call that has ended or whose future is
    /// gone counts as drained. Dropping this wait is harmless.
    pub async fn drained(&self) {
        let released = *self.released.borrow();
        self.wait_for(|it| it.done >= released || it.ended || it.dropped).await;
    }

    async fn wait_for(&self, reached: impl Fn(&Progress) -> bool) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.progress.subscribe().wait_for(|progress| reached(progress)).await;
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = *self.progress.borrow();
        f.debug_struct("Call")
            .field("tool", &self.tool)
            .field("arguments", &self.input.arguments)
            .field("progress", &progress)
            .finish_non_exhaustive()
    }
}

impl Stage {
    pub(super) fn done(&self) {
        self.progress.send_modify(|progress| progress.done += 1);
    }

    /// Said before it happens: after a panic nobody is left to say it.
    pub(super) fn ends(&self) {
        self.progress.send_modify(|progress| progress.ended = true);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.progress.send_modify(|progress| progress.dropped = true);
    }
}

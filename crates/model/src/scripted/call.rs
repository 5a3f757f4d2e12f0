//! One call of a scripted model, as the test holds it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use polychat_core::{
    event::FinishReason,
    ports::{ModelError, ModelRequest},
    tool::ToolCall,
};
use tokio::sync::watch;

use crate::step::Step;

/// One call: what was asked, and the hand that releases the answer.
///
/// Releasing never waits and works also when nobody listens any more. What is released after an
/// end (finish, error, panic) is never seen. Dropping the call without an end leaves the stream
/// hanging, like a provider that forgot us.
#[derive(Debug)]
pub struct Call {
    request: ModelRequest,
    channel: Arc<Channel>,
}

/// The stretch between a [`Call`] and its stream.
#[derive(Debug)]
pub(super) struct Channel {
    state: Mutex<State>,
    progress: watch::Sender<Progress>,
}

#[derive(Debug, Default)]
struct State {
    steps: VecDeque<Step>,
    waker: Option<Waker>,
}

/// What the caller has done with the stream.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// It took everything and came back for more.
    drained: bool,
    /// It saw the end.
    ended: bool,
    /// It dropped the stream.
    dropped: bool,
}

impl Call {
    pub(super) fn new(request: ModelRequest) -> Self {
        let channel = Channel { state: Mutex::default(), progress: watch::Sender::default() };
        Self { request, channel: Arc::new(channel) }
    }

    pub(super) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }

    /// What the model was given.
    #[must_use]
    pub fn request(&self) -> &ModelRequest {
        &self.request
    }

    /// The text of the last user message of the request; empty when there is none.
    #[must_use]
    pub fn last_user_text(&self) -> String {
        let last = self.request.messages.iter().rev().find(|message| message.is_user());
        last.map(|message| message.text()).unwrap_or_default()
    }

    /// Releases text.
    pub fn text(&self, text: impl Into<String>) -> &Self {
        self.step(Step::text(text))
    }

    /// Releases a piece of thinking aloud.
    pub fn reasoning(&self, text: impl Into<String>) -> &Self {
        self.step(Step::reasoning(text))
    }

    /// Releases a tool call.
    pub fn tool_call(&self, call: ToolCall) -> &Self {
        self.step(Step::tool_call(call))
    }

    /// Releases counts of tokens.
    pub fn usage(&self, input_tokens: u64, output_tokens: u64) -> &Self {
        self.step(Step::usage(input_tokens, output_tokens))
    }

    /// Releases the reason of the end; the end itself is [`finish`](Self::finish).
    pub fn reason(&self, reason: FinishReason) -> &Self {
        self.step(Step::reason(reason))
    }

    /// Ends the answer as complete.
    pub fn finish(&self) {
        self.step(Step::Finish);
    }

    /// Ends the answer with an error.
    pub fn fail(&self, error: ModelError) {
        self.step(Step::Error(error));
    }

    /// Panics inside the stream, in whoever polls it.
    pub fn panic(&self, message: impl Into<String>) {
        self.step(Step::Panic(message.into()));
    }

    /// Releases any step.
    pub fn step(&self, step: Step) -> &Self {
        self.channel.push(step);
        self
    }

    /// Whether the caller has dropped the stream, before or after its end.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.channel.progress.borrow().dropped
    }

    /// Whether the caller has dropped the stream before it saw an end.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let progress = self.channel.progress.borrow();
        progress.dropped && !progress.ended
    }

    /// Waits until the caller has dropped the stream. Dropping the future is harmless.
    pub async fn dropped(&self) {
        self.channel.wait_for(|progress| progress.dropped).await;
    }

    /// Waits until everything released so far was taken, and the caller has come back for more.
    ///
    /// So what was released has been worked on, as far as the caller works before it asks again. An
    /// ended or dropped stream counts as drained. Dropping the future is harmless.
    pub async fn drained(&self) {
        self.channel.wait_for(|progress| progress.drained || progress.dropped).await;
    }
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, step: Step) {
        let mut state = self.lock();
        state.steps.push_back(step);
        self.progress.send_modify(|progress| progress.drained = progress.ended);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next step; with none, the waker is kept, and the stream counts as drained.
    pub(super) fn pop(&self, waker: &Waker) -> Option<Step> {
        let mut state = self.lock();
        let step = state.steps.pop_front();
        if step.is_none() {
            state.waker = Some(waker.clone());
            self.progress.send_modify(|progress| progress.drained = true);
        }
        step
    }

    pub(super) fn end(&self) {
        let _state = self.lock();
        self.progress.send_modify(|progress| {
            progress.ended = true;
            progress.drained = true;
        });
    }

    pub(super) fn drop_stream(&self) {
        self.progress.send_modify(|progress| progress.dropped = true);
    }

    async fn wait_for(&self, reached: impl Fn(&Progress) -> bool) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.progress.subscribe().wait_for(|progress| reached(progress)).await;
    }
}

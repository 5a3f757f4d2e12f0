//! `ScriptedModel`: does what a test tells it, delta by delta.
//!
//! A test holds the [`Script`], and through it each [`Call`] that the code under test makes. It
//! needs no sleeps: [`Script::next_call`] waits for a call, [`Call::drained`] until everything
//! released was taken, [`Call::dropped`] until the caller gave it up.
//!
//! For tests only: steps and calls that nobody takes are kept without a bound.

mod call;
mod stream;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polychat_core::ports::{Model, ModelRequest, ModelStream};
use tokio::sync::Notify;

pub use call::Call;

use crate::step::{self, Step};

type Answer = dyn Fn(ModelRequest) -> Vec<Step> + Send + Sync;

/// A model that does what a test tells it.
///
/// ```
/// use futures_util::StreamExt;
/// use polychat_core::ports::{Model, ModelDelta, ModelRequest};
/// use polychat_model::ScriptedModel;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let (model, script) = ScriptedModel::new();
/// let mut answer = model.stream(ModelRequest::new(vec![]));
///
/// let call = script.next_call().await;
/// call.text("hel");
/// assert_eq!(answer.next().await.unwrap().unwrap(), ModelDelta::Text("hel".into()));
/// call.text("lo").finish();
/// assert_eq!(answer.next().await.unwrap().unwrap(), ModelDelta::Text("lo".into()));
/// assert!(answer.next().await.is_none());
/// # }
/// ```
#[derive(Clone)]
pub struct ScriptedModel(Source);

#[derive(Clone)]
enum Source {
    Script(Arc<Shared>),
    Answer(Arc<Answer>),
}

impl ScriptedModel {
    /// A model, and the script that releases its deltas. Clones of the model share the script.
    #[must_use]
    pub fn new() -> (Self, Script) {
        let shared = Arc::<Shared>::default();
        (Self(Source::Script(Arc::clone(&shared))), Script(shared))
    }

    /// A model that answers each request with the steps that `answer` gives for it.
    ///
    /// For properties and canaries, where nobody wants to release each delta. A panic in `answer`
    /// is a panic of the stream.
    ///
    /// ```
    /// use polychat_model::{ScriptedModel, Step};
    /// let parrot = ScriptedModel::answering(|request| {
    ///     let said = request.messages.last().map(|m| m.text()).unwrap_or_default();
    ///     vec![Step::text(said), Step::Yield, Step::text("!")]
    /// });
    /// # let _ = parrot;
    /// ```
    pub fn answering<F>(answer: F) -> Self
    where
        F: Fn(ModelRequest) -> Vec<Step> + Send + Sync + 'static,
    {
        Self(Source::Answer(Arc::new(answer)))
    }
}

impl Model for ScriptedModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        match &self.0 {
            Source::Script(shared) => shared.begin(request),
            Source::Answer(answer) => {
                let answer = Arc::clone(answer);
                // The function runs with the first poll, so its panic is one of the stream.
                let steps = std::iter::once_with(move || answer(request)).flatten();
                step::play(steps)
            }
        }
    }
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Script(_) => "ScriptedModel::new",
            Source::Answer(_) => "ScriptedModel::answering",
        })
    }
}

/// The other end of a [`ScriptedModel`]: where a test finds the calls. Clones share the calls.
///
/// Each call is handed out once. After the last script is gone, calls still begin, and hang.
#[derive(Debug, Clone)]
pub struct Script(Arc<Shared>);

impl Script {
    /// The oldest call that was not handed out yet; waits for one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes no call.
    pub async fn next_call(&self) -> Call {
        self.find(|_| true).await
    }

    /// The oldest call not handed out yet whose last user message is exactly `text`; waits for one.
    ///
    /// Many chats share one model: this finds the call of the chat that was asked `text`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes no call.
    pub async fn call_for(&self, text: &str) -> Call {
        self.find(|call| call.last_user_text() == text).await
    }

    /// The oldest call that was not handed out yet, if there is one.
    #[must_use]
    pub fn try_next_call(&self) -> Option<Call> {
        self.0.lock().waiting.pop_front()
    }

    /// How many calls have begun in all.
    #[must_use]
    pub fn calls_seen(&self) -> usize {
        self.0.lock().seen
    }

    /// How many calls have begun and were not dropped by their caller yet.
    #[must_use]
    pub fn calls_open(&self) -> usize {
        self.0.lock().open
    }

    async fn find(&self, wanted: impl Fn(&Call) -> bool) -> Call {
        loop {
            // Made before looking: it is woken by every call that begins from now on.
            let changed = self.0.changed.notified();
            if let Some(call) = self.0.take(&wanted) {
                return call;
            }
            changed.await;
        }
    }
}

/// What model, script and streams share.
#[derive(Debug, Default)]
struct Shared {
    calls: Mutex<Calls>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: VecDeque<Call>,
    seen: usize,
    open: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Calls> {
        // Nothing panics while it holds the lock.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(self: &Arc<Self>, request: ModelRequest) -> ModelStream {
        let call = Call::new(request);
        let stream = stream::Scripted::new(call.channel(), Arc::clone(self));
        let mut calls = self.lock();
        calls.waiting.push_back(call);
        calls.seen += 1;
        calls.open += 1;
        drop(calls);
        self.changed.notify_waiters();
        Box::pin(stream)
    }

    fn take(&self, wanted: impl Fn(&Call) -> bool) -> Option<Call> {
        let mut calls = self.lock();
        let place = calls.waiting.iter().position(wanted)?;
        calls.waiting.remove(place)
    }

    fn end(&self) {
        let mut calls = self.lock();
        calls.open = calls.open.saturating_sub(1);
    }
}

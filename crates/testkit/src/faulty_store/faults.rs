//! The handle by which a test plans faults, counts calls, and observes commits.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use polychat_core::{
    ChatId, Seq, Summary,
    ports::{Entry, Fence, LogKey},
};

use super::{AtOpen, Call, Commit, CommitKind, Fault, Gate};

type Observer = Arc<dyn Fn(&Commit) + Send + Sync>;

/// Plans the faults of a [`FaultyStore`](super::FaultyStore), for all logs or for one chat's.
///
/// Of several plans that fit a call, the one made first applies, and is used up by it.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
    chat: Option<ChatId>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    commits: AtomicU64,
    observer: Mutex<Option<Observer>>,
}

#[derive(Default)]
struct State {
    plans: Vec<Plan>,
    late: Vec<Late>,
    all_calls: HashMap<Call, u64>,
    chat_calls: HashMap<(ChatId, Call), u64>,
}

struct Plan {
    call: Call,
    /// `None` for every log.
    chat: Option<ChatId>,
    /// How often it still applies; `None` until it is cleared.
    left: Option<usize>,
    fault: Fault,
}

/// An append that has not landed yet.
pub(super) struct Late {
    pub(super) fence: Fence,
    pub(super) expected: Seq,
    pub(super) entries: Vec<Entry>,
    pub(super) summary: Option<Summary>,
    pub(super) at_open: AtOpen,
}

impl Faults {
    pub(super) fn of_all_logs(shared: Arc<Shared>) -> Self {
        Self { shared, chat: None }
    }

    /// The same handle, for the log of one chat only (in every world).
    #[must_use]
    pub fn for_chat(&self, chat: &ChatId) -> Self {
        Self { shared: Arc::clone(&self.shared), chat: Some(chat.clone()) }
    }

    /// The next `calls` calls of this sort go wrong like this.
    pub fn next(&self, call: Call, calls: usize, fault: Fault) {
        self.plan(call, Some(calls), fault);
    }

    /// Every call of this sort goes wrong like this, until [`Faults::clear`].
    pub fn every(&self, call: Call, fault: Fault) {
        self.plan(call, None, fault);
    }

    /// Every call of any sort is refused as unavailable, until [`Faults::clear`].
    pub fn outage(&self) {
        for call in Call::ALL {
            self.every(call, Fault::Unavailable);
        }
    }

    /// The next `calls` calls of this sort wait at the gate before they begin.
    #[must_use = "a gate that nobody holds never opens"]
    pub fn hang_next(&self, call: Call, calls: usize) -> Gate {
        let gate = Gate::closed();
        self.next(call, calls, Fault::HangBefore(gate.clone()));
        gate
    }

    /// Takes back every plan made for this scope; calls that hang go on hanging.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        match &self.chat {
            None => state.plans.clear(),
            Some(chat) => state.plans.retain(|plan| plan.chat.as_ref() != Some(chat)),
        }
    }

    /// How many calls of this sort came, those that went wrong included.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        let state = self.shared.state();
        let calls = match &self.chat {
            None => state.all_calls.get(&call),
            Some(chat) => state.chat_calls.get(&(chat.clone(), call)),
        };
        calls.copied().unwrap_or_default()
    }

    /// How many appends have not landed yet.
    #[must_use]
    pub fn late(&self) -> usize {
        let late = &self.shared.state().late;
        late.iter()
            .filter(|late| self.chat.is_none() || late.fence.key.chat() == self.chat.as_ref())
            .count()
    }

    /// Tells `observer` of every commit, before the caller of the store hears of it.
    ///
    /// There is one observer; a later one takes its place. It is called on the task that made the
    /// call, and must not call the store.
    pub fn observe(&self, observer: impl Fn(&Commit) + Send + Sync + 'static) {
        *lock(&self.shared.observer) = Some(Arc::new(observer));
    }

    fn plan(&self, call: Call, left: Option<usize>, fault: Fault) {
        let plan = Plan { call, chat: self.chat.clone(), left, fault };
        self.shared.state().plans.push(plan);
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("chat", &self.chat).finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Counts a call, and answers how it goes wrong.
    pub(super) fn arrive(&self, call: Call, chat: Option<&ChatId>) -> Option<Fault> {
        let mut state = self.state();
        *state.all_calls.entry(call).or_default() += 1;
        if let Some(chat) = chat {
            *state.chat_calls.entry((chat.clone(), call)).or_default() += 1;
        }
        state.plans.retain(|plan| plan.left != Some(0));
        let fits = |plan: &&mut Plan| {
            plan.call == call && (plan.chat.is_none() || plan.chat.as_ref() == chat)
        };
        let plan = state.plans.iter_mut().find(fits)?;
        if let Some(left) = &mut plan.left {
            *left -= 1;
        }
        Some(plan.fault.clone())
    }

    pub(super) fn keep_late(&self, late: Option<Late>) {
        self.state().late.extend(late);
    }

    pub(super) fn take_late(&self, which: impl Fn(&Late) -> bool) -> Vec<Late> {
        self.state().late.extract_if(.., |late| which(late)).collect()
    }

    /// Tells the observer, with the next number.
    pub(super) fn commit(&self, key: &LogKey, kind: CommitKind) {
        let observer = lock(&self.observer).clone();
        let order = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(observer) = observer {
            observer(&Commit { order, key: key.clone(), kind });
        }
    }
}

/// A lock that a planned panic poisoned is taken all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Where chats leave their calls, and the connection takes them.

use std::{
    collections::VecDeque,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{CallLimits, call::Ear};
use crate::{error::why, ipc::protocol::host::CallId};

/// One end is held by all models and tools of a host, the other by its connection.
pub(super) struct Line {
    pub(super) limits: CallLimits,
    /// Makes the ids of calls something that nobody guesses.
    key: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The connection has ended.
    closed: bool,
    /// Calls so far; the next one's number.
    begun: u64,
    /// Calls that have begun and whose end the connection does not know.
    running: usize,
    /// Those of them that the connection has not taken yet.
    waiting: VecDeque<Begun>,
    bytes_waiting: usize,
    /// Calls that it has taken, and that their chats have given up since.
    given_up: VecDeque<u64>,
    /// The connection's task.
    waker: Option<Waker>,
}

/// A call that is to be written.
pub(super) struct Begun {
    pub(super) number: u64,
    pub(super) id: CallId,
    pub(super) method: &'static str,
    pub(super) params: Box<RawValue>,
    pub(super) ear: Ear,
}

/// Why a call did not even begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotBegun {
    #[error("the host has gone")]
    Gone,
    #[error("{max} calls of this host run already")]
    TooMany { max: usize },
    #[error("more than {max} bytes wait for this host already")]
    Slow { max: usize },
    #[error("a request of {bytes} bytes, at most {max} are sent to a host")]
    TooLarge { bytes: usize, max: usize },
    #[error("the request has no form on the wire: {0}")]
    NoWireForm(String),
}

/// What the connection is to do next.
pub(super) enum Next {
    Write(Begun),
    GiveUp(u64),
}

impl Line {
    pub(super) fn new(limits: CallLimits) -> Self {
        Self { limits, key: RandomState::new(), state: Mutex::default() }
    }

    /// Begins a call. Dropping what it returns gives the call up.
    ///
    /// The request is written by whoever calls, so that a long history costs its own chat.
    pub(super) fn begin<P: Serialize>(
        self: &Arc<Self>,
        method: &'static str,
        ear: Ear,
        params: impl FnOnce(CallId) -> P,
    ) -> Result<Running, NotBegun> {
        let number = self.enter()?;
        // From here on the place in the line is given back whatever happens.
        let mut running = Running { line: Arc::clone(self), number, ended: false };
        let id = self.id(number);
        let params =
            to_raw_value(&params(id.clone())).map_err(|error| NotBegun::NoWireForm(why(&error)));
        match params.and_then(|params| self.wait(Begun { number, id, method, params, ear })) {
            Ok(()) => Ok(running),
            Err(declined) => {
                running.ended = true;
                self.ended();
                Err(declined)
            }
        }
    }

    /// A place for a call: its number.
    fn enter(&self) -> Result<u64, NotBegun> {
        let mut state = self.lock();
        if state.closed {
            return Err(NotBegun::Gone);
        }
        let max = self.limits.calls_max;
        if state.running >= max {
            return Err(NotBegun::TooMany { max });
        }
        state.running += 1;
        state.begun += 1;
        Ok(state.begun)
    }

    fn wait(&self, begun: Begun) -> Result<(), NotBegun> {
        let (bytes, max) = (begun.params.get().len(), self.limits.bytes_waiting_max);
        if bytes > max {
            return Err(NotBegun::TooLarge { bytes, max });
        }
        let mut state = self.lock();
        if state.closed {
            return Err(NotBegun::Gone);
        }
        if state.bytes_waiting.saturating_add(bytes) > max {
            return Err(NotBegun::Slow { max });
        }
        state.bytes_waiting += bytes;
        state.waiting.push_back(begun);
        wake(state);
        Ok(())
    }

    /// What is to be done next; with nothing, the waker is kept.
    pub(super) fn next(&self, waker: &Waker) -> Option<Next> {
        let mut state = self.lock();
        // What was given up goes first: it makes room.
        if let Some(number) = state.given_up.pop_front() {
            return Some(Next::GiveUp(number));
        }
        let Some(begun) = state.waiting.pop_front() else {
            match &mut state.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            return None;
        };
        state.bytes_waiting = state.bytes_waiting.saturating_sub(begun.params.get().len());
        Some(Next::Write(begun))
    }

    /// A call has ended, as far as the connection is concerned.
    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
    }

    /// The connection has ended: no call begins any more. Answers with those that were not taken.
    pub(super) fn close(&self) -> VecDeque<Begun> {
        let mut state = self.lock();
        state.closed = true;
        state.bytes_waiting = 0;
        std::mem::take(&mut state.waiting)
    }

    fn give_up(&self, number: u64) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let Some(place) = state.waiting.iter().position(|begun| begun.number == number) else {
            state.given_up.push_back(number);
            return wake(state);
        };
        // It was never written, so nobody needs to hear of it.
        let begun = state.waiting.remove(place);
        let bytes = begun.as_ref().map_or(0, |begun| begun.params.get().len());
        state.bytes_waiting = state.bytes_waiting.saturating_sub(bytes);
        state.running = state.running.saturating_sub(1);
        drop(state);
        drop(begun);
    }

    /// The number makes it unlike all others of this line, the rest hard to guess.
    fn id(&self, number: u64) -> CallId {
        CallId::new(format!("{number}-{:016x}", self.key.hash_one(number)))
    }

    /// Whether this is the id of that call.
    pub(super) fn is_id(&self, id: &str, number: u64) -> bool {
        self.id(number).as_str() == id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the connection's task, under no lock.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A call that runs. Dropping it before it has ended gives it up.
pub(super) struct Running {
    line: Arc<Line>,
    number: u64,
    ended: bool,
}

impl Running {
    /// The host has ended the call, or has gone.
    pub(super) fn has_ended(&mut self) {
        self.ended = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            self.line.give_up(self.number);
        }
    }
}

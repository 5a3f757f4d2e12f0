//! What of a chat outlives its actor: its feed, its lanes, and where its actor is now.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use polychat_core::{ChatId, Limits, Refusal, Seq, content::Text, ports::LogKey};

use crate::{actor::ChatRef, feed::Feed};

/// The entry of a chat in its world's directory.
pub struct Slot {
    /// The chat's log.
    pub key: LogKey,
    /// The chat.
    pub chat: ChatId,
    /// What watchers read; it survives restarts.
    pub feed: Arc<Feed>,
    /// The chat's own lanes.
    pub lanes: Arc<Lanes>,
    actor: Mutex<Option<ChatRef>>,
    /// Why the chat is not started again by itself.
    failure: Mutex<Option<Text>>,
    /// Whether the actor has nothing under way.
    resting: AtomicBool,
    /// When the actor last had something to do, in the world's ticks.
    last_used: AtomicU64,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("chat", &self.chat).finish_non_exhaustive()
    }
}

impl Slot {
    /// A slot for a chat whose log ends at `head`, as far as is known.
    #[must_use]
    pub fn new(key: LogKey, chat: ChatId, head: Seq, limits: &Limits) -> Self {
        Self {
            feed: Arc::new(Feed::new(chat.clone(), head, limits.into())),
            lanes: Arc::new(Lanes::of_chat(limits)),
            key,
            chat,
            actor: Mutex::new(None),
            failure: Mutex::new(None),
            resting: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
        }
    }

    /// The chat's actor, if it is live.
    #[must_use]
    pub fn actor(&self) -> Option<ChatRef> {
        self.lock().clone()
    }

    /// Whether no actor is live.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        self.lock().is_none()
    }

    /// Moves an actor in; earlier failures are forgotten.
    pub fn occupy(&self, actor: ChatRef) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // It has nothing to do until its first mail, which may never come.
        self.resting.store(true, Ordering::Relaxed);
        *self.lock() = Some(actor);
    }

    /// Moves the actor out: whoever comes now asks the world for another one.
    pub fn vacate(&self) {
        *self.lock() = None;
    }

    /// Moves out an actor that was found to be gone, unless another one has moved in.
    pub fn vacate_gone(&self, gone: &ChatRef) {
        let mut actor = self.lock();
        if actor.as_ref().is_some_and(|actor| actor.is_same(gone)) {
            *actor = None;
        }
    }

    /// Notes that the chat's actor is not started again by itself, and why.
    pub fn set_failed(&self, reason: Text) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    /// Why the chat's actor is not started again by itself, if that is so.
    #[must_use]
    pub fn failure(&self) -> Option<Text> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes whether the actor has nothing under way.
    pub fn set_resting(&self, resting: bool) {
        self.resting.store(resting, Ordering::Relaxed);
    }

    /// Whether the actor had nothing under way when it last looked. A hint: it decides itself.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Relaxed)
    }

    /// Notes that the chat is in use.
    pub fn touch(&self, tick: u64) {
        self.last_used.store(tick, Ordering::Relaxed);
    }

    /// When it was last in use.
    #[must_use]
    pub fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<ChatRef>> {
        self.actor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bounded ways in: one for everything, and one that stays open for what ends work.
#[derive(Debug)]
pub struct Lanes {
    scope: &'static str,
    common_max: usize,
    reserved_max: usize,
    common: AtomicUsize,
    reserved: AtomicUsize,
}

impl Lanes {
    /// The lanes of one chat.
    #[must_use]
    pub fn of_chat(limits: &Limits) -> Self {
        Self::new("chat", limits.chat_commands_in_flight_max, limits)
    }

    /// The lanes of a world.
    #[must_use]
    pub fn of_world(limits: &Limits) -> Self {
        Self::new("world", limits.world_commands_in_flight_max, limits)
    }

    fn new(scope: &'static str, common_max: usize, limits: &Limits) -> Self {
        Self {
            scope,
            common_max,
            reserved_max: limits.reserved_commands_in_flight_max,
            common: AtomicUsize::new(0),
            reserved: AtomicUsize::new(0),
        }
    }

    /// A place in the common lane.
    ///
    /// # Errors
    ///
    /// [`Refusal::Overloaded`] when it is full.
    pub fn enter(self: &Arc<Self>) -> Result<Place, Refusal> {
        if Self::take(&self.common, self.common_max) {
            return Ok(Place { lanes: Arc::clone(self), reserved: false });
        }
        Err(Refusal::Overloaded { scope: self.scope.into(), max: self.common_max })
    }

    /// A place in the common lane, or else in the reserved one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Overloaded`] when both are full.
    pub fn enter_reserved(self: &Arc<Self>) -> Result<Place, Refusal> {
        self.enter().or_else(|overloaded| {
            if Self::take(&self.reserved, self.reserved_max) {
                Ok(Place { lanes: Arc::clone(self), reserved: true })
            } else {
                Err(overloaded)
            }
        })
    }

    fn take(lane: &AtomicUsize, max: usize) -> bool {
        lane.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
            (taken < max).then_some(taken + 1)
        })
        .is_ok()
    }
}

/// A place in a lane, given back when it goes.
#[derive(Debug)]
pub struct Place {
    lanes: Arc<Lanes>,
    reserved: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let lane = if self.reserved { &self.lanes.reserved } else { &self.lanes.common };
        lane.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The places that one command holds: of its world and of its chat.
#[derive(Debug)]
pub struct Places {
    /// Of the world.
    pub world: Place,
    /// Of the chat.
    pub chat: Place,
}

//! The bound on a world's running turns: first come, first served, by chat.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Lets at most so many turns of a world run at once.
pub struct TurnGate {
    places: Arc<Semaphore>,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    running: AtomicUsize,
    none_left: Notify,
}

/// A place among the running turns. Clones share it; it is given back when the last one goes, so a
/// task that lingers after its turn ended still counts.
#[derive(Clone)]
pub struct TurnPermit(Arc<Place>);

/// A place that was given back, and may still be held by work that is under way.
#[derive(Default)]
pub struct LeftPlace(Weak<Place>);

struct Place {
    count: Arc<Count>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.count.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.count.none_left.notify_waiters();
        }
    }
}

impl TurnGate {
    /// A gate with this many places.
    #[must_use]
    pub fn new(turns_running_max: usize) -> Self {
        let places = turns_running_max.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), count: Arc::default() }
    }

    /// A place, if one is free and nobody waits for it.
    #[must_use]
    pub fn try_enter(&self) -> Option<TurnPermit> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(TurnPermit::new(&self.count, permit))
    }

    /// Whether nobody waits: a chat that has a place may keep it for its next turn.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        !self.places.is_closed() && self.places.available_permits() > 0
    }

    /// Waits for a place, in order of arrival. `None` once the gate is closed.
    pub fn enter(&self) -> impl Future<Output = Option<TurnPermit>> + Send + 'static {
        let (places, count) = (Arc::clone(&self.places), Arc::clone(&self.count));
        async move {
            let permit = places.acquire_owned().await.ok()?;
            Some(TurnPermit::new(&count, permit))
        }
    }

    /// Lets no turn in any more. Those that run go on.
    pub fn close(&self) {
        self.places.close();
    }

    /// How many turns run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.count.running.load(Ordering::Acquire)
    }

    /// Waits until no turn runs.
    pub async fn empty(&self) {
        loop {
            let none_left = self.count.none_left.notified();
            if self.running() == 0 {
                return;
            }
            none_left.await;
        }
    }
}

impl TurnPermit {
    fn new(count: &Arc<Count>, permit: OwnedSemaphorePermit) -> Self {
        count.running.fetch_add(1, Ordering::AcqRel);
        Self(Arc::new(Place { count: Arc::clone(count), _permit: permit }))
    }

    /// Gives this share of the place back.
    #[must_use]
    pub fn leave(self) -> LeftPlace {
        LeftPlace(Arc::downgrade(&self.0))
    }
}

impl LeftPlace {
    /// A share of the same place, if somebody still holds it.
    #[must_use]
    pub fn again(&self) -> Option<TurnPermit> {
        self.0.upgrade().map(TurnPermit)
    }
}

//! Room for answers that wait to be written.
//!
//! A client that does not read leaves its answers lying here. What changes something is answered in
//! a few bytes; what only reads may be answered in many, so that has to find room. One that finds
//! none lets its answer go, waits, and reads again: nothing is refused, and nothing is kept.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The room of one connection. Dropping it ends those who wait for some.
pub(super) struct Answers {
    room: Room,
}

impl Answers {
    /// Room for so many bytes. An answer with more takes all of it.
    pub(super) fn new(bytes_max: usize) -> Self {
        let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
        let free = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { room: Room { free: Arc::new(Semaphore::new(free)), bytes_max } }
    }

    /// The same, for a request that runs.
    pub(super) fn room(&self) -> Room {
        self.room.clone()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        // Nobody hears an answer any more.
        self.room.free.close();
    }
}

/// Where a request finds room for its answer.
#[derive(Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    bytes_max: u32,
}

impl Room {
    /// Room for an answer, if there is some and nobody waits for it.
    pub(super) fn try_hold(&self, bytes: usize) -> Option<Held> {
        let held = Arc::clone(&self.free).try_acquire_many_owned(self.share(bytes));
        held.ok().map(Held)
    }

    /// Waits for room in order of arrival; `None` once the connection has gone.
    pub(super) async fn hold(&self, bytes: usize) -> Option<Held> {
        Arc::clone(&self.free).acquire_many_owned(self.share(bytes)).await.ok().map(Held)
    }

    /// Whether what is held is enough for an answer; makes it so if there is room.
    pub(super) fn try_extend(&self, held: &mut Held, bytes: usize) -> bool {
        let missing = u64::from(self.share(bytes)).saturating_sub(held.bytes());
        let missing = usize::try_from(missing).unwrap_or(usize::MAX);
        let Some(Held(more)) = self.try_hold(missing) else { return false };
        held.0.merge(more);
        true
    }

    fn share(&self, bytes: usize) -> u32 {
        u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max)
    }
}

/// Room that is held until the answer is written.
pub(super) struct Held(OwnedSemaphorePermit);

impl Held {
    fn bytes(&self) -> u64 {
        u64::try_from(self.0.num_permits()).unwrap_or(u64::MAX)
    }
}

//! A store that fails at its n-th call, whichever that is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use polychat::{
    Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::state_machine::rig::Above;

/// Fails once. What it passes on goes to stores that fail as they are told, so the fault it tells
/// them of is met by that very call.
pub(super) struct Nth {
    above: Above,
    /// Which call fails, counted from 1.
    n: u64,
    fault: Fault,
    calls: AtomicU64,
    reached: Arc<AtomicBool>,
}

impl Nth {
    pub(super) fn new(above: Above, n: u64, fault: Fault, reached: Arc<AtomicBool>) -> Self {
        Self { above, n, fault, calls: AtomicU64::new(0), reached }
    }

    fn arrive(&self, call: Call) {
        if self.above.over.load(Ordering::SeqCst) {
            return;
        }
        if self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.n {
            self.reached.store(true, Ordering::SeqCst);
            self.above.met.store(true, Ordering::SeqCst);
            // Reads are recorded beneath, and fail above the record.
            let faults = match call {
                Call::Open | Call::Append | Call::Delete => &self.above.writing,
                Call::Read | Call::Summary | Call::List => &self.above.reading,
            };
            faults.next(call, 1, self.fault.clone());
        }
    }
}

#[async_trait]
impl Store for Nth {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        self.arrive(Call::Open);
        self.above.store.open(key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.arrive(Call::Append);
        self.above.store.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.arrive(Call::Read);
        self.above.store.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.arrive(Call::Summary);
        self.above.store.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.arrive(Call::List);
        self.above.store.list(world, page).await
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.arrive(Call::List);
        self.above.store.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.arrive(Call::Delete);
        self.above.store.delete(fence).await
    }
}

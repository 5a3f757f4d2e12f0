//! A store that fails on request: fault injection between a world and any real store.
//!
//! Tests stand on it; it stands on the [`Store`] port alone. Nothing here waits for time or
//! chance: a call fails because a test planned it, and a call that hangs waits at a [`Gate`] that
//! the test opens.
//!
//! ```
//! use std::sync::Arc;
//! use polychat_core::ports::{OpenMode, Store, StoreErrorKind};
//! use polychat_store::MemoryStore;
//! use polychat_testkit::faulty_store::{Call, Fault, FaultyStore};
//! # use polychat_core::ports::LogKey;
//! # use polychat_testkit::samples::{chat_id, world_id};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let store = FaultyStore::around(Arc::new(MemoryStore::new()));
//! store.faults().for_chat(&chat_id("a")).next(Call::Open, 1, Fault::Unavailable);
//!
//! let key = LogKey::Chat(world_id("w"), chat_id("a"));
//! let first = store.open(&key, OpenMode::Create).await;
//! assert_eq!(first.map_err(|error| error.kind), Err(StoreErrorKind::Unavailable));
//! assert!(store.open(&key, OpenMode::Create).await.is_ok());
//! # }
//! ```

mod commit;
mod fault;
mod faults;
mod gate;

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use polychat_core::{
    ChatId, Recorded, Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};

use self::faults::{Late, Shared};

pub use self::{
    commit::{Commit, CommitKind},
    fault::{AtOpen, Call, Fault},
    faults::Faults,
    gate::Gate,
};

/// A store around another one, whose faults a test plans through [`Faults`].
///
/// Without a planned fault every call goes through unchanged.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    shared: Arc<Shared>,
}

impl FaultyStore {
    /// A store that passes everything on to `inner`.
    #[must_use]
    pub fn around(inner: Arc<dyn Store>) -> Self {
        Self { inner, shared: Arc::default() }
    }

    /// The handle by which a test plans faults, counts calls and observes commits.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults::of_all_logs(Arc::clone(&self.shared))
    }

    /// Lands the appends that are late, as a slow medium would at some moment of its own.
    ///
    /// Those that the store refuses by now, for example because of their fence, are dropped.
    pub async fn land_late(&self) {
        self.land(self.shared.take_late(|_| true)).await;
    }

    async fn land_late_of(&self, key: &LogKey) {
        self.land(self.shared.take_late(|late| late.fence.key == *key)).await;
    }

    async fn settle_late_of(&self, key: &LogKey) {
        let mut late = self.shared.take_late(|late| late.fence.key == *key);
        late.retain(|late| late.at_open == AtOpen::Lands);
        self.land(late).await;
    }

    async fn land(&self, late: Vec<Late>) {
        for late in late {
            let Late { fence, expected, entries, summary, .. } = late;
            if self.inner.append(&fence, expected, &entries, summary.as_ref()).await.is_ok() {
                self.shared.commit(&fence.key, CommitKind::Landed { entries });
            }
        }
    }

    /// A call that is no append, through this fault.
    async fn through<T>(
        &self,
        fault: Option<&Fault>,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match fault {
            Some(Fault::Unavailable | Fault::RequestLost | Fault::Late(_)) => {
                Err(injected(StoreErrorKind::Unavailable))
            }
            Some(Fault::Full) => Err(injected(StoreErrorKind::Full)),
            Some(Fault::Corrupt(seq)) => Err(injected(StoreErrorKind::Corrupt { seq: *seq })),
            Some(Fault::Panic) => panic_as_planned(),
            Some(Fault::AnswerLost) => {
                // The caller would not learn of an error either.
                let _ = call.await;
                Err(injected(StoreErrorKind::Unavailable))
            }
            Some(Fault::HangBefore(gate)) => {
                gate.pass().await;
                call.await
            }
            Some(Fault::HangAfter(gate)) => {
                let answer = call.await;
                gate.pass().await;
                answer
            }
            Some(Fault::Foreign(_) | Fault::Gap(_)) | None => call.await,
        }
    }

    async fn append_inner(&self, batch: &Batch<'_>) -> Result<(), AppendError> {
        self.inner.append(batch.fence, batch.expected, batch.entries, batch.summary).await
    }

    async fn append_through(
        &self,
        fault: Option<Fault>,
        batch: &Batch<'_>,
    ) -> Result<(), AppendError> {
        let key = &batch.fence.key;
        match fault {
            Some(Fault::Unavailable) => {
                Err(AppendError::Rejected(injected(StoreErrorKind::Unavailable)))
            }
            Some(Fault::Full) => Err(AppendError::Rejected(injected(StoreErrorKind::Full))),
            Some(Fault::Panic) => panic_as_planned(),
            Some(Fault::RequestLost | Fault::Late(_)) => Err(ambiguous()),
            Some(Fault::AnswerLost) => {
                if self.append_inner(batch).await.is_ok() {
                    self.shared.commit(key, batch.landed());
                }
                Err(ambiguous())
            }
            Some(Fault::HangBefore(gate)) => {
                gate.pass().await;
                self.append_inner(batch).await
            }
            Some(Fault::HangAfter(gate)) => {
                let answer = self.append_inner(batch).await;
                if answer.is_ok() {
                    self.shared.commit(key, batch.landed());
                }
                gate.pass().await;
                answer
            }
            Some(Fault::Foreign(_) | Fault::Corrupt(_) | Fault::Gap(_)) | None => {
                self.append_inner(batch).await
            }
        }
    }
}

/// The arguments of one append.
struct Batch<'a> {
    fence: &'a Fence,
    expected: Seq,
    entries: &'a [Entry],
    summary: Option<&'a Summary>,
}

impl Batch<'_> {
    fn landed(&self) -> CommitKind {
        CommitKind::Landed { entries: self.entries.to_vec() }
    }

    fn late(&self, at_open: AtOpen) -> Late {
        Late {
            fence: self.fence.clone(),
            expected: self.expected,
            entries: self.entries.to_vec(),
            summary: self.summary.cloned(),
            at_open,
        }
    }
}

fn injected(kind: StoreErrorKind) -> StoreError {
    StoreError::new(kind, "a test asked for this fault")
}

fn ambiguous() -> AppendError {
    AppendError::Ambiguous(injected(StoreErrorKind::Unavailable))
}

#[expect(clippy::panic, reason = "the fault that the test asked for")]
fn panic_as_planned() -> ! {
    panic!("a test asked the store to panic")
}

#[async_trait]
impl Store for FaultyStore {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        let fault = self.shared.arrive(Call::Open, key.chat());
        let open = async {
            self.settle_late_of(key).await;
            self.inner.open(key, mode).await
        };
        let (fence, head) = self.through(fault.as_ref(), open).await?;
        self.shared.commit(key, CommitKind::Opened { epoch: fence.epoch, head });
        Ok((fence, head))
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        let fault = self.shared.arrive(Call::Append, fence.key.chat());
        let batch = Batch { fence, expected, entries, summary };
        let newly_late = match fault {
            Some(Fault::Late(at_open)) => Some(batch.late(at_open)),
            _ => None,
        };
        let answer = self.append_through(fault, &batch).await;
        if answer.is_ok() {
            let entries = entries.to_vec();
            self.shared.commit(&fence.key, CommitKind::Acknowledged { entries });
        }
        // What was late before this call lands after it; what became late by it, later.
        self.land_late_of(&fence.key).await;
        self.shared.keep_late(newly_late);
        answer
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let fault = self.shared.arrive(Call::Read, key.chat());
        // A damaged entry harms only reads that come past it.
        let past = |seq: Seq| seq > after && seq.since(after) <= limit as u64;
        let fault = fault.filter(|fault| !matches!(fault, Fault::Corrupt(seq) if !past(*seq)));
        let answer = self.through(fault.as_ref(), self.inner.read(key, after, limit)).await;
        self.land_late_of(key).await;
        let mut entries = answer?;
        match fault {
            Some(Fault::Foreign(chat)) => {
                if let Some(Entry::Chat(recorded)) = entries.first_mut() {
                    *recorded = Arc::new(Recorded { chat_id: chat, ..(**recorded).clone() });
                }
            }
            Some(Fault::Gap(seq)) => entries.retain(|entry| entry.seq() != seq),
            _ => {}
        }
        Ok(entries)
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        let fault = self.shared.arrive(Call::Summary, key.chat());
        let answer = self.through(fault.as_ref(), self.inner.summary(key)).await;
        self.land_late_of(key).await;
        let mut summary = answer?;
        name_foreign(fault, Some(&mut summary));
        Ok(summary)
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let fault = self.shared.arrive(Call::List, None);
        let mut summaries = self.through(fault.as_ref(), self.inner.list(world, page)).await?;
        name_foreign(fault, summaries.first_mut());
        Ok(summaries)
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        let fault = self.shared.arrive(Call::List, None);
        self.through(fault.as_ref(), self.inner.worlds(page)).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        let fault = self.shared.arrive(Call::Delete, fence.key.chat());
        let delete = async {
            self.inner.delete(fence).await?;
            self.shared.commit(&fence.key, CommitKind::Deleted);
            Ok(())
        };
        let answer = self.through(fault.as_ref(), delete).await;
        self.land_late_of(&fence.key).await;
        answer
    }
}

fn name_foreign(fault: Option<Fault>, summary: Option<&mut Summary>) {
    let foreign: Option<ChatId> = match fault {
        Some(Fault::Foreign(chat)) => Some(chat),
        _ => None,
    };
    if let (Some(chat), Some(summary)) = (foreign, summary) {
        summary.chat_id = chat;
    }
}

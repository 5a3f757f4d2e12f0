//! The plainest store: one lock, one list, every rule one line that can be left out.

mod state;

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use polychat_core::{
    Event, Metadata, Recorded, Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};
use tokio::task::yield_now;

use self::state::{Batch, State, no};
use super::Wrong;
use crate::samples;

/// How often a wrong store lets others run where it should not.
const LAPSE: usize = 8;

/// A store that is plain to read, slow, and wrong in one way at most.
///
/// ```
/// use polychat_testkit::wrong_stores::{NaiveStore, Wrong};
/// let _model = NaiveStore::right();
/// let _wrong = NaiveStore::new(Wrong::ReusesSeqs);
/// ```
#[derive(Debug)]
pub struct NaiveStore {
    wrong: Wrong,
    state: Mutex<State>,
    /// Held across an append by the store that should not.
    turn: tokio::sync::Mutex<()>,
}

impl NaiveStore {
    /// A store that breaks this promise.
    #[must_use]
    pub fn new(wrong: Wrong) -> Self {
        Self { wrong, state: Mutex::new(State::new(wrong)), turn: tokio::sync::Mutex::default() }
    }

    /// A store that keeps every promise.
    #[must_use]
    pub fn right() -> Self {
        Self::new(Wrong::Nothing)
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the log of a key is kept.
    fn place(&self, key: &LogKey) -> LogKey {
        match key {
            LogKey::Chat(_, chat) if self.is(Wrong::ForgetsWorldInKeys) => {
                LogKey::Chat(samples::world_id("any"), chat.clone())
            }
            LogKey::World(world) if self.is(Wrong::MixesWorldAndChat) => {
                LogKey::Chat(world.clone(), samples::chat_id(world.as_str()))
            }
            LogKey::World(_) | LogKey::Chat(..) => key.clone(),
        }
    }

    /// Lets others run in the middle of an append.
    async fn lapse(&self) {
        for _ in 0..LAPSE {
            yield_now().await;
        }
    }

    async fn append_batch(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        match self.wrong {
            Wrong::ChecksFenceTooEarly => {
                self.state().check_fence(batch)?;
                self.lapse().await;
                let mut state = self.state();
                state.check_batch(batch)?;
                state.store(batch);
            }
            Wrong::ChecksHeadTooEarly => {
                self.state().check_batch(batch)?;
                self.lapse().await;
                let mut state = self.state();
                state.check_fence(batch)?;
                state.store(batch);
            }
            Wrong::ShowsHalfABatch => {
                let (first, rest) = batch.split();
                self.state().check(batch)?;
                self.state().store(&first);
                self.lapse().await;
                self.state().store(&rest);
            }
            Wrong::KeepsHalfOfADroppedBatch => {
                self.state().check(batch)?;
                let mut half = HalfWhenDropped { store: self, batch: Some(batch.split().0) };
                self.lapse().await;
                half.batch = None;
                self.state().append(batch)?;
            }
            Wrong::MixesUnderLoad => {
                self.state().check(batch)?;
                self.state().staged = batch.entries.to_vec();
                self.lapse().await;
                let staged = std::mem::take(&mut self.state().staged);
                self.state().store(&Batch { entries: &staged, ..batch.clone() });
            }
            Wrong::WaitsForNeighbours => {
                let _turn = self.turn.lock().await;
                self.lapse().await;
                self.state().append(batch)?;
            }
            _ => self.state().append(batch)?,
        }
        Ok(())
    }
}

/// Stores the first half of a batch when its append is dropped.
struct HalfWhenDropped<'a> {
    store: &'a NaiveStore,
    batch: Option<Batch<'a>>,
}

impl Drop for HalfWhenDropped<'_> {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.store.state().store(&batch);
        }
    }
}

#[async_trait]
impl Store for NaiveStore {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        let (epoch, head) = self.state().open(&self.place(key), mode)?;
        Ok((Fence { key: key.clone(), epoch }, head))
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        let (key, chat) = (self.place(&fence.key), fence.key.chat());
        let batch = Batch { key: &key, chat, epoch: fence.epoch, expected, entries, summary };
        if self.is(Wrong::FailsTogether) && self.state().failed {
            return no(StoreErrorKind::Unavailable).map_err(AppendError::Rejected);
        }
        let appended = self.append_batch(&batch).await;
        self.state().failed |= appended.is_err();
        appended.map_err(AppendError::Rejected)
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut state = self.state();
        let log = state.existing(&self.place(key))?;
        if self.is(Wrong::FailsBeyondHead) && after > log.head() {
            return no(StoreErrorKind::NotFound);
        }
        let skipped = usize::from(self.is(Wrong::SkipsAtPages) && after > Seq::ZERO);
        let limit = match self.wrong {
            Wrong::IgnoresReadLimit => usize::MAX,
            Wrong::ReadsShort => limit.saturating_sub(1),
            _ => limit,
        };
        let start = usize::try_from(after.get()).unwrap_or(usize::MAX);
        let entries = log.entries.iter().skip(start).skip(skipped).take(limit);
        let changed = self.is(Wrong::LosesMetadata);
        Ok(entries
            .map(|entry| if changed { without_metadata(entry) } else { entry.clone() })
            .collect())
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        let mut state = self.state();
        let summary = state.existing(&self.place(key))?.summary.clone();
        summary.map_or_else(|| no(StoreErrorKind::NotFound), Ok)
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        Ok(self.state().list(world, page))
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        Ok(self.state().worlds(page))
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.state().delete(&self.place(&fence.key), fence.epoch)
    }
}

fn without_metadata(entry: &Entry) -> Entry {
    let Entry::Chat(recorded) = entry else { return entry.clone() };
    let mut event = recorded.event.clone();
    if let Event::PromptAccepted { body, .. } = &mut event {
        body.metadata = Metadata::NONE;
    }
    Entry::Chat(std::sync::Arc::new(Recorded { event, ..(**recorded).clone() }))
}

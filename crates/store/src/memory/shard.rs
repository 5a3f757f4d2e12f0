//! A shard: some of the logs and tombstones of a [`MemoryStore`](super::MemoryStore).
//!
//! The rules of opening, fencing and deleting stand here, without locks and without async.

use std::collections::{BTreeMap, HashMap};

use polychat_core::{
    Epoch, Seq, Summary,
    ports::{Entry, Fence, Head, LogKey, OpenMode, StoreError},
};

use super::log::Log;
use crate::check::{deleted, exists, fenced, not_found};

/// How many logs of one shard may be opened for creation and still wait for their first append.
///
/// The one that waits longest gives way: its creator is fenced. So creators that never append
/// leave nothing that grows.
const UNBORN_MAX: usize = 1_024;

#[derive(Default)]
pub(super) struct Shard {
    slots: HashMap<LogKey, Slot>,
    /// The slots that are [`Slot::Unborn`], oldest first.
    unborn: BTreeMap<Epoch, LogKey>,
}

/// What is known of one key.
enum Slot {
    /// Opened for creation; for everyone but its creator it does not exist.
    Unborn { epoch: Epoch },
    /// It has entries.
    Live { epoch: Epoch, log: Log },
    /// It had entries. The epoch tells the one who deleted it from older openers.
    Deleted { epoch: Epoch },
}

/// Whether an append made the log exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    First,
    Further,
}

impl Shard {
    pub(super) fn open(
        &mut self,
        key: &LogKey,
        mode: OpenMode,
        epoch: Epoch,
    ) -> Result<Head, StoreError> {
        match (self.slots.get_mut(key), mode) {
            (Some(Slot::Deleted { .. }), _) => Err(deleted()),
            (Some(Slot::Live { .. }), OpenMode::Create) => Err(exists()),
            (Some(Slot::Live { epoch: held, log }), OpenMode::Existing) => {
                *held = epoch;
                Ok(log.head())
            }
            (Some(Slot::Unborn { .. }) | None, OpenMode::Existing) => Err(not_found()),
            (Some(Slot::Unborn { epoch: held }), OpenMode::Create) => {
                self.unborn.remove(held);
                *held = epoch;
                self.unborn.insert(epoch, key.clone());
                Ok(Seq::ZERO)
            }
            (None, OpenMode::Create) => {
                self.forget_oldest_unborn();
                self.slots.insert(key.clone(), Slot::Unborn { epoch });
                self.unborn.insert(epoch, key.clone());
                Ok(Seq::ZERO)
            }
        }
    }

    fn forget_oldest_unborn(&mut self) {
        if self.unborn.len() >= UNBORN_MAX
            && let Some((_, key)) = self.unborn.pop_first()
        {
            self.slots.remove(&key);
        }
    }

    pub(super) fn append(
        &mut self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<Appended, StoreError> {
        match self.slots.get_mut(&fence.key) {
            Some(Slot::Deleted { .. }) => Err(deleted()),
            Some(Slot::Live { epoch, log }) if *epoch == fence.epoch => {
                log.append(fence.key.chat(), expected, entries, summary)?;
                Ok(Appended::Further)
            }
            Some(slot @ Slot::Unborn { .. }) if slot.epoch() == fence.epoch => {
                let mut log = Log::new(&fence.key);
                log.append(fence.key.chat(), expected, entries, summary)?;
                if log.head() == Seq::ZERO {
                    // An append of nothing creates nothing.
                    return Ok(Appended::Further);
                }
                *slot = Slot::Live { epoch: fence.epoch, log };
                self.unborn.remove(&fence.epoch);
                Ok(Appended::First)
            }
            Some(Slot::Live { .. } | Slot::Unborn { .. }) | None => Err(fenced()),
        }
    }

    pub(super) fn read(
        &self,
        key: &LogKey,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        Ok(self.log(key)?.read(after, limit))
    }

    pub(super) fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.log(key)?.summary().cloned().ok_or_else(not_found)
    }

    fn log(&self, key: &LogKey) -> Result<&Log, StoreError> {
        match self.slots.get(key) {
            Some(Slot::Live { log, .. }) => Ok(log),
            Some(Slot::Deleted { .. }) => Err(deleted()),
            Some(Slot::Unborn { .. }) | None => Err(not_found()),
        }
    }

    /// Leaves a tombstone; returns the log, for the caller to free outside its lock.
    pub(super) fn delete(&mut self, fence: &Fence) -> Result<Option<Log>, StoreError> {
        let Some(slot) = self.slots.get_mut(&fence.key) else { return Err(fenced()) };
        if slot.epoch() != fence.epoch {
            return Err(fenced());
        }
        match std::mem::replace(slot, Slot::Deleted { epoch: fence.epoch }) {
            Slot::Live { log, .. } => Ok(Some(log)),
            Slot::Unborn { epoch } => {
                self.unborn.remove(&epoch);
                Ok(None)
            }
            Slot::Deleted { .. } => Ok(None),
        }
    }
}

impl Slot {
    fn epoch(&self) -> Epoch {
        match self {
            Self::Unborn { epoch } | Self::Live { epoch, .. } | Self::Deleted { epoch } => *epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polychat_core::{ChatId, WorldId, ports::StoreErrorKind};

    fn key(chat: usize) -> LogKey {
        let world = WorldId::new("w").unwrap();
        LogKey::Chat(world, ChatId::new(format!("c{chat}")).unwrap())
    }

    // law 7
    #[test]
    fn creators_that_never_append_leave_nothing_that_grows() {
        let mut shard = Shard::default();
        for n in 0..3 * UNBORN_MAX {
            shard.open(&key(n), OpenMode::Create, Epoch(n as u64 + 1)).unwrap();
        }
        assert_eq!(shard.slots.len(), UNBORN_MAX);
        assert_eq!(shard.unborn.len(), UNBORN_MAX);
        let oldest = Fence { key: key(0), epoch: Epoch(1) };
        let late = shard.append(&oldest, Seq::ZERO, &[], None);
        assert_eq!(late.unwrap_err().kind, StoreErrorKind::Fenced);
    }

    #[test]
    fn creating_the_same_log_again_and_again_takes_one_slot() {
        let mut shard = Shard::default();
        for n in 1..10 {
            shard.open(&key(0), OpenMode::Create, Epoch(n)).unwrap();
        }
        assert_eq!((shard.slots.len(), shard.unborn.len()), (1, 1));
    }
}

//! One log in memory: its entries, and the chat's summary as of the last of them.
//!
//! An append is checked whole before anything of it is stored.

use std::{ops::Range, sync::Arc};

use polychat_core::{
    ChatId, Recorded, Seq, Summary,
    ports::{Entry, Head, LogKey, StoreError},
    world::WorldRecorded,
};

use crate::check::{check, wrong_head};

/// A log holds one sort of entry, so each costs one pointer.
pub(super) enum Log {
    Chat { entries: Vec<Arc<Recorded>>, summary: Option<Box<Summary>> },
    World { entries: Vec<Arc<WorldRecorded>> },
}

impl Log {
    pub(super) fn new(key: &LogKey) -> Self {
        match key {
            LogKey::Chat(..) => Self::Chat { entries: Vec::new(), summary: None },
            LogKey::World(_) => Self::World { entries: Vec::new() },
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Chat { entries, .. } => entries.len(),
            Self::World { entries } => entries.len(),
        }
    }

    pub(super) fn head(&self) -> Head {
        // Gap-free from 1: the head is the number of entries.
        Seq::ZERO.plus(u64::try_from(self.len()).unwrap_or(u64::MAX))
    }

    pub(super) fn summary(&self) -> Option<&Summary> {
        match self {
            Self::Chat { summary, .. } => summary.as_deref(),
            Self::World { .. } => None,
        }
    }

    pub(super) fn append(
        &mut self,
        chat: Option<&ChatId>,
        expected: Seq,
        new: &[Entry],
        new_summary: Option<&Summary>,
    ) -> Result<(), StoreError> {
        if expected != self.head() {
            return Err(wrong_head(self.head(), expected));
        }
        check(chat, expected, new, new_summary)?;
        match self {
            Self::Chat { entries, summary } => {
                entries.reserve(new.len());
                entries.extend(new.iter().filter_map(|entry| match entry {
                    Entry::Chat(recorded) => Some(Arc::clone(recorded)),
                    Entry::World(_) => None,
                }));
                if let Some(new_summary) = new_summary.filter(|_| !new.is_empty()) {
                    *summary = Some(Box::new(new_summary.clone()));
                }
            }
            Self::World { entries } => {
                entries.extend(new.iter().filter_map(|entry| match entry {
                    Entry::World(recorded) => Some(Arc::clone(recorded)),
                    Entry::Chat(_) => None,
                }));
            }
        }
        Ok(())
    }

    pub(super) fn read(&self, after: Seq, limit: usize) -> Vec<Entry> {
        let start = usize::try_from(after.get()).unwrap_or(usize::MAX).min(self.len());
        let range = start..start.saturating_add(limit).min(self.len());
        match self {
            Self::Chat { entries, .. } => copy(entries, range, Entry::Chat),
            Self::World { entries } => copy(entries, range, Entry::World),
        }
    }
}

fn copy<T>(from: &[Arc<T>], range: Range<usize>, entry: fn(Arc<T>) -> Entry) -> Vec<Entry> {
    from.get(range).unwrap_or_default().iter().map(|shared| entry(Arc::clone(shared))).collect()
}

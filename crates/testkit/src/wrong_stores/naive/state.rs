//! What a [`NaiveStore`](super::NaiveStore) knows, and its rules.

use polychat_core::{
    ChatId, Epoch, Seq, Summary, WorldId,
    command::Page,
    ports::{Entry, Head, LogKey, OpenMode, StoreError, StoreErrorKind},
};

use crate::{samples, wrong_stores::Wrong};

#[derive(Debug)]
pub(super) struct State {
    wrong: Wrong,
    /// In the order in which they were first opened, which no list may show.
    logs: Vec<(LogKey, Log)>,
    epochs: u64,
    /// Whether any append was refused yet.
    pub(super) failed: bool,
    /// A batch on its way, in the one place that all logs share.
    pub(super) staged: Vec<Entry>,
}

#[derive(Debug, Default)]
pub(super) struct Log {
    epoch: Epoch,
    /// Whether it has got its first append.
    born: bool,
    deleted: bool,
    pub(super) entries: Vec<Entry>,
    pub(super) summary: Option<Summary>,
}

/// One append.
#[derive(Clone)]
pub(super) struct Batch<'a> {
    pub(super) key: &'a LogKey,
    pub(super) chat: Option<&'a ChatId>,
    pub(super) epoch: Epoch,
    pub(super) expected: Seq,
    pub(super) entries: &'a [Entry],
    pub(super) summary: Option<&'a Summary>,
}

impl Batch<'_> {
    /// The first half and the rest.
    pub(super) fn split(&self) -> (Self, Self) {
        let (first, rest) = self.entries.split_at(self.entries.len() / 2);
        (Self { entries: first, ..self.clone() }, Self { entries: rest, ..self.clone() })
    }
}

impl Log {
    pub(super) fn head(&self) -> Head {
        Seq::ZERO.plus(self.entries.len() as u64)
    }
}

pub(super) fn no<T>(kind: StoreErrorKind) -> Result<T, StoreError> {
    Err(StoreError::new(kind, "said the naive store"))
}

impl State {
    pub(super) fn new(wrong: Wrong) -> Self {
        Self { wrong, logs: Vec::new(), epochs: 0, failed: false, staged: Vec::new() }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn log(&mut self, key: &LogKey) -> Option<&mut Log> {
        self.logs.iter_mut().find(|(k, _)| k == key).map(|(_, log)| log)
    }

    /// The log as readers know it.
    pub(super) fn existing(&mut self, key: &LogKey) -> Result<&mut Log, StoreError> {
        match self.log(key) {
            Some(log) if log.deleted => no(StoreErrorKind::Deleted),
            Some(log) if log.born => Ok(log),
            Some(_) | None => no(StoreErrorKind::NotFound),
        }
    }

    pub(super) fn open(
        &mut self,
        key: &LogKey,
        mode: OpenMode,
    ) -> Result<(Epoch, Head), StoreError> {
        let found = self.existing(key).map(|_| ()).map_err(|error| error.kind);
        match (found, mode) {
            (Ok(()), OpenMode::Create) if !self.is(Wrong::CreatesTwice) => {
                return no(StoreErrorKind::Exists);
            }
            (Err(StoreErrorKind::NotFound), OpenMode::Existing)
                if !self.is(Wrong::OpensWhatIsMissing) =>
            {
                return no(StoreErrorKind::NotFound);
            }
            (Err(StoreErrorKind::Deleted), _) => return no(StoreErrorKind::Deleted),
            (Ok(()) | Err(_), _) => {}
        }
        if self.log(key).is_none() {
            self.logs.push((key.clone(), Log::default()));
        }
        self.epochs = if self.is(Wrong::ReusesEpochs) { 1 } else { self.epochs + 1 };
        let epoch = Epoch(self.epochs);
        if self.is(Wrong::FencesNeighbours) {
            let logs = self.logs.iter_mut().filter(|(k, _)| k.world() == key.world());
            logs.for_each(|(_, log)| log.epoch = epoch);
        }
        let wrong = self.wrong;
        let Some(log) = self.log(key) else { return no(StoreErrorKind::NotFound) };
        log.epoch = epoch;
        log.born |= wrong == Wrong::CreatesAtOpen;
        if wrong == Wrong::LosesAcknowledged {
            log.entries.pop();
        }
        let head = log.head();
        let old = wrong == Wrong::AnswersOldHead;
        Ok((epoch, if old { Seq::ZERO.plus(head.get().saturating_sub(1)) } else { head }))
    }

    pub(super) fn check(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.check_fence(batch)?;
        self.check_batch(batch)
    }

    pub(super) fn check_fence(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let wrong = self.wrong;
        let Some(log) = self.log(batch.key) else { return no(StoreErrorKind::Fenced) };
        if log.deleted && wrong != Wrong::AppendsToDeleted {
            return no(StoreErrorKind::Deleted);
        }
        let asked = match wrong {
            Wrong::AcceptsStaleFences => !log.born,
            Wrong::AcceptsStaleCreators => log.born,
            _ => true,
        };
        if asked && log.epoch != batch.epoch { no(StoreErrorKind::Fenced) } else { Ok(()) }
    }

    pub(super) fn check_batch(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let wrong = self.wrong;
        let Some(log) = self.log(batch.key) else { return no(StoreErrorKind::Fenced) };
        if log.head() != batch.expected && wrong != Wrong::ReusesSeqs {
            return no(StoreErrorKind::WrongHead);
        }
        for (entry, n) in batch.entries.iter().zip(1..) {
            let seq = batch.expected.plus(n);
            if entry.seq() != seq && wrong != Wrong::AcceptsGaps {
                return no(StoreErrorKind::WrongHead);
            }
            let owner = match entry {
                Entry::Chat(recorded) => Some(&recorded.chat_id),
                Entry::World(_) => None,
            };
            if owner != batch.chat && wrong != Wrong::AcceptsForeignEntries {
                return no(StoreErrorKind::Corrupt { seq });
            }
            if wrong == Wrong::KeepsHalfOfARefusedBatch {
                log.entries.push(entry.clone());
            }
        }
        if wrong == Wrong::KeepsHalfOfARefusedBatch {
            log.entries.truncate(log.entries.len() - batch.entries.len());
        }
        let foreign = batch.summary.map(|summary| &summary.chat_id) != batch.chat;
        if foreign && wrong != Wrong::AcceptsForeignSummaries {
            let seq = batch.expected.plus(batch.entries.len() as u64);
            return no(StoreErrorKind::Corrupt { seq });
        }
        Ok(())
    }

    pub(super) fn append(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if self.is(Wrong::KeepsSummaryOfRefused)
            && let Some(log) = self.log(batch.key)
        {
            log.summary = batch.summary.cloned();
        }
        self.check(batch)?;
        self.store(batch);
        Ok(())
    }

    /// Stores what was checked before.
    pub(super) fn store(&mut self, batch: &Batch<'_>) {
        let keep = self.is(Wrong::KeepsOldSummaries);
        if let Some(log) = self.log(batch.key)
            && !batch.entries.is_empty()
        {
            log.born = true;
            log.entries.extend_from_slice(batch.entries);
            if !keep || log.summary.is_none() {
                log.summary = batch.summary.cloned();
            }
        }
    }

    pub(super) fn list(&self, world: &WorldId, page: &Page) -> Vec<Summary> {
        let logs = self.logs.iter().filter(|(key, log)| {
            let here = key.world() == world || self.is(Wrong::ListsAllWorlds);
            here && log.born && (!log.deleted || self.is(Wrong::ListsDeleted))
        });
        let mut summaries: Vec<_> = logs
            .filter_map(|(key, log)| match key {
                LogKey::World(world) if self.is(Wrong::ListsWorldLogs) => {
                    Some(samples::summary(&samples::chat_id(world.as_str()), log.head()))
                }
                LogKey::World(_) => None,
                LogKey::Chat(..) => log.summary.clone(),
            })
            .collect();
        if !self.is(Wrong::ListsUnordered) {
            summaries.sort_by(|a, b| a.chat_id.as_str().cmp(b.chat_id.as_str()));
        }
        if let Some(after) = page.after.as_deref() {
            let repeat = self.is(Wrong::RepeatsAtPages);
            summaries
                .retain(|s| s.chat_id.as_str() > after || repeat && s.chat_id.as_str() == after);
        }
        if !self.is(Wrong::IgnoresListLimit) {
            summaries.truncate(page.limit);
        }
        summaries
    }

    pub(super) fn worlds(&self, page: &Page) -> Vec<WorldId> {
        let of_chats = self.is(Wrong::ListsWorldsOfChats) || self.is(Wrong::RepeatsWorlds);
        let logs = self.logs.iter().filter(|(key, log)| {
            (log.born || self.is(Wrong::ListsUnbornWorlds))
                && (!log.deleted || self.is(Wrong::ListsDeletedWorlds))
                && (key.chat().is_none() || of_chats)
        });
        let mut worlds: Vec<WorldId> = logs.map(|(key, _)| key.world().clone()).collect();
        if !self.is(Wrong::ListsWorldsUnordered) {
            worlds.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        }
        if !self.is(Wrong::RepeatsWorlds) {
            worlds.dedup();
        }
        if let Some(after) = page.after.as_deref() {
            let repeat = self.is(Wrong::RepeatsWorldsAtPages);
            worlds.retain(|world| world.as_str() > after || repeat && world.as_str() == after);
        }
        if !self.is(Wrong::IgnoresWorldsLimit) {
            worlds.truncate(page.limit);
        }
        worlds
    }

    pub(super) fn delete(&mut self, key: &LogKey, epoch: Epoch) -> Result<(), StoreError> {
        let wrong = self.wrong;
        let Some(log) = self.log(key) else { return no(StoreErrorKind::Fenced) };
        if log.epoch != epoch && wrong != Wrong::DeletesForOlderOpeners {
            return no(StoreErrorKind::Fenced);
        }
        if log.deleted && wrong == Wrong::RefusesSecondDelete {
            return no(StoreErrorKind::Deleted);
        }
        match wrong {
            Wrong::LosesDelete => {}
            Wrong::ForgetsTombstones => self.logs.retain(|(k, _)| k != key),
            Wrong::DeletesInAllWorlds => {
                let logs = self.logs.iter_mut().filter(|(k, _)| k.chat() == key.chat());
                logs.for_each(|(_, log)| log.deleted = true);
            }
            _ => log.deleted = true,
        }
        Ok(())
    }
}

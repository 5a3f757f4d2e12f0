//! Who may write to which log: fences, and the heads that go with them.
//!
//! No SQL here. Epochs live in memory only: the lock on the file sees to it that no other process
//! writes, and each opening of the file begins beyond all epochs of the ones before. So opening a
//! log writes nothing, and works on a full disk.
//!
//! What grows: an epoch for each log that was opened since the file was, about 24 bytes, until
//! that log is deleted. Heads are a cache, and forgotten when there are many or an append failed.

use std::collections::{BTreeMap, HashMap};

use polychat_core::{Epoch, ports::LogKey};

use crate::sqlite::read::Log;

/// How many heads are remembered.
const HEADS_MAX: usize = 65_536;

/// How many logs may be opened for creation and still wait for their first append. The one that
/// waits longest gives way: its creator is fenced.
const UNBORN_MAX: usize = 65_536;

pub(super) struct Held {
    next: u64,
    /// By the number of the log in the file.
    epochs: HashMap<i64, Epoch>,
    heads: HashMap<LogKey, Log>,
    unborn: HashMap<LogKey, Epoch>,
    /// The same, oldest first.
    unborn_by_age: BTreeMap<Epoch, LogKey>,
    /// What to do, last first, when the transaction at hand comes to nothing.
    undo: Vec<Undo>,
}

/// What was before.
enum Undo {
    Epoch { log: i64, before: Option<Epoch> },
    Unborn { key: LogKey, before: Option<Epoch> },
}

/// A moment to which [`Held::undo_to`] goes back.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Held {
    /// Nobody holds anything; the next epoch comes after `given_out`.
    pub(super) fn new(given_out: u64) -> Self {
        Self {
            next: given_out + 1,
            epochs: HashMap::new(),
            heads: HashMap::new(),
            unborn: HashMap::new(),
            unborn_by_age: BTreeMap::new(),
            undo: Vec::new(),
        }
    }

    fn draw(&mut self) -> Epoch {
        let epoch = Epoch(self.next);
        self.next += 1;
        epoch
    }

    /// Whoever asked holds this log from now on.
    pub(super) fn open(&mut self, log: Log) -> Epoch {
        let epoch = self.draw();
        self.change_epoch(log.id, Some(epoch));
        epoch
    }

    /// Whoever asked may write the first entry of a log that is not there.
    pub(super) fn create(&mut self, key: &LogKey) -> Epoch {
        let epoch = self.draw();
        self.change_unborn(key, Some(epoch));
        if self.unborn.len() > UNBORN_MAX
            && let Some((_, oldest)) = self.unborn_by_age.first_key_value()
        {
            let oldest = oldest.clone();
            self.change_unborn(&oldest, None);
        }
        epoch
    }

    fn change_epoch(&mut self, log: i64, to: Option<Epoch>) {
        let before = self.set_epoch(log, to);
        self.undo.push(Undo::Epoch { log, before });
    }

    fn set_epoch(&mut self, log: i64, to: Option<Epoch>) -> Option<Epoch> {
        match to {
            Some(epoch) => self.epochs.insert(log, epoch),
            None => self.epochs.remove(&log),
        }
    }

    fn change_unborn(&mut self, key: &LogKey, to: Option<Epoch>) {
        let before = self.set_unborn(key, to);
        self.undo.push(Undo::Unborn { key: key.clone(), before });
    }

    fn set_unborn(&mut self, key: &LogKey, to: Option<Epoch>) -> Option<Epoch> {
        let before = match to {
            Some(epoch) => {
                self.unborn_by_age.insert(epoch, key.clone());
                self.unborn.insert(key.clone(), epoch)
            }
            None => self.unborn.remove(key),
        };
        if let Some(before) = before {
            self.unborn_by_age.remove(&before);
        }
        before
    }

    pub(super) fn holds(&self, log: Log, epoch: Epoch) -> bool {
        self.epochs.get(&log.id) == Some(&epoch)
    }

    pub(super) fn may_create(&self, key: &LogKey, epoch: Epoch) -> bool {
        self.unborn.get(key) == Some(&epoch)
    }

    /// A log gets its first entry: its creator holds it.
    pub(super) fn born(&mut self, key: &LogKey, log: Log) {
        let epoch = self.unborn.get(key).copied();
        self.change_unborn(key, None);
        self.change_epoch(log.id, epoch);
    }

    /// A log goes.
    pub(super) fn deleted(&mut self, key: &LogKey, log: Log) {
        self.heads.remove(key);
        self.change_epoch(log.id, None);
    }

    /// A log will never be.
    pub(super) fn never_born(&mut self, key: &LogKey) {
        self.change_unborn(key, None);
    }

    /// What happened until now is stored.
    pub(super) fn keep(&mut self) {
        self.undo.clear();
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// What happened since comes to nothing: everybody has the rights that they had then.
    pub(super) fn undo_to(&mut self, mark: Mark) {
        self.heads.clear();
        while self.undo.len() > mark.0
            && let Some(undo) = self.undo.pop()
        {
            match undo {
                Undo::Epoch { log, before } => drop(self.set_epoch(log, before)),
                Undo::Unborn { key, before } => drop(self.set_unborn(&key, before)),
            }
        }
    }

    pub(super) fn undo_all(&mut self) {
        self.undo_to(Mark(0));
    }

    pub(super) fn head(&self, key: &LogKey) -> Option<Log> {
        self.heads.get(key).copied()
    }

    pub(super) fn remember(&mut self, key: &LogKey, log: Log) {
        if let Some(known) = self.heads.get_mut(key) {
            *known = log;
            return;
        }
        if self.heads.len() >= HEADS_MAX {
            self.heads.clear();
        }
        self.heads.insert(key.clone(), log);
    }
}

#[cfg(test)]
mod tests {
    use polychat_core::Seq;
    use polychat_testkit::samples::{chat_id, seq, world_id};

    use super::*;

    fn key(n: usize) -> LogKey {
        LogKey::Chat(world_id("w"), chat_id(&format!("c{n}")))
    }

    fn log(n: usize) -> Log {
        Log { id: n as i64, world: 1, head: Seq::FIRST }
    }

    // law 7
    #[test]
    fn creators_that_never_append_and_heads_of_old_logs_leave_nothing_that_grows() {
        let mut held = Held::new(0);
        let first = held.create(&key(0));
        for n in 1..UNBORN_MAX {
            held.create(&key(n));
        }
        held.keep();
        assert!(held.may_create(&key(0), first));
        for n in 0..10 {
            held.create(&key(UNBORN_MAX + n));
        }
        assert!(!held.may_create(&key(0), first), "the oldest gave way");
        assert_eq!((held.unborn.len(), held.unborn_by_age.len()), (UNBORN_MAX, UNBORN_MAX));
        for n in 0..3 * HEADS_MAX {
            held.remember(&key(n), log(n));
            assert_eq!(held.head(&key(n)), Some(log(n)));
        }
        assert!(held.heads.len() <= HEADS_MAX);
        for n in 0..10 {
            let epoch = held.open(log(n));
            assert!(held.holds(log(n), epoch));
            held.deleted(&key(n), log(n));
            assert!(!held.holds(log(n), epoch));
        }
        assert!(held.epochs.is_empty());
    }

    // law 1: what was rolled back leaves nobody with a right they did not have, nor without one
    #[test]
    fn what_comes_to_nothing_leaves_the_rights_as_they_were() {
        let mut held = Held::new(0);
        let (creator, unlucky) = (held.create(&key(0)), held.create(&key(1)));
        let holder = held.open(log(7));
        held.keep();
        let mark = held.mark();
        let newer = held.open(log(7));
        assert!(held.holds(log(7), newer) && !held.holds(log(7), holder));
        held.create(&key(0));
        held.undo_to(mark);
        assert!(held.holds(log(7), holder) && held.may_create(&key(0), creator));
        held.born(&key(0), log(3));
        held.deleted(&key(7), log(7));
        held.never_born(&key(1));
        held.remember(&key(0), log(3));
        assert!(held.holds(log(3), creator) && !held.holds(log(7), holder));
        assert!(!held.may_create(&key(0), creator) && !held.may_create(&key(1), unlucky));
        held.undo_to(mark);
        assert!(!held.holds(log(3), creator) && held.holds(log(7), holder));
        assert!(held.may_create(&key(0), creator) && held.may_create(&key(1), unlucky));
        assert_eq!(held.head(&key(0)), None);
        // What was kept is not undone any more.
        held.born(&key(0), log(4));
        held.keep();
        held.undo_all();
        assert!(held.holds(log(4), creator));
    }

    #[test]
    fn creating_the_same_log_again_and_again_takes_one_place() {
        let mut held = Held::new(7);
        let mut last = Epoch(7);
        for _ in 0..10 {
            let epoch = held.create(&key(0));
            assert!(epoch > last && !held.may_create(&key(0), last));
            last = epoch;
        }
        assert_eq!((held.unborn.len(), held.unborn_by_age.len()), (1, 1));
        held.born(&key(0), log(3));
        assert!(held.unborn.is_empty() && held.unborn_by_age.is_empty());
        assert!(held.holds(log(3), last));
    }

    #[test]
    fn a_remembered_head_is_the_last_one() {
        let mut held = Held::new(0);
        held.remember(&key(0), log(1));
        let later = Log { head: seq(9), ..log(1) };
        held.remember(&key(0), later);
        assert_eq!(held.head(&key(0)), Some(later));
    }
}

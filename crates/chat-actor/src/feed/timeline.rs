//! The order of a feed: slots by seq, live entries within a slot.
//!
//! A cursor is a direct position here: seq, live index, offset. Nothing is searched.

use std::{collections::VecDeque, sync::Arc};

use polychat_core::{Recorded, Seq};

use super::entry::{Entry, Slot};

/// How many slots are looked at under the lock to find the end of a gap; a longer one is told in
/// parts.
const GAP_SCAN_MAX: u64 = 512;

/// Slots in the order of their seqs, without a gap, ending at the head.
///
/// The events at hand are always the newest ones: those before `held_from` were let go. A slot whose
/// event was let go stays while live entries hang on it.
pub(super) struct Timeline {
    head: Seq,
    /// The slot of the head, where entries are added.
    last: Slot,
    /// The slots before it.
    earlier: VecDeque<Slot>,
    /// Events from here on are at hand; beyond the head when none is.
    held_from: u64,
}

impl Timeline {
    pub(super) fn new(head: Seq) -> Self {
        Self { head, last: Slot::default(), earlier: VecDeque::new(), held_from: head.get() + 1 }
    }

    pub(super) fn head(&self) -> Seq {
        self.head
    }

    pub(super) fn slot(&self, seq: Seq) -> Option<&Slot> {
        if seq == self.head {
            return Some(&self.last);
        }
        self.earlier.get(self.index(seq.get())?)
    }

    /// The live entries behind a recorded event; none when they were dropped.
    pub(super) fn live(&self, seq: Seq) -> &[Entry] {
        self.slot(seq).map_or(&[], |slot| slot.live.as_slice())
    }

    /// The live entries at the end, where entries are added.
    pub(super) fn live_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.last.live
    }

    /// Appends the next recorded event, and keeps at most `recorded_max` of them at hand.
    pub(super) fn push(&mut self, event: Arc<Recorded>, recorded_max: usize) {
        self.head = event.seq;
        let before = std::mem::replace(&mut self.last, Slot::of(event));
        self.earlier.push_back(before);
        self.trim(recorded_max);
    }

    /// Lets go of events beyond the newest `recorded_max`, and of slots that hold nothing.
    fn trim(&mut self, recorded_max: usize) {
        let keep_from = (self.head.get() + 1).saturating_sub(recorded_max as u64);
        while self.held_from < keep_from {
            if self.held_from == self.head.get() {
                self.last.recorded = None;
            } else if let Some(index) = self.index(self.held_from)
                && let Some(slot) = self.earlier.get_mut(index)
            {
                slot.recorded = None;
            }
            self.held_from += 1;
        }
        while self.earlier.front().is_some_and(Slot::is_empty) {
            self.earlier.pop_front();
        }
    }

    /// Goes on at a later head; what lies between is in the store.
    pub(super) fn skip_to(&mut self, head: Seq) {
        if head > self.head {
            *self = Self::new(head);
        }
    }

    /// Drops all live entries.
    pub(super) fn drop_live(&mut self) {
        self.last.drop_live();
        self.earlier.iter_mut().for_each(Slot::drop_live);
    }

    /// Lets go of everything; readers find it in the store.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.head);
    }

    /// The end of the gap that begins with `from`: the last event of the range that is not at hand
    /// and has no live entries before its end.
    pub(super) fn gap_until(&self, from: Seq) -> Seq {
        let last_missing = self.held_from.saturating_sub(1).min(self.head.get());
        let mut until = from.get().max(self.base()).min(last_missing);
        let scan_end = until.saturating_add(GAP_SCAN_MAX).min(last_missing);
        while until < scan_end && self.live(seq(until)).is_empty() {
            until += 1;
        }
        seq(until)
    }

    /// The seq of the first slot.
    fn base(&self) -> u64 {
        self.head.get().saturating_sub(self.earlier.len() as u64)
    }

    /// Where the slot of a seq is among the earlier ones, if it is there.
    fn index(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.base())?).ok()
    }
}

/// A number between two seqs is a seq.
fn seq(number: u64) -> Seq {
    Seq::try_from(number).unwrap_or(Seq::MAX)
}

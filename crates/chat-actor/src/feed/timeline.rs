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
    /// The slot of the head.
    last: Slot,
    /// The last live entry of that slot, the only one that grows. It lies here and not in the slot
    /// because every chunk touches it.
    tail: Option<Entry>,
    /// The slots before it.
    earlier: VecDeque<Slot>,
    /// Events from here on are at hand; beyond the head when none is.
    held_from: u64,
}

impl Timeline {
    pub(super) fn new(head: Seq) -> Self {
        Self {
            head,
            last: Slot::default(),
            tail: None,
            earlier: VecDeque::new(),
            held_from: head.get() + 1,
        }
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

    /// A live entry behind a recorded event, unless it was dropped.
    pub(super) fn live(&self, seq: Seq, index: usize) -> Option<&Entry> {
        let live = &self.slot(seq)?.live;
        if seq == self.head && index == live.len() { self.tail.as_ref() } else { live.get(index) }
    }

    /// How many live entries are behind a recorded event.
    pub(super) fn live_len(&self, seq: Seq) -> usize {
        let closed = self.slot(seq).map_or(0, |slot| slot.live.len());
        if seq == self.head && self.tail.is_some() { closed + 1 } else { closed }
    }

    /// The entry that grows.
    pub(super) fn tail_mut(&mut self) -> Option<&mut Entry> {
        self.tail.as_mut()
    }

    /// The entries of the last slot that no longer grow.
    pub(super) fn closed_mut(&mut self) -> &mut [Entry] {
        &mut self.last.live
    }

    /// Adds a live entry at the end.
    pub(super) fn push_live(&mut self, entry: Entry) {
        self.last.live.extend(self.tail.replace(entry));
    }

    /// Appends the next recorded event, and keeps at most `keep` of them at hand.
    pub(super) fn push(&mut self, event: Arc<Recorded>, keep: usize) {
        self.head = event.seq;
        self.last.live.extend(self.tail.take());
        let before = std::mem::replace(&mut self.last, Slot::of(event));
        self.earlier.push_back(before);
        self.trim(keep);
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
        self.last.live.extend(self.tail.take());
        self.last.drop_live();
        self.earlier.iter_mut().for_each(Slot::drop_live);
    }

    /// Drops the live entries behind events before this one, which is not the head's successor.
    pub(super) fn drop_live_before(&mut self, seq: Seq) {
        let earlier = usize::try_from(seq.get().saturating_sub(self.base())).unwrap_or(usize::MAX);
        self.earlier.iter_mut().take(earlier).for_each(Slot::drop_live);
        while self.earlier.front().is_some_and(Slot::is_empty) {
            self.earlier.pop_front();
        }
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
        while until < scan_end && self.live_len(seq(until)) == 0 {
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

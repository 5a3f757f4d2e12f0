//! Everything under the feed's lock: who may add what, and what comes next for whom.

use std::{sync::Arc, task::Waker};

use polychat_core::{
    ChatId, Cursor, EndReason, Epoch, Event, Live, MessageId, Recorded, Refusal, Seq, StartAt,
    ToolCallId, TurnId,
};

use super::{
    FeedError, FeedLimits, PushError, Read, Shown,
    entry::{ENTRY_BYTES, Entry, Source},
    flight::Flight,
    timeline::Timeline,
    waiters::{Waiters, Wakers},
};

/// The state of one feed.
pub(super) struct State {
    chat: ChatId,
    limits: FeedLimits,
    epoch: Epoch,
    ended: Option<EndReason>,
    timeline: Timeline,
    flight: Flight,
    /// What the live entries of the running turn and their texts cost together.
    live_bytes: usize,
    /// Where the turn began that ran last.
    turn_began: Seq,
    /// Whether live entries of the turn before it are kept, for readers that have not seen them.
    keeps_earlier: bool,
    waiters: Waiters,
}

// What everybody asks.
impl State {
    pub(super) fn new(chat: ChatId, head: Seq, limits: FeedLimits) -> Self {
        Self {
            chat,
            limits,
            epoch: Epoch::default(),
            ended: None,
            timeline: Timeline::new(head),
            flight: Flight::default(),
            live_bytes: 0,
            turn_began: Seq::ZERO,
            keeps_earlier: false,
            waiters: Waiters::default(),
        }
    }

    pub(super) fn chat(&self) -> &ChatId {
        &self.chat
    }

    pub(super) fn head(&self) -> Seq {
        self.timeline.head()
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.ended == Some(EndReason::Deleted)
    }

    pub(super) fn readers(&self) -> usize {
        self.waiters.readers()
    }

    pub(super) fn take_wakers(&mut self) -> Option<Wakers> {
        self.waiters.take()
    }

    /// The end. The last live entry may still grow, so the end lies inside it, not behind it.
    pub(super) fn position(&self) -> Cursor {
        let seq = self.timeline.head();
        let index = self.timeline.live_len(seq).saturating_sub(1);
        let offset = self.timeline.live(seq, index).map_or(0, Entry::extent);
        Cursor { seq, epoch: self.epoch, live: index as u64, offset }
    }
}

// The actor's side.
impl State {
    pub(super) fn begin_epoch(&mut self, epoch: Epoch, head: Seq) -> Result<(), FeedError> {
        if self.is_deleted() {
            return Err(FeedError::Ended);
        }
        if epoch <= self.epoch {
            return Err(FeedError::StaleEpoch { current: self.epoch });
        }
        if head < self.timeline.head() {
            return Err(FeedError::WrongSeq { expected: self.timeline.head(), found: head });
        }
        self.epoch = epoch;
        self.ended = None;
        self.timeline.drop_live();
        self.timeline.skip_to(head);
        self.flight.begin_epoch();
        self.live_bytes = self.flight.bytes();
        self.settle();
        Ok(())
    }

    pub(super) fn learn_head(&mut self, head: Seq) {
        if self.epoch == Epoch::default() && head > self.timeline.head() {
            self.timeline.skip_to(head);
        }
    }

    pub(super) fn learn_failed(&mut self) {
        if self.epoch == Epoch::default() {
            self.end(EndReason::Failed);
        }
    }

    pub(super) fn publish(
        &mut self,
        epoch: Epoch,
        events: &[Arc<Recorded>],
    ) -> Result<(), FeedError> {
        self.check_epoch(epoch)?;
        let mut head = self.timeline.head();
        for event in events {
            if event.chat_id != self.chat {
                return Err(FeedError::ForeignChat { found: event.chat_id.clone() });
            }
            if event.seq != head.next() {
                return Err(FeedError::WrongSeq { expected: head.next(), found: event.seq });
            }
            head = event.seq;
        }
        // What comes in one append stays at hand until the next one: readers that keep up are to get
        // it from here, because after a deletion there is no store to read it from.
        let keep = self.limits.recorded_max.max(events.len());
        for event in events {
            let turn_begins = matches!(event.event, Event::TurnStarted { .. });
            if turn_begins {
                // What is older than the turn that ended last goes, read or not.
                self.drop_earlier();
                self.turn_began = event.seq;
                self.keeps_earlier = true;
                self.live_bytes = 0;
            }
            self.flight.note(event);
            self.timeline.push(Arc::clone(event), keep);
            if turn_begins && self.waiters.all_wait() {
                self.drop_earlier();
            }
        }
        if self.waiters.readers() == 0 {
            self.settle();
        }
        Ok(())
    }

    fn check_epoch(&self, epoch: Epoch) -> Result<(), FeedError> {
        if self.ended.is_some() {
            return Err(FeedError::Ended);
        }
        if epoch != self.epoch {
            return Err(FeedError::StaleEpoch { current: self.epoch });
        }
        Ok(())
    }

    pub(super) fn seal(&mut self, message: MessageId) -> Option<Shown> {
        self.flight.seal(message);
        self.flight.shown(message, 0, 0)
    }

    pub(super) fn shown_after(
        &self,
        message: MessageId,
        text: usize,
        reasoning: usize,
    ) -> Option<Shown> {
        self.flight.shown(message, text, reasoning)
    }

    pub(super) fn open_shown(&self) -> Option<(MessageId, Shown)> {
        let message = self.flight.open()?;
        Some((message, self.flight.shown(message, 0, 0)?))
    }

    pub(super) fn end(&mut self, reason: EndReason) {
        if self.ended.is_none() || reason == EndReason::Deleted {
            self.ended = Some(reason);
        }
    }

    /// Drops the live entries of turns before the one that began last.
    fn drop_earlier(&mut self) {
        if std::mem::take(&mut self.keeps_earlier) {
            self.timeline.drop_live_before(self.turn_began);
            self.flight.drop_texts_before(TurnId(self.turn_began));
        }
    }

    /// Keeps an idle chat small: what every reader has read, or nobody reads, is let go.
    ///
    /// A cursor into it goes on after its recorded event, which says all that the live entries said.
    fn settle(&mut self) {
        if !self.waiters.all_wait() {
            return;
        }
        self.drop_earlier();
        if !self.flight.is_idle() {
            return;
        }
        self.timeline.drop_live();
        self.flight.drop_texts();
        self.live_bytes = self.flight.bytes();
        if self.waiters.readers() == 0 {
            self.timeline.forget();
        }
    }
}

// The turn's side.
impl State {
    pub(super) fn push_text(
        &mut self,
        epoch: Epoch,
        turn: TurnId,
        source: &Source,
        text: &str,
    ) -> Result<(), PushError> {
        self.admit(epoch)?;
        let Some(growing) = self.flight.growing(turn, source) else {
            return Err(PushError::Sealed);
        };
        if text.is_empty() {
            return Ok(());
        }
        let tail_end = match self.timeline.tail_mut() {
            Some(Entry::Text { source: last, end, .. }) if last == source => Some(end),
            _ => None,
        };
        let entry_bytes = if tail_end.is_some() { 0 } else { ENTRY_BYTES };
        let live_bytes_max = match source {
            Source::Text(_) | Source::Reasoning(_) => self.limits.live_bytes_max,
            Source::Output(_) => self.limits.tool_bytes_max(),
        };
        charge(&mut self.live_bytes, entry_bytes + text.len(), live_bytes_max)?;
        let start = growing.len();
        growing.push_str(text);
        let end = growing.len();
        match tail_end {
            Some(tail_end) => *tail_end = end,
            None => self.timeline.push_live(Entry::Text { source: *source, start, end }),
        }
        Ok(())
    }

    pub(super) fn push_progress(
        &mut self,
        epoch: Epoch,
        by: ToolCallId,
        progress: Arc<Live>,
        size: usize,
    ) -> Result<(), PushError> {
        self.admit(epoch)?;
        if !self.flight.takes_call(by) {
            return Err(PushError::Sealed);
        }
        charge(&mut self.live_bytes, ENTRY_BYTES + size, self.limits.tool_bytes_max())?;
        if let Some(Entry::Progress { call, version, event, bytes }) = self.timeline.tail_mut()
            && *call == by
        {
            self.live_bytes -= ENTRY_BYTES + *bytes;
            (*version, *event, *bytes) = (*version + 1, Some(progress), size);
            return Ok(());
        }
        for entry in self.timeline.closed_mut().iter_mut().rev() {
            if let Entry::Progress { call, event, bytes, .. } = entry
                && *call == by
            {
                self.live_bytes -= *bytes;
                (*event, *bytes) = (None, 0);
                break;
            }
        }
        let entry = Entry::Progress { call: by, version: 1, event: Some(progress), bytes: size };
        self.timeline.push_live(entry);
        Ok(())
    }

    fn admit(&self, epoch: Epoch) -> Result<(), PushError> {
        if epoch != self.epoch {
            return Err(PushError::StaleEpoch);
        }
        if self.ended.is_some() {
            return Err(PushError::Sealed);
        }
        Ok(())
    }
}

/// Counts bytes against a bound on the live ones.
fn charge(live_bytes: &mut usize, bytes: usize, max: usize) -> Result<(), PushError> {
    let charged = live_bytes.saturating_add(bytes);
    if charged > max {
        return Err(PushError::OverLimit);
    }
    *live_bytes = charged;
    Ok(())
}

// The readers' side.
impl State {
    pub(super) fn subscribe(&mut self, start: &StartAt) -> Result<(usize, Cursor), Refusal> {
        let at = match start {
            StartAt::Start => Cursor { epoch: self.epoch, ..Cursor::after(Seq::ZERO) },
            StartAt::After(cursor) => self.resume(*cursor)?,
            _ => self.position(),
        };
        if self.waiters.readers() >= self.limits.subscribers_max {
            return Err(Refusal::SubscribersFull { max: self.limits.subscribers_max });
        }
        Ok((self.waiters.join(), at))
    }

    /// Where a cursor goes on.
    fn resume(&self, cursor: Cursor) -> Result<Cursor, Refusal> {
        let head = self.timeline.head();
        let invalid = Err(Refusal::CursorInvalid { cursor, head });
        if cursor.seq > head {
            return invalid;
        }
        let after_seq = Cursor { epoch: self.epoch, ..Cursor::after(cursor.seq) };
        if cursor.epoch != self.epoch {
            return Ok(after_seq);
        }
        let Some(slot) = self.timeline.slot(cursor.seq) else { return Ok(after_seq) };
        if slot.dropped {
            return Ok(after_seq);
        }
        let entry = usize::try_from(cursor.live)
            .ok()
            .and_then(|index| self.timeline.live(cursor.seq, index));
        let exists = match entry {
            Some(Entry::Text { source, start, end }) => {
                let at = usize::try_from(cursor.offset).ok().and_then(|o| start.checked_add(o));
                at.is_some_and(|at| at <= *end && self.flight.is_boundary(*source, at))
            }
            Some(Entry::Progress { version, .. }) => cursor.offset <= *version,
            // No reader ever stands behind the last entry: that one may still grow.
            None => (cursor.live, cursor.offset) == (0, 0),
        };
        if exists { Ok(cursor) } else { invalid }
    }

    #[must_use]
    pub(super) fn unsubscribe(&mut self, place: usize) -> Option<Waker> {
        let waker = self.waiters.leave(place);
        self.settle();
        waker
    }

    /// Lets a reader wait that has read everything.
    #[must_use]
    pub(super) fn wait(&mut self, place: usize, waker: &Waker) -> Option<Waker> {
        let old_waker = self.waiters.wait(place, waker);
        self.settle();
        old_waker
    }

    /// What comes next for a reader, whose cursor moves on; `None` when it has read everything.
    pub(super) fn next(&mut self, at: &mut Cursor) -> Option<Read> {
        if at.epoch != self.epoch {
            *at = Cursor { epoch: self.epoch, ..Cursor::after(at.seq) };
        }
        if let Some(event) = self.next_live(at) {
            return Some(Read::Live { cursor: *at, event });
        }
        if at.seq >= self.timeline.head() {
            return self.ended.map(Read::Ended);
        }
        let next = at.seq.next();
        let Some(event) = self.timeline.slot(next).and_then(|slot| slot.recorded.clone()) else {
            return Some(Read::Behind { after: at.seq, until: self.timeline.gap_until(next) });
        };
        *at = Cursor { epoch: self.epoch, ..Cursor::after(next) };
        Some(Read::Recorded { cursor: *at, event })
    }

    fn next_live(&mut self, at: &mut Cursor) -> Option<Arc<Live>> {
        let mut index = usize::try_from(at.live).ok()?;
        let mut entry = self.timeline.live(at.seq, index)?;
        loop {
            match entry {
                Entry::Text { source, start, end } => {
                    let from = start + usize::try_from(at.offset).ok()?;
                    if from < *end {
                        let start = *start;
                        let (event, to) = if self.waiters.readers() > 1 {
                            self.flight.shared_chunk(&self.chat, *source, from, *end)?
                        } else {
                            self.flight.chunk(&self.chat, *source, from, *end)?
                        };
                        at.offset = (to - start) as u64;
                        return Some(event);
                    }
                }
                Entry::Progress { version, event: Some(event), .. } if at.offset < *version => {
                    at.offset = *version;
                    return Some(Arc::clone(event));
                }
                Entry::Progress { .. } => {}
            }
            // Only behind an entry that no longer grows does the next one begin.
            index += 1;
            entry = self.timeline.live(at.seq, index)?;
            (at.live, at.offset) = (index as u64, 0);
        }
    }
}

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
    /// What the live entries and their texts cost together.
    live_bytes: usize,
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
            waiters: Waiters::default(),
        }
    }

    pub(super) fn chat(&self) -> &ChatId {
        &self.chat
    }

    pub(super) fn head(&self) -> Seq {
        self.timeline.head()
    }

    pub(super) fn readers(&self) -> usize {
        self.waiters.readers()
    }

    pub(super) fn take_wakers(&mut self) -> Wakers {
        self.waiters.take()
    }

    /// The end. The last live entry may still grow, so the end lies inside it, not behind it.
    pub(super) fn position(&self) -> Cursor {
        let seq = self.timeline.head();
        let live = self.timeline.live(seq);
        let (index, offset) = match live.last() {
            Some(last) => (live.len() as u64 - 1, last.extent()),
            None => (0, 0),
        };
        Cursor { seq, epoch: self.epoch, live: index, offset }
    }
}

// The actor's side.
impl State {
    pub(super) fn begin_epoch(&mut self, epoch: Epoch, head: Seq) -> Result<(), FeedError> {
        if self.ended == Some(EndReason::Deleted) {
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
        for event in events {
            if matches!(event.event, Event::TurnStarted { .. }) {
                self.timeline.drop_live();
                self.live_bytes = 0;
            }
            self.flight.note(event);
            self.timeline.push(Arc::clone(event), self.limits.recorded_max);
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

    /// Keeps an idle chat small: what every reader has read, or nobody reads, is let go.
    ///
    /// A cursor into it goes on after its recorded event, which says all that the live entries said.
    fn settle(&mut self) {
        if !self.flight.is_idle() || !self.waiters.all_wait() {
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
        source: Source,
        text: &str,
    ) -> Result<(), PushError> {
        self.admit(epoch)?;
        if !self.flight.takes(turn, source) {
            return Err(PushError::Sealed);
        }
        if text.is_empty() {
            return Ok(());
        }
        self.charge(ENTRY_BYTES + text.len())?;
        let (index, start, end) = self.flight.append(turn, source, text);
        let live = self.timeline.live_mut();
        match live.last_mut() {
            Some(Entry::Text { index: last, end: last_end, .. }) if *last == index => {
                *last_end = end;
                self.live_bytes -= ENTRY_BYTES;
            }
            _ => live.push(Entry::Text { index, start, end }),
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
        self.charge(ENTRY_BYTES + size)?;
        let live = self.timeline.live_mut();
        let last = live.len().saturating_sub(1);
        let of_call = |e: &Entry| matches!(e, Entry::Progress { call, .. } if *call == by);
        let earlier = live.iter().rposition(of_call);
        if let Some(at) = earlier
            && let Some(Entry::Progress { version, event, bytes, .. }) = live.get_mut(at)
        {
            self.live_bytes -= *bytes;
            if at == last {
                self.live_bytes -= ENTRY_BYTES;
                (*version, *event, *bytes) = (*version + 1, Some(progress), size);
                return Ok(());
            }
            (*event, *bytes) = (None, 0);
        }
        live.push(Entry::Progress { call: by, version: 1, event: Some(progress), bytes: size });
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

    fn charge(&mut self, bytes: usize) -> Result<(), PushError> {
        let charged = self.live_bytes.saturating_add(bytes);
        if charged > self.limits.live_bytes_max {
            return Err(PushError::OverLimit);
        }
        self.live_bytes = charged;
        Ok(())
    }
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
        let entry = usize::try_from(cursor.live).ok().and_then(|index| slot.live.get(index));
        let exists = match entry {
            Some(Entry::Text { index, start, end }) => {
                let at = usize::try_from(cursor.offset).ok().and_then(|o| start.checked_add(o));
                at.is_some_and(|at| at <= *end && self.flight.is_boundary(*index, at))
            }
            Some(Entry::Progress { version, .. }) => cursor.offset <= *version,
            None => cursor.live == slot.live.len() as u64 && cursor.offset == 0,
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
        let live = self.timeline.live(at.seq);
        let mut index = usize::try_from(at.live).ok()?;
        loop {
            match live.get(index)? {
                Entry::Text { index: text, start, end } => {
                    let from = start + usize::try_from(at.offset).ok()?;
                    if from < *end {
                        let (event, to) = self.flight.chunk(&self.chat, *text, from, *end)?;
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
            if index == live.len() {
                return None;
            }
            (at.live, at.offset) = (index as u64, 0);
        }
    }
}

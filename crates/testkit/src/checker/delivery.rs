//! What subscribers received: stored before shown, in order, once, and of their own chat.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use polychat_core::{
    ChatId, Cursor, EndReason, Event, Live, LiveBody, Notice, Recorded, Scope, Seq, StartAt,
    ToolCallId, seq::MessageId,
};

use super::{
    log::LogWalk,
    requests::Requests,
    runs::Runs,
    shown::{Piece, Shown, Voice},
    violation::{DeliveryFault, Violation},
};
use crate::history::SubscriberId;

/// One running text of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stream {
    Message(MessageId, Voice),
    Output(ToolCallId),
}

/// How much of the running texts a reader has.
#[derive(Debug, Clone, Default)]
struct Position {
    /// What began after this event, the reader has from its beginning.
    whole_since: Seq,
    /// How far it has each text, in bytes.
    known: BTreeMap<Stream, u64>,
    /// How much of the open message the checkpoints hold that it was told, in bytes.
    saved: BTreeMap<Voice, u64>,
}

/// One subscriber of a chat.
#[derive(Debug)]
struct Reader {
    chat: ChatId,
    /// The next recorded event; `None` until the first one of a subscription from now on.
    next: Option<Seq>,
    head_at_start: Seq,
    position: Position,
    ended: Option<EndReason>,
}

/// All chat subscribers of a history.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    readers: HashMap<SubscriberId, Reader>,
    positions: HashMap<(ChatId, Cursor), Position>,
    pub(super) shown: Shown,
}

impl Deliveries {
    /// A subscription was granted; those of the world's feed are judged elsewhere.
    pub(super) fn subscribed(
        &mut self,
        subscriber: SubscriberId,
        scope: &Scope,
        start: &StartAt,
        walk: Option<&LogWalk>,
    ) {
        let Scope::Chat(chat) = scope else { return };
        let head = walk.map_or(Seq::ZERO, |walk| walk.head);
        let unknown = |whole_since| Position { whole_since, ..Position::default() };
        let (next, position) = match start {
            StartAt::Start => (Some(Seq::FIRST), Position::default()),
            StartAt::After(cursor) => {
                let known = self.positions.get(&(chat.clone(), *cursor)).cloned();
                (Some(cursor.seq.next()), known.unwrap_or_else(|| unknown(cursor.seq)))
            }
            _ => (None, unknown(head)),
        };
        let reader =
            Reader { chat: chat.clone(), next, head_at_start: head, position, ended: None };
        self.readers.insert(subscriber, reader);
    }

    /// A snapshot told how far the open message is, and a cursor to go on from.
    pub(super) fn snapshot(&mut self, chat: &ChatId, snapshot: &polychat_core::command::Snapshot) {
        let open = snapshot.open.iter().flat_map(|open| {
            let text = Stream::Message(open.message_id, Voice::Said);
            let reasoning = Stream::Message(open.message_id, Voice::Thought);
            [(text, open.text.len() as u64), (reasoning, open.reasoning.len() as u64)]
        });
        let position = Position {
            whole_since: snapshot.cursor.seq,
            known: open.collect(),
            ..Position::default()
        };
        self.remember(chat, snapshot.cursor, &position);
    }

    /// Judges what a subscriber of a chat received; `None` when it watches no chat.
    pub(super) fn noticed(
        &mut self,
        subscriber: SubscriberId,
        notice: &Notice,
        walks: &HashMap<ChatId, LogWalk>,
        (requests, runs): (&Requests, &Runs),
        found: &mut Vec<Violation>,
    ) -> Option<()> {
        let reader = self.readers.get_mut(&subscriber)?;
        let mut faults = Vec::new();
        if let Some(reason) = reader.ended {
            faults.push(DeliveryFault::AfterEnd { reason });
        } else {
            let walk = walks.get(&reader.chat);
            match notice {
                Notice::Recorded { cursor, event } => {
                    reader.recorded(event, *cursor, walk, &mut faults);
                }
                Notice::Live { cursor, event } => {
                    let piece = reader.live(subscriber, event, *cursor, walk, &mut faults);
                    reader.of_tool(&event.body, runs, &mut faults);
                    if let (Some(piece), Some(walk), true) = (piece, walk, faults.is_empty()) {
                        self.shown.piece(walk, &reader.chat, piece, requests, found);
                    }
                }
                Notice::Ended(reason) => reader.end(*reason, walk, &mut faults),
                _ => faults.push(DeliveryFault::Misrouted { of: None }),
            }
        }
        let chat = reader.chat.clone();
        if let Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. } = notice {
            let position = reader.position.clone();
            self.remember(&chat, *cursor, &position);
        }
        let delivery = |fault| Violation::Delivery { subscriber, chat: Some(chat.clone()), fault };
        found.extend(faults.into_iter().map(delivery));
        Some(())
    }

    fn remember(&mut self, chat: &ChatId, cursor: Cursor, position: &Position) {
        let known =
            self.positions.entry((chat.clone(), cursor)).or_insert_with(|| position.clone());
        if position.whole_since < known.whole_since {
            *known = position.clone();
        }
    }
}

impl Reader {
    fn recorded(
        &mut self,
        event: &Arc<Recorded>,
        cursor: Cursor,
        walk: Option<&LogWalk>,
        faults: &mut Vec<DeliveryFault>,
    ) {
        if event.chat_id != self.chat {
            faults.push(DeliveryFault::Misrouted { of: Some(event.chat_id.clone()) });
            return;
        }
        let (seq, deleted) = (event.seq, walk.and_then(|walk| walk.deleted));
        if deleted.is_some_and(|at| self.has_seen(at) && seq > at) {
            faults.push(DeliveryFault::AfterDelete);
            return;
        }
        if !self.in_order(seq, faults) {
            return;
        }
        match walk.and_then(|walk| walk.events.get(&seq)) {
            None => faults.push(DeliveryFault::ShownBeforeStored { seq }),
            Some(stored) if stored != event => faults.push(DeliveryFault::ShownDiffers { seq }),
            Some(_) => {}
        }
        if cursor.seq != seq {
            faults.push(DeliveryFault::CursorWrong { seq, cursor: cursor.seq });
        }
        self.next = Some(self.next.map_or(seq.next(), |next| next.max(seq.next())));
        self.take_over(event);
    }

    /// Whether the event is new to the subscriber.
    fn in_order(&self, seq: Seq, faults: &mut Vec<DeliveryFault>) -> bool {
        match self.next {
            Some(expected) if seq > expected => {
                faults.push(DeliveryFault::Gap { expected, got: seq });
            }
            Some(expected) if seq < expected => {
                faults.push(DeliveryFault::Duplicate { expected, got: seq });
                return false;
            }
            // What was stored before the subscription may or may not come; what is stored after
            // it must.
            None if seq > self.head_at_start.next() => {
                let expected = self.head_at_start.next();
                faults.push(DeliveryFault::Gap { expected, got: seq });
            }
            Some(_) | None => {}
        }
        true
    }

    fn take_over(&mut self, event: &Recorded) {
        let known = &mut self.position.known;
        match &event.event {
            // Checkpoints count on from each other, so they help only who was told them all.
            Event::MessageCheckpoint { message_id, text, reasoning }
                if self.position.whole_since < message_id.0 =>
            {
                for (voice, text) in [(Voice::Said, text), (Voice::Thought, reasoning)] {
                    let saved = self.position.saved.entry(voice).or_default();
                    *saved = saved.saturating_add(text.len() as u64);
                    let known = known.entry(Stream::Message(*message_id, voice)).or_default();
                    *known = (*known).max(*saved);
                }
            }
            Event::MessageStart { .. }
            | Event::MessageEnd { .. }
            | Event::MessageError { .. }
            | Event::TurnEnded { .. } => {
                known.retain(|stream, _| matches!(stream, Stream::Output(_)));
                self.position.saved.clear();
            }
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                known.remove(&Stream::Output(*tool_call_id));
            }
            _ => {}
        }
    }

    fn live(
        &mut self,
        subscriber: SubscriberId,
        live: &Live,
        cursor: Cursor,
        walk: Option<&LogWalk>,
        faults: &mut Vec<DeliveryFault>,
    ) -> Option<Piece> {
        if live.chat_id != self.chat {
            faults.push(DeliveryFault::Misrouted { of: Some(live.chat_id.clone()) });
            return None;
        }
        let last = self.next.map(|next| next.get().saturating_sub(1));
        if last.is_some_and(|last| last != cursor.seq.get()) {
            let seq = last.and_then(|last| Seq::try_from(last).ok()).unwrap_or(Seq::ZERO);
            faults.push(DeliveryFault::CursorWrong { seq, cursor: cursor.seq });
        }
        let (start, end) = life_of(live, walk, faults);
        match (start, end) {
            (None, _) => faults.push(DeliveryFault::LiveBeforeStart { start }),
            (Some(at), _) if !self.has_seen(at) => {
                faults.push(DeliveryFault::LiveBeforeStart { start });
            }
            (_, Some(end)) if self.has_seen(end) => {
                faults.push(DeliveryFault::LiveAfterEnd { end });
            }
            (Some(at), _) => return self.text(subscriber, live, at, faults),
        }
        None
    }

    fn text(
        &mut self,
        subscriber: SubscriberId,
        live: &Live,
        start: Seq,
        faults: &mut Vec<DeliveryFault>,
    ) -> Option<Piece> {
        let (stream, offset, text) = match &live.body {
            LiveBody::MessageChunk { message_id, offset, text } => {
                (Stream::Message(*message_id, Voice::Said), *offset, text)
            }
            LiveBody::ReasoningChunk { message_id, offset, text } => {
                (Stream::Message(*message_id, Voice::Thought), *offset, text)
            }
            LiveBody::ToolOutput { tool_call_id, offset, text } => {
                (Stream::Output(*tool_call_id), *offset, text)
            }
            _ => return None,
        };
        let whole = start > self.position.whole_since;
        let known = self.position.known.get(&stream).copied();
        let expected = known.unwrap_or(if whole { 0 } else { offset });
        if offset > expected {
            faults.push(DeliveryFault::TextGap { expected, offset });
        }
        let shown_to = offset.saturating_add(text.len() as u64).max(expected);
        self.position.known.insert(stream, shown_to);
        let Stream::Message(message, voice) = stream else { return None };
        Some(Piece { subscriber, message, voice, offset, text: Arc::clone(text) })
    }

    /// What a tool shows in one call is shown as that call's, and nothing else is.
    fn of_tool(&self, live: &LiveBody, runs: &Runs, faults: &mut Vec<DeliveryFault>) {
        match live {
            LiveBody::ToolOutput { tool_call_id, offset, text }
                if faults.is_empty()
                    && !runs.has_shown(&self.chat, *tool_call_id, *offset, text) =>
            {
                let (call, offset) = (*tool_call_id, *offset);
                faults.push(DeliveryFault::OutputNotShown { call, offset });
            }
            LiveBody::ToolProgress { tool_call_id, progress }
                if faults.is_empty() && !runs.has_said(&self.chat, *tool_call_id, progress) =>
            {
                faults.push(DeliveryFault::ProgressNotMade { call: *tool_call_id });
            }
            _ => {}
        }
    }

    fn end(&mut self, reason: EndReason, walk: Option<&LogWalk>, faults: &mut Vec<DeliveryFault>) {
        self.ended = Some(reason);
        // Who lagged when the rows went cannot be told what was in them, only that they are gone.
        let may_end = |walk: &LogWalk| {
            let lagged = |from: Seq| self.next.unwrap_or(self.head_at_start.next()) < from;
            // Who came after it may find that feed and store have let go of it already.
            let came_later = |at: Seq| self.head_at_start >= at;
            walk.deleted
                .is_some_and(|at| self.has_seen(at) || lagged(walk.deleted_from) || came_later(at))
        };
        if reason == EndReason::Deleted && !walk.is_some_and(may_end) {
            faults.push(DeliveryFault::EndedWithoutDelete);
        }
    }

    /// Whether the subscriber was told this event, or began after it.
    fn has_seen(&self, seq: Seq) -> bool {
        match self.next {
            Some(next) => seq < next,
            None => seq <= self.head_at_start,
        }
    }
}

/// Where the log says that the message or call of a live event began and ended.
fn life_of(
    live: &Live,
    walk: Option<&LogWalk>,
    faults: &mut Vec<DeliveryFault>,
) -> (Option<Seq>, Option<Seq>) {
    let Some(work) = walk.map(|walk| &walk.work) else { return (None, None) };
    match &live.body {
        LiveBody::MessageChunk { message_id, .. } | LiveBody::ReasoningChunk { message_id, .. } => {
            let Some(written) = work.written.get(message_id) else { return (None, None) };
            if written.turn != live.turn_id {
                faults.push(DeliveryFault::WrongTurn { named: live.turn_id });
            }
            (Some(message_id.0), written.end.as_ref().map(|end| end.seq))
        }
        LiveBody::ToolOutput { tool_call_id, .. } | LiveBody::ToolProgress { tool_call_id, .. } => {
            let Some(call) = work.calls.get(tool_call_id) else { return (None, None) };
            if call.turn != live.turn_id {
                faults.push(DeliveryFault::WrongTurn { named: live.turn_id });
            }
            (call.start, call.end)
        }
        _ => (None, None),
    }
}

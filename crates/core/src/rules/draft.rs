//! A decision in the making: events with their places in the log, before they are stored.

use std::sync::Arc;

use super::{
    ChatState, Decision, Effect,
    history::bytes_of_calls,
    written::{Origin, written},
};
use crate::{
    command::Accepted,
    content::bytes_of,
    event::{Event, Recorded},
    message::Message,
    seq::{Seq, Timestamp},
};

/// Collects the events and effects of one decision.
pub(super) struct Draft<'a> {
    pub(super) state: &'a ChatState,
    at: Timestamp,
    head: Seq,
    tail: Tail,
    decision: Decision,
}

/// Messages that the events so far add to the history; all belong to the running turn.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tail {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a ChatState, at: Timestamp) -> Self {
        Self { state, at, head: state.head, tail: Tail::default(), decision: Decision::default() }
    }

    /// Adds an event and answers with its place.
    pub(super) fn push(&mut self, event: Event) -> Seq {
        self.head = self.head.next();
        self.follow(&event);
        let chat_id = self.state.chat_id.clone();
        let recorded = Recorded { chat_id, seq: self.head, at: self.at, event };
        self.decision.events.push(Arc::new(recorded));
        self.head
    }

    /// Keeps count of the history as it will be. A prompt that joins or starts a turn is counted by
    /// whoever takes it, who has its content at hand.
    fn follow(&mut self, event: &Event) {
        let bytes = match event {
            Event::MessageEnd { text, opaque, tool_calls, .. } => {
                text.len() + bytes_of(opaque) + bytes_of_calls(tool_calls)
            }
            Event::MessageError { text, .. } => text.len(),
            Event::ToolResult { output, .. } => bytes_of(&output.parts),
            Event::ToolError { failure, .. } => failure.message.len(),
            Event::HistoryTruncated { .. } => {
                self.tail = Tail::default();
                return;
            }
            _ => return,
        };
        self.tail.messages += 1;
        self.tail.bytes += bytes;
    }

    /// What the events so far add to the history.
    pub(super) fn tail(&self) -> Tail {
        self.tail
    }

    /// The messages of the tail themselves; made anew each time, because hardly anybody asks.
    ///
    /// Where the tail is empty, nobody does: what a revision cut off belongs to nothing any more.
    pub(super) fn tail_messages(&self) -> impl Iterator<Item = Message> {
        let author = self.state.open_step().map(|(_, step)| &step.config.name);
        let origin = self.state.turn.as_ref().map(|turn| Origin { turn: turn.id, author });
        let message = move |recorded: &Arc<Recorded>| {
            written(origin?, recorded.seq, recorded.at, &recorded.event)
        };
        self.decision.events.iter().filter_map(message)
    }

    /// The place of the next event.
    pub(super) fn next_seq(&self) -> Seq {
        self.head.next()
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        self.decision.effects.push(effect);
    }

    pub(super) fn accepted(&mut self, accepted: Accepted) {
        self.decision.accepted = Some(accepted);
    }

    pub(super) fn done(self) -> Decision {
        self.decision
    }
}

//! A decision in the making: events with their places in the log, before they are stored.

use std::sync::Arc;

use super::{ChatState, Decision, Effect};
use crate::{
    command::Accepted,
    event::{Event, Recorded},
    seq::{Seq, Timestamp},
};

/// Collects the events and effects of one decision.
pub(super) struct Draft<'a> {
    pub(super) state: &'a ChatState,
    at: Timestamp,
    head: Seq,
    decision: Decision,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a ChatState, at: Timestamp) -> Self {
        Self { state, at, head: state.head, decision: Decision::default() }
    }

    /// Adds an event and answers with its place.
    pub(super) fn push(&mut self, event: Event) -> Seq {
        self.head = self.head.next();
        let chat_id = self.state.chat_id.clone();
        let recorded = Recorded { chat_id, seq: self.head, at: self.at, event };
        self.decision.events.push(Arc::new(recorded));
        self.head
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

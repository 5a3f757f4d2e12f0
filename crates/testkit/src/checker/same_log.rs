//! Non-interference (law 6): two logs are the same but for times and checkpoints.

use std::collections::HashMap;

use polychat_core::{
    Event, Recorded, Seq, Timestamp, ToolCallId, TurnId, event::Origin, seq::MessageId,
};

/// Where two logs begin to differ.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "the logs differ at event {position} (checkpoints not counted): {left:?} against {right:?}"
)]
pub struct Difference {
    /// The place among the events that are no checkpoints, from 1.
    pub position: usize,
    /// What the first log has there; `None` when it has ended.
    pub left: Option<Box<Recorded>>,
    /// What the second log has there; `None` when it has ended.
    pub right: Option<Box<Recorded>>,
}

/// Whether two logs are equal up to times and checkpoints.
///
/// Ids are seqs, and checkpoints shift them: both logs are compared in their
/// [canonical](canonical) form.
///
/// # Errors
///
/// The first [`Difference`].
pub fn same_log(left: &[Recorded], right: &[Recorded]) -> Result<(), Difference> {
    let (mut left, mut right) = (canonical(left).into_iter(), canonical(right).into_iter());
    let mut position = 0;
    loop {
        position += 1;
        match (left.next(), right.next()) {
            (None, None) => return Ok(()),
            (one, other) if one == other => {}
            (one, other) => {
                let (left, right) = (one.map(Box::new), other.map(Box::new));
                return Err(Difference { position, left, right });
            }
        }
    }
}

/// A log without times and checkpoints, numbered anew from 1 together with all ids that it names.
///
/// The message that a fork names lies in another log, whose checkpoints are not known here; it
/// becomes zero.
#[must_use]
pub fn canonical(log: &[Recorded]) -> Vec<Recorded> {
    let kept = log.iter().filter(|r| !matches!(r.event, Event::MessageCheckpoint { .. }));
    let mut names = Names::default();
    let renumbered = kept.map(|recorded| {
        let seq = names.next(recorded.seq);
        let mut event = recorded.event.clone();
        names.rename(&mut event);
        Recorded { chat_id: recorded.chat_id.clone(), seq, at: Timestamp(0), event }
    });
    renumbered.collect()
}

#[derive(Default)]
struct Names {
    new: HashMap<Seq, Seq>,
    last: Seq,
}

impl Names {
    fn next(&mut self, old: Seq) -> Seq {
        self.last = self.last.next();
        self.new.insert(old, self.last);
        self.last
    }

    fn seq(&self, old: Seq) -> Seq {
        // A name that the log does not know stays, and so shows up as a difference.
        self.new.get(&old).copied().unwrap_or(old)
    }

    fn turn(&self, turn: &mut TurnId) {
        turn.0 = self.seq(turn.0);
    }

    fn message(&self, message: &mut MessageId) {
        message.0 = self.seq(message.0);
    }

    fn call(&self, call: &mut ToolCallId) {
        self.message(&mut call.message);
    }

    fn rename(&self, event: &mut Event) {
        match event {
            Event::ChatCreated { origin: Some(origin), .. } => {
                if let Origin::Fork { message_id, .. } = &mut **origin {
                    *message_id = MessageId(Seq::ZERO);
                }
            }
            Event::MessageImported { written_at, .. } => *written_at = Timestamp(0),
            Event::PromptJoined { turn_id, .. }
            | Event::TurnHandedOff { turn_id, .. }
            | Event::TurnEnded { turn_id, .. }
            | Event::MessageStart { turn_id, .. } => self.turn(turn_id),
            Event::MessageCheckpoint { message_id, .. }
            | Event::MessageEnd { message_id, .. }
            | Event::MessageError { message_id, .. }
            | Event::HistoryTruncated { from: message_id } => self.message(message_id),
            Event::ToolStart { tool_call_id, .. }
            | Event::ToolResult { tool_call_id, .. }
            | Event::ToolError { tool_call_id, .. }
            | Event::ApprovalRequested { tool_call_id, .. }
            | Event::ApprovalResolved { tool_call_id, .. } => self.call(tool_call_id),
            _ => {}
        }
    }
}

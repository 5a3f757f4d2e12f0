//! The messages of ended steps, with what is needed to cut them at either end.

use crate::{
    message::{Message, Role, SharedMessage},
    seq::{MessageId, TurnId},
    tool::ToolCall,
};

/// A chat's messages in order. Cutting the tail is a revision; what a model receives may lack the
/// oldest turns.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct History {
    entries: Vec<SharedMessage>,
    /// For each entry the bytes of all entries up to and including it.
    bytes_until: Vec<usize>,
}

impl History {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entries(&self) -> &[SharedMessage] {
        &self.entries
    }

    pub(super) fn into_entries(self) -> Vec<SharedMessage> {
        self.entries
    }

    /// Bytes of the first `n` entries.
    pub(super) fn bytes_of_first(&self, n: usize) -> usize {
        n.checked_sub(1).and_then(|last| self.bytes_until.get(last)).copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, message: SharedMessage) {
        let bytes = self.bytes_of_first(self.len()) + size_of_message(&message);
        self.entries.push(message);
        self.bytes_until.push(bytes);
    }

    /// Adds a message; the result of a tool call goes behind the results of the calls before it,
    /// whichever finished first.
    pub(super) fn push_in_order(&mut self, message: SharedMessage) {
        let Role::Tool { tool_call_id } = message.role else { return self.push(message) };
        let later = self.entries.iter().rev().take_while(|entry| match entry.role {
            Role::Tool { tool_call_id: other } => {
                other.message == tool_call_id.message && other.index > tool_call_id.index
            }
            Role::User { .. } | Role::Assistant { .. } => false,
        });
        let at = self.len() - later.count();
        let tail = self.entries.split_off(at);
        self.bytes_until.truncate(at);
        self.push(message);
        for entry in tail {
            self.push(entry);
        }
    }

    pub(super) fn position(&self, id: MessageId) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.id == id)
    }

    /// The user's message that began a turn.
    pub(super) fn first_of_turn(&self, turn: TurnId) -> Option<usize> {
        self.entries.iter().position(|entry| entry.turn_id == Some(turn) && entry.is_user())
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.entries.truncate(len);
        self.bytes_until.truncate(len);
    }
}

fn size_of_message(message: &Message) -> usize {
    let beside = match &message.role {
        Role::Assistant { tool_calls, .. } => bytes_of_calls(tool_calls),
        // The model hears why a call failed; why a message broke off is not sent.
        Role::Tool { .. } => message.failure.as_ref().map_or(0, |failure| failure.message.len()),
        Role::User { .. } => 0,
    };
    crate::content::bytes_of(&message.parts) + beside
}

pub(super) fn bytes_of_calls(calls: &[ToolCall]) -> usize {
    calls.iter().map(|call| call.name.len() + crate::content::json_bytes(&call.arguments)).sum()
}

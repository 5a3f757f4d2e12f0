//! The message that an event adds to the history.
//!
//! The fold adds it when the event is applied; a decision that looks ahead makes the same one of an
//! event that it has not stored yet. There must be one way only, or the two would drift apart.

use std::sync::Arc;

use crate::{
    content::{Metadata, Part, Text},
    event::Event,
    id::AgentName,
    message::{Message, Role, Usage},
    outcome::Failure,
    seq::{MessageId, Seq, Timestamp, ToolCallId, TurnId},
    tool::ToolCall,
};

/// Who works when an event is recorded: no event repeats it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) turn: TurnId,
    /// Who writes the open message; `None` while none is open.
    pub(super) author: Option<&'a AgentName>,
}

/// What an event of the running turn adds to the history; `None` for one that adds nothing, and
/// for prompts, whose content does not stand in the event that takes them in.
pub(super) fn written(
    origin: Origin<'_>,
    seq: Seq,
    at: Timestamp,
    event: &Event,
) -> Option<Message> {
    let message = |id, role, parts, failure| Message {
        id,
        turn_id: Some(origin.turn),
        source_id: None,
        at,
        role,
        parts,
        failure,
        metadata: Metadata::NONE,
    };
    let tool = |call: &ToolCallId, parts, failure| {
        Some(message(MessageId(seq), Role::Tool { tool_call_id: *call }, parts, failure))
    };
    match event {
        Event::MessageEnd { message_id, text, reasoning, opaque, tool_calls, usage, .. } => {
            let mut parts: Vec<Part> = Vec::with_capacity(1 + opaque.len());
            parts.extend(said(text));
            parts.extend(opaque.iter().cloned());
            let role = answer(origin, reasoning, tool_calls.clone(), *usage);
            Some(message(*message_id, role, parts, None))
        }
        Event::MessageError { message_id, text, reasoning, failure } => {
            let role = answer(origin, reasoning, Vec::new(), Usage::default());
            let parts = said(text).into_iter().collect();
            Some(message(*message_id, role, parts, Some(failure.clone())))
        }
        Event::ToolResult { tool_call_id, output } => {
            tool(tool_call_id, output.parts.clone(), None)
        }
        Event::ToolError { tool_call_id, failure } => {
            tool(tool_call_id, Vec::new(), Some(Failure::clone(failure)))
        }
        _ => None,
    }
}

fn answer(origin: Origin<'_>, reasoning: &Text, tool_calls: Vec<ToolCall>, usage: Usage) -> Role {
    let (author, reasoning) = (origin.author.cloned(), Arc::clone(reasoning));
    Role::Assistant { author, reasoning, tool_calls, usage }
}

fn said(text: &Text) -> Option<Part> {
    (!text.is_empty()).then(|| Part::Text { text: Arc::clone(text) })
}

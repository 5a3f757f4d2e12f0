//! How a log begins: a new chat, a fork, an import.

use super::{
    ChatState, Decision,
    draft::Draft,
    state::{Life, Turn},
};
use crate::{
    command::NewChat,
    content::Metadata,
    event::{Event, ImportedMessage, Origin, TitleProvenance},
    id::ChatId,
    limits::Limits,
    message::Role,
    refusal::Refusal,
    seq::{MessageId, Timestamp},
    tool::ToolOutput,
};

/// A message to copy into a new log.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedEntry {
    /// The message.
    pub message: ImportedMessage,
    /// When it was written.
    pub written_at: Timestamp,
    /// What came with it.
    pub metadata: Metadata,
}

/// Decides the first append of a chat's log.
///
/// # Errors
///
/// [`Refusal::TooLarge`] for a title, metadata or context beyond its limit.
pub fn create(
    chat_id: &ChatId,
    chat: NewChat,
    at: Timestamp,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    created(chat_id, chat, None, Vec::new(), at, limits)
}

fn created(
    chat_id: &ChatId,
    chat: NewChat,
    origin: Option<Origin>,
    history: Vec<ImportedEntry>,
    at: Timestamp,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    check_title(&chat.title, limits)?;
    check_metadata("metadata", &chat.metadata, limits)?;
    check_metadata("context", &chat.context, limits)?;
    let empty = ChatState::empty(chat_id.clone());
    let mut draft = Draft::new(&empty, at);
    let provenance =
        if chat.title.is_empty() { TitleProvenance::Default } else { TitleProvenance::Manual };
    draft.push(Event::ChatCreated {
        title: chat.title,
        provenance,
        metadata: chat.metadata,
        agent: chat.agent,
        context: chat.context,
        origin,
    });
    for entry in history {
        let ImportedEntry { message, written_at, metadata } = entry;
        draft.push(Event::MessageImported { message, written_at, metadata });
    }
    Ok(draft.done())
}

pub(super) fn check_title(title: &str, limits: &Limits) -> Result<(), Refusal> {
    check_size("title", title.len(), limits.title_bytes_max)
}

pub(super) fn check_metadata(
    what: &str,
    metadata: &Metadata,
    limits: &Limits,
) -> Result<(), Refusal> {
    check_size(what, metadata.bytes(), limits.metadata_bytes_max)
}

pub(super) fn check_size(what: &str, bytes: usize, max: usize) -> Result<(), Refusal> {
    if bytes > max { Err(Refusal::TooLarge { what: what.into(), bytes, max }) } else { Ok(()) }
}

impl ChatState {
    /// Decides the first append of a fork of this chat, up to and including a message.
    ///
    /// Taken over are the messages of ended turns that were not truncated; prompts, approvals and
    /// open turns are not. Results of the calls that the message asks for come along.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownMessage`] when the message is not part of an ended turn, or as [`create`].
    pub fn fork(
        &self,
        at_message: MessageId,
        new_id: &ChatId,
        mut chat: NewChat,
        at: Timestamp,
        limits: &Limits,
    ) -> Result<Decision, Refusal> {
        let unknown = Refusal::UnknownMessage { message_id: at_message };
        let position = self.history.position(at_message);
        let running = self.turn.as_ref().map(|turn: &Turn| turn.id);
        let entries = self.history.entries();
        let last = match position.and_then(|at| Some((at, entries.get(at)?))) {
            Some((at, entry)) if running.is_none() || entry.turn_id != running => at,
            _ => return Err(unknown),
        };
        if matches!(self.life, Life::Deleted | Life::Absent) {
            return Err(Refusal::UnknownChat { chat_id: self.chat_id.clone() });
        }
        let mut len = last + 1;
        while entries.get(len).is_some_and(|entry| matches!(entry.role, Role::Tool { .. })) {
            len += 1;
        }
        let history = entries.iter().take(len).map(|entry| ImportedEntry {
            message: match &entry.role {
                Role::User { .. } => ImportedMessage::User { parts: entry.parts.clone() },
                Role::Assistant { author, tool_calls, .. } => ImportedMessage::Assistant {
                    author: author.clone(),
                    parts: entry.parts.clone(),
                    tool_calls: tool_calls.clone(),
                },
                Role::Tool { tool_call_id } => ImportedMessage::Tool {
                    index: tool_call_id.index,
                    output: ToolOutput { parts: entry.parts.clone(), cut_bytes: 0 },
                    failure: entry.failure.clone(),
                },
            },
            written_at: entry.at,
            metadata: entry.metadata.clone(),
        });
        if chat.title.is_empty() {
            chat.title = self.info.title.clone();
        }
        chat.agent = chat.agent.or_else(|| self.info.agent.clone());
        if chat.context.is_empty() {
            chat.context = self.info.context.clone();
        }
        let origin = Origin::Fork { chat_id: self.chat_id.clone(), message_id: at_message };
        created(new_id, chat, Some(origin), history.collect(), at, limits)
    }
}

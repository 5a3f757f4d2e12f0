//! A chat that comes from somewhere else, whole.

use serde::{Deserialize, Serialize};

use super::NewChat;
use crate::{
    content::{Metadata, Text, bytes_of, json_bytes},
    event::{ImportedMessage, TitleProvenance},
    message::{Message, Role},
    outcome::Failure,
    seq::Timestamp,
    tool::ToolOutput,
};

/// A chat of another system, with its history: it is created whole, or not at all.
///
/// ```
/// use polychat_core::{
///     ChatId, Part, Timestamp,
///     command::{ImportedChat, ImportedEntry, NewChat},
///     event::ImportedMessage,
/// };
///
/// let hello = ImportedMessage::User { parts: vec![Part::text("hello")] };
/// let chat = ImportedChat::new(NewChat::with_id(ChatId::new("a")?), "my old app")
///     .entry(ImportedEntry::new(hello, Timestamp(1_700_000_000_000)));
/// assert_eq!(chat.history.len(), 1);
/// # Ok::<(), polychat_core::id::InvalidId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ImportedChat {
    /// What it is given.
    pub chat: NewChat,
    /// Who gave the title there; `None` stands for a person, if there is a title.
    pub provenance: Option<TitleProvenance>,
    /// Whether it is hidden in lists.
    pub archived: bool,
    /// Which system it comes from, for people.
    pub source: Text,
    /// When it was created there, if known. Times are of the year 9999 at the latest; later ones are
    /// refused as `invalid_input`.
    pub created_at: Option<Timestamp>,
    /// When something last happened in it there, if known.
    pub updated_at: Option<Timestamp>,
    /// Its messages, in order. Together they may have
    /// [`Limits::import_bytes_max`](crate::Limits::import_bytes_max).
    pub history: Vec<ImportedEntry>,
}

impl ImportedChat {
    /// A chat without messages.
    pub fn new(chat: NewChat, source: impl Into<Text>) -> Self {
        Self { chat, source: source.into(), ..Self::default() }
    }

    /// Adds a message.
    #[must_use]
    pub fn entry(mut self, entry: ImportedEntry) -> Self {
        self.history.push(entry);
        self
    }
}

/// A message to copy into a new log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImportedEntry {
    /// Its name in the system that it was first brought from; `None` if it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<Text>,
    /// The message.
    pub message: ImportedMessage,
    /// When it was written.
    pub written_at: Timestamp,
    /// What came with it.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl ImportedEntry {
    /// A message without a name and without metadata.
    #[must_use]
    pub fn new(message: ImportedMessage, written_at: Timestamp) -> Self {
        Self { source_id: None, message, written_at, metadata: Metadata::NONE }
    }

    /// A copy of a chat's message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let (parts, failure) = (message.parts.clone(), message.failure.clone());
        let copy = match &message.role {
            Role::User { .. } => ImportedMessage::User { parts },
            Role::Assistant { author, reasoning, tool_calls, usage } => {
                ImportedMessage::Assistant {
                    author: author.clone(),
                    parts,
                    reasoning: reasoning.clone(),
                    tool_calls: tool_calls.clone(),
                    usage: *usage,
                    failure,
                }
            }
            Role::Tool { tool_call_id } => ImportedMessage::Tool {
                index: tool_call_id.index,
                output: ToolOutput { parts, ..ToolOutput::default() },
                failure,
            },
        };
        Self {
            source_id: message.source_id.clone(),
            message: copy,
            written_at: message.at,
            metadata: message.metadata.clone(),
        }
    }

    /// Its size in bytes, as [`Limits::import_bytes_max`](crate::Limits::import_bytes_max) counts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let content = match &self.message {
            ImportedMessage::User { parts } => bytes_of(parts),
            ImportedMessage::Assistant { parts, reasoning, tool_calls, failure, .. } => {
                let calls = tool_calls.iter().map(json_bytes).sum::<usize>();
                bytes_of(parts) + reasoning.len() + calls + said_of(failure.as_ref())
            }
            ImportedMessage::Tool { output, failure, .. } => {
                bytes_of(&output.parts) + said_of(failure.as_ref())
            }
        };
        content + self.metadata.bytes() + self.source_id.as_ref().map_or(0, |id| id.len())
    }
}

fn said_of(failure: Option<&Failure>) -> usize {
    failure.map_or(0, |failure| failure.message.len())
}

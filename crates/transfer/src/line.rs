//! The JSON Lines, as they stand in a file: version 1. `docs/formats.md` describes them.
//!
//! Each line says its version and its kind, so that a file can be cut, joined and searched with
//! the tools that people have. These types are the file's, not the house's: what a line holds
//! becomes a word of the core on the way in, and nothing else reads it.

use polychat_core::{
    AgentConfig, AgentName, ChatId, Failure, Metadata, Part, Timestamp, WorldId,
    agent::WorldSettings,
    content::Text,
    event::TitleProvenance,
    message::{Role, SharedMessage, Usage},
    tool::ToolCall,
};
use serde::{Deserialize, Serialize};

/// The version of the lines that are written, and the only one that is read.
pub const VERSION: u64 = 1;

/// The kinds of line.
pub(crate) mod kind {
    pub(crate) const WORLD: &str = "world";
    pub(crate) const AGENT: &str = "agent";
    pub(crate) const CHAT: &str = "chat";
    pub(crate) const MESSAGE: &str = "message";
    pub(crate) const MISSING: &str = "missing";
    pub(crate) const END: &str = "end";
}

/// What every line begins with, and what its kind adds.
#[derive(Serialize)]
struct Line<'a, T> {
    v: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// A line with its end.
pub(crate) fn line<T: Serialize>(kind: &str, body: &T) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(&Line { v: VERSION, kind, body })?;
    text.push('\n');
    Ok(text)
}

/// The world that the chats come from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorldLine {
    pub(crate) world_id: WorldId,
    pub(crate) default_agent: AgentName,
    pub(crate) settings: WorldSettings,
}

/// An agent of that world; all of them stand before the first chat.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AgentLine {
    pub(crate) agent: AgentConfig,
}

/// A chat; its messages follow.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChatLine {
    pub(crate) chat_id: ChatId,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub(crate) title: Text,
    #[serde(default)]
    pub(crate) provenance: TitleProvenance,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) archived: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub(crate) metadata: Metadata,
    pub(crate) source: Text,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A message of the chat before it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageLine {
    pub(crate) chat_id: ChatId,
    pub(crate) id: Text,
    pub(crate) at: Timestamp,
    #[serde(flatten)]
    pub(crate) said: Said,
    pub(crate) parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub(crate) metadata: Metadata,
}

/// Who speaks, and what only this role has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Said {
    User {},
    Assistant {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<AgentName>,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        #[serde(default, skip_serializing_if = "Usage::is_zero")]
        usage: Usage,
    },
    Tool {
        answers: Answers,
    },
}

/// Which call a tool's result answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answers {
    /// The `id` of the assistant's message that asked for it.
    pub(crate) message: Text,
    /// The place among that message's calls, from 0.
    pub(crate) call: u16,
}

/// A chat that is not here, and why.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MissingLine {
    pub(crate) chat_id: ChatId,
    pub(crate) code: Text,
    pub(crate) why: Text,
}

/// The last line: what lacks it was cut off.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndLine {
    pub(crate) chats: u64,
    pub(crate) messages: u64,
}

/// The name of a message in a file: the one that it was brought with, else its number here.
pub(crate) fn name_of(message: &SharedMessage) -> Text {
    message.source_id.clone().unwrap_or_else(|| message.id.to_string().into())
}

impl MessageLine {
    /// The line of a message. A result also needs to know how the message is called that asked.
    pub(crate) fn of(chat_id: &ChatId, message: &SharedMessage, asked: Option<&Text>) -> Self {
        let said = match &message.role {
            Role::Assistant { author, reasoning, tool_calls, usage } => Said::Assistant {
                author: author.clone(),
                reasoning: reasoning.clone(),
                tool_calls: tool_calls.clone(),
                usage: *usage,
            },
            Role::Tool { tool_call_id } => {
                let number = || tool_call_id.message.to_string().into();
                let message = asked.cloned().unwrap_or_else(number);
                Said::Tool { answers: Answers { message, call: tool_call_id.index } }
            }
            // Roles are added here before they are added there.
            _ => Said::User {},
        };
        Self {
            chat_id: chat_id.clone(),
            id: name_of(message),
            at: message.at,
            said,
            parts: message.parts.clone(),
            failure: message.failure.clone(),
            metadata: message.metadata.clone(),
        }
    }
}

//! Live events: what is in flight and not stored.
//!
//! They may be merged for a reader that lags, and are superseded by the recorded event that ends
//! what they belong to. Text carries its byte offset, so a reader knows whether it already has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    content::Text,
    id::ChatId,
    seq::{MessageId, ToolCallId, TurnId},
};

/// One live event of a chat. Its chat is stamped by the feed that carries it, never passed (law 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "LiveEvent"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "LiveEvent"))]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The chat in which it happens.
    pub chat_id: ChatId,
    /// The turn in which it happens.
    pub turn_id: TurnId,
    /// What happens.
    #[serde(flatten)]
    pub body: LiveBody,
}

/// What happens in a live event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum LiveBody {
    /// Text of an open message.
    #[serde(rename = "message.chunk")]
    MessageChunk {
        /// The message.
        message_id: MessageId,
        /// Where the text stands in the message's text, in bytes.
        offset: u64,
        /// The text; several chunks may have been merged.
        text: Text,
    },
    /// Reasoning of an open message.
    #[serde(rename = "reasoning.chunk")]
    ReasoningChunk {
        /// The message.
        message_id: MessageId,
        /// Where the text stands in the message's reasoning, in bytes.
        offset: u64,
        /// The text; several chunks may have been merged.
        text: Text,
    },
    /// Output of a running tool, for people.
    #[serde(rename = "tool.output")]
    ToolOutput {
        /// The call.
        tool_call_id: ToolCallId,
        /// Where the text stands in the call's output, in bytes.
        offset: u64,
        /// The text; several pieces may have been merged.
        text: Text,
    },
    /// How far a running tool is; a newer one supersedes an older one.
    #[serde(rename = "tool.progress")]
    ToolProgress {
        /// The call.
        tool_call_id: ToolCallId,
        /// What the tool says, usually `done`, `total` and `message`.
        progress: Value,
    },
}

impl LiveBody {
    /// The name of the event on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::MessageChunk { .. } => "message.chunk",
            Self::ReasoningChunk { .. } => "reasoning.chunk",
            Self::ToolOutput { .. } => "tool.output",
            Self::ToolProgress { .. } => "tool.progress",
        }
    }
}

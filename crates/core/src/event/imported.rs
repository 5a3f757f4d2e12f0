//! Messages that were brought in or copied from another log.

use serde::{Deserialize, Serialize};

use crate::{
    content::{Part, Text},
    id::AgentName,
    message::Usage,
    outcome::Failure,
    tool::{ToolCall, ToolOutput},
};

/// A copied message of another log: complete in itself, it opens nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "role", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum ImportedMessage {
    /// A user's message.
    User {
        /// Its content.
        parts: Vec<Part>,
    },
    /// An agent's message.
    Assistant {
        /// Who wrote it, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<AgentName>,
        /// Its content.
        parts: Vec<Part>,
        /// What it thought aloud.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
        /// The calls it asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Usage::is_zero")]
        usage: Usage,
        /// Set when it broke off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// The result of the call with this index in the last assistant message.
    Tool {
        /// The place of the call among that message's calls, from 0.
        index: u16,
        /// What the tool answered.
        output: ToolOutput,
        /// Set when the call failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
}

//! Messages: a chat's history as models and people read it, folded from the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    content::{Metadata, Part, Text},
    id::{AgentName, PromptId},
    outcome::Failure,
    seq::{MessageId, Timestamp, ToolCallId, TurnId},
    tool::ToolCall,
};

/// One message of a chat's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Where it began in the log.
    pub id: MessageId,
    /// The turn it belongs to; `None` for copied history and for prompts that still wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// Its name in the system that it was brought from; `None` if it was written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<Text>,
    /// When a prompt was accepted; when an answer or a result ended. Copied history keeps its own.
    pub at: Timestamp,
    /// Who speaks, and what only this role has.
    #[serde(flatten)]
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
    /// Set when it broke off; what was said until then is in `parts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What the embedder attached.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

/// Who speaks in a [`Message`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "role", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Role {
    /// A user.
    User {
        /// The prompt; `None` for copied history.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prompt_id: Option<PromptId>,
    },
    /// An agent.
    Assistant {
        /// Which; `None` for copied history of an unknown one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<AgentName>,
        /// What it thought aloud; never sent back to a model.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
        /// The calls it asked for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Usage::is_zero")]
        usage: Usage,
    },
    /// A tool, answering a call.
    Tool {
        /// The call.
        tool_call_id: ToolCallId,
    },
}

impl Message {
    /// The text of all its text parts.
    #[must_use]
    pub fn text(&self) -> String {
        crate::content::text_of(&self.parts)
    }

    /// Whether a user wrote it.
    #[must_use]
    pub fn is_user(&self) -> bool {
        matches!(self.role, Role::User { .. })
    }

    /// Whether an agent wrote it.
    #[must_use]
    pub fn is_assistant(&self) -> bool {
        matches!(self.role, Role::Assistant { .. })
    }
}

/// A message shared between a chat's history and the requests made of it.
pub type SharedMessage = Arc<Message>;

/// What a model call cost, as the provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written, reasoning included.
    pub output_tokens: u64,
}

impl Usage {
    /// What a model call cost.
    #[must_use]
    pub fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self { input_tokens, output_tokens }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// What a context policy left out of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Omitted {
    /// Whole turns, the oldest ones.
    pub turns: u32,
    /// The messages in them.
    pub messages: u32,
}

impl Omitted {
    /// Counts what was left out.
    #[must_use]
    pub fn new(turns: u32, messages: u32) -> Self {
        Self { turns, messages }
    }

    /// Whether nothing was left out.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

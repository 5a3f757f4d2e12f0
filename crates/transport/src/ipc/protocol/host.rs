//! What passes between a server and a client that brings models and tools of its own.
//!
//! | method | from | kind | |
//! |---|---|---|---|
//! | `host/register` | client | request | [`Register`]: replaces what this connection registered before |
//! | `tool/call` | server | request | [`ToolCallParams`] → [`ToolCallResult`] |
//! | `model/stream` | server | request | [`ModelStreamParams`] → [`ModelStreamResult`] |
//! | `tool/output`, `tool/progress`, `model/delta` | client | either | by the call's id, while it runs |
//!
//! Nothing here names a chat, a turn or a world (law 3). A call has an opaque id, which means
//! something on its own connection only.

use polychat_core::{
    AgentName, ModelName, ModelParams, Part,
    content::{Metadata, Text},
    event::FinishReason,
    message::{SharedMessage, Usage},
    ports::{HostContext, ModelDelta},
    tool::{ToolCall, ToolSpec},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a client brings; all of it is taken, or nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// Its models.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Vec<OfferedModel>>"))]
    pub models: Vec<OfferedModel>,
    /// Its tools.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Vec<ToolSpec>>"))]
    pub tools: Vec<ToolSpec>,
}

/// A model of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferedModel {
    /// The name by which agents find it.
    pub name: ModelName,
}

/// Names one call on one connection; opaque, and never used again there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "String"))]
#[serde(transparent)]
pub struct CallId(Box<str>);

impl CallId {
    pub(in crate::ipc) fn new(id: String) -> Self {
        Self(id.into())
    }

    pub(in crate::ipc) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an embedder attached to chat and prompt, untouched.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CallContext {
    /// The stored part that came with the chat.
    pub chat: Metadata,
    /// The stored part that came with the prompt that began the turn.
    pub prompt: Metadata,
}

impl From<HostContext> for CallContext {
    /// The parts that live in this process only do not travel.
    fn from(context: HostContext) -> Self {
        Self { chat: context.chat, prompt: context.prompt }
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ToolCallParams {
    /// The call.
    pub call_id: CallId,
    /// The tool.
    pub name: Text,
    /// Its arguments, which fit its schema.
    pub arguments: Value,
    /// What the embedder attached.
    pub context: CallContext,
}

/// What a tool answered; an error instead has a message, which the model hears.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ToolCallResult {
    /// The answer, for the model and for people.
    pub parts: Vec<Part>,
}

/// A request to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ModelStreamParams {
    /// The call.
    pub call_id: CallId,
    /// The model.
    pub model: ModelName,
    /// Who is to answer, so that its own messages can be told from those of other agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub agent: Option<AgentName>,
    /// The agent's instructions; empty for none.
    pub system: Text,
    /// The history, oldest first.
    pub messages: Vec<SharedMessage>,
    /// What the agent asks of the model.
    pub params: ModelParams,
    /// The tools that the agent may use.
    pub tools: Vec<std::sync::Arc<ToolSpec>>,
    /// What the embedder attached.
    pub context: CallContext,
}

/// How an answer ended that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ModelStreamResult {
    /// Why it ends where it does; `stop` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub finish: Option<FinishReason>,
    /// What it cost, if no delta has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub usage: Option<Usage>,
}

/// The `data` of the error by which a client ends a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CallFailure {
    /// What sort of error, of a model; `unavailable` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub kind: Option<CallFailureKind>,
    /// Whether trying again makes sense.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<bool>"))]
    pub retryable: bool,
    /// How long to wait first, in milliseconds, of a model; it makes the error retryable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional, type = "number"))]
    pub retry_after_ms: Option<u64>,
}

/// Why a client's model could not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallFailureKind {
    /// It could not be reached, or broke off.
    Unavailable,
    /// Its provider asks to slow down.
    RateLimited,
    /// It refuses the request, for example for its key or size.
    Refused,
    /// What it said makes no sense.
    InvalidResponse,
}

/// Text that a running tool shows to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ToolOutputParams {
    /// The call.
    pub call_id: CallId,
    /// The text.
    pub text: String,
}

/// How far a running tool is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ToolProgressParams {
    /// The call.
    pub call_id: CallId,
    /// Any JSON, by custom `{"progress": 3, "total": 10, "message": "…"}`.
    pub progress: Value,
}

/// A piece of a model's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ModelDeltaParams {
    /// The call.
    pub call_id: CallId,
    /// The piece.
    pub delta: WireDelta,
}

/// What a model says, piece by piece.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum WireDelta {
    /// Text of the answer.
    Text {
        /// The text.
        text: String,
    },
    /// Thinking aloud.
    Reasoning {
        /// The text.
        text: String,
    },
    /// A call, complete with its arguments.
    ToolCall {
        /// The call.
        call: ToolCall,
    },
    /// What the provider wants back unchanged: a part of type `opaque`.
    Opaque {
        /// The part.
        part: Part,
    },
    /// What the call cost; the last one counts.
    Usage {
        /// The cost.
        usage: Usage,
    },
}

impl WireDelta {
    /// The delta that it stands for; `None` if its part is none that a model could want back.
    #[must_use]
    pub fn into_delta(self) -> Option<ModelDelta> {
        Some(match self {
            Self::Text { text } => ModelDelta::Text(text),
            Self::Reasoning { text } => ModelDelta::Reasoning(text),
            Self::ToolCall { call } => ModelDelta::ToolCall(call),
            Self::Opaque { part: part @ Part::Opaque { .. } } => ModelDelta::Opaque(part),
            Self::Opaque { .. } => return None,
            Self::Usage { usage } => ModelDelta::Usage(usage),
        })
    }
}

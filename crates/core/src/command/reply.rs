//! What a world answers, and the shapes of what it shows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    agent::{AgentConfig, WorldSettings},
    content::{Part, Text},
    event::{PromptMode, Recorded},
    id::{AgentName, ChatId, PromptId, WorldId},
    message::SharedMessage,
    notice::Cursor,
    outcome::PromptOutcome,
    ports::SearchPage,
    seq::{MessageId, Seq, Timestamp, ToolCallId, TurnId},
    status::{ChatStatus, Summary},
};

/// What a world answers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It is done and stored.
    Done,
    /// A chat was created; this is its id.
    Chat(ChatId),
    /// A prompt was taken and stored; what becomes of it is an event.
    Accepted(Accepted),
    /// One page of chats.
    Chats(ChatPage),
    /// A chat as a whole.
    Snapshot(Box<Snapshot>),
    /// The waiting prompts.
    Prompts(Vec<WaitingPrompt>),
    /// Where a prompt stands.
    Prompt(PromptState),
    /// One page of messages.
    Messages(MessagePage),
    /// One page of a log.
    Log(LogPage),
    /// The world.
    World(Box<WorldInfo>),
    /// One page of messages that were found.
    Found(SearchPage),
}

impl Reply {
    /// The stable word of its kind on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Chat(_) => "chat",
            Self::Accepted(_) => "accepted",
            Self::Chats(_) => "chats",
            Self::Snapshot(_) => "snapshot",
            Self::Prompts(_) => "prompts",
            Self::Prompt(_) => "prompt",
            Self::Messages(_) => "messages",
            Self::Log(_) => "log",
            Self::World(_) => "world",
            Self::Found(_) => "found",
        }
    }
}

/// What "accepted" means, derivable from the log at any time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The prompt.
    pub prompt_id: PromptId,
    /// The seq of its `prompt.accepted`.
    pub accepted_seq: Seq,
}

/// One page of chats, in the order of their ids.
///
/// With a filter that few chats fit, a page may hold fewer chats than there was room for, even none,
/// and not be the last: `next` says whether it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatPage {
    /// The chats.
    pub chats: Vec<Summary>,
    /// Where the next page begins; `None` when this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Text>,
}

/// One page of messages, in the order of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<SharedMessage>,
    /// Where the next page begins; `None` when this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Text>,
}

/// One page of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// The events, gap-free.
    pub events: Vec<Arc<Recorded>>,
    /// The last event of the log when it was read.
    pub head: Seq,
}

/// A prompt that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WaitingPrompt {
    /// The prompt.
    pub prompt_id: PromptId,
    /// The seq of its `prompt.accepted`.
    pub accepted_seq: Seq,
    /// When it was accepted.
    pub at: Timestamp,
    /// What it asks for.
    pub mode: PromptMode,
    /// Its content.
    pub parts: Vec<Part>,
}

/// Where an accepted prompt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum PromptState {
    /// It waits.
    Queued {
        /// The seq of its `prompt.accepted`.
        accepted_seq: Seq,
    },
    /// A turn works on it.
    Running {
        /// The seq of its `prompt.accepted`.
        accepted_seq: Seq,
        /// The turn.
        turn_id: TurnId,
    },
    /// It ended.
    Ended {
        /// The seq of its `prompt.accepted`.
        accepted_seq: Seq,
        /// The turn; `None` when it was withdrawn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn_id: Option<TurnId>,
        /// How.
        outcome: PromptOutcome,
    },
}

/// A chat as a whole at one moment. A subscription after `cursor` continues exactly here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// What a list shows of it.
    pub summary: Summary,
    /// What it is doing.
    pub status: ChatStatus,
    /// Its history, waiting prompts not included.
    pub messages: Vec<SharedMessage>,
    /// What waits.
    pub prompts: Vec<WaitingPrompt>,
    /// The message that is being written, as far as it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenMessage>,
    /// Calls that wait for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<PendingApproval>,
    /// Where a subscription goes on.
    pub cursor: Cursor,
}

/// A message that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct OpenMessage {
    /// The message.
    pub message_id: MessageId,
    /// Its turn.
    pub turn_id: TurnId,
    /// Who writes.
    pub author: AgentName,
    /// Text so far.
    pub text: Text,
    /// Reasoning so far.
    pub reasoning: Text,
}

/// A call that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PendingApproval {
    /// The chat that waits. Calls are numbered in each chat anew, so the number alone may mean
    /// something else in another one.
    pub chat_id: ChatId,
    /// The call.
    pub tool_call_id: ToolCallId,
    /// The turn.
    pub turn_id: TurnId,
    /// The tool.
    pub name: Text,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// What is asked.
    pub kind: crate::event::ApprovalKind,
}

/// A world's name, settings and agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorldInfo {
    /// The world.
    pub world_id: WorldId,
    /// Its settings.
    pub settings: WorldSettings,
    /// The agent that answers when nobody names one.
    pub default_agent: AgentName,
    /// Its agents, in the order of their names.
    pub agents: Vec<Arc<AgentConfig>>,
}

//! How a command is declined: typed, with the facts, and with a code that stays.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    content::Text,
    id::{AgentName, ChatId, PromptId},
    notice::Cursor,
    seq::{MessageId, Seq, ToolCallId, TurnId},
};

/// The rules or the world say no. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "code", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Refusal {
    /// No chat of this id exists, or it may not be seen.
    #[error("there is no chat {chat_id}")]
    UnknownChat {
        /// The id asked for.
        chat_id: ChatId,
    },
    /// A chat of this id exists already.
    #[error("a chat {chat_id} exists already")]
    ChatExists {
        /// The id asked for.
        chat_id: ChatId,
    },
    /// The chat was deleted; its id is never used again.
    #[error("chat {chat_id} was deleted")]
    ChatDeleted {
        /// The chat.
        chat_id: ChatId,
    },
    /// The chat takes no prompts until reopened.
    #[error("the chat is closed")]
    ChatClosed {},
    /// The prompt asked to be rejected when the chat is busy, and it is.
    #[error("the chat is busy")]
    ChatBusy {
        /// The running turn, if one runs.
        turn_id: Option<TurnId>,
        /// Prompts that wait.
        queued: usize,
    },
    /// The chat's actor failed too often or its log is damaged; `reopen` tries again.
    #[error("the chat has failed: {reason}")]
    ChatFailed {
        /// Why.
        reason: Text,
    },
    /// The chat cannot reach the store.
    #[error("the chat is stalled: {reason}")]
    ChatStalled {
        /// What the store said.
        reason: Text,
    },
    /// The chat's log has reached its bound.
    #[error("the chat has {events} events, at most {max} are allowed")]
    ChatFull {
        /// Events in its log.
        events: u64,
        /// The bound.
        max: u64,
    },
    /// The world's own log has reached its bound.
    #[error("the world's log has {events} events, at most {max} are allowed")]
    LogFull {
        /// Events in the log.
        events: u64,
        /// The bound.
        max: u64,
    },
    /// Too many prompts wait.
    #[error("{max} prompts wait already")]
    QueueFull {
        /// The bound.
        max: usize,
    },
    /// Something in the command is larger than allowed.
    #[error("{what} has {bytes} bytes, at most {max} are allowed")]
    TooLarge {
        /// What.
        what: Text,
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Something in the command makes no sense.
    #[error("{what}: {why}")]
    InvalidInput {
        /// What.
        what: Text,
        /// Why.
        why: Text,
    },
    /// The id was used before with another body.
    #[error("prompt {prompt_id} was sent before with another body")]
    Conflict {
        /// The prompt.
        prompt_id: PromptId,
    },
    /// No prompt of this id was accepted in this chat.
    #[error("there is no prompt {prompt_id} in this chat")]
    UnknownPrompt {
        /// The prompt.
        prompt_id: PromptId,
    },
    /// The prompt does not wait any more.
    #[error("prompt {prompt_id} does not wait any more")]
    PromptNotWaiting {
        /// The prompt.
        prompt_id: PromptId,
    },
    /// No turn runs.
    #[error("no turn is running")]
    NothingRunning {},
    /// The named turn is not the running one.
    #[error("turn {turn_id} is not running")]
    TurnNotRunning {
        /// The turn named.
        turn_id: TurnId,
        /// The one that runs, if one does.
        running: Option<TurnId>,
    },
    /// No such message stands in the chat's history.
    #[error("there is no message {message_id} that this applies to")]
    UnknownMessage {
        /// The message.
        message_id: MessageId,
    },
    /// No such turn stands in the chat's history.
    #[error("there is no turn {turn_id} that this applies to")]
    UnknownTurn {
        /// The turn.
        turn_id: TurnId,
    },
    /// The call does not wait for a decision: decided already, ended, or never asked.
    #[error("call {tool_call_id} does not wait for a decision")]
    ApprovalNotPending {
        /// The call.
        tool_call_id: ToolCallId,
    },
    /// The decision does not fit what was asked.
    #[error("call {tool_call_id} cannot be decided like this")]
    DecisionMismatch {
        /// The call.
        tool_call_id: ToolCallId,
    },
    /// No agent of this name.
    #[error("there is no agent {agent}")]
    UnknownAgent {
        /// The name.
        agent: AgentName,
    },
    /// The default agent cannot be removed.
    #[error("agent {agent} is the default one")]
    AgentInUse {
        /// The name.
        agent: AgentName,
    },
    /// The cursor lies beyond the log's head: it is not of this log.
    #[error("the cursor is not of this log, whose head is {head}")]
    CursorInvalid {
        /// What was given.
        cursor: Cursor,
        /// The log's head.
        head: Seq,
    },
    /// Too many commands are in flight.
    #[error("{max} commands are in flight already ({scope})")]
    Overloaded {
        /// `chat` or `world`.
        scope: Text,
        /// The bound.
        max: usize,
    },
    /// Too many chats are live and none of them is idle.
    #[error("{max} chats are live already")]
    LiveChatsFull {
        /// The bound.
        max: usize,
    },
    /// Too many subscribers.
    #[error("{max} subscribers are there already")]
    SubscribersFull {
        /// The bound.
        max: usize,
    },
    /// The caller sends prompts faster than it may.
    #[error("{max} prompts a minute are allowed")]
    RateLimited {
        /// Prompts in a minute.
        max: u32,
        /// After how many milliseconds there is room for the next one.
        wait_ms: u64,
    },
    /// The world takes no more commands.
    #[error("the world is closed")]
    WorldClosed {},
    /// What serves the caller does not offer this.
    #[error("{what} is not offered here")]
    Unsupported {
        /// What.
        what: Text,
    },
    /// The caller may not do this.
    #[error("not allowed")]
    Forbidden {},
    /// A host offers a name that somebody else has brought already.
    #[error("there is a {what} named {name} already")]
    NameTaken {
        /// `model` or `tool`.
        what: Text,
        /// The name.
        name: Text,
    },
    /// No call of this id runs for this host: it has ended, or never was.
    #[error("no call of this id runs here")]
    UnknownCall {
        /// The id, cut where it is too long to be one.
        call_id: Text,
    },
}

impl Refusal {
    /// The stable code on the wire, in metrics and in diagnostics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownChat { .. } => "unknown_chat",
            Self::ChatExists { .. } => "chat_exists",
            Self::ChatDeleted { .. } => "chat_deleted",
            Self::ChatClosed {} => "chat_closed",
            Self::ChatBusy { .. } => "chat_busy",
            Self::ChatFailed { .. } => "chat_failed",
            Self::ChatStalled { .. } => "chat_stalled",
            Self::ChatFull { .. } => "chat_full",
            Self::LogFull { .. } => "log_full",
            Self::QueueFull { .. } => "queue_full",
            Self::TooLarge { .. } => "too_large",
            Self::InvalidInput { .. } => "invalid_input",
            Self::Conflict { .. } => "conflict",
            Self::UnknownPrompt { .. } => "unknown_prompt",
            Self::PromptNotWaiting { .. } => "prompt_not_waiting",
            Self::NothingRunning {} => "nothing_running",
            Self::TurnNotRunning { .. } => "turn_not_running",
            Self::UnknownMessage { .. } => "unknown_message",
            Self::UnknownTurn { .. } => "unknown_turn",
            Self::ApprovalNotPending { .. } => "approval_not_pending",
            Self::DecisionMismatch { .. } => "decision_mismatch",
            Self::UnknownAgent { .. } => "unknown_agent",
            Self::AgentInUse { .. } => "agent_in_use",
            Self::CursorInvalid { .. } => "cursor_invalid",
            Self::Overloaded { .. } => "overloaded",
            Self::LiveChatsFull { .. } => "live_chats_full",
            Self::SubscribersFull { .. } => "subscribers_full",
            Self::RateLimited { .. } => "rate_limited",
            Self::WorldClosed {} => "world_closed",
            Self::Unsupported { .. } => "unsupported",
            Self::Forbidden {} => "forbidden",
            Self::NameTaken { .. } => "name_taken",
            Self::UnknownCall { .. } => "unknown_call",
        }
    }

    /// Whether the very same command may well succeed later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::ChatBusy { .. }
                | Self::ChatStalled { .. }
                | Self::QueueFull { .. }
                | Self::Overloaded { .. }
                | Self::LiveChatsFull { .. }
                | Self::SubscribersFull { .. }
                | Self::RateLimited { .. }
                | Self::NameTaken { .. }
        )
    }

    /// After how long a retry makes sense, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded { .. } | Self::LiveChatsFull { .. } => Some(Duration::from_millis(50)),
            Self::ChatStalled { .. } => Some(Duration::from_millis(500)),
            Self::RateLimited { wait_ms, .. } => Some(Duration::from_millis(*wait_ms)),
            _ => None,
        }
    }
}

/// Something broke on the way. Whether the command took effect may not be known, but sending it
/// again is safe: with the same ids nothing happens twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{}: {message}", kind.as_str())]
pub struct Fault {
    /// What sort of fault.
    pub kind: FaultKind,
    /// What happened, for people; bounded, and without secrets.
    pub message: Text,
}

impl Fault {
    /// A fault with its message.
    #[must_use]
    pub fn new(kind: FaultKind, message: &str) -> Self {
        Self {
            kind,
            message: crate::outcome::cut(message, crate::outcome::FAILURE_MESSAGE_BYTES_MAX).into(),
        }
    }
}

/// The sorts of fault, stable on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The store did not answer, or failed.
    StoreUnavailable,
    /// The chat's actor was lost while it worked on the command.
    ChatRestarted,
    /// The answer was not of the kind that the command asks for, or for another chat.
    Protocol,
    /// The connection to a remote world was lost.
    ConnectionLost,
}

impl FaultKind {
    /// The stable word used on the wire and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoreUnavailable => "store_unavailable",
            Self::ChatRestarted => "chat_restarted",
            Self::Protocol => "protocol",
            Self::ConnectionLost => "connection_lost",
        }
    }
}

/// Why a command was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It was declined; nothing has happened.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Something broke; sending it again is safe.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl CommandError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Fault(fault) => fault.kind.as_str(),
        }
    }

    /// Whether the very same command may well succeed later.
    #[must_use]
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.retryable(),
            Self::Fault(fault) => fault.kind != FaultKind::Protocol,
        }
    }

    /// After how long a retry makes sense, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after(),
            Self::Fault(_) => None,
        }
    }
}

//! What operators should know: refusals, restarts, quarantines, rejected records, limits reached.

use serde::{Deserialize, Serialize};

use crate::{
    content::Text,
    id::ChatId,
    seq::{Seq, Timestamp, TurnId},
};

/// One diagnostic of a world. Contents of messages never appear in one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diagnostic {
    /// When.
    pub at: Timestamp,
    /// The chat that it concerns; `None` when it concerns the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<ChatId>,
    /// What.
    #[serde(flatten)]
    pub kind: DiagnosticKind,
}

impl Diagnostic {
    /// A diagnostic about a chat.
    #[must_use]
    pub fn of_chat(at: Timestamp, chat_id: ChatId, kind: DiagnosticKind) -> Self {
        Self { at, chat_id: Some(chat_id), kind }
    }

    /// A diagnostic about the world.
    #[must_use]
    pub fn of_world(at: Timestamp, kind: DiagnosticKind) -> Self {
        Self { at, chat_id: None, kind }
    }
}

/// What a [`Diagnostic`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// A command was refused.
    Refused {
        /// The stable code of the refusal.
        code: Text,
    },
    /// A chat's actor failed and was started again.
    Restarted {
        /// How often within the restart window.
        restarts: u32,
        /// What it died of.
        reason: Text,
    },
    /// A chat's actor failed too often; it is not started again by itself.
    GaveUp {
        /// What it died of last.
        reason: Text,
    },
    /// A chat's log cannot be used; nothing else is affected.
    Quarantined {
        /// The first position that is wrong.
        seq: Seq,
        /// What is wrong with it.
        reason: Text,
    },
    /// A record whose chat is missing, invalid or not the expected one was rejected (REQ-13).
    ForeignRecord {
        /// What the record said; empty when it said nothing.
        claimed: Text,
        /// The path on which it came in.
        path: Text,
    },
    /// What a caller sent over a transport could not be read or had no place there.
    RejectedInput {
        /// The path on which it came in.
        path: Text,
        /// The stable code of what was wrong.
        code: Text,
    },
    /// The store could not be reached.
    Stalled {
        /// What the store said.
        reason: Text,
    },
    /// The store can be reached again.
    Recovered {},
    /// A turn failed.
    TurnFailed {
        /// The turn.
        turn_id: TurnId,
        /// The kind of its failure.
        failure: Text,
    },
    /// A limit was reached.
    LimitReached {
        /// The name of the field of `Limits`.
        limit: Text,
    },
    /// A source of tools, for example a server, has changed its state.
    ToolSource {
        /// Its name.
        source: Text,
        /// What it is now.
        state: ToolSourceState,
        /// Why; empty when there is nothing to say.
        reason: Text,
    },
    /// A turn's task did not end in time after it was stopped; its outcome did not wait for it.
    TaskLingers {
        /// The turn.
        turn_id: TurnId,
    },
}

impl DiagnosticKind {
    /// The stable word used on the wire and in metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Restarted { .. } => "restarted",
            Self::GaveUp { .. } => "gave_up",
            Self::Quarantined { .. } => "quarantined",
            Self::ForeignRecord { .. } => "foreign_record",
            Self::RejectedInput { .. } => "rejected_input",
            Self::Stalled { .. } => "stalled",
            Self::Recovered {} => "recovered",
            Self::TurnFailed { .. } => "turn_failed",
            Self::LimitReached { .. } => "limit_reached",
            Self::ToolSource { .. } => "tool_source",
            Self::TaskLingers { .. } => "task_lingers",
        }
    }
}

/// How a source of tools is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ToolSourceState {
    /// It is being started.
    Starting,
    /// Its tools can be called.
    Ready,
    /// It could not be started, or has ended; it is started again when it is needed and its pause
    /// is over.
    Failed,
}

//! What a chat is doing, derived from its log and the state of its actor: never counted.

use serde::{Deserialize, Serialize};

use crate::{
    content::{Metadata, Text},
    event::{Origin, TitleProvenance},
    id::{AgentName, ChatId},
    outcome::OutcomeKind,
    seq::{Seq, Timestamp, TurnId},
};

/// What a chat is doing right now (REQ-8, NFR-3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChatStatus {
    /// The chat.
    pub chat_id: ChatId,
    /// What it is doing.
    pub kind: StatusKind,
    /// The turn that is running or waiting; a stale status can so be told from a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// How its last turn ended, as in [`Summary::last_outcome`]; `None` also while its log is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<OutcomeKind>,
    /// Prompts that wait.
    pub queued: usize,
    /// The last event of its log.
    pub head: Seq,
    /// Its title; empty while nobody gave one.
    pub title: Text,
}

/// What a chat can be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum StatusKind {
    /// Nothing.
    Idle,
    /// A turn runs, or waits for its place among the world's running turns.
    Running,
    /// A turn waits for a person.
    Awaiting,
    /// The store cannot be reached; it goes on by itself when it can.
    Stalled,
    /// Its actor failed too often or its log is damaged; readable, `reopen` tries again.
    Failed,
    /// It takes no prompts until reopened.
    Closed,
}

impl StatusKind {
    /// The stable word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Awaiting => "awaiting",
            Self::Stalled => "stalled",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

/// What a list shows of a chat; computed by the rules, stored with each append.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The chat.
    pub chat_id: ChatId,
    /// What it was doing at `head`, as far as the log says.
    pub kind: StatusKind,
    /// How its last turn ended, also while the next one runs. `None` while none has ended, and from
    /// a cut of its history, which takes that turn away, until the next one ends. Summaries that an
    /// earlier version stored have none either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_outcome: Option<OutcomeKind>,
    /// Its title; empty while nobody gave one.
    pub title: Text,
    /// Who gave the title.
    pub provenance: TitleProvenance,
    /// Whether it is hidden in lists.
    pub archived: bool,
    /// Its default agent; `None` takes the world's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// What the embedder attached.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Where it was copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its last event was recorded.
    pub updated_at: Timestamp,
    /// The last event of its log.
    pub head: Seq,
    /// Messages in its history.
    pub messages: usize,
    /// Prompts that wait.
    pub queued: usize,
}

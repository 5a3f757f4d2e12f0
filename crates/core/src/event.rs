//! Recorded events: what a chat's log holds.
//!
//! There is one typed enum. It is serialised once, and stored, sent and replayed from that same
//! form; nothing re-builds an event from a list of fields. The names (`prompt.accepted` …) and the
//! fields freeze with the first release.

mod imported;
mod name;

pub use imported::ImportedMessage;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    agent::AgentConfig,
    content::{Metadata, Part, Text},
    id::{AgentName, ChatId, PromptId},
    message::{Omitted, Usage},
    outcome::{Failure, TurnOutcome},
    seq::{MessageId, Seq, Timestamp, ToolCallId, TurnId},
    tool::{ApprovalDecision, ToolCall, ToolOutput},
};

/// One entry of a chat's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "RecordedEvent"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "RecordedEvent"))]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    /// The chat whose log this is. A reader refuses a record of another chat (REQ-13).
    pub chat_id: ChatId,
    /// Its place in the log: gap-free from 1.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What a prompt asks for when its chat is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PromptMode {
    /// Waits its turn.
    #[default]
    Queue,
    /// Joins the running turn at its next step and shares its outcome; if no step follows, it goes
    /// to the head of the queue.
    Steer,
    /// The running turn ends `cancelled`, this prompt runs next, the queue keeps its order behind.
    Interrupt,
    /// Is refused as `chat_busy`.
    Reject,
}

/// What a user submits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PromptBody {
    /// The message.
    pub parts: Vec<Part>,
    /// What the embedder attached; given back untouched.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The agent to answer; `None` takes the chat's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
    /// The stored part of the host context: for models and tools of this prompt's turn, never sent
    /// to a provider.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub context: Metadata,
}

impl PromptBody {
    /// A message of plain text.
    pub fn text(text: impl Into<Text>) -> Self {
        Self { parts: vec![Part::text(text)], ..Self::default() }
    }
}

/// Who gave a chat its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TitleProvenance {
    /// Nobody yet.
    #[default]
    Default,
    /// A model proposed it.
    Auto,
    /// A person.
    Manual,
}

/// Where a forked or imported chat comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Origin {
    /// A fork of another chat of this world.
    Fork {
        /// That chat.
        chat_id: ChatId,
        /// The last message taken over.
        message_id: MessageId,
    },
    /// Brought in from another system.
    Import {
        /// Which system, for people.
        source: Text,
        /// When the chat was created there, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
        /// When something last happened in it there, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated_at: Option<Timestamp>,
    },
}

/// Why a prompt left the queue without a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WithdrawReason {
    /// Somebody asked for it.
    Requested,
    /// The chat was closed.
    Closed,
    /// The chat was deleted.
    Deleted,
}

/// Why a message ended where it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model said all.
    #[default]
    Stop,
    /// The model wants tools.
    ToolCalls,
    /// The model's own output limit.
    Length,
    /// The provider's filter.
    Filtered,
}

/// What an approval asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ApprovalKind {
    /// May this call run?
    Permission,
    /// What is the answer?
    Question,
}

/// What happened in a chat.
///
/// Order within a log, by law 5: every `message.start` is followed by exactly one `message.end` or
/// `message.error` of the same message, every `tool.start` by exactly one `tool.result` or
/// `tool.error` of the same call, every `prompt.accepted` by exactly one end of the prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// The first event of every log.
    #[serde(rename = "chat.created")]
    ChatCreated {
        /// Its title; empty while nobody gave one.
        title: Text,
        /// Who gave the title.
        provenance: TitleProvenance,
        /// What the embedder attached.
        #[serde(default, skip_serializing_if = "Metadata::is_empty")]
        metadata: Metadata,
        /// Its default agent; `None` takes the world's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentName>,
        /// The stored part of the host context of all its turns.
        #[serde(default, skip_serializing_if = "Metadata::is_empty")]
        context: Metadata,
        /// Where it was copied from; the copied messages follow in the same append.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Box<Origin>>,
        /// Whether it is hidden in lists from the beginning.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        archived: bool,
    },
    /// Changes only what is set.
    #[serde(rename = "chat.updated")]
    ChatUpdated {
        /// The new title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<Text>,
        /// Who gave the new title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provenance: Option<TitleProvenance>,
        /// The new metadata, as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Metadata>,
        /// Whether it is hidden in lists.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        archived: Option<bool>,
        /// The new default agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        agent: Option<AgentName>,
    },
    /// No prompts are taken until `chat.reopened`.
    #[serde(rename = "chat.closed")]
    ChatClosed {},
    /// Prompts are taken again.
    #[serde(rename = "chat.reopened")]
    ChatReopened {},
    /// The last event of a log; its rows go, a tombstone stays.
    #[serde(rename = "chat.deleted")]
    ChatDeleted {},

    /// A copied message of another log.
    #[serde(rename = "message.imported")]
    MessageImported {
        /// Its name in the system that it was first brought from, if it had one. Opaque, and not
        /// unique.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_id: Option<Text>,
        /// The message.
        message: Box<ImportedMessage>,
        /// When it was written there.
        written_at: Timestamp,
        /// What came with it.
        #[serde(default, skip_serializing_if = "Metadata::is_empty")]
        metadata: Metadata,
    },

    /// A prompt was taken. Its message is named by this event's seq.
    #[serde(rename = "prompt.accepted")]
    PromptAccepted {
        /// The prompt.
        prompt_id: PromptId,
        /// What it asked for when the chat is busy.
        mode: PromptMode,
        /// What was submitted.
        #[serde(flatten)]
        body: PromptBody,
    },
    /// A waiting prompt was changed; only what is set changes.
    #[serde(rename = "prompt.edited")]
    PromptEdited {
        /// The prompt.
        prompt_id: PromptId,
        /// Its new content.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<Vec<Part>>,
        /// Its new mode.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<PromptMode>,
    },
    /// A waiting prompt left the queue: its outcome is `withdrawn`.
    #[serde(rename = "prompt.withdrawn")]
    PromptWithdrawn {
        /// The prompt.
        prompt_id: PromptId,
        /// Why.
        reason: WithdrawReason,
    },
    /// A steering prompt joined the running turn.
    #[serde(rename = "prompt.joined")]
    PromptJoined {
        /// The prompt.
        prompt_id: PromptId,
        /// The turn whose outcome it shares.
        turn_id: TurnId,
    },

    /// A turn began; it is named by this event's seq.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The prompts it began with.
        prompt_ids: Vec<PromptId>,
        /// Who answers.
        agent: AgentName,
        /// Who answers after that, in this order: a prompt to all agents. Each gets the turn by
        /// `turn.handed_off`; one that is gone by then is skipped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        then: Vec<AgentName>,
    },
    /// The turn goes on with another agent: one that a reply addressed, or the next of `then`.
    #[serde(rename = "turn.handed_off")]
    TurnHandedOff {
        /// The turn.
        turn_id: TurnId,
        /// Who had it.
        from: AgentName,
        /// Who has it now.
        to: AgentName,
    },
    /// The turn ended, and with it all its prompts.
    #[serde(rename = "turn.ended")]
    TurnEnded {
        /// The turn.
        turn_id: TurnId,
        /// How.
        outcome: TurnOutcome,
    },

    /// A model call began; its message is named by this event's seq.
    #[serde(rename = "message.start")]
    MessageStart {
        /// The turn.
        turn_id: TurnId,
        /// The place of the model call in its turn, from 1.
        step: u32,
        /// The agent's configuration used, whole: what was sent can be known later.
        agent: std::sync::Arc<AgentConfig>,
        /// What the context policy left out.
        #[serde(default, skip_serializing_if = "Omitted::is_none")]
        omitted: Omitted,
    },
    /// Text shown so far, saved while the message is open. Holds only what came since the last one.
    #[serde(rename = "message.checkpoint")]
    MessageCheckpoint {
        /// The message.
        message_id: MessageId,
        /// Text, following what was saved before.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        text: Text,
        /// Reasoning, following what was saved before.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
    },
    /// A message is complete.
    #[serde(rename = "message.end")]
    MessageEnd {
        /// The message.
        message_id: MessageId,
        /// All its text, exactly as it was shown.
        text: Text,
        /// All its reasoning, exactly as it was shown.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
        /// What the provider wants back unchanged.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        opaque: Vec<Part>,
        /// The calls it asks for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        /// Why it ended where it did.
        finish: FinishReason,
        /// What it cost.
        #[serde(default, skip_serializing_if = "Usage::is_zero")]
        usage: Usage,
    },
    /// A message broke off; its text is kept.
    #[serde(rename = "message.error")]
    MessageError {
        /// The message.
        message_id: MessageId,
        /// All its text, exactly as it was shown, or as far as it was saved.
        text: Text,
        /// All its reasoning, likewise.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reasoning: Text,
        /// Why.
        failure: Failure,
    },

    /// A tool call is about to run.
    #[serde(rename = "tool.start")]
    ToolStart {
        /// The call.
        tool_call_id: ToolCallId,
        /// The tool.
        name: Text,
    },
    /// A tool call answered.
    #[serde(rename = "tool.result")]
    ToolResult {
        /// The call.
        tool_call_id: ToolCallId,
        /// What it answered.
        #[serde(flatten)]
        output: ToolOutput,
    },
    /// A tool call failed, or never ran.
    #[serde(rename = "tool.error")]
    ToolError {
        /// The call.
        tool_call_id: ToolCallId,
        /// Why; the model hears it when the turn goes on.
        failure: Failure,
    },

    /// A call waits for a person.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// The call.
        tool_call_id: ToolCallId,
        /// What is asked.
        kind: ApprovalKind,
        /// The tool.
        name: Text,
        /// Its arguments, for the person to judge.
        arguments: Value,
    },
    /// A person decided, or the turn ended first.
    #[serde(rename = "approval.resolved")]
    ApprovalResolved {
        /// The call.
        tool_call_id: ToolCallId,
        /// What was decided; `None` when the turn ended before anyone did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<ApprovalDecision>,
    },

    /// The history from one message on no longer counts.
    #[serde(rename = "history.truncated")]
    HistoryTruncated {
        /// The first message that no longer counts.
        from: MessageId,
    },
}

//! The state of one chat, folded from its log.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use super::history::History;
use crate::{
    agent::AgentConfig,
    content::{Metadata, Text},
    event::{ApprovalKind, Origin, PromptBody, PromptMode, TitleProvenance},
    id::{AgentName, ChatId, PromptId},
    outcome::PromptOutcome,
    seq::{MessageId, Seq, Timestamp, TurnId},
    tool::ToolCall,
};

/// One chat, as its log says.
///
/// ```
/// use polychat_core::{ChatId, Limits, Timestamp, command::NewChat, rules};
///
/// let chat = ChatId::new("a")?;
/// let decision = rules::create(&chat, NewChat::new().title("Tea"), Timestamp(0), &Limits::default())?;
/// let state = rules::ChatState::replay(&chat, decision.events.iter().map(|event| &**event))?;
/// assert_eq!(state.head().get(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChatState {
    pub(super) chat_id: ChatId,
    pub(super) head: Seq,
    pub(super) life: Life,
    pub(super) info: Info,
    pub(super) history: History,
    /// Waiting prompts in the order in which they will run.
    pub(super) queue: VecDeque<Queued>,
    /// Every prompt that was ever accepted: the same id is answered alike.
    pub(super) prompts: HashMap<PromptId, PromptRecord>,
    pub(super) turn: Option<Turn>,
    /// Tools that a person allowed for this chat.
    pub(super) allowed_tools: BTreeSet<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// Nothing is recorded yet.
    Absent,
    Open,
    Closed,
    Deleted,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Info {
    pub(super) title: Text,
    pub(super) provenance: TitleProvenance,
    pub(super) metadata: Metadata,
    pub(super) context: Metadata,
    pub(super) agent: Option<AgentName>,
    pub(super) origin: Option<Origin>,
    pub(super) archived: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A waiting prompt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Queued {
    pub(super) id: PromptId,
    pub(super) mode: PromptMode,
    pub(super) accepted: Seq,
    pub(super) at: Timestamp,
    pub(super) body: PromptBody,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PromptRecord {
    pub(super) accepted: Seq,
    /// Tells whether a body sent again is the same, without keeping it.
    pub(super) fingerprint: u128,
    /// What a retry of its turn needs again besides the message.
    pub(super) agent: Option<AgentName>,
    pub(super) context: Metadata,
    pub(super) stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stage {
    Waiting,
    Running(TurnId),
    Ended(Option<TurnId>, PromptOutcome),
}

/// The running turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) agent: AgentName,
    pub(super) prompts: Vec<PromptId>,
    /// The stored part of the host context of the prompt that began the turn.
    pub(super) context: Metadata,
    pub(super) step: u32,
    pub(super) handoffs: u32,
    /// Text and reasoning of the messages that ended in this turn, in bytes.
    pub(super) output_bytes: usize,
    /// What its last model call was configured with: a turn keeps what it started with.
    pub(super) config: Option<Arc<AgentConfig>>,
    pub(super) work: Work,
}

/// What a turn is doing.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Work {
    /// A step is over and the next one has not begun.
    Between,
    /// The model answers.
    Message(OpenStep),
    /// The calls that a message asked for.
    Calls(Calls),
}

/// A model call in progress.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OpenStep {
    pub(super) message: MessageId,
    pub(super) config: Arc<AgentConfig>,
    /// History entries, from the oldest, that the context policy left out.
    pub(super) omitted_messages: usize,
    /// Text that checkpoints saved.
    pub(super) saved_text: String,
    pub(super) saved_reasoning: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Calls {
    pub(super) message: MessageId,
    pub(super) config: Arc<AgentConfig>,
    pub(super) calls: Vec<(ToolCall, Phase)>,
}

/// Where one call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may start when there is room.
    Ready,
    /// A person decides what is asked here.
    Awaiting(ApprovalKind),
    Running,
    Ended,
}

impl ChatState {
    pub(super) fn empty(chat_id: ChatId) -> Self {
        Self {
            chat_id,
            head: Seq::ZERO,
            life: Life::Absent,
            info: Info::default(),
            history: History::default(),
            queue: VecDeque::new(),
            prompts: HashMap::new(),
            turn: None,
            allowed_tools: BTreeSet::new(),
        }
    }

    pub(super) fn calls(&self) -> Option<(&Turn, &Calls)> {
        match &self.turn {
            Some(turn) => match &turn.work {
                Work::Calls(calls) => Some((turn, calls)),
                Work::Between | Work::Message(_) => None,
            },
            None => None,
        }
    }

    pub(super) fn open_step(&self) -> Option<(&Turn, &OpenStep)> {
        match &self.turn {
            Some(turn) => match &turn.work {
                Work::Message(step) => Some((turn, step)),
                Work::Between | Work::Calls(_) => None,
            },
            None => None,
        }
    }
}

impl Turn {
    /// Whether nothing of it runs, so that it may outlive the process and needs no place among the
    /// world's running turns.
    pub(super) fn is_resting(&self) -> bool {
        match &self.work {
            Work::Between => true,
            Work::Message(_) => false,
            Work::Calls(calls) => calls.calls.iter().all(|(_, phase)| *phase != Phase::Running),
        }
    }

    /// Whether all it can do is wait for a person.
    pub(super) fn is_awaiting(&self) -> bool {
        match &self.work {
            Work::Between | Work::Message(_) => false,
            Work::Calls(calls) => {
                self.is_resting()
                    && calls.calls.iter().any(|(_, phase)| matches!(phase, Phase::Awaiting(_)))
                    && calls.calls.iter().all(|(_, phase)| *phase != Phase::Ready)
            }
        }
    }
}

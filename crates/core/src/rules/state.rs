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
    outcome::{OutcomeKind, PromptOutcome},
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
    /// In a box, because most chats are idle most of the time.
    pub(super) turn: Option<Box<Turn>>,
    /// How the last turn of the history ended.
    pub(super) last_outcome: Option<OutcomeKind>,
    /// Tools that a person allowed for this chat.
    pub(super) allowed_tools: BTreeSet<Text>,
    pub(super) titling: Titling,
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

/// Where a chat stands with the title that a model may propose.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Titling {
    /// No turn has completed yet.
    NotYet,
    /// The first turn has completed, and the title is still nobody's: what the model call is made
    /// of. It is let go when the next turn ends, so that an idle chat keeps no configuration.
    Due {
        /// What the last message of that turn was configured with.
        config: Arc<AgentConfig>,
        /// The stored part of the host context of the prompt that began that turn.
        context: Metadata,
    },
    /// Nothing is proposed any more; what is on its way may still arrive.
    Past,
}

/// The running turn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    /// Who has the turn: whoever wrote its last message, or whom it was handed on to since.
    pub(super) agent: AgentName,
    /// Who is still to answer after that, in this order.
    pub(super) then: Vec<AgentName>,
    pub(super) prompts: Vec<PromptId>,
    /// The stored part of the host context of the prompt that began the turn.
    pub(super) context: Metadata,
    pub(super) step: u32,
    /// How often a reply handed it on. Those that the prompt asked one by one do not count.
    pub(super) handoffs: u32,
    /// Text and reasoning of the messages that ended in this turn, in bytes.
    pub(super) output_bytes: usize,
    /// What each agent that has answered in it was configured with when it first did: a turn keeps
    /// what it started with.
    pub(super) configs: Vec<Arc<AgentConfig>>,
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
            last_outcome: None,
            allowed_tools: BTreeSet::new(),
            titling: Titling::NotYet,
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
    /// What an agent of this turn began with; `None` when it has not answered in it.
    pub(super) fn config_of(&self, agent: &AgentName) -> Option<&Arc<AgentConfig>> {
        self.configs.iter().find(|config| config.name == *agent)
    }

    /// A message of this agent begins.
    pub(super) fn answered_by(&mut self, config: &Arc<AgentConfig>) {
        self.agent = config.name.clone();
        if self.config_of(&config.name).is_none() {
            self.configs.push(Arc::clone(config));
        }
    }

    /// Goes on with another agent: one that is still to answer, whoever comes before it being
    /// skipped, or else one that a reply addressed.
    pub(super) fn hand_on(&mut self, to: &AgentName) {
        if let Some(at) = self.then.iter().position(|name| name == to) {
            self.then.drain(..=at);
        } else {
            self.then.clear();
            self.handoffs += 1;
        }
        self.agent = to.clone();
    }

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

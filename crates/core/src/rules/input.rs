//! What goes into the rules and what comes out of them.

use std::sync::Arc;

use super::ContextPolicy;
use crate::{
    agent::AgentTable,
    command::{Accepted, CancelTarget, ChatChange, PromptChange, ReviseTarget},
    content::{Part, Text},
    event::{FinishReason, PromptBody, PromptMode, Recorded},
    id::PromptId,
    limits::Limits,
    message::Usage,
    outcome::Failure,
    seq::{MessageId, Timestamp, ToolCallId, TurnId},
    tool::{ApprovalDecision, ToolCall, ToolCatalog, ToolOutput},
};

/// Something that reaches a chat.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Somebody asks for something.
    Command(ChatCommand),
    /// Work of the running turn has got somewhere.
    Turn(TurnInput),
    /// The world has room for a turn of this chat.
    Admitted,
    /// The log was just opened: settle what the last life left open.
    Recover,
    /// The world shuts down: end what runs, keep what waits.
    Interrupt,
}

/// The commands that change a chat, without its name.
#[derive(Debug, Clone, PartialEq)]
pub enum ChatCommand {
    /// Change title, metadata, archive flag or agent.
    Update(ChatChange),
    /// Take no more prompts.
    Close,
    /// Take prompts again.
    Reopen,
    /// End all, for good.
    Delete,
    /// Submit a message.
    Send {
        /// Its name.
        prompt: PromptId,
        /// What it asks for when the chat is busy.
        mode: PromptMode,
        /// The message.
        body: PromptBody,
    },
    /// Change a waiting prompt.
    Edit {
        /// Which.
        prompt: PromptId,
        /// How.
        change: PromptChange,
    },
    /// Take a prompt out of the queue.
    Withdraw {
        /// Which.
        prompt: PromptId,
    },
    /// Stop a turn.
    Cancel(CancelTarget),
    /// Replace an earlier message and all after it.
    Revise {
        /// What.
        target: ReviseTarget,
        /// The name of the new prompt.
        prompt: PromptId,
    },
    /// Decide a call that waits.
    Decide {
        /// Which.
        call: ToolCallId,
        /// How.
        decision: ApprovalDecision,
    },
}

/// What the work of a turn reports. A report about something that has ended decides nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnInput {
    /// The model has said all.
    MessageDone {
        /// The message.
        message: MessageId,
        /// What the provider wants back unchanged.
        opaque: Vec<Part>,
        /// The calls it asks for.
        tool_calls: Vec<ToolCall>,
        /// What it cost.
        usage: Usage,
        /// Why it ended there.
        finish: FinishReason,
    },
    /// The model broke off: its turn fails.
    MessageFailed {
        /// The message.
        message: MessageId,
        /// Why.
        failure: Failure,
    },
    /// Text was shown that is not saved yet.
    Checkpoint {
        /// The message.
        message: MessageId,
        /// Text beyond what was saved before.
        text: Text,
        /// Reasoning beyond what was saved before.
        reasoning: Text,
    },
    /// A tool answered.
    ToolDone {
        /// The call.
        call: ToolCallId,
        /// The answer.
        output: ToolOutput,
    },
    /// A tool failed.
    ToolFailed {
        /// The call.
        call: ToolCallId,
        /// Why.
        failure: Failure,
    },
    /// The turn itself cannot go on, for example past its deadline.
    TurnFailed {
        /// The turn.
        turn: TurnId,
        /// Why.
        failure: Failure,
    },
    /// A model has thought of a title. It decides nothing if the chat wants none any more.
    TitleProposed {
        /// The title, as the model gave it; what stands around it is taken off.
        title: Text,
    },
}

/// All that was shown of an open message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Text of the answer.
    pub text: Text,
    /// Reasoning.
    pub reasoning: Text,
}

/// What a decision may know besides the log.
pub struct Facts<'a> {
    /// The present moment, stamped on what is decided.
    pub at: Timestamp,
    /// The bounds.
    pub limits: &'a Limits,
    /// The world's agents and settings.
    pub agents: &'a AgentTable,
    /// The world's tools.
    pub tools: &'a dyn ToolCatalog,
    /// Decides what of a long history a model receives.
    pub context: &'a dyn ContextPolicy,
    /// Whether the running turn may go on, or a first one may start: a place among the world's
    /// running turns is held or free.
    pub may_run: bool,
    /// Whether a further turn may start right after the running one, without overtaking chats
    /// that wait for a place.
    pub may_run_next: bool,
    /// Closes an open message for further text and answers with what was shown of it; `None` when
    /// nothing is known but what the log says. Called only for a decision that ends the message.
    pub seal: &'a mut dyn FnMut(MessageId) -> Option<Shown>,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("at", &self.at).field("may_run", &self.may_run).finish()
    }
}

/// What the rules decided: append the events, then apply them, then do the rest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// One append, all or nothing; empty when nothing changes.
    pub events: Vec<Arc<Recorded>>,
    /// What is begun once the events are stored.
    pub effects: Vec<Effect>,
    /// The answer to a prompt or revision; `None` stands for "done".
    pub accepted: Option<Accepted>,
}

/// Work that a decision begins. Work is never ended by an effect: the shell stops whatever the
/// state does not show as open any more.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the model; the request is built from the state after the events were applied.
    CallModel {
        /// The turn.
        turn: TurnId,
        /// The message that the answer becomes.
        message: MessageId,
    },
    /// Run a tool.
    CallTool {
        /// The turn.
        turn: TurnId,
        /// The call.
        id: ToolCallId,
        /// What to run.
        call: ToolCall,
    },
    /// Think of a title, as [`ChatState::title_request`](super::ChatState::title_request) says; the
    /// answer comes back as [`TurnInput::TitleProposed`]. Nothing waits for it, and it may fail.
    ProposeTitle,
    /// Remove the log and leave a tombstone.
    RemoveLog,
}

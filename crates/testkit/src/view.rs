//! What a reader sees: one chat folded from notices, as a user interface would fold it.
//!
//! Tests compare views (law 4): a reader that left and came back must hold what a reader that
//! never left holds. Nothing here is shared with the rules; the view knows only the words.

mod fold;

use std::collections::BTreeMap;

use polychat_core::{
    ChatId, Failure, Notice, PromptId, PromptOutcome, Recorded, Seq, ToolCallId, TurnId,
    content::{Part, Text},
    seq::MessageId,
};
use serde_json::Value;

use crate::{
    checker::place::Place,
    history::{Fact, History, SubscriberId},
};

/// Why a notice does not fit a view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// It belongs to another chat.
    #[error("a notice of chat {0} in another chat's view")]
    ForeignChat(ChatId),
    /// A recorded event is missing, or came again.
    #[error("event {expected} was to come, {got} came")]
    OutOfOrder {
        /// The next one.
        expected: Seq,
        /// The one that came.
        got: Seq,
    },
    /// Text is missing before a chunk.
    #[error("{expected} bytes are there, a chunk begins at {offset}")]
    TextGap {
        /// How much is there.
        expected: u64,
        /// Where the chunk begins.
        offset: u64,
    },
    /// A live event of a message or call that the view does not show as open.
    #[error("a live event of something that is not open")]
    NotOpen,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// A user; the prompt is `None` for copied history.
    User(Option<PromptId>),
    /// An agent.
    Assistant,
    /// A tool, in copied history.
    Tool,
}

/// Whether a message is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageState {
    /// It is being written.
    Open,
    /// It is complete.
    Ended,
    /// It broke off.
    Broken(Failure),
}

/// One message as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewMessage {
    /// Where it began.
    pub id: MessageId,
    /// Its turn; `None` for copied history.
    pub turn: Option<TurnId>,
    /// Who speaks.
    pub speaker: Speaker,
    /// Its text, or as much as was shown.
    pub text: String,
    /// Its reasoning, or as much as was shown.
    pub reasoning: String,
    /// Whether it is complete.
    pub state: MessageState,
    // Bytes that checkpoints hold of an open message.
    text_saved: usize,
    reasoning_saved: usize,
}

/// Where a tool call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallState {
    /// The model asked for it.
    Asked,
    /// It waits for a person.
    Awaiting,
    /// A person decided.
    Decided,
    /// It runs.
    Running,
    /// It answered.
    Answered,
    /// It failed or never ran.
    Failed(Failure),
}

/// One tool call as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewCall {
    /// The tool.
    pub name: Text,
    /// Where it stands.
    pub state: CallState,
    /// Output shown while it runs; superseded by the result.
    pub shown: String,
    /// How far it is; superseded by the result.
    pub progress: Option<Value>,
    /// What it answered.
    pub output: Vec<Part>,
}

/// Where a prompt stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewPromptState {
    /// It waits.
    Waiting,
    /// A turn works on it.
    Running(TurnId),
    /// It ended.
    Ended(PromptOutcome),
}

/// One prompt as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewPrompt {
    /// Where it was accepted.
    pub accepted: Seq,
    /// Its content, as last edited.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub state: ViewPromptState,
    place: Place,
}

/// One chat as one reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatView {
    /// The chat.
    pub chat_id: ChatId,
    /// The last recorded event.
    pub head: Seq,
    /// Its title.
    pub title: Text,
    /// Whether it is hidden in lists.
    pub archived: bool,
    /// Whether it takes no prompts.
    pub closed: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// The turn that runs.
    pub turn: Option<TurnId>,
    /// The history, waiting prompts not included.
    pub messages: Vec<ViewMessage>,
    /// All prompts.
    pub prompts: BTreeMap<PromptId, ViewPrompt>,
    /// The calls of all messages that count.
    pub calls: BTreeMap<ToolCallId, ViewCall>,
    cut: bool,
}

impl ChatView {
    /// A view that has seen nothing; it expects the first event of the log.
    #[must_use]
    pub fn new(chat_id: ChatId) -> Self {
        Self {
            chat_id,
            head: Seq::ZERO,
            title: Text::from(""),
            archived: false,
            closed: false,
            deleted: false,
            turn: None,
            messages: Vec::new(),
            prompts: BTreeMap::new(),
            calls: BTreeMap::new(),
            cut: false,
        }
    }

    /// The view of who reads the log alone. An open message shows what checkpoints hold.
    ///
    /// # Errors
    ///
    /// [`ViewError`] for a record that does not fit.
    pub fn of_log<'a>(
        chat_id: ChatId,
        log: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, ViewError> {
        let mut view = Self::new(chat_id);
        for recorded in log {
            view.recorded(recorded)?;
        }
        Ok(view)
    }

    /// The view of one reader that subscribed several times, each time where it had left.
    ///
    /// # Errors
    ///
    /// [`ViewError`] for the first notice that does not fit.
    pub fn of_reader(
        chat_id: ChatId,
        history: &History,
        subscriptions: &[SubscriberId],
    ) -> Result<Self, ViewError> {
        let mut view = Self::new(chat_id);
        for entry in history.entries() {
            match &entry.fact {
                Fact::Noticed { subscriber, notice } if subscriptions.contains(subscriber) => {
                    view.apply(notice)?;
                }
                _ => {}
            }
        }
        Ok(view)
    }

    /// Takes over one notice. Text that is there already is ignored; notices of the world's feed
    /// and the end of a stream change nothing.
    ///
    /// # Errors
    ///
    /// [`ViewError`] when it does not fit; the view stays as it was.
    pub fn apply(&mut self, notice: &Notice) -> Result<(), ViewError> {
        match notice {
            Notice::Recorded { event, .. } => self.recorded(event),
            Notice::Live { event, .. } => self.live(event),
            _ => Ok(()),
        }
    }

    /// The prompts that wait, in the order in which they will run.
    #[must_use]
    pub fn queue(&self) -> Vec<&PromptId> {
        let waiting = self.prompts.iter().filter(|(_, p)| p.state == ViewPromptState::Waiting);
        let mut queue: Vec<_> = waiting.map(|(id, prompt)| (prompt.place, id)).collect();
        queue.sort();
        queue.into_iter().map(|(_, id)| id).collect()
    }

    /// The message that is being written.
    #[must_use]
    pub fn open(&self) -> Option<&ViewMessage> {
        self.messages.iter().rev().find(|message| message.state == MessageState::Open)
    }
}

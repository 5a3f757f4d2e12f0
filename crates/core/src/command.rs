//! What may be asked of a world, and what it answers.
//!
//! A command names its chat, never its world: the world is the door it is given to. None of them
//! says which chat is selected, because nothing here knows (REQ-14).

mod import;
mod reply;

pub use import::{ImportedChat, ImportedEntry};
pub use reply::{
    Accepted, ChatPage, LogPage, MessagePage, OpenMessage, PendingApproval, PromptState, Reply,
    Snapshot, WaitingPrompt, WorldInfo,
};

use crate::{
    agent::{AgentConfig, WorldSettings},
    content::{Metadata, Part, Text},
    event::{PromptBody, PromptMode},
    id::{AgentName, ChatId, PromptId},
    ports::SearchQuery,
    seq::{MessageId, Seq, ToolCallId, TurnId},
    tool::ApprovalDecision,
};

/// What a new chat is given.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct NewChat {
    /// Its id; `None` lets the world choose one.
    pub id: Option<ChatId>,
    /// Its title; empty for none.
    pub title: Text,
    /// What the embedder attaches.
    pub metadata: Metadata,
    /// Its default agent; `None` takes the world's.
    pub agent: Option<AgentName>,
    /// The stored part of the host context of all its turns.
    pub context: Metadata,
}

impl NewChat {
    /// A chat without title, whose id the world chooses.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A chat with this id.
    #[must_use]
    pub fn with_id(id: ChatId) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<Text>) -> Self {
        self.title = title.into();
        self
    }

    /// Attaches metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<Metadata>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// Sets the default agent.
    #[must_use]
    pub fn agent(mut self, agent: AgentName) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Attaches the stored part of the host context.
    #[must_use]
    pub fn context(mut self, context: impl Into<Metadata>) -> Self {
        self.context = context.into();
        self
    }
}

/// What changes in a chat; what is not set stays.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ChatChange {
    /// The new title.
    pub title: Option<Text>,
    /// The new metadata, as a whole.
    pub metadata: Option<Metadata>,
    /// Whether it is hidden in lists.
    pub archived: Option<bool>,
    /// The new default agent.
    pub agent: Option<AgentName>,
}

impl ChatChange {
    /// Changes the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<Text>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Replaces the metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<Metadata>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    /// Hides the chat in lists, or shows it again.
    #[must_use]
    pub fn archived(mut self, archived: bool) -> Self {
        self.archived = Some(archived);
        self
    }

    /// Changes the default agent; a running turn keeps the one it has.
    #[must_use]
    pub fn agent(mut self, agent: AgentName) -> Self {
        self.agent = Some(agent);
        self
    }
}

/// What changes in a waiting prompt; what is not set stays.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct PromptChange {
    /// Its new content.
    pub parts: Option<Vec<Part>>,
    /// Its new mode: `steer` and `interrupt` act as if it had just been sent so.
    pub mode: Option<PromptMode>,
}

impl PromptChange {
    /// Replaces the content.
    #[must_use]
    pub fn parts(mut self, parts: Vec<Part>) -> Self {
        self.parts = Some(parts);
        self
    }

    /// Changes the mode.
    #[must_use]
    pub fn mode(mut self, mode: PromptMode) -> Self {
        self.mode = Some(mode);
        self
    }
}

/// Which turn a cancel means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelTarget {
    /// Whichever is running when the command arrives.
    Running,
    /// This one; refused if it is no longer that one.
    Turn(TurnId),
}

/// What a revision replaces.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviseTarget {
    /// The user's message with this id, with a new text.
    Message {
        /// The message.
        id: MessageId,
        /// Its new content.
        body: PromptBody,
    },
    /// The first prompt of this turn, with the same text: a retry.
    Turn(TurnId),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Entries after this one; `None` begins at the beginning. It is the `next` of a page.
    pub after: Option<Text>,
    /// Entries at most; bounded by [`Limits::page_max`](crate::Limits::page_max).
    pub limit: usize,
}

impl Page {
    /// The first entries of a list.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The entries after a page.
    #[must_use]
    pub fn after(next: impl Into<Text>, limit: usize) -> Self {
        Self { after: Some(next.into()), limit }
    }
}

/// Which chats a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ChatFilter {
    /// Only chats whose title contains this, letters of either case alike.
    pub title_contains: Option<Text>,
    /// Also chats that are archived.
    pub archived: bool,
}

impl ChatFilter {
    /// All chats that are not archived.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only chats whose title contains this.
    #[must_use]
    pub fn title_contains(mut self, text: impl Into<Text>) -> Self {
        self.title_contains = Some(text.into());
        self
    }

    /// Also chats that are archived.
    #[must_use]
    pub fn with_archived(mut self) -> Self {
        self.archived = true;
        self
    }
}

/// What may be asked of a world.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Creates a chat. Answer: [`Reply::Chat`].
    CreateChat {
        /// What it is given.
        chat: NewChat,
    },
    /// Creates a chat with the history of another one up to a message. Answer: [`Reply::Chat`].
    ForkChat {
        /// The chat to copy.
        from: ChatId,
        /// The last message to take over; it belongs to an ended turn.
        at: MessageId,
        /// What the new one is given.
        chat: NewChat,
    },
    /// Creates a chat with its history from another system, whole. Answer: [`Reply::Chat`].
    ImportChat {
        /// The chat and its messages.
        chat: Box<ImportedChat>,
    },
    /// Lists chats, in the order of their ids. Answer: [`Reply::Chats`].
    ListChats {
        /// Which page.
        page: Page,
        /// Which chats.
        filter: ChatFilter,
    },
    /// Info, status, messages, running text and cursor, consistent. Answer: [`Reply::Snapshot`].
    Snapshot {
        /// The chat.
        chat: ChatId,
    },
    /// Changes title, metadata, archive flag or agent. Answer: [`Reply::Done`].
    UpdateChat {
        /// The chat.
        chat: ChatId,
        /// What changes.
        change: ChatChange,
    },
    /// Cancels the turn, withdraws the queue, takes no prompts. Answer: [`Reply::Done`].
    CloseChat {
        /// The chat.
        chat: ChatId,
    },
    /// Takes prompts again; also revives a failed chat. Answer: [`Reply::Done`].
    ReopenChat {
        /// The chat.
        chat: ChatId,
    },
    /// Ends all work of the chat and removes it for good. Answer: [`Reply::Done`], again and again.
    DeleteChat {
        /// The chat.
        chat: ChatId,
    },

    /// Submits a message. Answer: [`Reply::Accepted`], alike for the same id and body.
    SendPrompt {
        /// The chat.
        chat: ChatId,
        /// Names the prompt; choose it once per message, then sending again is safe.
        prompt: PromptId,
        /// What it asks for when the chat is busy.
        mode: PromptMode,
        /// The message.
        body: PromptBody,
    },
    /// Changes a waiting prompt. Answer: [`Reply::Done`].
    EditPrompt {
        /// The chat.
        chat: ChatId,
        /// The prompt.
        prompt: PromptId,
        /// What changes.
        change: PromptChange,
    },
    /// Takes a waiting prompt out of the queue. Answer: [`Reply::Done`], again and again.
    WithdrawPrompt {
        /// The chat.
        chat: ChatId,
        /// The prompt.
        prompt: PromptId,
    },
    /// The waiting prompts in the order in which they will run. Answer: [`Reply::Prompts`].
    ListPrompts {
        /// The chat.
        chat: ChatId,
    },
    /// Where an accepted prompt stands now. Answer: [`Reply::Prompt`].
    LookUpPrompt {
        /// The chat.
        chat: ChatId,
        /// The prompt.
        prompt: PromptId,
    },

    /// Stops a turn; what it said is kept. Answer: [`Reply::Done`].
    CancelTurn {
        /// The chat.
        chat: ChatId,
        /// Which turn.
        target: CancelTarget,
    },
    /// Replaces an earlier user message and all after it by a new prompt. Answer:
    /// [`Reply::Accepted`].
    Revise {
        /// The chat.
        chat: ChatId,
        /// What is replaced.
        target: ReviseTarget,
        /// Names the new prompt.
        prompt: PromptId,
    },
    /// Decides a call that waits for a person. Answer: [`Reply::Done`].
    DecideApproval {
        /// The chat.
        chat: ChatId,
        /// The call.
        call: ToolCallId,
        /// The decision.
        decision: ApprovalDecision,
    },

    /// Messages of the history in order. Answer: [`Reply::Messages`].
    ListMessages {
        /// The chat.
        chat: ChatId,
        /// Which page; `next` is a message id.
        page: Page,
    },
    /// Recorded events in order. Answer: [`Reply::Log`].
    ReadLog {
        /// The chat.
        chat: ChatId,
        /// Events after this one.
        after: Seq,
        /// Events at most.
        limit: usize,
    },

    /// Messages that hold these words, newest first. Answer: [`Reply::Found`]; refused as
    /// `unsupported` where the world's store has no [`Search`](crate::ports::Search).
    Search {
        /// What is looked for.
        query: SearchQuery,
    },

    /// The world's name, settings and agents. Answer: [`Reply::World`].
    GetWorld,
    /// Changes the world's settings, as a whole. Answer: [`Reply::Done`].
    UpdateWorld {
        /// The new settings.
        settings: WorldSettings,
    },
    /// Adds an agent or replaces the one of the same name. Answer: [`Reply::Done`].
    PutAgent {
        /// The agent.
        agent: AgentConfig,
    },
    /// Removes an agent; the default one cannot be removed. Answer: [`Reply::Done`].
    RemoveAgent {
        /// The agent.
        agent: AgentName,
    },
}

impl Command {
    /// The chat that the command is about; `None` for commands about the world.
    ///
    /// For a fork it is the chat that is copied.
    #[must_use]
    pub fn chat(&self) -> Option<&ChatId> {
        match self {
            Self::CreateChat { chat } => chat.id.as_ref(),
            Self::ImportChat { chat } => chat.chat.id.as_ref(),
            Self::Search { query } => query.chat.as_ref(),
            Self::ForkChat { from, .. } => Some(from),
            Self::Snapshot { chat }
            | Self::UpdateChat { chat, .. }
            | Self::CloseChat { chat }
            | Self::ReopenChat { chat }
            | Self::DeleteChat { chat }
            | Self::SendPrompt { chat, .. }
            | Self::EditPrompt { chat, .. }
            | Self::WithdrawPrompt { chat, .. }
            | Self::ListPrompts { chat }
            | Self::LookUpPrompt { chat, .. }
            | Self::CancelTurn { chat, .. }
            | Self::Revise { chat, .. }
            | Self::DecideApproval { chat, .. }
            | Self::ListMessages { chat, .. }
            | Self::ReadLog { chat, .. } => Some(chat),
            Self::ListChats { .. }
            | Self::GetWorld
            | Self::UpdateWorld { .. }
            | Self::PutAgent { .. }
            | Self::RemoveAgent { .. } => None,
        }
    }

    /// Whether the command may use the lane that stays open under load: it ends work, it adds none.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(
            self,
            Self::CancelTurn { .. }
                | Self::DeleteChat { .. }
                | Self::CloseChat { .. }
                | Self::DecideApproval { .. }
                | Self::WithdrawPrompt { .. }
        )
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateChat { .. } => "chat/create",
            Self::ForkChat { .. } => "chat/fork",
            Self::ImportChat { .. } => "chat/import",
            Self::ListChats { .. } => "chat/list",
            Self::Snapshot { .. } => "chat/snapshot",
            Self::UpdateChat { .. } => "chat/update",
            Self::CloseChat { .. } => "chat/close",
            Self::ReopenChat { .. } => "chat/reopen",
            Self::DeleteChat { .. } => "chat/delete",
            Self::SendPrompt { .. } => "prompt/send",
            Self::EditPrompt { .. } => "prompt/edit",
            Self::WithdrawPrompt { .. } => "prompt/withdraw",
            Self::ListPrompts { .. } => "prompt/list",
            Self::LookUpPrompt { .. } => "prompt/outcome",
            Self::CancelTurn { .. } => "turn/cancel",
            Self::Revise { .. } => "history/revise",
            Self::DecideApproval { .. } => "approval/decide",
            Self::ListMessages { .. } => "messages/list",
            Self::ReadLog { .. } => "log/read",
            Self::Search { .. } => "search",
            Self::GetWorld => "world/get",
            Self::UpdateWorld { .. } => "world/update",
            Self::PutAgent { .. } => "agent/put",
            Self::RemoveAgent { .. } => "agent/remove",
        }
    }
}

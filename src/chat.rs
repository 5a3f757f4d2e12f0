//! The handle of a chat.

use std::{future::IntoFuture, pin::Pin};

use polychat_core::{
    AgentName, ChatId, Command, CommandError, Cursor, MessageId, Metadata, Part, PromptId, Reply,
    Scope, Seq, StartAt, TurnId,
    command::{
        CancelTarget, ChatChange, LogPage, MessagePage, NewChat, Page, PromptChange, PromptState,
        ReviseTarget, Snapshot, WaitingPrompt,
    },
    event::{PromptBody, PromptMode},
    ports::NoticeStream,
    tool::ApprovalDecision,
};

use crate::{PromptHandle, WaitingCall, World, world::unexpected};

/// How often a command that can safely be sent again is, before its caller hears of the fault.
const ATTEMPTS_MAX: usize = 3;

/// A chat. The handle outlives restarts of the chat's actor; clones are the same chat.
#[derive(Clone)]
pub struct Chat {
    world: World,
    id: ChatId,
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Chat {
    pub(crate) fn new(world: World, id: ChatId) -> Self {
        Self { world, id }
    }

    /// The chat's id.
    #[must_use]
    pub fn id(&self) -> &ChatId {
        &self.id
    }

    /// The chat's world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    // ---- prompts

    /// Sends a message: `chat.prompt("hello").await?`.
    ///
    /// Awaiting it answers once the prompt is stored; [`PromptHandle::outcome`] waits for the end.
    /// What the prompt asks for when the chat is busy is set on the request, for example
    /// `chat.prompt("wait, in French").steer().await?`.
    pub fn prompt(&self, text: impl Into<String>) -> PromptRequest {
        self.prompt_parts(vec![Part::text(text.into())])
    }

    /// Sends a message of several parts.
    pub fn prompt_parts(&self, parts: Vec<Part>) -> PromptRequest {
        PromptRequest {
            chat: self.clone(),
            id: self.world.ids().prompt(),
            mode: PromptMode::Queue,
            body: PromptBody { parts, ..PromptBody::default() },
        }
    }

    /// The waiting prompts in the order in which they will run.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat` or `chat_deleted`.
    pub async fn waiting_prompts(&self) -> Result<Vec<WaitingPrompt>, CommandError> {
        match self.call(Command::ListPrompts { chat: self.id.clone() }).await? {
            Reply::Prompts(prompts) => Ok(prompts),
            other => Err(unexpected(&other)),
        }
    }

    /// Where an accepted prompt stands now.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_prompt`.
    pub async fn prompt_state(&self, prompt: &PromptId) -> Result<PromptState, CommandError> {
        let command = Command::LookUpPrompt { chat: self.id.clone(), prompt: prompt.clone() };
        match self.call(command).await? {
            Reply::Prompt(state) => Ok(state),
            other => Err(unexpected(&other)),
        }
    }

    /// Changes a waiting prompt's content or mode.
    ///
    /// # Errors
    ///
    /// Refused as `prompt_not_waiting` once a turn has taken it.
    pub async fn edit_prompt(
        &self,
        prompt: &PromptId,
        change: PromptChange,
    ) -> Result<(), CommandError> {
        let (chat, prompt) = (self.id.clone(), prompt.clone());
        self.world.done(Command::EditPrompt { chat, prompt, change }).await
    }

    /// Takes a waiting prompt out of the queue; its outcome is `withdrawn`.
    ///
    /// # Errors
    ///
    /// Refused as `prompt_not_waiting` once a turn has taken it.
    pub async fn withdraw_prompt(&self, prompt: &PromptId) -> Result<(), CommandError> {
        let (chat, prompt) = (self.id.clone(), prompt.clone());
        self.world.done(Command::WithdrawPrompt { chat, prompt }).await
    }

    // ---- turns

    /// Stops the running turn; what it said is kept.
    ///
    /// # Errors
    ///
    /// Refused as `nothing_running`.
    pub async fn cancel(&self) -> Result<(), CommandError> {
        self.cancel_target(CancelTarget::Running).await
    }

    /// Stops a turn, unless it is no longer the running one.
    ///
    /// # Errors
    ///
    /// Refused as `turn_not_running`.
    pub async fn cancel_turn(&self, turn: TurnId) -> Result<(), CommandError> {
        self.cancel_target(CancelTarget::Turn(turn)).await
    }

    async fn cancel_target(&self, target: CancelTarget) -> Result<(), CommandError> {
        self.world.done(Command::CancelTurn { chat: self.id.clone(), target }).await
    }

    /// Replaces an earlier message of the user, and all that came after it, by a new prompt.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_message` unless it is a user's message of the present history.
    pub async fn revise(
        &self,
        message: MessageId,
        text: impl Into<String>,
    ) -> Result<PromptHandle, CommandError> {
        let body = PromptBody::text(text.into());
        self.revise_target(ReviseTarget::Message { id: message, body }).await
    }

    /// Runs the prompt of a turn again, with the same text: that turn and all after it go.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_turn` unless its prompt is part of the present history.
    pub async fn retry(&self, turn: TurnId) -> Result<PromptHandle, CommandError> {
        self.revise_target(ReviseTarget::Turn(turn)).await
    }

    async fn revise_target(&self, target: ReviseTarget) -> Result<PromptHandle, CommandError> {
        let (chat, prompt) = (self.id.clone(), self.world.ids().prompt());
        self.accepted(Command::Revise { chat, target, prompt }).await
    }

    /// Decides a call that waits for a person; [`allow`](Self::allow), [`deny`](Self::deny) and the
    /// others are this in words.
    ///
    /// # Errors
    ///
    /// Refused as `approval_not_pending` when the call does not wait (any more, or in this chat), as
    /// `decision_mismatch` when the decision is no answer to what was asked, or as `too_large`.
    pub async fn decide(
        &self,
        call: impl Into<WaitingCall>,
        decision: ApprovalDecision,
    ) -> Result<(), CommandError> {
        let chat = self.id.clone();
        let call = call.into().in_chat(&chat)?;
        self.world.done(Command::DecideApproval { chat, call, decision }).await
    }

    // ---- the chat itself

    /// Info, status, messages, running text and cursor in one consistent answer.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat` or `chat_deleted`.
    pub async fn snapshot(&self) -> Result<Snapshot, CommandError> {
        match self.call(Command::Snapshot { chat: self.id.clone() }).await? {
            Reply::Snapshot(snapshot) => Ok(*snapshot),
            other => Err(unexpected(&other)),
        }
    }

    /// One page of the history.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot), and `invalid_input` for a page that is none.
    pub async fn messages(&self, page: Page) -> Result<MessagePage, CommandError> {
        match self.call(Command::ListMessages { chat: self.id.clone(), page }).await? {
            Reply::Messages(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    /// Recorded events after a position, at most `limit` of them.
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Self::snapshot).
    pub async fn log(&self, after: Seq, limit: usize) -> Result<LogPage, CommandError> {
        match self.call(Command::ReadLog { chat: self.id.clone(), after, limit }).await? {
            Reply::Log(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    /// Creates a chat of the same world with this one's history up to and including a message.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_message` unless the message belongs to an ended turn; else as
    /// [`World::create_chat`].
    pub async fn fork(&self, at: MessageId, chat: NewChat) -> Result<Chat, CommandError> {
        match self.call(Command::ForkChat { from: self.id.clone(), at, chat }).await? {
            Reply::Chat(id) => Ok(Self::new(self.world.clone(), id)),
            other => Err(unexpected(&other)),
        }
    }

    /// Watches the chat: `StartAt::Start` begins with its first event, `StartAt::Now` with what
    /// comes, `StartAt::After(cursor)` goes on where a notice or a snapshot left off.
    ///
    /// The stream ends after [`Notice::Ended`](crate::Notice::Ended). Dropping it unsubscribes,
    /// and cancels nothing.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, LiveBody, Notice, StartAt, StreamExt, WorldBuilder};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let chat = world.open_chat("a").await?;
    /// let mut notices = chat.subscribe(StartAt::Now).await?;
    /// chat.prompt("hello").await?;
    /// while let Some(notice) = notices.next().await {
    ///     match notice {
    ///         Notice::Live { event, .. } => {
    ///             if let LiveBody::MessageChunk { text, .. } = &event.body {
    ///                 print!("{text}");
    ///             }
    ///         }
    ///         Notice::Recorded { event, .. } if event.event.name() == "turn.ended" => break,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat`, `chat_deleted`, `cursor_invalid` or `subscribers_full`.
    pub async fn subscribe(&self, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.world.service().subscribe(Scope::Chat(self.id.clone()), start).await
    }

    /// Watches the chat from the place of a cursor.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    pub async fn subscribe_after(&self, cursor: Cursor) -> Result<NoticeStream, CommandError> {
        self.subscribe(StartAt::After(cursor)).await
    }

    /// Changes title, metadata, archive flag or default agent.
    ///
    /// # Errors
    ///
    /// Refused as `too_large` or `unknown_agent`.
    pub async fn update(&self, change: ChatChange) -> Result<(), CommandError> {
        self.world.done(Command::UpdateChat { chat: self.id.clone(), change }).await
    }

    /// Gives the chat a title.
    ///
    /// # Errors
    ///
    /// Refused as `too_large`.
    pub async fn rename(&self, title: impl Into<String>) -> Result<(), CommandError> {
        self.update(ChatChange::default().title(title.into())).await
    }

    /// Stops the turn, withdraws what waits, and takes no prompts until [`reopen`](Self::reopen).
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat` or `chat_deleted`.
    pub async fn close(&self) -> Result<(), CommandError> {
        self.world.done(Command::CloseChat { chat: self.id.clone() }).await
    }

    /// Takes prompts again; a chat that has failed is tried again.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat`, `chat_deleted`, or `chat_failed` when it fails again.
    pub async fn reopen(&self) -> Result<(), CommandError> {
        self.world.done(Command::ReopenChat { chat: self.id.clone() }).await
    }

    /// Ends all work of the chat and removes it for good. Its id is never used again.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat`; deleting a deleted chat is no error.
    pub async fn delete(&self) -> Result<(), CommandError> {
        self.world.done(Command::DeleteChat { chat: self.id.clone() }).await
    }

    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.world.call(command).await
    }

    /// Sends what carries a prompt id of its own: sending it again is safe, so faults that may pass
    /// are not passed on at once.
    async fn accepted(&self, command: Command) -> Result<PromptHandle, CommandError> {
        let mut attempt = 1;
        loop {
            match self.call(command.clone()).await {
                Ok(Reply::Accepted(accepted)) => {
                    return Ok(PromptHandle::new(self.clone(), accepted));
                }
                Ok(other) => return Err(unexpected(&other)),
                Err(CommandError::Fault(fault))
                    if fault.kind == polychat_core::FaultKind::ChatRestarted
                        && attempt < ATTEMPTS_MAX =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// A message on its way; awaiting it sends it.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use polychat::{AgentName, DemoModel, WorldBuilder};
///
/// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
/// let chat = world.open_chat("a").await?;
/// let prompt = chat
///     .prompt("translate this page")
///     .agent(AgentName::new("assistant")?) // who answers
///     .context([("page", 7)]) // what tools and models are told besides
///     .metadata([("from", "the side bar")]) // what watchers get back
///     .await?;
/// prompt.outcome().await?;
/// # Ok::<(), polychat::Error>(()) }).unwrap();
/// ```
#[must_use = "a prompt is sent by awaiting it"]
#[derive(Clone)]
pub struct PromptRequest {
    chat: Chat,
    id: PromptId,
    mode: PromptMode,
    body: PromptBody,
}

impl PromptRequest {
    /// Names the prompt. Sending the same id and body again is answered alike and runs nothing
    /// twice; without this a fresh id is chosen.
    pub fn id(mut self, id: PromptId) -> Self {
        self.id = id;
        self
    }

    /// Waits its turn; the default.
    pub fn queue(mut self) -> Self {
        self.mode = PromptMode::Queue;
        self
    }

    /// Joins the running turn at its next step.
    pub fn steer(mut self) -> Self {
        self.mode = PromptMode::Steer;
        self
    }

    /// Stops the running turn and runs next.
    pub fn interrupt(mut self) -> Self {
        self.mode = PromptMode::Interrupt;
        self
    }

    /// Is refused as `chat_busy` when the chat is busy.
    pub fn reject_if_busy(mut self) -> Self {
        self.mode = PromptMode::Reject;
        self
    }

    /// Lets this agent answer, whomever the text addresses; the world's default agent stands in for
    /// one that was removed before the prompt's turn began.
    pub fn agent(mut self, agent: AgentName) -> Self {
        self.body.agent = Some(agent);
        self
    }

    /// Attaches metadata, which is given back untouched.
    pub fn metadata(mut self, metadata: impl Into<Metadata>) -> Self {
        self.body.metadata = metadata.into();
        self
    }

    /// Attaches the stored part of the host context for this prompt's turn. Models and tools get it
    /// as `HostContext::prompt`; it is never sent to a provider.
    pub fn context(mut self, context: impl Into<Metadata>) -> Self {
        self.body.context = context.into();
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_chat`, `chat_closed`, `chat_busy`, `queue_full`, `too_large`,
    /// `conflict`, `overloaded` and others of [`Refusal`](crate::Refusal); a fault means that sending it again with
    /// the same [`id`](Self::id) is safe.
    pub async fn send(self) -> Result<PromptHandle, CommandError> {
        let Self { chat, id, mode, body } = self;
        let command = Command::SendPrompt { chat: chat.id.clone(), prompt: id, mode, body };
        chat.accepted(command).await
    }
}

impl IntoFuture for PromptRequest {
    type Output = Result<PromptHandle, CommandError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

//! The handle of a world.

use std::sync::Arc;

use polychat_core::{
    AgentConfig, AgentName, ChatId, Command, CommandError, Fault, FaultKind, Refusal, Reply, Scope,
    StartAt,
    agent::WorldSettings,
    command::{ChatFilter, ChatPage, ImportedChat, NewChat, Page, WorldInfo},
    content::Text,
    id::InvalidId,
    ports::{Ids, NoticeStream, SearchPage, SearchQuery, WorldService},
};
use polychat_transport::Rejections;
use polychat_world_actor::{LocalWorld, ScopePolicy, Scoped, system::RandomIds};

use crate::{Chat, Error};

/// Hits of a search that does not say how many it wants.
const SEARCH_PAGE: usize = 20;

/// A world: create chats, list them, watch them all. Clones are the same world.
///
/// It works on any [`WorldService`]: a world in this process, one behind a policy, one behind a
/// wire.
#[derive(Clone)]
pub struct World {
    service: Arc<dyn WorldService>,
    ids: Arc<dyn Ids>,
    /// The world behind it, if this handle may close it.
    local: Option<LocalWorld>,
}

impl World {
    /// A handle on whatever serves a world.
    #[must_use]
    pub fn of_service(service: Arc<dyn WorldService>) -> Self {
        Self { service, ids: Arc::new(RandomIds), local: None }
    }

    /// A handle on a world in this process.
    #[must_use]
    pub fn of_local(world: LocalWorld) -> Self {
        Self { ids: world.ids(), service: Arc::new(world.clone()), local: Some(world) }
    }

    /// The door, for transports and wrappers.
    #[must_use]
    pub fn service(&self) -> Arc<dyn WorldService> {
        Arc::clone(&self.service)
    }

    pub(crate) fn ids(&self) -> &dyn Ids {
        &*self.ids
    }

    /// The same world through a policy: what a caller may not see does not exist for it.
    #[must_use]
    pub fn scoped(&self, policy: Arc<dyn ScopePolicy>) -> Self {
        let service = Arc::new(Scoped::new(self.service(), policy));
        Self { service, ids: Arc::clone(&self.ids), local: None }
    }

    /// A handle on a chat. Nothing is asked: whether it exists shows with the first command.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the string is no id.
    pub fn chat(&self, id: impl AsRef<str>) -> Result<Chat, InvalidId> {
        Ok(Chat::new(self.clone(), ChatId::new(id)?))
    }

    /// Creates a chat; `NewChat::new()` lets the world choose its id.
    ///
    /// What models and tools shall know of the chat is attached to it: its
    /// [`context`](NewChat::context) reaches each of their calls, and no provider.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{ChatId, DemoModel, NewChat, WorldBuilder};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let chat = NewChat::with_id(ChatId::new("plans")?)
    ///     .title("Plans")
    ///     .context([("tenant", "north"), ("folder", "/srv/north")]);
    /// let chat = world.create_chat(chat).await?;
    /// assert_eq!(chat.id().as_str(), "plans");
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Refused as `chat_exists`, `chat_deleted`, `too_large`, `unknown_agent`, or when the world is
    /// closed or full.
    pub async fn create_chat(&self, chat: NewChat) -> Result<Chat, CommandError> {
        match self.call(Command::CreateChat { chat }).await? {
            Reply::Chat(id) => Ok(Chat::new(self.clone(), id)),
            other => Err(unexpected(&other)),
        }
    }

    /// The chat of this id, which is created if there is none. Behind a policy that chooses the ids
    /// of new chats it is the chat that the policy means.
    ///
    /// A caller who may only read uses [`chat`](Self::chat): this may create, and is refused.
    ///
    /// # Errors
    ///
    /// As [`create_chat`](Self::create_chat), except that an existing chat is no error.
    pub async fn open_chat(&self, id: impl AsRef<str>) -> Result<Chat, Error> {
        match self.create_chat(NewChat::with_id(ChatId::new(id)?)).await {
            Err(CommandError::Refused(Refusal::ChatExists { chat_id })) => {
                Ok(Chat::new(self.clone(), chat_id))
            }
            created => Ok(created?),
        }
    }

    /// One page of chats in the byte order of their ids. Only its `next` says whether it is the last:
    /// a page of few chats may have more behind it.
    ///
    /// # Errors
    ///
    /// A fault of the store, or a closed world.
    pub async fn chats(&self, page: Page, filter: ChatFilter) -> Result<ChatPage, CommandError> {
        match self.call(Command::ListChats { page, filter }).await? {
            Reply::Chats(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    /// Creates a chat with its history from another system: whole, or not at all.
    ///
    /// # Errors
    ///
    /// As [`create_chat`](Self::create_chat); refused as `invalid_input`, `too_large` or `chat_full`
    /// for a history that no log can hold.
    pub async fn import_chat(&self, chat: ImportedChat) -> Result<Chat, CommandError> {
        match self.call(Command::ImportChat { chat: Box::new(chat) }).await? {
            Reply::Chat(id) => Ok(Chat::new(self.clone(), id)),
            other => Err(unexpected(&other)),
        }
    }

    /// The first messages that hold these words, newest first.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub async fn search(&self, text: impl Into<Text>) -> Result<SearchPage, CommandError> {
        self.find(SearchQuery::new(text, Page::first(SEARCH_PAGE))).await
    }

    /// Messages that hold these words, newest first: of all chats or of one, page by page.
    ///
    /// # Errors
    ///
    /// Refused as `unsupported` when the store has no search, as `too_large` for too long a text,
    /// and as `invalid_input` for an `after` that is no place in this result.
    pub async fn find(&self, query: SearchQuery) -> Result<SearchPage, CommandError> {
        match self.call(Command::Search { query }).await? {
            Reply::Found(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }

    /// Watches the world: first the statuses of chats that are not idle, then what changes, and
    /// diagnostics. It ends after [`Notice::Ended`](crate::Notice::Ended).
    ///
    /// # Errors
    ///
    /// Refused as `subscribers_full` or `world_closed`.
    pub async fn subscribe(&self) -> Result<NoticeStream, CommandError> {
        self.service.subscribe(Scope::World, StartAt::Now).await
    }

    /// The world's name, settings and agents.
    ///
    /// # Errors
    ///
    /// Refused when the world is closed, or not the caller's to see.
    pub async fn info(&self) -> Result<WorldInfo, CommandError> {
        match self.call(Command::GetWorld).await? {
            Reply::World(info) => Ok(*info),
            other => Err(unexpected(&other)),
        }
    }

    /// Replaces the world's settings; they hold at once, also for turns that run.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, WorldBuilder};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let mut settings = world.info().await?.settings;
    /// settings.mentions = true; // `@name` addresses an agent
    /// settings.titles = true; // the model names a chat after its first turn
    /// world.update(settings).await?;
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Refused as `too_large` or `log_full`; a fault of the store, or a closed world.
    pub async fn update(&self, settings: WorldSettings) -> Result<(), CommandError> {
        self.done(Command::UpdateWorld { settings }).await
    }

    /// Adds an agent, or replaces the one of the same name; running turns keep what they have.
    ///
    /// Whether a model is registered under the name that it gives shows with its first turn, which
    /// otherwise fails as `not_configured`.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{AgentConfig, AgentName, DemoModel, ModelName, WorldBuilder, tool::ToolSelection};
    ///
    /// let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    /// let guide = AgentConfig::new(AgentName::new("guide")?, ModelName::new("assistant")?)
    ///     .system("You know the way.")
    ///     .tools(ToolSelection::All);
    /// world.put_agent(guide).await?;
    /// let prompt = world.open_chat("trip").await?.prompt("where are we?");
    /// prompt.agent(AgentName::new("guide")?).await?;
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Refused as `too_large`, also for one agent too many, or as `log_full`; a fault of the store,
    /// or a closed world.
    pub async fn put_agent(&self, agent: AgentConfig) -> Result<(), CommandError> {
        self.done(Command::PutAgent { agent }).await
    }

    /// Removes an agent. Turns that it has begun go on; later, the world's default agent stands in
    /// for it where a chat or a waiting prompt still names it.
    ///
    /// # Errors
    ///
    /// Refused as `unknown_agent`, or as `agent_in_use` for the default one.
    pub async fn remove_agent(&self, agent: AgentName) -> Result<(), CommandError> {
        self.done(Command::RemoveAgent { agent }).await
    }

    /// Closes the world in order, if it is in this process and this handle is not
    /// [`scoped`](Self::scoped); otherwise it does nothing. See [`LocalWorld::shutdown`].
    pub async fn shutdown(&self) {
        if let Some(local) = &self.local {
            local.shutdown().await;
        }
    }

    /// Counts what a transport of this name rejects, and surfaces it among the world's diagnostics.
    /// For a world that is not in this process it only counts.
    #[must_use]
    pub fn rejections(&self, path: &'static str) -> Rejections {
        let Some(local) = &self.local else { return Rejections::new(path) };
        Rejections::reporting(path, local.clock(), local.diagnostics())
    }

    /// How many turns run right now, if the world is in this process.
    #[must_use]
    pub fn turns_running(&self) -> Option<usize> {
        self.local.as_ref().map(LocalWorld::turns_running)
    }

    /// Asks the door.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.service.call(command).await
    }

    pub(crate) async fn done(&self, command: Command) -> Result<(), CommandError> {
        match self.call(command).await? {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }
}

/// A world that answers something else than it was asked.
pub(crate) fn unexpected(reply: &Reply) -> CommandError {
    let kind = reply.name();
    Fault::new(FaultKind::Protocol, &format!("an answer of the wrong kind: {kind}")).into()
}

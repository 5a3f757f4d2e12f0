//! The way through a world: its settings, its agents, its chats page by page, their messages.

use std::{collections::VecDeque, sync::Arc};

use polychat_core::{
    AgentConfig, ChatId, Command, CommandError, Refusal, Reply, Summary, WorldId,
    command::{ChatFilter, Page, WorldInfo},
    message::SharedMessage,
    ports::WorldService,
};

use crate::ask::{read, unexpected};

/// Chats listed at once.
const PAGE: usize = 500;

/// What is met on the way, in this order.
pub(super) enum Item {
    /// The world; only when all of it is exported.
    World(Box<WorldInfo>),
    /// An agent of the world.
    Agent(Arc<AgentConfig>),
    /// A chat; its messages follow.
    Chat { world: Option<WorldId>, summary: Box<Summary> },
    /// A message of that chat.
    Message { chat_id: ChatId, message: SharedMessage },
    /// A chat that cannot be read.
    Missing { chat_id: ChatId, error: CommandError },
    /// The end of the way.
    End { chats: u64, messages: u64 },
}

/// Where the way has led so far.
pub(super) struct Walk {
    world: Arc<dyn WorldService>,
    /// The one chat that was asked for.
    only: Option<ChatId>,
    /// The world's name; `None` where the caller may not know it.
    world_id: Option<WorldId>,
    stage: Stage,
    agents: VecDeque<Arc<AgentConfig>>,
    chats: VecDeque<ChatId>,
    /// The page of chats after those; `None` when there is no further one.
    next_page: Option<Page>,
    chat: Option<ChatId>,
    messages: VecDeque<SharedMessage>,
    chats_done: u64,
    messages_done: u64,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Begin,
    Chats,
    Done,
}

impl Walk {
    pub(super) fn new(world: Arc<dyn WorldService>, only: Option<ChatId>) -> Self {
        Self {
            world,
            only,
            world_id: None,
            stage: Stage::Begin,
            agents: VecDeque::new(),
            chats: VecDeque::new(),
            next_page: None,
            chat: None,
            messages: VecDeque::new(),
            chats_done: 0,
            messages_done: 0,
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Item>, CommandError> {
        loop {
            if let Some(agent) = self.agents.pop_front() {
                return Ok(Some(Item::Agent(agent)));
            }
            if let (Some(chat_id), Some(message)) = (&self.chat, self.messages.pop_front()) {
                self.messages_done += 1;
                return Ok(Some(Item::Message { chat_id: chat_id.clone(), message }));
            }
            match self.stage {
                Stage::Begin => {
                    self.stage = Stage::Chats;
                    if let Some(item) = self.begin().await? {
                        return Ok(Some(item));
                    }
                }
                Stage::Chats => {
                    if let Some(chat) = self.chats.pop_front() {
                        if let Some(item) = self.enter(chat).await? {
                            return Ok(Some(item));
                        }
                    } else if let Some(page) = self.next_page.take() {
                        self.list(page).await?;
                    } else {
                        self.stage = Stage::Done;
                        let (chats, messages) = (self.chats_done, self.messages_done);
                        return Ok(Some(Item::End { chats, messages }));
                    }
                }
                Stage::Done => return Ok(None),
            }
        }
    }

    async fn begin(&mut self) -> Result<Option<Item>, CommandError> {
        let info = match self.world.call(Command::GetWorld).await {
            Ok(Reply::World(info)) => Some(info),
            Ok(other) => return Err(unexpected(&other)),
            // Who may read chats need not be allowed to know their world.
            Err(CommandError::Refused(Refusal::Forbidden {})) => None,
            Err(error) => return Err(error),
        };
        self.world_id = info.as_ref().map(|info| info.world_id.clone());
        if let Some(only) = &self.only {
            self.chats.push_back(only.clone());
            return Ok(None);
        }
        self.next_page = Some(Page::first(PAGE));
        if let Some(info) = &info {
            self.agents = info.agents.iter().cloned().collect();
        }
        Ok(info.map(Item::World))
    }

    async fn list(&mut self, page: Page) -> Result<(), CommandError> {
        let filter = ChatFilter::new().with_archived();
        match self.world.call(Command::ListChats { page, filter }).await? {
            Reply::Chats(page) => {
                self.chats = page.chats.into_iter().map(|summary| summary.chat_id).collect();
                self.next_page = page.next.map(|next| Page::after(next, PAGE));
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Reads a chat; `None` when it has gone since it was listed.
    async fn enter(&mut self, chat_id: ChatId) -> Result<Option<Item>, CommandError> {
        match read(&*self.world, &chat_id).await {
            Ok(snapshot) => {
                self.chats_done += 1;
                self.messages = snapshot.messages.into();
                self.chat = Some(chat_id);
                let (world, summary) = (self.world_id.clone(), Box::new(snapshot.summary));
                Ok(Some(Item::Chat { world, summary }))
            }
            Err(error) if self.only.is_some() => Err(error),
            Err(CommandError::Refused(
                Refusal::UnknownChat { .. } | Refusal::ChatDeleted { .. },
            )) => Ok(None),
            // What passes is no reason to leave a chat out.
            Err(error) if error.retryable() => Err(error),
            Err(error) => Ok(Some(Item::Missing { chat_id, error })),
        }
    }
}

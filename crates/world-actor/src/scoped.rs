//! A world seen through a policy: how an embedder brings authorisation.
//!
//! The wrapper filters every command, every list, every subscription. What may not be seen is
//! answered exactly like what does not exist.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_core::Stream;
use polychat_core::{
    ChatId, Command, CommandError, Notice, Refusal, Reply, Scope, StartAt,
    command::{ChatPage, NewChat, Page},
    notice::WorldNotice,
    ports::{NoticeStream, SearchPage, SearchQuery, WorldService},
};

/// How many pages of what was found one search looks at for something that its caller may see.
const SEARCHES_MAX: usize = 64;

/// What a caller may do with something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Not even know of it.
    None,
    /// Read it.
    Read,
    /// Read and change it.
    Write,
}

/// What one caller may do in a world. Asked often, so it answers from memory.
pub trait ScopePolicy: Send + Sync {
    /// What the caller may do with a chat, whether or not it exists.
    fn chat(&self, chat: &ChatId) -> Access;

    /// What the caller may do with the world itself: its agents, settings, and diagnostics that
    /// name no chat.
    fn world(&self) -> Access {
        Access::None
    }

    /// Looks at a chat that the caller wants to create, and may change it: choose an id that the
    /// policy will recognise, stamp metadata. A chat without an id is refused after this.
    ///
    /// # Errors
    ///
    /// A refusal, usually [`Refusal::Forbidden`].
    fn admit(&self, chat: &mut NewChat) -> Result<(), Refusal>;
}

/// A world seen through a policy.
pub struct Scoped {
    inner: Arc<dyn WorldService>,
    policy: Arc<dyn ScopePolicy>,
}

impl Scoped {
    /// Shows a world through a policy.
    #[must_use]
    pub fn new(inner: Arc<dyn WorldService>, policy: Arc<dyn ScopePolicy>) -> Self {
        Self { inner, policy }
    }

    fn check(&self, command: &Command) -> Result<(), Refusal> {
        let needed = needed(command);
        let Some(chat) = command.chat() else {
            let sees_world = self.policy.world() >= needed;
            let listing = matches!(
                command,
                Command::ListChats { .. }
                    | Command::CreateChat { .. }
                    | Command::ImportChat { .. }
                    | Command::Search { .. }
            );
            return if listing || sees_world { Ok(()) } else { Err(Refusal::Forbidden {}) };
        };
        if matches!(command, Command::CreateChat { .. } | Command::ImportChat { .. }) {
            return Ok(());
        }
        match self.policy.chat(chat) {
            Access::None => Err(Refusal::UnknownChat { chat_id: chat.clone() }),
            access if access < needed => Err(Refusal::Forbidden {}),
            _ => Ok(()),
        }
    }

    fn admit(&self, chat: &mut NewChat) -> Result<(), Refusal> {
        self.policy.admit(chat)?;
        // An id that the caller may not write to would tell whether that chat exists, and a chat
        // whose id nobody chose could be one that its creator cannot see.
        match &chat.id {
            Some(id) if self.policy.chat(id) >= Access::Write => Ok(()),
            _ => Err(Refusal::Forbidden {}),
        }
    }

    /// Searches page by page until there is a page with something visible, which may be short: a
    /// place between two hits has no name of its own, so a page is shown whole or not at all. One
    /// call looks at some pages only; an empty page with a `next` says that there may be more.
    async fn search(&self, mut query: SearchQuery) -> Result<Reply, CommandError> {
        for _ in 0..SEARCHES_MAX {
            let command = Command::Search { query: query.clone() };
            let Reply::Found(mut read) = self.inner.call(command).await? else {
                return Err(Refusal::Unsupported { what: "search".into() }.into());
            };
            read.hits.retain(|hit| self.policy.chat(&hit.chat_id) >= Access::Read);
            if !read.hits.is_empty() || read.next.is_none() {
                return Ok(Reply::Found(read));
            }
            query.page.after = read.next;
            tokio::task::coop::consume_budget().await;
        }
        Ok(Reply::Found(SearchPage { hits: Vec::new(), next: query.page.after }))
    }

    /// Lists chats page by page until a page of visible ones is full.
    async fn list(
        &self,
        mut page: Page,
        filter: polychat_core::command::ChatFilter,
    ) -> Result<Reply, CommandError> {
        let mut chats = Vec::new();
        let mut limit = page.limit.max(1);
        loop {
            let command = Command::ListChats { page: page.clone(), filter: filter.clone() };
            let Reply::Chats(read) = self.inner.call(command).await? else {
                return Err(Refusal::Unsupported { what: "chat/list".into() }.into());
            };
            if read.next.is_some() && !read.chats.is_empty() {
                // More asked for than the world gives at once: as many as the world gives.
                limit = limit.min(read.chats.len());
            }
            let room = limit.saturating_sub(chats.len());
            let mut visible = read
                .chats
                .into_iter()
                .filter(|summary| self.policy.chat(&summary.chat_id) >= Access::Read);
            chats.extend(visible.by_ref().take(room));
            let more_visible = visible.next().is_some();
            let full = chats.len() >= limit;
            match read.next {
                next if full && (more_visible || next.is_some()) => {
                    let last = chats.last().map(|last| last.chat_id.as_str().into());
                    return Ok(Reply::Chats(ChatPage { chats, next: last }));
                }
                None => return Ok(Reply::Chats(ChatPage { chats, next: None })),
                Some(next) => page.after = Some(next),
            }
            // A policy that hides nearly all must not keep others from running.
            tokio::task::coop::consume_budget().await;
        }
    }
}

/// What a command needs of what it is about.
fn needed(command: &Command) -> Access {
    match command {
        Command::Snapshot { .. }
        | Command::ListPrompts { .. }
        | Command::LookUpPrompt { .. }
        | Command::ListMessages { .. }
        | Command::ReadLog { .. }
        | Command::GetWorld
        | Command::ListChats { .. }
        | Command::Search { .. }
        | Command::ForkChat { .. } => Access::Read,
        _ => Access::Write,
    }
}

#[async_trait]
impl WorldService for Scoped {
    async fn call(&self, mut command: Command) -> Result<Reply, CommandError> {
        self.check(&command)?;
        match &mut command {
            Command::CreateChat { chat } | Command::ForkChat { chat, .. } => self.admit(chat)?,
            Command::ImportChat { chat } => self.admit(&mut chat.chat)?,
            Command::Search { query } => return self.search(query.clone()).await,
            Command::ListChats { page, filter } => {
                return self.list(page.clone(), filter.clone()).await;
            }
            _ => {}
        }
        self.inner.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        if let Scope::Chat(chat) = &scope {
            if self.policy.chat(chat) < Access::Read {
                return Err(Refusal::UnknownChat { chat_id: chat.clone() }.into());
            }
            return self.inner.subscribe(scope, start).await;
        }
        let inner = self.inner.subscribe(scope, start).await?;
        Ok(Box::pin(Filtered { inner, policy: Arc::clone(&self.policy) }))
    }
}

/// The feed of a world without what the caller may not see.
struct Filtered {
    inner: NoticeStream,
    policy: Arc<dyn ScopePolicy>,
}

impl Filtered {
    fn shows(&self, notice: &Notice) -> bool {
        let of_chat = |chat: &ChatId| self.policy.chat(chat) >= Access::Read;
        let of_world = || self.policy.world() >= Access::Read;
        match notice {
            Notice::World(WorldNotice::Status { status }) => of_chat(&status.chat_id),
            Notice::World(WorldNotice::Created { chat_id } | WorldNotice::Deleted { chat_id }) => {
                of_chat(chat_id)
            }
            Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => {
                diagnostic.chat_id.as_ref().map_or_else(of_world, of_chat)
            }
            // Whoever keeps a list has to read it again; it names nobody.
            Notice::World(WorldNotice::Resumed {}) => true,
            // How many were skipped would tell of others.
            Notice::World(_) => of_world(),
            _ => true,
        }
    }
}

impl Stream for Filtered {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        loop {
            match std::task::ready!(self.inner.as_mut().poll_next(cx)) {
                Some(notice) if !self.shows(&notice) => {}
                other => return Poll::Ready(other),
            }
        }
    }
}

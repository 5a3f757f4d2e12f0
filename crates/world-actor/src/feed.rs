//! The feed of a world: which chats are doing what, and what operators should know.
//!
//! It has no cursor and queues nothing per subscriber. Each chat has one entry at the version of
//! its last change; a subscriber holds the version up to which it has read. So a slow one costs a
//! number, and reads the newest status of each chat when it comes back.

mod ring;
mod subscription;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use polychat_chat_actor::environment::Reporter;
use polychat_core::{ChatId, ChatStatus, Diagnostic, Refusal, StatusKind, WorldId};

use self::ring::Ring;
pub use self::subscription::WorldSubscription;

/// The feed of one world.
pub struct WorldFeed {
    world: WorldId,
    subscribers_max: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    version: u64,
    chats: HashMap<ChatId, ChatEntry>,
    /// The chats in the order of their last changes.
    order: BTreeMap<u64, ChatId>,
    /// Those of them that need no entry once every subscriber has read it.
    settled: BTreeMap<u64, ChatId>,
    diagnostics: Ring,
    readers: Vec<Option<Reader>>,
    closed: bool,
}

struct ChatEntry {
    version: u64,
    status: ChatStatus,
    /// The version at which it was created, if that was while the world was open.
    created: Option<u64>,
    deleted: bool,
}

/// Whether nothing is going on in a chat of this kind: a list tells of it, not the first notices.
fn is_quiet(kind: StatusKind) -> bool {
    matches!(kind, StatusKind::Idle | StatusKind::Closed)
}

struct Reader {
    version: u64,
    waker: Option<Waker>,
}

impl WorldFeed {
    /// The feed of a world in which nothing has happened yet.
    #[must_use]
    pub fn new(world: WorldId, subscribers_max: usize, diagnostics_max: usize) -> Self {
        let inner = Inner {
            version: 0,
            chats: HashMap::new(),
            order: BTreeMap::new(),
            settled: BTreeMap::new(),
            diagnostics: Ring::new(diagnostics_max),
            readers: Vec::new(),
            closed: false,
        };
        Self { world, subscribers_max, inner: Mutex::new(inner) }
    }

    /// Begins to read: first the statuses of all chats in which something goes on, then what changes.
    /// Idle and closed chats are for lists to tell of.
    ///
    /// # Errors
    ///
    /// [`Refusal::SubscribersFull`].
    pub fn subscribe(self: &Arc<Self>) -> Result<WorldSubscription, Refusal> {
        let mut inner = self.lock();
        let taken = inner.readers.iter().flatten().count();
        if taken >= self.subscribers_max {
            return Err(Refusal::SubscribersFull { max: self.subscribers_max });
        }
        let reader = Some(Reader { version: 0, waker: None });
        let place = match inner.readers.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(slot) = inner.readers.get_mut(free) {
                    *slot = reader;
                }
                free
            }
            None => {
                inner.readers.push(reader);
                inner.readers.len() - 1
            }
        };
        let (since, diagnostics) = (inner.version, inner.diagnostics.next());
        drop(inner);
        Ok(WorldSubscription::new(Arc::clone(self), place, since, diagnostics))
    }

    /// Ends all subscriptions: the world is closed.
    pub fn close(&self) {
        self.change(|inner| inner.closed = true);
    }

    /// Whether the last that was said of a chat is that it has failed.
    #[must_use]
    pub fn has_failed(&self, chat: &ChatId) -> bool {
        let inner = self.lock();
        let entry = inner.chats.get(chat);
        entry.is_some_and(|entry| entry.status.kind == StatusKind::Failed)
    }

    /// How many chats have an entry.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.lock().chats.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, then wakes who waits, outside the lock.
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let wakers: Vec<Waker> = {
            let mut inner = self.lock();
            change(&mut inner);
            inner.readers.iter_mut().flatten().filter_map(|reader| reader.waker.take()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Reporter for WorldFeed {
    fn status(&self, status: ChatStatus) {
        self.change(|inner| inner.put(status, false, false));
    }

    fn created(&self, status: ChatStatus) {
        self.change(|inner| inner.put(status, true, false));
    }

    fn deleted(&self, status: ChatStatus) {
        self.change(|inner| inner.put(status, false, true));
    }

    fn diagnostic(&self, diagnostic: Diagnostic) {
        let (world_id, kind) = (&self.world, diagnostic.kind.as_str());
        match &diagnostic.chat_id {
            Some(chat_id) => {
                tracing::warn!(%world_id, %chat_id, kind, detail = ?diagnostic.kind, "diagnostic");
            }
            None => tracing::warn!(%world_id, kind, detail = ?diagnostic.kind, "diagnostic"),
        }
        metrics::counter!("polychat_diagnostics_total", "kind" => kind).increment(1);
        self.change(|inner| inner.diagnostics.push(diagnostic));
    }
}

impl Inner {
    fn put(&mut self, status: ChatStatus, created: bool, deleted: bool) {
        self.version += 1;
        let (version, chat) = (self.version, status.chat_id.clone());
        let settled = deleted || is_quiet(status.kind);
        let before = self.chats.get(&chat);
        if before.is_some_and(|before| before.deleted) {
            // Nothing comes after the deletion; a chat id is never used again.
            return;
        }
        let created_at =
            if created { Some(version) } else { before.and_then(|before| before.created) };
        if let Some(before) = before {
            self.order.remove(&before.version);
            self.settled.remove(&before.version);
        }
        if settled && self.readers.iter().flatten().next().is_none() {
            self.chats.remove(&chat);
            return;
        }
        self.order.insert(version, chat.clone());
        if settled {
            self.settled.insert(version, chat.clone());
        }
        self.chats.insert(chat, ChatEntry { version, status, created: created_at, deleted });
    }

    /// Forgets entries of chats that are idle or gone and that every subscriber has read.
    fn forget_read(&mut self) {
        let read = self.readers.iter().flatten().map(|reader| reader.version).min();
        let read = read.unwrap_or(u64::MAX);
        while let Some(first) = self.settled.first_entry().filter(|first| *first.key() <= read) {
            let (version, chat) = first.remove_entry();
            self.order.remove(&version);
            self.chats.remove(&chat);
        }
    }
}

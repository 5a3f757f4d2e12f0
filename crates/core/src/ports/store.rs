//! Where logs are kept.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    command::Page,
    content::Text,
    event::Recorded,
    id::{ChatId, WorldId},
    seq::{Epoch, Seq},
    status::Summary,
    world::WorldRecorded,
};

/// Names a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogKey {
    /// The log of a world's settings and agents.
    World(WorldId),
    /// The log of a chat.
    Chat(WorldId, ChatId),
}

impl LogKey {
    /// The world it belongs to.
    #[must_use]
    pub fn world(&self) -> &WorldId {
        match self {
            Self::World(world) | Self::Chat(world, _) => world,
        }
    }

    /// The chat it belongs to; `None` for the world's own log.
    #[must_use]
    pub fn chat(&self) -> Option<&ChatId> {
        match self {
            Self::World(_) => None,
            Self::Chat(_, chat) => Some(chat),
        }
    }
}

/// One entry of a log. A log holds entries of one sort only.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Of a chat's log.
    Chat(Arc<Recorded>),
    /// Of a world's log.
    World(Arc<WorldRecorded>),
}

impl Entry {
    /// Its place in the log.
    #[must_use]
    pub fn seq(&self) -> Seq {
        match self {
            Self::Chat(recorded) => recorded.seq,
            Self::World(recorded) => recorded.seq,
        }
    }
}

/// How to open a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must not exist and never have existed.
    Create,
    /// It must exist.
    Existing,
}

/// The right to write to a log, held by whoever opened it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The log.
    pub key: LogKey,
    /// Counted by the store: each opening of a log has a larger one than all before.
    pub epoch: Epoch,
}

/// The last entry of a log, [`Seq::ZERO`] when it is empty.
pub type Head = Seq;

/// Keeps logs.
///
/// # Promises
///
/// - *All or nothing*: of one append all entries are stored, or none.
/// - *Acknowledged means kept*, as far as the store's durability says.
/// - *In order*: entries of a log are gap-free from 1; `expected` must be the head.
/// - *Fenced*: after `open` has answered, appends by older fences of that log are refused, also
///   those that were under way, and what they left is settled: the answered head is final.
/// - *A deleted log* leaves a tombstone: `open` in either mode and `read` say `Deleted`.
/// - *One log's trouble is its own*: an append to one log neither waits for nor fails with
///   another's, a fault of the shared medium aside.
#[async_trait]
pub trait Store: Send + Sync {
    /// Opens a log for writing. In mode `Create` the log exists once its first append is stored.
    ///
    /// # Errors
    ///
    /// `NotFound` for a log that must exist and does not, `Exists` for one that must not, `Deleted`
    /// for a tombstone, or a fault of the store.
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError>;

    /// Appends entries after `expected`, with the chat's new summary (`None` for a world's log).
    ///
    /// # Errors
    ///
    /// [`AppendError::Rejected`] when certainly nothing was stored, [`AppendError::Ambiguous`] when
    /// that is not known: then only `open` settles it.
    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError>;

    /// Reads entries after `after`, at most `limit` of them, gap-free. Fewer only at the head.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Deleted`, `Corrupt` with the position, or a fault of the store.
    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// The summary of one chat.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Deleted`, or a fault of the store.
    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError>;

    /// Summaries of a world's chats in the byte order of their ids, after `page.after`.
    ///
    /// # Errors
    ///
    /// A fault of the store.
    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError>;

    /// The worlds whose own log this store holds, in the byte order of their ids, after
    /// `page.after`.
    ///
    /// # Errors
    ///
    /// A fault of the store.
    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError>;

    /// Removes a log's entries and summary, and leaves a tombstone. Doing it again is no error.
    ///
    /// # Errors
    ///
    /// `Fenced` for an older fence, or a fault of the store.
    async fn delete(&self, fence: &Fence) -> Result<(), StoreError>;
}

/// Why a store did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
#[non_exhaustive]
pub struct StoreError {
    /// What sort of error.
    pub kind: StoreErrorKind,
    /// What happened, for people.
    pub message: Text,
}

impl StoreError {
    /// An error with its message.
    pub fn new(kind: StoreErrorKind, message: impl Into<Text>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// The sorts of store error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The log does not exist.
    #[error("not found")]
    NotFound,
    /// The log exists already.
    #[error("exists already")]
    Exists,
    /// The log was deleted.
    #[error("deleted")]
    Deleted,
    /// Another opener holds the log now.
    #[error("fenced")]
    Fenced,
    /// `expected` is not the head; somebody broke the rules.
    #[error("wrong head")]
    WrongHead,
    /// The store cannot be reached now; trying again later makes sense.
    #[error("unavailable")]
    Unavailable,
    /// There is no room.
    #[error("full")]
    Full,
    /// An entry cannot be read.
    #[error("corrupt at {seq}")]
    Corrupt {
        /// Its position.
        seq: Seq,
    },
}

/// Why an append was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Certainly nothing was stored.
    #[error("rejected: {0}")]
    Rejected(StoreError),
    /// Whether it was stored is not known until the log is opened again.
    #[error("ambiguous: {0}")]
    Ambiguous(StoreError),
}

impl AppendError {
    /// The error within.
    #[must_use]
    pub fn inner(&self) -> &StoreError {
        match self {
            Self::Rejected(error) | Self::Ambiguous(error) => error,
        }
    }
}

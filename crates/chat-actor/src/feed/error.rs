//! Why the feed does not take something.

use polychat_core::{ChatId, Epoch, Seq};

/// Why a chunk was not taken; nothing of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The message or call is not open: not yet, no longer, or sealed.
    #[error("the message or call takes no more text")]
    Sealed,
    /// The chat's actor has begun another life.
    #[error("the writer belongs to an earlier life of the chat")]
    StaleEpoch,
    /// The turn has more live bytes than the feed may hold.
    #[error("the turn has more live output than the feed may hold")]
    OverLimit,
}

/// Why events or a new epoch were not taken; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The epoch is not the current one, or a new one is not newer.
    #[error("the feed is in epoch {current}")]
    StaleEpoch {
        /// The feed's epoch.
        current: Epoch,
    },
    /// An event does not follow the head.
    #[error("{expected} comes next, not {found}")]
    WrongSeq {
        /// What comes next.
        expected: Seq,
        /// What was given.
        found: Seq,
    },
    /// An event belongs to another chat.
    #[error("the event belongs to chat {found}")]
    ForeignChat {
        /// The chat it names.
        found: ChatId,
    },
    /// The feed has ended.
    #[error("the feed has ended")]
    Ended,
}

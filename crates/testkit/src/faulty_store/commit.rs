//! What an observer hears of the store behind the faults.

use polychat_core::{
    Epoch,
    ports::{Entry, Head, LogKey},
};

/// Something that the store has made true.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Commit {
    /// Counts the commits of this store from 1, in the order in which they were made known.
    pub order: u64,
    /// The log.
    pub key: LogKey,
    /// What.
    pub kind: CommitKind,
}

/// What a [`Commit`] made true.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CommitKind {
    /// The log was opened: everything up to `head` is acknowledged by that, and nothing else.
    Opened {
        /// The epoch answered.
        epoch: Epoch,
        /// The head answered.
        head: Head,
    },
    /// The entries are stored, and the caller hears so right after this.
    Acknowledged {
        /// What was appended.
        entries: Vec<Entry>,
    },
    /// The entries are stored, and the caller has not heard so. If it does later, an
    /// acknowledgement of the same entries follows.
    Landed {
        /// What was appended.
        entries: Vec<Entry>,
    },
    /// The log was deleted, whether the caller hears so or not.
    Deleted,
}

//! How a store on SQLite is opened.

use std::path::{Path, PathBuf};

use super::{SqliteError, SqliteStore};

/// What an acknowledged append has survived, once it is acknowledged.
///
/// | after an acknowledgement comes | `PowerSafe` | `ProcessSafe` |
/// |---|---|---|
/// | a panic, `kill -9`, an abort of the process | kept | kept |
/// | a crash of the operating system, a power cut | kept | the newest appends may be gone: of each log a suffix, never something in the middle |
/// | a disk that says it has flushed and has not | lost as above | lost as above |
/// | a disk that forgets or changes what it had | found and named as `Corrupt`, not repaired | likewise |
///
/// In either case an append is kept whole or not at all, and what is lost is lost from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Each group of appends is flushed to the disk before it is acknowledged:
    /// `synchronous=FULL`, and `fullfsync` on macOS, where a plain flush stays in the disk's cache.
    #[default]
    PowerSafe,
    /// Each group is handed to the operating system, which flushes when it likes:
    /// `synchronous=NORMAL`. Faster where flushing is slow.
    ProcessSafe,
}

/// The options of a [`SqliteStore`]. What is not set has a default that fits a desktop and a small
/// server.
///
/// ```
/// use polychat_store::{Durability, SqliteStore};
///
/// # let folder = tempfile::tempdir()?;
/// let store = SqliteStore::options(folder.path().join("chats.db"))
///     .durability(Durability::ProcessSafe)
///     .readers(2)
///     .open()?;
/// # drop(store);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SqliteOptions {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    pub(super) readers: usize,
    pub(super) writes_queued_max: usize,
    pub(super) writes_queued_bytes_max: usize,
    pub(super) reads_queued_max: usize,
    pub(super) ballast_bytes: u64,
}

impl SqliteOptions {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            durability: Durability::default(),
            readers: 4,
            writes_queued_max: 1_024,
            writes_queued_bytes_max: 32 * 1024 * 1024,
            reads_queued_max: 256,
            ballast_bytes: 8 * 1024 * 1024,
        }
    }

    /// What an acknowledgement means; [`Durability::PowerSafe`] unless said otherwise.
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// How many threads read, each with a connection of its own: 4, and at least 1.
    pub fn readers(self, readers: usize) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// How many appends, openings and deletions may wait for the writer: 1,024, and at least 1.
    ///
    /// Whoever comes when so many wait, waits before the queue until there is room. The writer
    /// takes all that waits in one group, so this is also the size of the largest group.
    pub fn writes_queued_max(self, writes_queued_max: usize) -> Self {
        Self { writes_queued_max: writes_queued_max.max(1), ..self }
    }

    /// How many bytes of payload may wait for the writer: 32 MiB. A larger append waits until it
    /// is the only one.
    pub fn writes_queued_bytes_max(self, writes_queued_bytes_max: usize) -> Self {
        Self { writes_queued_bytes_max: writes_queued_bytes_max.max(1), ..self }
    }

    /// How many reads may wait for a reader: 256, and at least 1. Whoever comes when so many wait,
    /// waits before the queue.
    pub fn reads_queued_max(self, reads_queued_max: usize) -> Self {
        Self { reads_queued_max: reads_queued_max.max(1), ..self }
    }

    /// How much room is kept aside, so that chats can be deleted from a full disk: 8 MiB; 0 for
    /// none.
    ///
    /// It lies in a file of its own beside the database. Less than about 6 MiB may be too little
    /// for what a deletion writes before it frees.
    pub fn ballast_bytes(self, ballast_bytes: u64) -> Self {
        Self { ballast_bytes, ..self }
    }

    /// Opens the file for reading and writing; creates it when there is none.
    ///
    /// It may migrate a file of an older version, and so take as long as copying the file. It
    /// blocks the thread: within a runtime, use its way to block.
    ///
    /// # Errors
    ///
    /// Each [`SqliteError`] but [`SqliteError::Missing`] and [`SqliteError::NeedsMigration`].
    pub fn open(self) -> Result<SqliteStore, SqliteError> {
        SqliteStore::open_with(&self)
    }

    /// Opens the file for reading only, also while another process writes to it.
    ///
    /// Reading, listing, searching and verifying work; whatever would write answers
    /// `Unavailable`.
    ///
    /// # Errors
    ///
    /// Each [`SqliteError`] but [`SqliteError::Held`].
    pub fn open_read_only(self) -> Result<SqliteStore, SqliteError> {
        SqliteStore::open_read_only_with(&self)
    }
}

//! A store in one SQLite file: the durable default for a program that embeds Polychat.
//!
//! One file holds any number of worlds. One thread writes, in groups (`writer`); some threads
//! read, each with a connection of its own (`readers`); futures of this store wait for one-shot
//! answers and never for a file. What the file holds is described in `schema`, the form of what is
//! stored in `codec`.
//!
//! This module and those below it know SQLite, and nothing outside of them does. They know no
//! runtime and no actor.

mod ballast;
mod codec;
mod error;
mod fault;
mod lock;
mod migrate;
mod options;
mod read;
mod readers;
mod schema;
mod search;
mod verify;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use async_trait::async_trait;
use polychat_core::{
    Seq, Summary, WorldId,
    command::Page,
    ports::{
        AppendError, Entry, Fence, Head, LogKey, OpenMode, Search, SearchPage, SearchQuery, Store,
        StoreError,
    },
};
use rusqlite::Connection;

use self::{
    ballast::Ballast,
    error::Doing,
    fault::unavailable,
    lock::Lock,
    migrate::Found,
    readers::Readers,
    schema::{VERSION, connect_reader, connect_writer},
    writer::{Append, Desk, Writer},
};

pub use self::{
    error::{Holder, SqliteError},
    options::{Durability, SqliteOptions},
    verify::{Finding, Problem, Verification},
};

/// How many epochs each opening of a file sets aside: nobody opens as many logs in one life.
const EPOCHS: u64 = 1 << 28;

/// An append of more entries, for example an imported chat, is encoded on a thread of the readers:
/// it would keep a thread of the runtime for long.
const ENTRIES_AT_ONCE_MAX: usize = 64;

/// Keeps logs in one SQLite file.
///
/// # What an acknowledgement means
///
/// See [`Durability`]: unless said otherwise, an acknowledged append outlives a power cut.
///
/// # One writer
///
/// The file is locked for as long as the store lives; another process, or another store in this
/// one, gets [`SqliteError::Held`] with the name of the holder, and may
/// [read](SqliteStore::open_read_only).
///
/// # When the disk is full
///
/// Appends are refused as `Full`, so chats stall; reading, listing and opening go on. Deleting
/// works, because room is [kept aside](SqliteOptions::ballast_bytes) for it. A quota that is used
/// up is the same. When there is room
/// again, whether by deleting or from outside, appends go on by themselves.
///
/// # When the index of the search is damaged
///
/// Chats go on without it: it is given up with a note in the file. Searching answers `Unavailable`
/// then, and the next opening for writing makes the index anew from the chats, in one go.
///
/// # Ending
///
/// Dropping the store carries out what was queued, waits for that, and unlocks the file. Within a
/// runtime, [close](SqliteStore::close) it first, which does not block. Rows of chats that were just deleted
/// may be left for the next opening to remove.
///
/// # Cancel safety
///
/// A future dropped before its answer leaves its append whole or undone; opening the log tells.
///
/// # What grows
///
/// The file, with what is stored in it, which the world's limits bound, and a tombstone for each
/// deleted chat. In memory about 24 bytes for each log that was opened.
///
/// # What stays
///
/// What was cut or deleted is neither read nor found any more. Its rows are overwritten where that
/// costs no more writing; single words of it may stand in the index of the search until the index
/// is next merged there, and anything in its copies and in the log file beside it.
///
/// ```
/// use polychat_core::{ChatId, Seq, WorldId, ports::{LogKey, OpenMode, Store}};
/// use polychat_store::SqliteStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// let store = SqliteStore::open(folder.path().join("chats.db"))?;
/// let key = LogKey::Chat(WorldId::new("home")?, ChatId::new("a")?);
/// let (_fence, head) = store.open(&key, OpenMode::Create).await?;
/// assert_eq!(head, Seq::ZERO);
/// # Ok(())
/// # }
/// ```
pub struct SqliteStore {
    path: PathBuf,
    house: Arc<House>,
}

/// The threads of a store, and its right to write.
struct House {
    readers: Readers,
    /// `None` in a store that only reads.
    writer: Option<Writer>,
    lock: Mutex<Option<Lock>>,
}

impl House {
    fn new(readers: Readers, writer: Option<Writer>, lock: Option<Lock>) -> Arc<Self> {
        Arc::new(Self { readers, writer, lock: Mutex::new(lock) })
    }

    /// Ends the threads after what was queued, and unlocks the file. The connection that may write
    /// is the last to go, which empties the log file, and the lock is given back after that.
    fn end(&self) {
        self.readers.end();
        if let Some(writer) = &self.writer {
            writer.end();
        }
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(lock);
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.end();
    }
}

/// How often a store did what, since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SqliteCounts {
    /// Appends acknowledged.
    pub appends: u64,
    /// Transactions in which they were stored. Under load far fewer than appends.
    pub commits: u64,
}

impl SqliteStore {
    /// Opens a file with the default options; creates it when there is none.
    ///
    /// # Errors
    ///
    /// As [`SqliteOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::options(path).open()
    }

    /// Opens a file for reading only, with the default options.
    ///
    /// # Errors
    ///
    /// As [`SqliteOptions::open_read_only`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::options(path).open_read_only()
    }

    /// The options with which to open a file.
    pub fn options(path: impl AsRef<Path>) -> SqliteOptions {
        SqliteOptions::new(path.as_ref())
    }

    /// Carries out what was queued, ends the threads and unlocks the file, whoever else holds this
    /// store. Other than dropping it, it blocks no thread of the caller's. Whatever is asked of the
    /// store from then on answers `Unavailable`; to close it again does nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the store to end by itself.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use polychat_store::SqliteStore;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("chats.db");
    /// let store = Arc::new(SqliteStore::open(&path)?);
    /// let elsewhere = Arc::clone(&store);
    /// store.close().await;
    /// SqliteStore::open(&path)?;
    /// # drop(elsewhere);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        let (end, ended) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("polychat-close".to_owned());
        let house = Arc::clone(&self.house);
        let started = thread.spawn(move || {
            house.end();
            let _ = end.send(());
        });
        if started.is_err() {
            // Without a thread it ends here, as if it had been dropped.
            self.house.end();
        }
        let _ = ended.await;
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How often it did what, since it was opened.
    #[must_use]
    pub fn counts(&self) -> SqliteCounts {
        self.house.writer.as_ref().map_or_else(SqliteCounts::default, |writer| SqliteCounts {
            appends: writer.tally.appends.load(Ordering::Relaxed),
            commits: writer.tally.groups.load(Ordering::Relaxed),
        })
    }

    fn open_with(options: &SqliteOptions) -> Result<Self, SqliteError> {
        let path = whole(&options.path)?;
        let lock = Lock::take(&path)?;
        let mut ballast = Ballast::beside(&path, options.ballast_bytes);
        let mut prepared = prepare(&path, options.durability);
        let lacks_room =
            |error: &SqliteError| error.is_lack_of_room() || ballast::lacks_room(&path);
        if prepared.as_ref().is_err_and(lacks_room) && ballast.release() {
            // Chats can be deleted from a full disk only once the file is open.
            prepared = prepare(&path, options.durability);
        }
        let (connection, epochs) = prepared?;
        ballast.fill();
        let readers = Readers::start(&path, options.readers, options.reads_queued_max)?;
        let durability = options.durability;
        let desk = Desk { path: path.clone(), durability, connection, ballast, epochs };
        let writer = Some(Writer::start(desk, options)?);
        Ok(Self { path, house: House::new(readers, writer, Some(lock)) })
    }

    fn open_read_only_with(options: &SqliteOptions) -> Result<Self, SqliteError> {
        let path = whole(&options.path)?;
        if !path.exists() {
            return Err(SqliteError::Missing { path });
        }
        let connection = connect_reader(&path).doing("opening the database", &path)?;
        let found = match migrate::recognise(&connection, &path, VERSION)? {
            Found::Empty => 0,
            Found::Ours { version } => version,
        };
        if found != VERSION {
            return Err(SqliteError::NeedsMigration { path, found, known: VERSION });
        }
        drop(connection);
        let readers = Readers::start(&path, options.readers, options.reads_queued_max)?;
        Ok(Self { path, house: House::new(readers, None, None) })
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.house.writer.as_ref().ok_or_else(|| unavailable("the file is open for reading only"))
    }
}

/// The one path of a file, whichever way leads to it, so that its lock is one.
fn whole(path: &Path) -> Result<PathBuf, SqliteError> {
    if let Ok(whole) = path.canonicalize() {
        return Ok(whole);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let whole = parent.canonicalize().doing("finding the folder", parent)?;
    Ok(path.file_name().map_or(whole.clone(), |name| whole.join(name)))
}

/// A connection that may write to a file of the newest format, and the epochs given out before.
fn prepare(path: &Path, durability: Durability) -> Result<(Connection, u64), SqliteError> {
    let mut connection = connect_writer(path, durability).doing("opening the database", path)?;
    migrate::bring_up(&mut connection, path)?;
    match writer::rebuild(&mut connection) {
        Ok(false) => {}
        Ok(true) => tracing::info!("the index of the search was made anew"),
        // Chats go on without it, as they did before.
        Err(error) => tracing::error!(%error, "the index of the search cannot be made anew"),
    }
    let epochs = set_aside(&connection).doing("setting epochs aside", path)?;
    Ok((connection, epochs))
}

/// Sets epochs aside for this life of the store; answers how many were given out before.
fn set_aside(connection: &Connection) -> rusqlite::Result<u64> {
    let set_aside = "UPDATE meta SET epochs = epochs + ?1 RETURNING epochs - ?1";
    let epochs = connection.query_row(set_aside, [EPOCHS.cast_signed()], |row| row.get(0));
    epochs.map(|epochs: i64| epochs.cast_unsigned())
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        self.writer()?.open(key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        let writer = self.writer().map_err(AppendError::Rejected)?;
        let append = if entries.len() <= ENTRIES_AT_ONCE_MAX {
            Append::of(fence, expected, entries, summary)
        } else {
            let (fence, entries, summary) = (fence.clone(), entries.to_vec(), summary.cloned());
            let encode = move |_: &mut readers::Reader| {
                Ok(Append::of(&fence, expected, &entries, summary.as_ref()))
            };
            self.house.readers.read(encode).await.map_err(AppendError::Rejected)?
        };
        writer.append(append).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let key = key.clone();
        let read = move |reader: &mut readers::Reader| {
            reader.snapshot(|connection, _| read::read(connection, &key, after, limit))
        };
        self.house.readers.read(read).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        let key = key.clone();
        let read = move |reader: &mut readers::Reader| {
            reader.snapshot(|connection, _| read::summary(connection, &key))
        };
        self.house.readers.read(read).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let (world, page) = (world.clone(), page.clone());
        let read = move |reader: &mut readers::Reader| {
            reader.snapshot(|connection, _| read::list(connection, &world, &page))
        };
        self.house.readers.read(read).await
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        let page = page.clone();
        let read = move |reader: &mut readers::Reader| {
            reader.snapshot(|connection, _| read::worlds(connection, &page))
        };
        self.house.readers.read(read).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.writer()?.delete(fence).await
    }
}

#[async_trait]
impl Search for SqliteStore {
    async fn search(&self, world: &WorldId, query: &SearchQuery) -> Result<SearchPage, StoreError> {
        let (world, query) = (world.clone(), query.clone());
        let read = move |reader: &mut readers::Reader| {
            reader.snapshot(|connection, finder| finder.search(connection, &world, &query))
        };
        self.house.readers.read(read).await
    }
}

//! The file: opened for reading, checked before it is believed, read away from the runtime.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header says how the file is written, and what stands there for a write-ahead log.
const WRITE_VERSION_AT: usize = 18;
const WRITE_AHEAD: u8 = 2;
/// The tables without which there is nothing to import.
const TABLES: [&str; 4] = ["worlds", "agents", "world_chats", "agent_memory"];

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no SQLite database.
    #[error("{path} is no sqlite database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is a database of another program.
    #[error("{path} is no database of agent-world: it has no table {table}")]
    NotAgentWorld {
        /// The file.
        path: PathBuf,
        /// The table that is missing.
        table: &'static str,
    },
    /// SQLite's own check finds it damaged. `sqlite3 old.db .recover` may help.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the check says.
        why: String,
    },
    /// SQLite says something else.
    #[error("the database cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Whoever read it was lost.
    #[error("reading the database was broken off")]
    Lost,
}

/// An open database. Clones are the same one.
#[derive(Clone)]
pub(super) struct Database(Arc<Mutex<Opened>>);

struct Opened {
    connection: Connection,
    /// Where the copy lies that is read; it goes with the connection, which goes first.
    _copy: Option<TempDir>,
}

impl Database {
    pub(super) async fn open(path: PathBuf) -> Result<Self, DatabaseError> {
        let opened = away(move || open(&path)).await?;
        Ok(Self(Arc::new(Mutex::new(opened))))
    }

    /// Reads something on a thread that may wait.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let this = Arc::clone(&self.0);
        away(move || {
            let opened = this.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(work(&opened.connection)?)
        })
        .await
    }
}

async fn away<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DatabaseError> + Send + 'static,
) -> Result<T, DatabaseError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(DatabaseError::Lost))
}

fn open(path: &Path) -> Result<Opened, DatabaseError> {
    let unreadable = |source| DatabaseError::Io { path: path.to_owned(), source };
    let copy = if is_unfinished(path)? { Some(copied(path).map_err(unreadable)?) } else { None };
    let connection = match &copy {
        // SQLite finishes what was left there, in the copy.
        Some(copy) => Connection::open(copy.path().join(COPY))?,
        None => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)?
        }
    };
    check(&connection, path)?;
    Ok(Opened { connection, _copy: copy })
}

/// Whether opening the file itself would write: a log or a journal is to be worked into it.
fn is_unfinished(path: &Path) -> Result<bool, DatabaseError> {
    let mut header = [0; 100];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(DatabaseError::NotADatabase { path: path.to_owned() });
        }
        Err(source) => return Err(DatabaseError::Io { path: path.to_owned(), source }),
        Ok(()) if !header.starts_with(MAGIC) => {
            return Err(DatabaseError::NotADatabase { path: path.to_owned() });
        }
        Ok(()) => {}
    }
    let logs = header.get(WRITE_VERSION_AT) == Some(&WRITE_AHEAD);
    Ok(logs || BESIDE.iter().any(|suffix| beside(path, suffix).exists()))
}

const COPY: &str = "copy.db";
const BESIDE: [&str; 2] = ["-wal", "-journal"];

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn copied(path: &Path) -> io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join(COPY);
    // Read and written, not copied by the system: the copy must not be read-only as well.
    let take = |from: &Path, to: &Path| -> io::Result<u64> {
        io::copy(&mut File::open(from)?, &mut File::create(to)?)
    };
    take(path, &copy)?;
    for suffix in BESIDE {
        match take(&beside(path, suffix), &beside(&copy, suffix)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            taken => drop(taken?),
        }
    }
    // What was a file a moment ago still is one.
    fs::metadata(&copy)?;
    Ok(folder)
}

fn check(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let damaged = |why: String| DatabaseError::Damaged { path: path.to_owned(), why };
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if verdict != "ok" {
        return Err(damaged(verdict));
    }
    for table in TABLES {
        if !has_table(connection, table)? {
            return Err(DatabaseError::NotAgentWorld { path: path.to_owned(), table });
        }
    }
    Ok(())
}

pub(super) fn has_table(connection: &Connection, table: &str) -> Result<bool, rusqlite::Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
    connection.query_row(sql, [table], |row| Ok(row.get::<_, i64>(0)? > 0))
}

/// The columns of a table as they can be selected: older files have fewer, which read as `NULL`.
pub(super) fn columns(
    connection: &Connection,
    table: &str,
    wanted: &[&str],
) -> Result<String, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let there: Vec<String> =
        statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let selected = wanted.iter().map(|column| {
        if there.iter().any(|there| there == column) { (*column).to_owned() } else { "NULL".into() }
    });
    Ok(selected.collect::<Vec<_>>().join(", "))
}

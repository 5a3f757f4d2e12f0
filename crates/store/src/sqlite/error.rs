//! Why a file cannot be opened as a store.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use polychat_core::Timestamp;

use super::{ballast::is_lack_of_room, fault};

/// Why a file cannot be opened as a store. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// Somebody has it open for writing: another process, or another store in this one.
    #[error("{path} is held by {holder}")]
    Held {
        /// The file.
        path: PathBuf,
        /// Who holds it, as far as they said.
        holder: Holder,
    },
    /// There is no such file, and opening for reading only creates none.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is no SQLite database.
    #[error("{path} is not a database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{path} is a database of another program (application id {application_id:#010x})")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it says it is; 0 when it says nothing.
        application_id: i32,
    },
    /// The file was written by a newer version of this program.
    #[error("{path} has format {found}, this program knows formats up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// The file has an older format, and opening for reading only does not migrate it.
    #[error("{path} has format {found} and has to be opened for writing once, to become {known}")]
    NeedsMigration {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format wanted.
        known: u32,
    },
    /// A migration failed. The file is as it was before, and `copy` is a copy of that.
    #[error("{path} could not be migrated from format {from}; a copy is kept at {copy}")]
    Migration {
        /// The file.
        path: PathBuf,
        /// The format it has.
        from: u32,
        /// The copy that was made before.
        copy: PathBuf,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The operating system refused something.
    #[error("{doing} failed at {path}")]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// SQLite refused something.
    #[error("{doing} failed at {path}")]
    Sqlite {
        /// The file concerned.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SqliteError {
    /// Whether it would go with more room on the disk.
    pub(super) fn is_lack_of_room(&self) -> bool {
        let source = match self {
            Self::Sqlite { source, .. } | Self::Migration { source, .. } => source,
            Self::Io { source, .. } => return is_lack_of_room(source),
            _ => return false,
        };
        source.downcast_ref().is_some_and(fault::is_lack_of_room)
    }
}

/// Who holds a file, as far as they could say so. Nothing here decides anything: the lock does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Holder {
    /// The number of their process.
    pub pid: Option<u32>,
    /// The name of their machine.
    pub host: Option<String>,
    /// When they took hold of it, by the clock of the file system.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => write!(f, "a process that did not say which")?,
        }
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        if let Some(since) = self.since {
            let since = UNIX_EPOCH + Duration::from_millis(since.0);
            write!(f, ", since {}", httpdate::fmt_http_date(since))?;
        }
        Ok(())
    }
}

/// Says what was tried, and where, when it fails.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SqliteError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SqliteError> {
        self.map_err(|source| SqliteError::Io { path: path.to_owned(), doing, source })
    }
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SqliteError> {
        self.map_err(|source| {
            let path = path.to_owned();
            match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::NotADatabase) => SqliteError::NotADatabase { path },
                _ => SqliteError::Sqlite { path, doing, source: Box::new(source) },
            }
        })
    }
}

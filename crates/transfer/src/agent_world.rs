//! The SQLite databases of agent-world, read and never changed.
//!
//! `docs/migration.md` says what becomes of what, and what is different here.

mod agents;
mod database;
mod history;
mod rows;
mod run;

use std::{fmt, path::PathBuf, sync::Arc};

use polychat_core::{Limits, WorldId, ports::WorldService};

pub use database::DatabaseError;

use crate::{ImportError, Observed, Report, import::Settings, report::Observer};

/// Brings the worlds of an agent-world database into worlds of ours.
///
/// The database is only read. One that its writer left in the middle of something (a write-ahead
/// log or a journal beside it) is copied first, with what lies beside it, and the copy is read.
/// Close agent-world before: what it writes meanwhile may be missing.
///
/// Taken over are agents, chats with their ids, titles and times, and messages in the order of
/// their times, results of tools after the message that asked for them. Rows that say again what
/// another row says (agent-world stores a message once per agent, and its saving fault wrote many
/// more) are collapsed and counted. A row is taken whole or not at all, and one that is not has its
/// [`Problem`](crate::Problem).
///
/// ```no_run
/// # async fn open(id: polychat_core::WorldId)
/// # -> Result<std::sync::Arc<dyn polychat_core::ports::WorldService>, std::io::Error> { todo!() }
/// # async fn run() -> Result<(), polychat_transfer::ImportError> {
/// use polychat_transfer::AgentWorld;
///
/// let report = AgentWorld::at("agent-world.db").import(|world| open(world)).await?;
/// println!("{} chats, {} duplicates", report.chats_imported, report.duplicates);
/// # Ok(()) }
/// ```
pub struct AgentWorld<'a> {
    path: PathBuf,
    observer: Option<Observer<'a>>,
    settings: Settings,
    chat_bytes_max: usize,
}

impl<'a> AgentWorld<'a> {
    /// The database at this path. It is opened by [`import`](Self::import).
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let chat_bytes_max = Limits::default().import_bytes_max;
        Self { path: path.into(), observer: None, settings: Settings::Kept, chat_bytes_max }
    }

    /// Is told of each chat that was dealt with, and of each problem, as they come.
    #[must_use]
    pub fn observe(mut self, observer: impl FnMut(Observed<'_>) + Send + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Sets up the worlds as they were: a paragraph that begins with `@name` addresses an agent, and
    /// replies may hand a turn on as often as the turn limit said. Without this, the worlds' own
    /// settings stay.
    #[must_use]
    pub fn take_settings(mut self) -> Self {
        self.settings = Settings::Taken;
        self
    }

    /// How large the messages of a chat may be together, [`Limits::import_bytes_max`] by default.
    /// Larger chats are reported. The world's own limit holds as well.
    #[must_use]
    pub fn chat_bytes_max(mut self, bytes: usize) -> Self {
        self.chat_bytes_max = bytes;
        self
    }

    /// Reads the database to its end. For each world in it, `open` opens the one that takes it.
    ///
    /// A world that `open` does not open is reported, and so are its chats.
    ///
    /// # Errors
    ///
    /// [`ImportError::Database`] when this is no sound database of agent-world, and
    /// [`ImportError::World`] when a world does not answer or refuses for a reason that passes. What
    /// is imported stays, and the same database can be read again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each chat imported whole or not at all.
    pub async fn import<Open, Opening, Error>(self, open: Open) -> Result<Report, ImportError>
    where
        Open: FnMut(WorldId) -> Opening,
        Opening: Future<Output = Result<Arc<dyn WorldService>, Error>>,
        Error: fmt::Display,
    {
        run::run(self, open).await
    }
}

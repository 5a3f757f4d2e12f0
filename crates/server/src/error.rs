//! What can go wrong before and around serving, and the way out.

use std::{fmt, io, path::PathBuf};

#[cfg(unix)]
use polychat::transport::ipc::socket::SocketError;
use polychat::{
    SqliteError,
    ports::StoreError,
    transfer::{ExportError, ImportError},
    transport::ipc::ConnectionError,
};

use crate::config::ConfigError;

/// The exit status of what was done to its end and found or left something wrong.
pub(crate) const INCOMPLETE: u8 = 3;

/// What can go wrong before and around serving.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the filter of the log cannot be read")]
    LogFilter(#[source] tracing_subscriber::filter::ParseError),
    #[error("the thread that writes logs did not start")]
    LogThread(#[source] io::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("there is no world")]
    NoWorld,
    #[error("it cannot listen at {address}")]
    Listen { address: String, source: io::Error },
    #[error("the system gives no random numbers for a token")]
    Random(#[source] getrandom::Error),
    #[error("nothing can be counted")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    #[error("the runtime did not start")]
    Runtime(#[source] io::Error),
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
    #[error("this user has no folder for data")]
    NoDataFolder(#[source] etcetera::HomeDirError),
    #[cfg(unix)]
    #[error("this user has no folder for sockets")]
    NoSocketFolder(#[source] etcetera::HomeDirError),
    #[cfg(unix)]
    #[error("the world {world:?} has no name that a file could have")]
    NoSocketName { world: String },
    #[error("the folder {folder} cannot be made")]
    DataFolder { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Data(#[from] SqliteError),
    #[error(transparent)]
    World(#[from] polychat::Error),
    #[cfg(unix)]
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("the chats are kept in memory, so there is no file")]
    InMemory,
    #[error("the file holds no world {world:?}")]
    UnknownWorld { world: String },
    #[error("the file cannot be read")]
    Store(#[from] StoreError),
    #[error("{path} cannot be read")]
    Input { path: PathBuf, source: io::Error },
    #[error("{path} cannot be written")]
    Output { path: PathBuf, source: io::Error },
    #[error("the output cannot be written")]
    Write(#[source] io::Error),
    #[error(transparent)]
    Export(ExportError),
    #[error(transparent)]
    Import(ImportError),
    #[error("opening the file met a bug")]
    Bug(#[source] tokio::task::JoinError),
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::World(error) => Self::World(error.into()),
            error => Self::Export(error),
        }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::World(error) => Self::World(error.into()),
            error => Self::Import(error),
        }
    }
}

impl Error {
    /// What to do about it, where that is known.
    fn way_out(&self) -> Option<String> {
        let says = |text: &str| Some(text.to_owned());
        match self {
            Self::LogFilter(_) => says("An example: --log info,polychat=debug"),
            Self::Listen { .. } => {
                says("Say where with --listen ADDRESS:PORT; port 0 takes a free one.")
            }
            Self::InMemory => says("Say which file: --data FILE"),
            Self::UnknownWorld { .. } => says("Say which world: --world NAME"),
            Self::NoDataFolder(_) | Self::DataFolder { .. } => {
                says("Say where with --data FILE, or keep nothing with --memory.")
            }
            #[cfg(unix)]
            Self::NoSocketFolder(_) | Self::NoSocketName { .. } => {
                says("Say where to listen: polychat socket PATH")
            }
            Self::Data(SqliteError::Held { .. }) => says(
                "One process at a time has a file. Ask that one (polychat serve and socket serve many), \
                 end it, or use another --data FILE.",
            ),
            Self::Data(SqliteError::NotADatabase { .. } | SqliteError::Foreign { .. }) => {
                says("It is left as it is; use another --data FILE.")
            }
            Self::Data(SqliteError::Newer { .. }) => says("A newer polychat can open it."),
            #[cfg(unix)]
            Self::Socket(error) => way_in(error),
            Self::Connection(_) => says("Both sides must use the same --framing."),
            _ => None,
        }
    }
}

#[cfg(unix)]
fn way_in(error: &SocketError) -> Option<String> {
    Some(match error {
        SocketError::Live { .. } => "Connect to it, or listen at another path.".to_owned(),
        SocketError::NotASocket { .. } | SocketError::NotAPath { .. } => {
            "Listen at another path.".to_owned()
        }
        SocketError::FolderOpenToOthers { folder, .. } => format!(
            "Listen in a folder of its own, which is made if there is none: {}",
            folder.join("polychat/home.sock").display()
        ),
        SocketError::ForeignFolder { .. } => "Listen in a folder of your own.".to_owned(),
        _ => return None,
    })
}

/// An error as a person reads it: what, why, and what to do.
pub(crate) struct Told<'a>(pub(crate) &'a Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "polychat: {}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        self.0.way_out().map_or(Ok(()), |way_out| write!(f, "\n{way_out}"))
    }
}

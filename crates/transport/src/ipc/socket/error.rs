//! Why a socket cannot be served or spoken to.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a socket cannot be served or spoken to. Nothing of others was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// Somebody serves this path, or is about to.
    #[error("{path} is served already")]
    Live {
        /// The socket.
        path: PathBuf,
    },
    /// Nobody serves this path.
    #[error("nobody serves {path}")]
    Nobody {
        /// The socket.
        path: PathBuf,
    },
    /// What lies there is no socket, and is left alone.
    #[error("{path} is there and is no socket")]
    NotASocket {
        /// What lies there.
        path: PathBuf,
    },
    /// The path names no file within a folder, or is longer than the operating system takes.
    #[error("{path} cannot be the path of a socket: {why}")]
    NotAPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Others than its user may do something in the folder.
    #[error("others may enter {folder} (its mode is {mode:03o})")]
    FolderOpenToOthers {
        /// The folder.
        folder: PathBuf,
        /// What who may do there, as the file system says.
        mode: u32,
    },
    /// The folder is another user's.
    #[error("{folder} belongs to user {owner}, and this is user {user}")]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who this is.
        user: u32,
    },
    /// Another user serves this path.
    #[error("{path} is served by user {server}, and this is user {user}")]
    ForeignServer {
        /// The socket.
        path: PathBuf,
        /// Who serves it.
        server: u32,
        /// Who this is.
        user: u32,
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
}

/// Says what was tried, and where, when it fails.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SocketError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, SocketError> {
        self.map_err(|source| SocketError::Io { path: path.to_owned(), doing, source })
    }
}

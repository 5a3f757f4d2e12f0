//! Who is at the other end: the operating system knows, and nobody can claim otherwise.

use std::{io, path::Path};

use tokio::net::UnixStream;

use super::error::{Doing, SocketError};

/// Connects to whoever serves this path, which has to be this very user.
///
/// A server of somebody else is refused as one that is not there: it would be told everything.
///
/// # Errors
///
/// [`SocketError::Nobody`], [`SocketError::ForeignServer`], [`SocketError::NotAPath`], or
/// [`SocketError::Io`].
pub async fn connect(path: impl AsRef<Path>) -> Result<UnixStream, SocketError> {
    let path = path.as_ref();
    let stream = UnixStream::connect(path).await.map_err(|error| refused(path, error))?;
    let (server, user) = (user_of(&stream).doing("asking who serves", path)?, this_user());
    if server == user {
        Ok(stream)
    } else {
        Err(SocketError::ForeignServer { path: path.to_owned(), server, user })
    }
}

fn refused(path: &Path, source: io::Error) -> SocketError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => SocketError::Nobody { path },
        io::ErrorKind::InvalidInput => SocketError::NotAPath { path, why: "it is too long" },
        _ => SocketError::Io { path, doing: "connecting", source },
    }
}

/// The user at the other end, as of the moment of connecting or listening.
pub(super) fn user_of(stream: &UnixStream) -> io::Result<u32> {
    stream.peer_cred().map(|credentials| credentials.uid())
}

/// The user that this process acts for.
pub(super) fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

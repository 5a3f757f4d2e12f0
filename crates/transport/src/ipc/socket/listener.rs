//! A socket that is listened on: bound by one process at a time, and removed by whoever bound it.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::net::{UnixListener, UnixStream};

use super::{
    connections::Connections,
    error::{Doing, SocketError},
    folder,
    lock::Lock,
    peer,
};
use crate::{guard::Rejections, ipc::serve::Server};

/// The path that its diagnostics name.
const PATH: &str = "socket";
/// Connections at the same time, unless said otherwise.
const CONNECTIONS_MAX: usize = 256;
/// How long nobody is accepted after the first failure; doubled with each that follows.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// And no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A socket that is listened on. Dropping it removes the socket, if it is still this one.
///
/// An example stands at [the module](super).
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
    bound: FileId,
    connections_max: usize,
    rejections: Arc<Rejections>,
    /// Dropped last: whoever comes next finds the path free.
    _lock: Lock,
}

impl Listener {
    /// Binds this path; its folder is made if there is none.
    ///
    /// Of any number that bind one path at the same time, exactly one succeeds. A socket that
    /// nobody serves is replaced. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`SocketError`]: somebody serves this path, something else lies there, or its folder is not
    /// this user's alone.
    pub async fn bind(path: impl AsRef<Path>) -> Result<Self, SocketError> {
        let path = folder::private(path.as_ref())?;
        let lock = Lock::take(&path)?;
        remove_left_over(&path).await?;
        let socket = match UnixListener::bind(&path) {
            // Somebody who knows nothing of the lock was faster.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(SocketError::Live { path });
            }
            socket => socket.doing("binding", &path)?,
        };
        // Until here the folder alone protected it.
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .doing("setting the mode", &path)?;
        let bound = FileId::of(&path).doing("looking at the socket", &path)?;
        let rejections = Arc::new(Rejections::new(PATH));
        Ok(Self { socket, path, bound, connections_max: CONNECTIONS_MAX, rejections, _lock: lock })
    }

    /// Sets how many connections [`serve`](Self::serve) keeps at the same time: 256 unless said
    /// otherwise. Further ones are closed at once.
    #[must_use]
    pub fn connections_max(mut self, connections_max: usize) -> Self {
        self.connections_max = connections_max;
        self
    }

    /// Counts and surfaces here who was not let in: `foreign_user`, and `overloaded` beyond the
    /// bound. What served connections
    /// send is the [`Server`]'s to count.
    #[must_use]
    pub fn rejections(mut self, rejections: Arc<Rejections>) -> Self {
        self.rejections = rejections;
        self
    }

    /// Where it listens, with all links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next connection of this very user; others are closed and counted.
    ///
    /// # Errors
    ///
    /// What the operating system says. Most of it passes, so accepting again is right.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            match peer::user_of(&stream) {
                Ok(user) if user == peer::this_user() => return Ok(stream),
                user => {
                    let who = format_args!("{user:?} connected");
                    self.rejections.note_input("foreign_user", &who);
                }
            }
        }
    }

    /// Serves everybody who connects until `stop` is ready, and hands over who is still there.
    ///
    /// The socket is removed then; what is connected goes on. Must run inside a tokio runtime, where
    /// each connection becomes a task.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes all connections and cancels nothing.
    pub async fn serve(self, server: Arc<Server>, stop: impl Future<Output = ()>) -> Connections {
        let mut connections = Connections::default();
        let mut pause = PAUSE_MIN;
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => return connections,
                () = connections.one_ended() => continue,
                accepted = self.accept() => accepted,
            };
            match accepted {
                Ok(_) if connections.len() >= self.connections_max => {
                    let why = format_args!("{} connections are open", connections.len());
                    self.rejections.note_input("overloaded", &why);
                }
                Ok(stream) => {
                    pause = PAUSE_MIN;
                    connections.begin(Arc::clone(&server), stream);
                }
                Err(error) => {
                    // Without a free file the same connection is offered again at once.
                    tracing::warn!(path = %self.path.display(), %error, "accepting failed");
                    tokio::select! {
                        () = &mut stop => return connections,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                    }
                }
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The number of the file cannot be another's: it is kept while the socket is open.
        if FileId::of(&self.path).is_ok_and(|there| there == self.bound) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes room at this path, if nothing but a socket that nobody serves lies there.
async fn remove_left_over(path: &Path) -> Result<(), SocketError> {
    let there = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        there => there.doing("looking what is there", path)?,
    };
    if !there.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).doing("removing what was left", path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It answers, or is too busy to: it is somebody's.
        _ => Err(SocketError::Live { path: path.to_owned() }),
    }
}

/// Which file, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

//! The end beside the caller: a world that is somewhere else.
//!
//! Behind a [`RemoteWorld`] stands one task that owns the pipe. Callers hand it requests and hold
//! a place each until the answer has come, so what waits there is bounded; it hands each subscription
//! its events, of which no more can be under way than were asked for. So a stream that nobody reads
//! holds up neither the pipe nor this memory. What it is told is checked as by every transport.
//!
//! | file | holds |
//! |---|---|
//! | `options` | bounds, delays, chance |
//! | `connect` | where a fresh pipe comes from |
//! | `connection` | one connection as its callers hold it |
//! | `driver`, `events` | the same one as the task holds it, and the events of one subscription |
//! | `keeper` | the task: one connection after the other |
//! | `link` | the connection of the moment, and what becomes of commands when it is lost |
//! | `in_question` | what became of a prompt whose answer was lost |
//! | `returning`, `world_stream` | subscriptions that outlive connections |

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
#[cfg(unix)]
use std::{io, path::PathBuf};

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

use self::{
    keeper::{Driven, Maker, State},
    link::Link,
};
pub(crate) use self::{
    returning::{ChatStream, Returning},
    world_stream::WorldStream,
};
use super::error::ConnectionError;
#[cfg(unix)]
use super::socket;

mod connect;
mod connection;
mod driver;
mod events;
mod in_question;
mod keeper;
mod link;
mod options;
mod returning;
mod world_stream;

#[cfg(feature = "http-client")]
pub(crate) use self::{
    connection::{Connection, Ended},
    in_question::InQuestion,
    options::Backoff,
    returning::{Begun, REFUSALS_MAX, Way, reason},
};
pub use connect::Connect;
pub use options::{Jitter, RemoteOptions};

/// The path that its diagnostics name.
pub const PATH: &str = "ipc";

/// A world at the other end of a pipe or socket.
///
/// [`connect`](Self::connect) makes a world that comes back: a connection that is lost is made again,
/// with delays that grow up to a bound, for as long as anybody holds the world or a stream of it.
///
/// - **Streams of chats** go on after the last notice that their reader took, inside of the same
///   stream: every recorded event comes once and in order. They end when the world says that there
///   is nothing to go on with: `Deleted` for a chat that is gone, `Damaged` for a cursor that is not
///   of the log any more, for a server that comes back as another world or speaks another version.
/// - **Streams of the world** say [`Resumed`](polychat_core::notice::WorldNotice::Resumed), because
///   nobody tells which chats have come and gone meanwhile, and begin again with what is true then; a
///   chat that was told as busy and is not any more is told of, too.
/// - **Commands under way** at the loss fail with [`ConnectionLost`](polychat_core::FaultKind):
///   with the same ids they are safe to send again. What became of a prompt or a revision is asked
///   first, and if it was accepted, that is the answer.
/// - **Commands sent while it is away** wait for
///   [`connect_duration_max`](RemoteOptions::connect_duration_max), then fail in the same way; too
///   many of them are refused as `overloaded`.
///
/// [`over`](Self::over) speaks over one given pipe: when that is lost, streams end as
/// [`Unreadable`](polychat_core::EndReason::Unreadable), and all commands fail.
///
/// Dropping the last of the world's handle and its streams closes the connection, which cancels
/// nothing. Examples stand at [`Connect`] and at [`Server`](super::Server).
pub struct RemoteWorld {
    link: Arc<Link>,
    made: Arc<AtomicU64>,
}

impl RemoteWorld {
    /// Connects to a world, and again whenever the connection is lost.
    ///
    /// Must be called inside a tokio runtime with its time enabled, where it starts one task.
    ///
    /// # Errors
    ///
    /// Why the first connection could not be made within
    /// [`connect_duration_max`](RemoteOptions::connect_duration_max). It is tried once: whether a
    /// server that was never there is worth waiting for, only the caller knows.
    pub async fn connect<C: Connect>(
        connector: C,
        options: RemoteOptions,
    ) -> Result<Self, ConnectionError> {
        let made = Arc::default();
        let maker = Maker { connector, options: options.clone(), made: Arc::clone(&made) };
        let (world_id, driven) = maker.make(options.world_id.clone()).await?;
        let (state, seen) = watch::channel(State::Up(driven.connection));
        tokio::spawn(keeper::keep(maker, world_id.clone(), driven.driving, state));
        Ok(Self { link: Arc::new(Link::new(world_id, seen, options).returning()), made })
    }

    /// Connects to the world that is served at this path, and again whenever the connection is lost,
    /// also to another process that serves there later.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); also when the path belongs to another user.
    #[cfg(unix)]
    pub async fn connect_socket(
        path: impl Into<PathBuf>,
        options: RemoteOptions,
    ) -> Result<Self, ConnectionError> {
        let path = path.into();
        let connector = move || {
            let path = path.clone();
            async move { socket::connect(&path).await.map_err(io::Error::other) }
        };
        Self::connect(connector, options).await
    }

    /// Speaks over this pipe with a server that must serve the world of this id.
    ///
    /// Must be called inside a tokio runtime with its time enabled, where it starts one task. It does
    /// not wait for the server; when that serves another world or speaks another version, every
    /// command fails with [`FaultKind::Protocol`](polychat_core::FaultKind::Protocol).
    #[must_use]
    pub fn over<T>(io: T, world_id: WorldId, options: RemoteOptions) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let driven = Driven::over(io, world_id.clone(), &options);
        let (state, seen) = watch::channel(State::Up(driven.connection));
        tokio::spawn(keeper::keep_one(driven.driving, state, options.connect_duration_max));
        let made = Arc::new(AtomicU64::new(1));
        Self { link: Arc::new(Link::new(world_id, seen, options)), made }
    }

    /// The world that is served.
    #[must_use]
    pub fn world_id(&self) -> &WorldId {
        self.link.world_id()
    }

    /// Whether there is a connection now; for people to see, since the next moment may differ.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Connections made so far, the present one included.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.link.options().rejections.count()
    }
}

#[async_trait]
impl WorldService for RemoteWorld {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.link.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let begun = self.link.begin(&scope, &start).await?;
        let returning = Returning::new(Arc::clone(&self.link), scope.clone(), begun);
        Ok(match scope {
            Scope::World => Box::pin(WorldStream::new(returning)),
            _ => Box::pin(ChatStream(returning)),
        })
    }
}

//! The end beside the world: many clients, each on a connection of its own.
//!
//! A [`Server`] is what its connections share: the world, the encoders of its chats, the bounds, and
//! the numbers of subscriptions. Each connection is one future; whoever calls [`Server::serve`]
//! decides which task runs it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use polychat_core::{WorldId, ports::WorldService};
use tokio::io::{AsyncRead, AsyncWrite};

use self::connection::Connection;
use super::{
    error::ConnectionError,
    frame::Framing,
    protocol::{ServerLimits, SubscriptionId},
};
use crate::{bytes::FarEnd, wire::WireLimits};

mod connection;
mod requests;
mod subscriptions;

/// What a frame holds beside the command: the version, the id, the method.
const ENVELOPE_BYTES_MAX: usize = 1024;

/// How a server serves; the same for all its connections.
///
/// ```
/// use polychat_transport::ipc::{Framing, ServeOptions};
///
/// let mut options = ServeOptions::default();
/// options.framing = Framing::ContentLength;
/// options.requests_in_flight_max = 16;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServeOptions {
    /// How messages are told apart.
    pub framing: Framing,
    /// How many bytes are taken.
    pub wire: WireLimits,
    /// Requests of one connection that run at the same time. Beyond: refused `overloaded`.
    pub requests_in_flight_max: usize,
    /// Subscriptions of one connection. Beyond: refused `subscribers_full`.
    pub subscriptions_max: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            wire: WireLimits::default(),
            requests_in_flight_max: 1_024,
            subscriptions_max: 10_000,
        }
    }
}

/// How a connection ended in order. No chat notices either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The client went away.
    ByClient,
    /// The client asked for it by `shutdown`; one that owns this process wants it to end.
    ByShutdown,
}

/// Serves a world to any number of connections.
///
/// ```
/// # use polychat_core::{Command, CommandError, WorldId, ports::WorldService};
/// # use polychat_transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions, Server};
/// # async fn program(id: WorldId, world: std::sync::Arc<dyn WorldService>) -> Result<(), CommandError> {
/// let (near, far) = tokio::io::duplex(64 * 1024);
/// let server = Server::new(id.clone(), world, ServeOptions::default());
/// tokio::spawn(async move { server.serve(far).await });
/// let remote = RemoteWorld::over(near, id, RemoteOptions::default());
/// remote.call(Command::GetWorld).await?;
/// # Ok(())
/// # }
/// ```
pub struct Server {
    far: Arc<FarEnd>,
    options: ServeOptions,
    subscriptions: AtomicU64,
    rejected: AtomicU64,
}

impl Server {
    /// Serves a world under this id.
    #[must_use]
    pub fn new(world_id: WorldId, world: Arc<dyn WorldService>, options: ServeOptions) -> Self {
        let far = Arc::new(FarEnd::new(world_id, world).limits(options.wire.clone()));
        Self { far, options, subscriptions: AtomicU64::new(0), rejected: AtomicU64::new(0) }
    }

    /// Serves one connection until it ends.
    ///
    /// Must run inside a tokio runtime, where its requests become tasks. Those that still run when
    /// the connection breaks go on to their end.
    ///
    /// # Errors
    ///
    /// A [`ConnectionError`] when reading or writing fails, or the frames are lost.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection and cancels nothing.
    pub async fn serve<T>(&self, io: T) -> Result<Closed, ConnectionError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut connection = Connection::new(self, io);
        std::future::poll_fn(|cx| connection.poll(cx)).await
    }

    /// Messages that could not be read or had no place here, on all connections so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    fn note(&self, reason: &dyn std::fmt::Display) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        let world_id = self.far.world_id().as_str();
        tracing::warn!(world_id, path = "ipc", %reason, "message rejected");
    }

    fn next_subscription(&self) -> SubscriptionId {
        SubscriptionId::new(self.subscriptions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn frame_bytes_max(&self) -> usize {
        self.options.wire.command_bytes_max.saturating_add(ENVELOPE_BYTES_MAX)
    }

    fn limits(&self) -> ServerLimits {
        ServerLimits {
            frame_bytes_max: self.frame_bytes_max(),
            requests_in_flight_max: self.options.requests_in_flight_max,
            subscriptions_max: self.options.subscriptions_max,
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("options", &self.options)
            .field("rejected", &self.rejected())
            .finish_non_exhaustive()
    }
}

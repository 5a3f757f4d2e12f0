//! The end beside the world: many clients, each on a connection of its own.
//!
//! A [`Server`] is what its connections share: the world, the encoders of its chats, the bounds, and
//! the numbers of subscriptions. Each connection is one future; whoever calls [`Server::serve`]
//! decides which task runs it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use polychat_core::{
    WorldId,
    ports::{HostRegistry, WorldService},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use self::connection::Connection;
use super::{
    error::ConnectionError,
    frame::Framing,
    host::CallLimits,
    protocol::{ServerLimits, SubscriptionId},
};
use crate::{
    bytes::{Encoders, FarEnd},
    guard::Rejections,
    wire::WireLimits,
};

mod answers;
mod connection;
mod hosting;
mod order;
mod perform;
mod requests;
mod subscriptions;

/// The path under which messages are rejected, unless the server is told another.
const PATH: &str = "ipc";

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
    /// Bytes that such requests take: those of their messages, and ninety for each value in them.
    /// Beyond: refused `overloaded`. One alone is taken whatever it takes.
    pub request_bytes_in_flight_max: usize,
    /// Bytes of answers to what only reads that wait to be written. Beyond: it waits, and is read
    /// again when there is room. An answer that is larger waits until it is the only one.
    pub answer_bytes_waiting_max: usize,
    /// Subscriptions of one connection. Beyond: refused `subscribers_full`.
    pub subscriptions_max: usize,
    /// What is held of calls of a client's own models and tools.
    pub calls: CallLimits,
    /// How long a connection that is to end waits for requests that run, and for its client to
    /// read their answers. After that it ends; the requests go on to their end.
    pub ending_duration_max: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            wire: WireLimits::default(),
            requests_in_flight_max: 1_024,
            request_bytes_in_flight_max: 64 * 1024 * 1024,
            answer_bytes_waiting_max: 64 * 1024 * 1024,
            subscriptions_max: 10_000,
            calls: CallLimits::default(),
            // Longer than a store that does not answer holds up a command by default.
            ending_duration_max: Duration::from_secs(15),
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
    /// [`Server::close`] was called, and all that there was to say is written.
    ByServer,
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
    common: Common,
    rejections: Arc<Rejections>,
    hosts: Option<Arc<dyn HostRegistry>>,
}

/// What all servers of one world share.
#[derive(Clone, Default)]
pub(crate) struct Common {
    /// Events are encoded once, whoever reads them.
    encoders: Arc<Encoders>,
    subscriptions: Arc<AtomicU64>,
    /// Connections are to end.
    closing: CancellationToken,
}

#[cfg(feature = "http")]
impl Common {
    /// The encoders of the world's chats.
    pub(crate) fn encoders(&self) -> Arc<Encoders> {
        Arc::clone(&self.encoders)
    }

    /// Whether no server has it any more.
    pub(crate) fn is_unused(&self) -> bool {
        Arc::strong_count(&self.encoders) == 1
    }
}

impl Server {
    /// Serves a world under this id.
    #[must_use]
    pub fn new(world_id: WorldId, world: Arc<dyn WorldService>, options: ServeOptions) -> Self {
        Self::sharing(world_id, world, options, Common::default())
    }

    /// Serves a world beside the other servers that share this.
    pub(crate) fn sharing(
        world_id: WorldId,
        world: Arc<dyn WorldService>,
        options: ServeOptions,
        common: Common,
    ) -> Self {
        let far = FarEnd::new(world_id, world).limits(options.wire.clone());
        let far = Arc::new(far.sharing(Arc::clone(&common.encoders)));
        Self { far, options, common, rejections: Arc::new(Rejections::new(PATH)), hosts: None }
    }

    /// Surfaces what is rejected there, for example among the diagnostics of the world.
    #[must_use]
    pub fn rejections(mut self, rejections: Arc<Rejections>) -> Self {
        self.rejections = rejections;
        self
    }

    /// Lets clients bring models and tools of their own; without this they are refused.
    ///
    /// What they bring is in the registry from their `host/register` until their connection ends.
    #[must_use]
    pub fn hosts(mut self, hosts: Arc<dyn HostRegistry>) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// The same server for a caller who sees the world like this, for example through a policy.
    ///
    /// Both share the encoding of events, the numbers of subscriptions, and who counts what is
    /// rejected. Whether this caller may bring models and tools is said anew by
    /// [`hosts`](Self::hosts).
    #[must_use]
    pub fn seen_as(&self, world: Arc<dyn WorldService>) -> Self {
        let (id, options) = (self.far.world_id().clone(), self.options.clone());
        Self::sharing(id, world, options, self.common.clone())
            .rejections(Arc::clone(&self.rejections))
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

    /// Ends all connections, also those of servers [seen otherwise](Self::seen_as), and later ones.
    ///
    /// Each ends by itself as soon as what runs is answered, all its subscriptions have ended, and
    /// all of it is written. So this comes after the world was closed, which ends the
    /// subscriptions. A connection whose client does not read ends after
    /// [`ending_duration_max`](ServeOptions::ending_duration_max).
    pub fn close(&self) {
        self.common.closing.cancel();
    }

    /// Events of chats encoded so far: each once, for all readers in step on all connections.
    #[must_use]
    pub fn events_encoded(&self) -> u64 {
        self.common.encoders.encodings()
    }

    /// Messages that could not be read or had no place here, on all connections so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejections.count()
    }

    /// Takes note of such a message; `reason` never holds contents.
    fn reject(&self, code: &str, reason: &dyn std::fmt::Display) {
        self.rejections.note_input(code, reason);
    }

    fn next_subscription(&self) -> SubscriptionId {
        SubscriptionId::new(self.common.subscriptions.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Bytes of one frame at most.
    pub(crate) fn frame_bytes_max(&self) -> usize {
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

//! The end beside the caller: a world that is somewhere else.
//!
//! A [`RemoteWorld`] is a [`NearEnd`] like that of every transport, so what it is told is checked
//! like everywhere. Behind it stands one task that owns the pipe. Callers hand it requests and hold
//! a place each until the answer has come, so what waits there is bounded; it hands each subscription
//! its events, of which no more can be under way than were asked for. So a stream that nobody reads
//! holds up neither the pipe nor this memory.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Fault, FaultKind, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};

use self::{
    driver::{Driver, Order, Waiting},
    events::Events,
};
use super::{
    frame::Framing,
    protocol::method,
    rpc::{Request, RequestId, request_of_command},
};
use crate::{
    bytes::{ByteDoor, Frames, NearEnd},
    guard::Rejections,
    wire::{WireLimits, encode_error},
};

mod driver;
mod events;

/// The path that its diagnostics name.
pub const PATH: &str = "ipc";

/// How a remote world is spoken to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// How messages are told apart.
    pub framing: Framing,
    /// How many bytes are taken.
    pub wire: WireLimits,
    /// Requests without an answer at the same time; further ones wait for a place.
    pub requests_in_flight_max: usize,
    /// Events of one subscription that may wait for their reader, at least 1. The world keeps the
    /// others, merged.
    pub events_waiting_max: usize,
    /// Counts and surfaces what is rejected.
    pub rejections: Arc<Rejections>,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            wire: WireLimits::default(),
            requests_in_flight_max: 256,
            events_waiting_max: 64,
            rejections: Arc::new(Rejections::new(PATH)),
        }
    }
}

/// A world at the other end of a pipe or socket.
///
/// When the connection is lost, streams end as [`Unreadable`](polychat_core::EndReason::Unreadable)
/// and commands fail with [`FaultKind::ConnectionLost`]: those without an answer may or may not have
/// taken effect, and with the same ids they are safe to send again. Dropping the last of the world's
/// handle and its streams closes the connection, which cancels nothing.
///
/// An example stands at [`Server`](super::Server).
pub struct RemoteWorld {
    near: NearEnd<Door>,
}

impl RemoteWorld {
    /// Speaks over this pipe with a server that must serve the world of this id.
    ///
    /// Must be called inside a tokio runtime, where it starts one task. It does not wait for the
    /// server; when that serves another world or speaks another version, every command fails with
    /// [`FaultKind::Protocol`].
    #[must_use]
    pub fn over<T>(io: T, world_id: WorldId, options: RemoteOptions) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (orders, ordered) = mpsc::unbounded_channel();
        let ended = Arc::new(OnceLock::new());
        let places = Arc::new(Semaphore::new(options.requests_in_flight_max));
        let driver = Driver::new(io, world_id.clone(), &options, ordered);
        tokio::spawn(driver.run(Arc::clone(&ended)));
        let door = Door { orders, places, ids: AtomicU64::new(1), ended };
        let near = NearEnd::new(world_id, door, options.rejections).limits(options.wire);
        Self { near }
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.near.rejected()
    }
}

#[async_trait]
impl WorldService for RemoteWorld {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.near.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.near.subscribe(scope, start).await
    }
}

/// What callers hold of the connection.
struct Door {
    /// Bounded by the places: a request and its cancelling at most for each, and for each
    /// subscription one grant of room and its end.
    orders: mpsc::UnboundedSender<Order>,
    places: Arc<Semaphore>,
    ids: AtomicU64,
    /// Why the connection ended.
    ended: Arc<OnceLock<Fault>>,
}

impl Door {
    async fn place(&self) -> Result<OwnedSemaphorePermit, Vec<u8>> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| self.lost())
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request and waits for what the driver makes of its answer.
    async fn ask<A>(
        &self,
        id: u64,
        message: Vec<u8>,
        waiting: impl FnOnce(oneshot::Sender<Result<A, Vec<u8>>>) -> Waiting,
        place: OwnedSemaphorePermit,
    ) -> Result<A, Vec<u8>> {
        let (answer, answered) = oneshot::channel();
        let waiting = waiting(answer);
        let order = Order::Request { id, message, waiting, place };
        self.orders.send(order).map_err(|_| self.lost())?;
        let mut unanswered = Unanswered { id: Some(id), orders: &self.orders };
        let outcome = answered.await;
        unanswered.id = None;
        outcome.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Why there is no answer.
    fn lost(&self) -> Vec<u8> {
        let fault = self.ended.get().cloned();
        let fault = fault
            .unwrap_or_else(|| Fault::new(FaultKind::ConnectionLost, "the connection has ended"));
        encode_error(&CommandError::Fault(fault))
    }
}

/// Tells the server that nobody waits any more, when the caller goes away before the answer.
struct Unanswered<'a> {
    id: Option<u64>,
    orders: &'a mpsc::UnboundedSender<Order>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // When nobody takes orders any more, the connection has ended and so has the request.
            let _ = self.orders.send(Order::Cancel { id });
        }
    }
}

#[async_trait]
impl ByteDoor for Door {
    async fn call(&self, command: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
        let place = self.place().await?;
        let id = self.next_id();
        let message = request_of_command(&RequestId::number(id), &command);
        self.ask(id, message, Waiting::Call, place).await
    }

    async fn subscribe(&self, subscription: Vec<u8>) -> Result<Frames, Vec<u8>> {
        let place = self.place().await?;
        let id = self.next_id();
        let message = subscribe_request(id, &subscription).map_err(|error| protocol(&error))?;
        let orders = self.orders.clone();
        let waiting = |answer| Waiting::Subscribe { answer, orders };
        let events: Events = self.ask(id, message, waiting, place).await?;
        Ok(Box::pin(events))
    }
}

fn subscribe_request(id: u64, subscription: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let params: &RawValue = serde_json::from_slice(subscription)?;
    serde_json::to_vec(&Request::new(&RequestId::number(id), method::SUBSCRIBE, params))
}

/// The bytes of a fault of the protocol.
fn protocol(why: &dyn std::fmt::Display) -> Vec<u8> {
    encode_error(&CommandError::Fault(Fault::new(FaultKind::Protocol, &why.to_string())))
}

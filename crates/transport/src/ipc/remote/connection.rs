//! One connection as its callers hold it: requests go in, answers and events come out.
//!
//! What it is told is checked by its [`NearEnd`] like everywhere. It ends once and for good; the
//! [`Link`](super::link::Link) has the next one.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, Fault, FaultKind, Refusal, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};
use serde_json::value::RawValue;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    RemoteOptions,
    driver::{Order, Waiting},
    events::Events,
};
use crate::{
    bytes::{ByteDoor, Frames, NearEnd},
    ipc::{
        error::ConnectionError,
        protocol::method,
        rpc::{Request, RequestId, request_of_command},
    },
    wire::encode_error,
};

/// What an end of a connection is to who asked something.
pub(super) fn fault(end: &Result<(), ConnectionError>) -> Fault {
    match end {
        Ok(()) => Fault::new(FaultKind::ConnectionLost, "the server has closed"),
        Err(error @ ConnectionError::Protocol { .. }) => {
            Fault::new(FaultKind::Protocol, &error.to_string())
        }
        Err(error) => Fault::new(FaultKind::ConnectionLost, &error.to_string()),
    }
}

/// Why a connection ended, once it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ended(Arc<OnceLock<Fault>>);

impl Ended {
    /// Says why; only the first reason counts.
    pub(crate) fn because(&self, fault: Fault) {
        // Whoever asked for it first has said more.
        let _ = self.0.set(fault);
    }

    pub(crate) fn has(&self) -> bool {
        self.0.get().is_some()
    }

    /// The fault of who asks a connection that has ended.
    pub(crate) fn fault(&self) -> Fault {
        let fault = self.0.get().cloned();
        fault.unwrap_or_else(|| Fault::new(FaultKind::ConnectionLost, "the connection has ended"))
    }
}

/// One connection as its callers hold it. Dropping the last of it and its streams closes it.
pub(crate) struct Connection<D = Door> {
    near: NearEnd<D>,
    ended: Ended,
}

impl Connection {
    /// The callers' side of a driver that obeys these orders.
    pub(super) fn new(
        world_id: WorldId,
        orders: mpsc::UnboundedSender<Order>,
        ended: Ended,
        options: &RemoteOptions,
    ) -> Self {
        let places = Arc::new(Semaphore::new(options.requests_in_flight_max));
        let door = Door { orders, places, ids: AtomicU64::new(1), ended: ended.clone() };
        let near = NearEnd::new(world_id, door, Arc::clone(&options.rejections))
            .limits(options.wire.clone());
        Self { near, ended }
    }
}

impl<D: ByteDoor> Connection<D> {
    /// A connection of another kind, whose door says when it is lost.
    #[cfg(feature = "http-client")]
    pub(crate) fn of(near: NearEnd<D>, ended: Ended) -> Self {
        Self { near, ended }
    }

    pub(crate) fn ended(&self) -> &Ended {
        &self.ended
    }

    /// Whether this answer was made here because there is no connection any more, so that nobody
    /// knows what became of the question.
    pub(crate) fn lost(&self, error: &CommandError) -> bool {
        let fault = CommandError::Fault(self.ended.fault());
        self.ended.has() && *error == fault
    }

    pub(crate) async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let method = command.name();
        self.near.call(command).await.map_err(|error| naming(method, error))
    }

    pub(crate) async fn subscribe(
        &self,
        scope: Scope,
        start: StartAt,
    ) -> Result<NoticeStream, CommandError> {
        let subscribed = self.near.subscribe(scope, start).await;
        subscribed.map_err(|error| naming(method::SUBSCRIBE, error))
    }
}

/// The refusal of a server that does not know this method, in which the driver has named none.
fn naming(method: &str, error: CommandError) -> CommandError {
    match error {
        CommandError::Refused(Refusal::Unsupported { what }) if what.is_empty() => {
            Refusal::Unsupported { what: method.into() }.into()
        }
        error => error,
    }
}

/// The door as bytes, whose other side is the driver.
pub(crate) struct Door {
    /// Bounded by the places: a request and its cancelling at most for each, and for each
    /// subscription one grant of room and its end.
    orders: mpsc::UnboundedSender<Order>,
    places: Arc<Semaphore>,
    ids: AtomicU64,
    ended: Ended,
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
        encode_error(&CommandError::Fault(self.ended.fault()))
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
pub(super) fn protocol(why: &dyn std::fmt::Display) -> Vec<u8> {
    encode_error(&CommandError::Fault(Fault::new(FaultKind::Protocol, &why.to_string())))
}

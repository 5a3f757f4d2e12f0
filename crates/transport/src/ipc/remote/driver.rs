//! The task that owns the pipe beside the caller.
//!
//! It never waits for a caller or a reader: answers go into channels for one, events into channels
//! that have as much room as the server was told.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
    task::{Context, Poll},
};

use polychat_core::{Refusal, WorldId};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{
        OwnedSemaphorePermit,
        mpsc::{self, error::TrySendError},
        oneshot,
    },
};

use super::{
    RemoteOptions,
    connection::{Ended, fault, protocol as protocol_fault},
    events::Events,
};
use crate::{
    error::{RejectedRecord, claim, why},
    guard::Rejections,
    ipc::{
        error::{ConnectionError, RejectedFrame},
        pipe::Pipe,
        protocol::{
            self, Cancel, ClientLimits, InitializeParams, InitializeResult, More, Subscription,
            SubscriptionId, method,
        },
        rpc::{
            self, Begun, ErrorCode, ErrorObject, Failure, ID_BYTES_MAX, Incoming, Notification,
            Request, RequestId,
        },
    },
    wire::encode_error,
};

/// What a frame holds beside the reply or notice.
const ENVELOPE_BYTES_MAX: usize = 1024;

/// The id of `initialize`; those of callers come after it.
const INITIALIZE: u64 = 0;

/// What the driver is asked to send.
pub(super) enum Order {
    /// A request; the place is held until its answer has come.
    Request { id: u64, message: Vec<u8>, waiting: Waiting, place: OwnedSemaphorePermit },
    /// Nobody waits for this request any more.
    Cancel { id: u64 },
    /// There is room for further events.
    More(More),
    /// Nobody reads this subscription any more.
    Unsubscribe(SubscriptionId),
}

/// Who waits for an answer.
pub(super) enum Waiting {
    /// A caller, for the bytes of a reply.
    Call(oneshot::Sender<Result<Vec<u8>, Vec<u8>>>),
    /// A caller, for a subscription, which goes on to give orders.
    Subscribe {
        answer: oneshot::Sender<Result<Events, Vec<u8>>>,
        orders: mpsc::UnboundedSender<Order>,
    },
    /// The driver itself: no event of this subscription comes any more.
    Unsubscribe(SubscriptionId),
    /// The driver itself: who the server is.
    Initialize,
}

/// The task that owns the pipe.
pub(super) struct Driver<T> {
    pipe: Pipe<T>,
    /// The world that has to be served; `None` takes any.
    wanted: Option<WorldId>,
    /// Who waits to hear which world is served.
    greeting: Option<oneshot::Sender<WorldId>>,
    orders: mpsc::UnboundedReceiver<Order>,
    waiting: HashMap<u64, (Waiting, Option<OwnedSemaphorePermit>)>,
    streams: HashMap<SubscriptionId, mpsc::Sender<Vec<u8>>>,
    /// Subscriptions given up here of which events may still be under way.
    given_up: HashSet<SubscriptionId>,
    /// Requests of the driver itself count down from the top, those of callers up from 1.
    own_id: u64,
    events_waiting_max: usize,
    unsubscribes_in_flight_max: usize,
    rejections: Arc<Rejections>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    pub(super) fn new(
        io: T,
        wanted: Option<WorldId>,
        options: &RemoteOptions,
        orders: mpsc::UnboundedReceiver<Order>,
        greeting: oneshot::Sender<WorldId>,
    ) -> Self {
        let payload = options.wire.reply_bytes_max.max(options.wire.notice_bytes_max);
        let frame_bytes_max = payload.saturating_add(ENVELOPE_BYTES_MAX);
        Self {
            pipe: Pipe::new(io, options.framing, frame_bytes_max),
            wanted,
            greeting: Some(greeting),
            orders,
            waiting: HashMap::new(),
            streams: HashMap::new(),
            given_up: HashSet::new(),
            own_id: polychat_core::Seq::MAX.get(),
            events_waiting_max: options.events_waiting_max.max(1),
            unsubscribes_in_flight_max: options.unsubscribes_in_flight_max,
            rejections: Arc::clone(&options.rejections),
        }
    }

    /// Runs until the connection ends, or nobody holds its other side any more.
    pub(super) async fn run(mut self, ended: Ended) -> Result<(), ConnectionError> {
        let end = match self.initialize() {
            Ok(()) => std::future::poll_fn(|cx| self.poll(cx)).await,
            Err(error) => Err(error),
        };
        let fault = fault(&end);
        let world_id = self.wanted.as_ref().map(WorldId::as_str);
        tracing::debug!(world_id, path = super::PATH, why = &*fault.message, "connection ended");
        // Told before those who wait notice, which they do when this driver is dropped.
        ended.because(fault);
        end
    }

    fn initialize(&mut self) -> Result<(), ConnectionError> {
        let limits =
            ClientLimits { events_under_way_max: u64::try_from(self.events_waiting_max).ok() };
        let params = InitializeParams::new(protocol::this_crate(), limits);
        self.waiting.insert(INITIALIZE, (Waiting::Initialize, None));
        self.pipe.push(Request::new(&RequestId::number(INITIALIZE), method::INITIALIZE, params))
    }

    /// Goes on until the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        loop {
            let had_room = self.pipe.has_room();
            let mut moved = false;
            if had_room {
                match self.pipe.poll_frame(cx) {
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Ready(Some(frame)) => {
                        match frame? {
                            Ok(frame) => self.receive(&frame)?,
                            Err(rejected) => self.skipped(&rejected)?,
                        }
                        moved = true;
                    }
                    Poll::Pending => {}
                }
                match self.orders.poll_recv(cx) {
                    // What was said before is still written.
                    Poll::Ready(None) => return self.pipe.poll_flush(cx),
                    Poll::Ready(Some(order)) => {
                        self.obey(order)?;
                        moved = true;
                    }
                    Poll::Pending => {}
                }
            }
            if moved && self.pipe.has_room() {
                continue;
            }
            let _written = self.pipe.poll_flush(cx)?;
            if (had_room && !moved) || !self.pipe.has_room() {
                return Poll::Pending;
            }
        }
    }

    fn obey(&mut self, order: Order) -> Result<(), ConnectionError> {
        match order {
            Order::Request { id, message, waiting, place } => {
                self.waiting.insert(id, (waiting, Some(place)));
                self.pipe.push_bytes(message)
            }
            Order::Cancel { id } if self.waiting.contains_key(&id) => {
                let params = Cancel { id: RequestId::number(id) };
                self.pipe.push(Notification::new(method::CANCEL, params))
            }
            Order::More(more) if self.streams.contains_key(&more.subscription_id) => {
                self.pipe.push(Notification::new(method::MORE, more))
            }
            Order::Unsubscribe(id) => self.give_up(id),
            // It was answered, or has ended, in the meantime.
            Order::Cancel { .. } | Order::More(_) => Ok(()),
        }
    }

    /// Ends a subscription, unless it was given up already.
    fn give_up(&mut self, subscription_id: SubscriptionId) -> Result<(), ConnectionError> {
        if self.streams.remove(&subscription_id).is_none() {
            return Ok(());
        }
        if self.given_up.len() >= self.unsubscribes_in_flight_max {
            let why = "the server does not confirm that subscriptions have ended";
            return Err(io::Error::new(io::ErrorKind::TimedOut, why).into());
        }
        let id = self.own_id;
        self.own_id -= 1;
        self.given_up.insert(subscription_id.clone());
        self.waiting.insert(id, (Waiting::Unsubscribe(subscription_id.clone()), None));
        let params = Subscription { subscription_id };
        self.pipe.push(Request::new(&RequestId::number(id), method::UNSUBSCRIBE, params))
    }

    fn receive(&mut self, frame: &[u8]) -> Result<(), ConnectionError> {
        match rpc::parse(frame) {
            Ok(Incoming::Answer { id, outcome }) => self.answered(id.as_ref(), outcome),
            Ok(Incoming::Notification { method, params }) if method == method::EVENT => {
                self.event(params)
            }
            // A newer server may tell more than this client knows.
            Ok(Incoming::Notification { .. }) => Ok(()),
            Ok(Incoming::Request { id, .. }) => {
                let error = ErrorObject::plain(ErrorCode::UNKNOWN_METHOD, "no such method");
                self.pipe.push(Failure::new(Some(&id), error))
            }
            Err(rejected) => {
                self.reject(&rejected);
                Ok(())
            }
        }
    }

    /// A frame was too long: it was for one caller or one reader, or there is no going on.
    fn skipped(&mut self, rejected: &RejectedFrame) -> Result<(), ConnectionError> {
        let RejectedFrame::TooLong { begin, .. } = rejected;
        match rpc::begun(begin) {
            Some(Begun::Answer(id)) => {
                let waiting = id.as_number().and_then(|number| self.waiting.remove(&number));
                let Some((Waiting::Call(answer), _place)) = waiting else {
                    return Err(broken(rejected));
                };
                // Who has gone away needs no answer.
                let _ = answer.send(Err(protocol_fault(rejected)));
                Ok(())
            }
            Some(Begun::Notification { method, of }) if method == method::EVENT => {
                self.reject(rejected);
                self.give_up(SubscriptionId::named(&of))
            }
            _ => Err(broken(rejected)),
        }
    }

    fn answered(
        &mut self,
        id: Option<&RequestId>,
        outcome: Result<&RawValue, &RawValue>,
    ) -> Result<(), ConnectionError> {
        let waiting = id.and_then(RequestId::as_number).and_then(|id| self.waiting.remove(&id));
        let Some((waiting, _place)) = waiting else {
            self.reject(&"an answer to no question");
            return Ok(());
        };
        match waiting {
            Waiting::Call(answer) => {
                let reply = outcome.map(|result| result.get().into()).map_err(failure);
                // Who has gone away needs no answer.
                let _ = answer.send(reply);
            }
            Waiting::Subscribe { answer, orders } => {
                let events = outcome.map_err(failure).and_then(|it| self.subscribed(it, orders));
                // Nobody there: the events are dropped, and that unsubscribes.
                let _ = answer.send(events);
            }
            Waiting::Unsubscribe(subscription) => {
                self.given_up.remove(&subscription);
            }
            Waiting::Initialize => return self.initialized(outcome),
        }
        Ok(())
    }

    fn subscribed(
        &mut self,
        result: &RawValue,
        orders: mpsc::UnboundedSender<Order>,
    ) -> Result<Events, Vec<u8>> {
        let Subscription { subscription_id: id } =
            serde_json::from_str(result.get()).map_err(|error| protocol_fault(&why(&error)))?;
        if id.bytes() > ID_BYTES_MAX {
            self.reject(&"a long id of a subscription");
            return Err(protocol_fault(&"a long id of a subscription"));
        }
        if self.streams.contains_key(&id) || self.given_up.contains(&id) {
            self.reject(&"the id of a subscription was used again");
            return Err(protocol_fault(&"the id of a subscription was used again"));
        }
        let (events, waiting) = mpsc::channel(self.events_waiting_max);
        self.streams.insert(id.clone(), events);
        Ok(Events::new(id, waiting, orders))
    }

    fn initialized(
        &mut self,
        outcome: Result<&RawValue, &RawValue>,
    ) -> Result<(), ConnectionError> {
        let result = outcome.map_err(|error| broken(&claim(error.get())))?;
        let server: InitializeResult =
            serde_json::from_str(result.get()).map_err(|error| broken(&why(&error)))?;
        if server.protocol_version != protocol::VERSION {
            return Err(broken(&format!("it speaks version {}", server.protocol_version)));
        }
        if self.wanted.as_ref().is_some_and(|wanted| *wanted != server.world_id) {
            let rejected =
                RejectedRecord::ForeignWorld { claimed: server.world_id.as_str().into() };
            self.rejections.note(None, &rejected);
            return Err(broken(&rejected));
        }
        if let Some(greeting) = self.greeting.take() {
            // Who went on without it has said which world it wants.
            let _ = greeting.send(server.world_id);
        }
        Ok(())
    }

    /// Hands an event to its reader, who checks it.
    fn event(&mut self, params: Option<&RawValue>) -> Result<(), ConnectionError> {
        let params = params.map_or("", RawValue::get);
        let Ok(Subscription { subscription_id: id }) = serde_json::from_str(params) else {
            self.reject(&"an event of no subscription");
            return Ok(());
        };
        let Some(stream) = self.streams.get(&id) else {
            if !self.given_up.contains(&id) {
                self.reject(&"an event of an unknown subscription");
            }
            return Ok(());
        };
        if let Err(TrySendError::Full(_)) = stream.try_send(params.into()) {
            // The stream ends without a reason, so its reader may go on from its last cursor.
            self.reject(&"more events than there is room for");
            return self.give_up(id);
        }
        Ok(())
    }

    /// What belongs to nobody is counted and surfaced; it ends nothing.
    fn reject(&self, why: &dyn std::fmt::Display) {
        let why = claim(&why.to_string());
        self.rejections.note(None, &RejectedRecord::Malformed { why });
    }
}

fn broken(why: &dyn std::fmt::Display) -> ConnectionError {
    ConnectionError::Protocol { why: why.to_string() }
}

/// The bytes of the refusal or fault in an error object.
fn failure(error: &RawValue) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Object<'a> {
        code: Option<ErrorCode>,
        message: String,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    match serde_json::from_str::<Object<'_>>(error.get()) {
        // An older server. Which method, its caller knows.
        Ok(Object { code: Some(ErrorCode::UNKNOWN_METHOD), .. }) => {
            encode_error(&Refusal::Unsupported { what: "".into() }.into())
        }
        Ok(Object { data: Some(data), .. }) => data.get().into(),
        Ok(Object { message, .. }) => protocol_fault(&message),
        Err(error) => protocol_fault(&why(&error)),
    }
}

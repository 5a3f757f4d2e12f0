//! One connection: what comes in is begun, what has ended is answered, what happened is told.
//!
//! The whole is one state machine that is polled. It takes one frame, one answer, one event and one
//! call for its client in turn, as long as there is room to write, and writes when nothing is ready
//! or no room is left.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use polychat_core::{CommandError, Refusal, content::Text, outcome::cut};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep},
};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::{
    Closed, Server,
    answers::Answers,
    hosting::is_said_of_a_call,
    order::Order,
    perform::perform,
    requests::{Answer, Outcome, Requests},
    subscriptions::Subscriptions,
};
use crate::{
    error::{RejectedCommand, why},
    ipc::{
        error::{ConnectionError, RejectedFrame, RejectedMessage},
        event::{EventHead, EventMessage},
        host::Host,
        pipe::Pipe,
        protocol::{
            self, Cancel, Done, InitializeParams, InitializeResult, More, Subscription, method,
        },
        rpc::{self, Begun, ErrorCode, ErrorObject, Failure, Incoming, RequestId, Success},
    },
    wire::{decode_command, decode_subscribe, values},
};

/// How much of a client's name is kept, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Where a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The client has not said who it is.
    New,
    /// Everything is taken.
    Open,
    /// The client asked for the end: what runs is answered, and then this.
    ShuttingDown(RequestId),
    /// The server is to end: what runs is answered, and what is told is told to its end.
    Closing,
    /// Nothing more comes in: what runs is answered.
    Ending(Closed),
}

pub(super) struct Connection<'a, T> {
    pub(super) server: &'a Server,
    pub(super) pipe: Pipe<T>,
    phase: Phase,
    /// What the client calls itself, for people.
    pub(super) client: Text,
    requests: Requests,
    order: Order,
    answers: Answers,
    subscriptions: Subscriptions,
    events_under_way_max: Option<u64>,
    /// The client's models and tools.
    pub(super) host: Host,
    /// Until then what runs may be answered, once the connection is to end.
    ends_at: Option<Pin<Box<Sleep>>>,
    /// Ready when the server is to end.
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<'a, T: AsyncRead + AsyncWrite + Unpin> Connection<'a, T> {
    pub(super) fn new(server: &'a Server, io: T) -> Self {
        Self {
            server,
            pipe: Pipe::new(io, server.options.framing, server.frame_bytes_max()),
            phase: Phase::New,
            client: Text::from(""),
            requests: Requests::default(),
            order: Order::default(),
            answers: Answers::new(server.options.answer_bytes_waiting_max),
            subscriptions: Subscriptions::default(),
            events_under_way_max: None,
            host: Host::new(server.options.calls, server.options.wire.command_values_max),
            ends_at: None,
            closing: Box::pin(server.common.closing.clone().cancelled_owned()),
        }
    }

    /// Goes on until the connection has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, ConnectionError>> {
        self.poll_closing(cx);
        loop {
            let had_room = self.pipe.has_room();
            let moved = had_room && self.take_turns(cx)?;
            if moved && self.pipe.has_room() {
                continue;
            }
            let written = self.pipe.poll_flush(cx)?.is_ready();
            // Everything is polled again after it moved, so that all of it wakes this task.
            let settled = had_room && !moved;
            if settled
                && written
                && let Some(closed) = self.closed()
            {
                return Poll::Ready(Ok(closed));
            }
            if settled || !self.pipe.has_room() {
                return self.poll_overdue(cx).map(Ok);
            }
        }
    }

    /// Begins to end together with the server, unless it is ending already.
    fn poll_closing(&mut self, cx: &mut Context<'_>) {
        if matches!(self.phase, Phase::New | Phase::Open)
            && self.closing.as_mut().poll(cx).is_ready()
        {
            self.phase = Phase::Closing;
            self.end_in_time();
        }
    }

    /// How it ends if what it waits for, being about to end, takes too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        let Some(ends_at) = &mut self.ends_at else { return Poll::Pending };
        ready!(ends_at.as_mut().poll(cx));
        Poll::Ready(match self.phase {
            Phase::Ending(closed) => closed,
            Phase::Closing => Closed::ByServer,
            _ => Closed::ByShutdown,
        })
    }

    /// One frame, one answer, one event, one call; whether there was any.
    fn take_turns(&mut self, cx: &mut Context<'_>) -> Result<bool, ConnectionError> {
        let frame = self.take_frame(cx)?;
        let answer = match self.requests.poll_next(cx) {
            Poll::Ready((id, outcome)) => self.answer(&id, outcome).map(|()| true)?,
            Poll::Pending => self.answer_shutdown()?,
        };
        let event = match self.subscriptions.poll_next(cx) {
            Poll::Ready((head, notice)) => {
                self.pipe.push_event(EventMessage { head: &head, notice: &notice })?;
                true
            }
            Poll::Pending => false,
        };
        let call = match self.host.calls.poll_next(cx) {
            Poll::Ready(next) => self.tell_host(next).map(|()| true)?,
            Poll::Pending => false,
        };
        Ok(frame || answer || event || call)
    }

    /// How it ended, once there is nothing more to say.
    fn closed(&self) -> Option<Closed> {
        match self.phase {
            Phase::Ending(closed) if self.requests.is_empty() => Some(closed),
            Phase::Closing if self.requests.is_empty() && self.subscriptions.len() == 0 => {
                Some(Closed::ByServer)
            }
            _ => None,
        }
    }

    /// Answers `shutdown` after everything before it.
    fn answer_shutdown(&mut self) -> Result<bool, ConnectionError> {
        let Phase::ShuttingDown(id) = &self.phase else { return Ok(false) };
        if !self.requests.is_empty() {
            return Ok(false);
        }
        self.pipe.push(Success::new(id, Done {}))?;
        self.end(Closed::ByShutdown);
        Ok(true)
    }

    /// Nobody listens any more, so nothing more is told; what runs goes on.
    fn end(&mut self, closed: Closed) {
        self.phase = Phase::Ending(closed);
        self.subscriptions = Subscriptions::default();
        self.host.end();
        self.end_in_time();
    }

    /// From now on it does not last for ever, whatever it waits for.
    fn end_in_time(&mut self) {
        let patience = self.server.options.ending_duration_max;
        self.ends_at.get_or_insert_with(|| Box::pin(sleep(patience)));
    }

    fn take_frame(&mut self, cx: &mut Context<'_>) -> Result<bool, ConnectionError> {
        if let Phase::Ending(_) = self.phase {
            return Ok(false);
        }
        let Poll::Ready(frame) = self.pipe.poll_frame(cx) else { return Ok(false) };
        match frame.transpose()? {
            None => {
                let asked = matches!(self.phase, Phase::ShuttingDown(_));
                self.end(if asked { Closed::ByShutdown } else { Closed::ByClient });
            }
            Some(Ok(frame)) => self.receive(&frame, cx)?,
            Some(Err(rejected)) => self.skipped(&rejected)?,
        }
        Ok(true)
    }

    /// A frame was too long: whoever waits for what it says hears of that.
    fn skipped(&mut self, rejected: &RejectedFrame) -> Result<(), ConnectionError> {
        let error = ErrorObject::from(rejected);
        self.server.reject(error.stable_code(), &error.message);
        let RejectedFrame::TooLong { begin, .. } = rejected;
        match rpc::begun(begin) {
            Some(Begun::Answer(id)) if self.answered_unread(&id, &error.message) => Ok(()),
            Some(Begun::Request(id)) if !self.requests.contains(&id) => {
                self.pipe.push(Failure::new(Some(&id), error))
            }
            begun => {
                if let Some(Begun::Notification { method, of }) = begun
                    && is_said_of_a_call(&method)
                {
                    self.host.calls.told_unread(&method, &of, &error.message);
                }
                self.pipe.push(Failure::new(None, error))
            }
        }
    }

    fn receive(&mut self, frame: &Bytes, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        match rpc::parse(frame) {
            Ok(Incoming::Request { id, method, params }) => {
                match self.request(&id, &method, params, frame, cx) {
                    Ok(Some(outcome)) => self.answer(&id, outcome),
                    Ok(None) => Ok(()),
                    Err(error) => {
                        self.server.reject(error.stable_code(), &error.message);
                        self.pipe.push(Failure::new(Some(&id), error))
                    }
                }
            }
            Ok(Incoming::Notification { method, params }) => {
                self.notified(&method, params);
                Ok(())
            }
            Ok(Incoming::Answer { id, outcome }) => {
                self.answered(id.as_ref(), outcome);
                Ok(())
            }
            Err(rejected) => {
                let error = ErrorObject::from(&rejected);
                self.server.reject(error.stable_code(), &error.message);
                let id = match &rejected {
                    RejectedMessage::Invalid { id, .. } => id.as_ref(),
                    RejectedMessage::NotJson { .. } => None,
                };
                self.pipe.push(Failure::new(id, error))
            }
        }
    }

    /// Begins a request: its outcome, if it needs to wait for nothing.
    ///
    /// What has no place here or cannot be read is an error; it is counted.
    fn request(
        &mut self,
        id: &RequestId,
        method: &str,
        params: Option<&RawValue>,
        frame: &Bytes,
        cx: &mut Context<'_>,
    ) -> Result<Option<Outcome>, ErrorObject> {
        let out_of_place = |why| Err(ErrorObject::plain(ErrorCode::INVALID_REQUEST, why));
        if self.requests.contains(id) {
            return out_of_place("a request of this id runs");
        }
        match (&self.phase, method) {
            (_, method::PING) => return Ok(Some(done())),
            (Phase::New, method::INITIALIZE) => return self.initialize(params).map(Some),
            (Phase::New, _) => {
                let why = "initialize comes first";
                return Err(ErrorObject::plain(ErrorCode::NOT_INITIALIZED, why));
            }
            (Phase::Closing, method::INITIALIZE) => return out_of_place("the server is to end"),
            (_, method::INITIALIZE) => return out_of_place("initialize has come already"),
            (Phase::Open | Phase::Closing, method::SHUTDOWN) => {
                self.phase = Phase::ShuttingDown(id.clone());
                self.end_in_time();
                return Ok(None);
            }
            // What was begun may end, also while nothing more is begun.
            (_, method) if is_said_of_a_call(method) => {
                return self.said_with_answer(method, params).map(Some);
            }
            // A world that has closed refuses by itself.
            (Phase::Open | Phase::Closing, _) => {}
            _ => return out_of_place("the connection is shutting down"),
        }
        if method == method::UNSUBSCRIBE {
            let Subscription { subscription_id } = read(params)?;
            self.subscriptions.remove(&subscription_id);
            return Ok(Some(done()));
        }
        let bytes = values::bytes_taken(frame);
        if let Err(refusal) = self.has_room_for(bytes) {
            return Ok(Some(Err((&CommandError::Refused(refusal)).into())));
        }
        if method == method::REGISTER {
            return Ok(self.requests.begin(id, bytes, self.registering(params)?, cx));
        }
        let far = Arc::clone(&self.server.far);
        if method == method::SUBSCRIBE {
            let asked = params.map_or("{}", RawValue::get);
            let (scope, start) = decode_subscribe(asked.as_bytes(), far.wire_limits())?;
            let subscribing = async move {
                let notices = far.notices(scope, start).await;
                notices.map(Answer::Subscribed).map_err(|error| (&error).into())
            };
            return Ok(self.requests.begin(id, bytes, subscribing, cx));
        }
        // The limit is on the command; the frame around it was measured by the codec.
        let command = decode_command(frame, far.wire_limits())?;
        let place = self.order.place_of(&command);
        let performing = perform(far, command, place, self.answers.room());
        Ok(self.requests.begin(id, bytes, performing, cx))
    }

    /// Whether one more request may run that takes so many bytes. One alone always may.
    fn has_room_for(&self, bytes: usize) -> Result<(), Refusal> {
        let (count_max, bytes_max) = {
            let options = &self.server.options;
            (options.requests_in_flight_max, options.request_bytes_in_flight_max)
        };
        let refused = |scope: &str, max| Err(Refusal::Overloaded { scope: scope.into(), max });
        if self.requests.len() >= count_max {
            return refused("connection", count_max);
        }
        let together = self.requests.bytes().saturating_add(bytes);
        if together > bytes_max && !self.requests.is_empty() {
            return refused("connection_bytes", bytes_max);
        }
        Ok(())
    }

    fn initialize(&mut self, params: Option<&RawValue>) -> Result<Outcome, ErrorObject> {
        let params: InitializeParams = read(params)?;
        if params.protocol_version != protocol::VERSION {
            let what = format!("protocol version {}", params.protocol_version);
            let refusal = Refusal::Unsupported { what: what.into() };
            return Ok(Err((&CommandError::Refused(refusal)).into()));
        }
        self.phase = Phase::Open;
        self.client = cut(&params.client.name, NAME_BYTES_MAX).into();
        self.events_under_way_max = params.limits.events_under_way_max;
        let world_id = self.server.far.world_id().clone();
        Ok(result(&InitializeResult::new(world_id, self.server.limits())))
    }

    fn notified(&mut self, method: &str, params: Option<&RawValue>) {
        let read_all = match method {
            method::CANCEL => read(params).map(|Cancel { id }| self.requests.cancel(&id)),
            method::MORE => read(params).map(|More { subscription_id, events }| {
                self.subscriptions.more(&subscription_id, events);
            }),
            _ if is_said_of_a_call(method) => self.said(method, params),
            // By custom, what begins like this may be ignored.
            _ if method.starts_with("$/") => Ok(()),
            // A command wants an answer, and nobody would hear why it was refused.
            _ => Err(ErrorObject::plain(ErrorCode::UNKNOWN_METHOD, "no such notification")),
        };
        if let Err(error) = read_all {
            self.server.reject(error.stable_code(), &error.message);
        }
    }

    fn answer(&mut self, id: &RequestId, outcome: Outcome) -> Result<(), ConnectionError> {
        match outcome {
            // The room is given back once it is in the buffer.
            Ok(Answer::Result(result, _room)) => self.pipe.push(Success::new(id, result)),
            Ok(Answer::Subscribed(notices)) => {
                let max = self.server.options.subscriptions_max;
                if self.subscriptions.len() >= max {
                    let refusal = CommandError::Refused(Refusal::SubscribersFull { max });
                    return self.pipe.push(Failure::new(Some(id), (&refusal).into()));
                }
                // The answer is in the buffer before the first event can be.
                let subscription_id = self.server.next_subscription();
                let answer = Subscription { subscription_id: subscription_id.clone() };
                let head = EventHead::new(subscription_id, self.server.far.world_id())?;
                self.subscriptions.insert(head, notices, self.events_under_way_max);
                self.pipe.push(Success::new(id, answer))
            }
            Err(error) => self.pipe.push(Failure::new(Some(id), error)),
        }
    }
}

fn result(result: &impl Serialize) -> Outcome {
    in_json(result).map(|result| Answer::Result(result, None))
}

pub(super) fn in_json(result: &impl Serialize) -> Result<Box<RawValue>, ErrorObject> {
    to_raw_value(result).map_err(|error| ErrorObject::plain(ErrorCode::INTERNAL, why(&error)))
}

pub(super) fn done() -> Outcome {
    result(&Done {})
}

/// Parameters of the connection's own methods.
pub(super) fn read<'a, P: Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<P, ErrorObject> {
    let read = match params {
        Some(params) => rpc::members(params),
        None => serde_json::from_str("{}").map_err(|error| why(&error)),
    };
    read.map_err(|why| RejectedCommand::Malformed { why }.into())
}

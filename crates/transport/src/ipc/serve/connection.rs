//! One connection: what comes in is begun, what has ended is answered, what happened is told.
//!
//! The whole is one state machine that is polled. It takes one frame, one answer and one event in
//! turn, as long as there is room to write, and writes when nothing is ready or no room is left.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use polychat_core::{CommandError, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Closed, Server,
    requests::{Answer, Outcome, Requests},
    subscriptions::Subscriptions,
};
use crate::{
    bytes::FarEnd,
    error::{RejectedCommand, why},
    ipc::{
        error::{ConnectionError, RejectedMessage},
        pipe::Pipe,
        protocol::{
            self, Cancel, Done, EventParams, InitializeParams, InitializeResult, More,
            Subscription, method,
        },
        rpc::{self, ErrorCode, ErrorObject, Failure, Incoming, Notification, RequestId, Success},
    },
    wire::{WireReply, decode_command, decode_subscribe},
};

/// Where a connection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The client has not said who it is.
    New,
    /// Everything is taken.
    Open,
    /// The client asked for the end: what runs is answered, and then this.
    ShuttingDown(RequestId),
    /// Nothing more comes in: what runs is answered.
    Ending(Closed),
}

pub(super) struct Connection<'a, T> {
    server: &'a Server,
    pipe: Pipe<T>,
    phase: Phase,
    requests: Requests,
    subscriptions: Subscriptions,
    events_under_way_max: Option<u64>,
}

impl<'a, T: AsyncRead + AsyncWrite + Unpin> Connection<'a, T> {
    pub(super) fn new(server: &'a Server, io: T) -> Self {
        Self {
            server,
            pipe: Pipe::new(io, server.options.framing, server.frame_bytes_max()),
            phase: Phase::New,
            requests: Requests::default(),
            subscriptions: Subscriptions::default(),
            events_under_way_max: None,
        }
    }

    /// Goes on until the connection has ended.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Closed, ConnectionError>> {
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
                return Poll::Pending;
            }
        }
    }

    /// One frame, one answer, one event; whether there was any.
    fn take_turns(&mut self, cx: &mut Context<'_>) -> Result<bool, ConnectionError> {
        let frame = self.take_frame(cx)?;
        let answer = match self.requests.poll_next(cx) {
            Poll::Ready((id, outcome)) => self.answer(&id, outcome).map(|()| true)?,
            Poll::Pending => self.answer_shutdown()?,
        };
        let event = match self.subscriptions.poll_next(cx) {
            Poll::Ready((id, notice)) => {
                let params = EventParams { subscription_id: &id, notice: &notice };
                self.pipe.push(Notification::new(method::EVENT, params))?;
                true
            }
            Poll::Pending => false,
        };
        Ok(frame || answer || event)
    }

    /// How it ended, once there is nothing more to say.
    fn closed(&self) -> Option<Closed> {
        match self.phase {
            Phase::Ending(closed) if self.requests.is_empty() => Some(closed),
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
            Some(Err(rejected)) => {
                self.server.note(&rejected);
                self.pipe.push(Failure::new(None, rejected.into()))?;
            }
        }
        Ok(true)
    }

    fn receive(&mut self, frame: &Bytes, cx: &mut Context<'_>) -> Result<(), ConnectionError> {
        match rpc::parse(frame) {
            Ok(Incoming::Request { id, method, params }) => {
                match self.request(&id, &method, params, frame, cx) {
                    Ok(Some(outcome)) => self.answer(&id, outcome),
                    Ok(None) => Ok(()),
                    Err(error) => {
                        self.server.note(&error.message);
                        self.pipe.push(Failure::new(Some(&id), error))
                    }
                }
            }
            Ok(Incoming::Notification { method, params }) => {
                self.notified(&method, params);
                Ok(())
            }
            // Nothing was asked, until hosts bring tools and models of their own.
            Ok(Incoming::Answer { .. }) => {
                self.server.note(&"an answer to no question");
                Ok(())
            }
            Err(rejected) => {
                self.server.note(&rejected);
                let id = match &rejected {
                    RejectedMessage::Invalid { id, .. } => id.as_ref(),
                    RejectedMessage::NotJson { .. } => None,
                };
                self.pipe.push(Failure::new(id, (&rejected).into()))
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
            (_, method::INITIALIZE) => return out_of_place("initialize has come already"),
            (Phase::Open, method::SHUTDOWN) => {
                self.phase = Phase::ShuttingDown(id.clone());
                return Ok(None);
            }
            (Phase::Open, _) => {}
            _ => return out_of_place("the connection is shutting down"),
        }
        if method == method::UNSUBSCRIBE {
            let Subscription { subscription_id } = read(params)?;
            self.subscriptions.remove(&subscription_id);
            return Ok(Some(done()));
        }
        let max = self.server.options.requests_in_flight_max;
        if self.requests.len() >= max {
            let refusal = Refusal::Overloaded { scope: "connection".into(), max };
            return Ok(Some(Err((&CommandError::Refused(refusal)).into())));
        }
        let far = Arc::clone(&self.server.far);
        if method == method::SUBSCRIBE {
            let asked = params.map_or("{}", RawValue::get);
            let (scope, start) = decode_subscribe(asked.as_bytes(), far.wire_limits())?;
            let subscribing = async move {
                let notices = far.notices(scope, start).await;
                notices.map(Answer::Subscribed).map_err(|error| (&error).into())
            };
            return Ok(self.requests.begin(id, subscribing, cx));
        }
        Ok(self.requests.begin(id, command(far, frame)?, cx))
    }

    fn initialize(&mut self, params: Option<&RawValue>) -> Result<Outcome, ErrorObject> {
        let params: InitializeParams = read(params)?;
        if params.protocol_version != protocol::VERSION {
            let what = format!("protocol version {}", params.protocol_version);
            let refusal = Refusal::Unsupported { what: what.into() };
            return Ok(Err((&CommandError::Refused(refusal)).into()));
        }
        self.phase = Phase::Open;
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
            // By custom, what begins like this may be ignored.
            _ if method.starts_with("$/") => Ok(()),
            // A command wants an answer, and nobody would hear why it was refused.
            _ => Err(ErrorObject::plain(ErrorCode::UNKNOWN_METHOD, "no such notification")),
        };
        if let Err(error) = read_all {
            self.server.note(&error.message);
        }
    }

    fn answer(&mut self, id: &RequestId, outcome: Outcome) -> Result<(), ConnectionError> {
        match outcome {
            Ok(Answer::Result(result)) => self.pipe.push(Success::new(id, result)),
            Ok(Answer::Subscribed(notices)) => {
                let max = self.server.options.subscriptions_max;
                if self.subscriptions.len() >= max {
                    let refusal = CommandError::Refused(Refusal::SubscribersFull { max });
                    return self.pipe.push(Failure::new(Some(id), (&refusal).into()));
                }
                // The answer is in the buffer before the first event can be.
                let subscription_id = self.server.next_subscription();
                let answer = Subscription { subscription_id: subscription_id.clone() };
                self.subscriptions.insert(subscription_id, notices, self.events_under_way_max);
                self.pipe.push(Success::new(id, answer))
            }
            Err(error) => self.pipe.push(Failure::new(Some(id), error)),
        }
    }
}

/// A command that is read now and done by whoever polls it.
fn command(
    far: Arc<FarEnd>,
    frame: &Bytes,
) -> Result<impl Future<Output = Outcome> + Send + 'static, ErrorObject> {
    // The limit is on the command; the frame around it was measured by the codec.
    let command = decode_command(frame, far.wire_limits())?;
    Ok(async move {
        let reply = far.perform(command).await.map_err(|error| ErrorObject::from(&error))?;
        let reply = WireReply::try_from(reply).map_err(|rejected| {
            let error = CommandError::from(rejected);
            ErrorObject::from(&error)
        })?;
        result(&reply)
    })
}

fn result(result: &impl Serialize) -> Outcome {
    to_raw_value(result)
        .map(Answer::Result)
        .map_err(|error| ErrorObject::plain(ErrorCode::INTERNAL, why(&error)))
}

fn done() -> Outcome {
    result(&Done {})
}

/// Parameters of the connection's own methods.
fn read<'a, P: Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<P, ErrorObject> {
    let params = params.map_or("{}", RawValue::get);
    serde_json::from_str(params)
        .map_err(|error| RejectedCommand::Malformed { why: why(&error) }.into())
}

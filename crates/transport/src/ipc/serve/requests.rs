//! The requests of one connection that run.
//!
//! A request is polled once where it was read, so that requests of one chat reach it in the order
//! of the pipe, and becomes a task when that did not answer it. A task outlives its connection: what
//! was asked for is done although nobody hears the answer.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::{FutureExt, stream::FuturesUnordered};
use serde_json::value::RawValue;
use tokio::task::{AbortHandle, JoinError, JoinHandle};

use super::answers::Held;
use crate::{
    bytes::Notices,
    ipc::rpc::{ErrorCode, ErrorObject, RequestId},
};

/// What a request comes to.
pub(super) enum Answer {
    /// With the room that it takes until it is written, where it may be large.
    Result(Box<RawValue>, Option<Held>),
    Subscribed(Notices),
}

pub(super) type Outcome = Result<Answer, ErrorObject>;

/// The requests of one connection that run.
#[derive(Default)]
pub(super) struct Requests {
    running: FuturesUnordered<Running>,
    by_id: HashMap<RequestId, InFlight>,
    /// What all of them take.
    bytes: usize,
}

struct InFlight {
    task: AbortHandle,
    bytes: usize,
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// What those that run take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.by_id.contains_key(id)
    }

    /// Begins a request that takes so many bytes, and ends it when it needs to wait for nothing.
    pub(super) fn begin(
        &mut self,
        id: &RequestId,
        bytes: usize,
        request: impl Future<Output = Outcome> + Send + 'static,
        cx: &mut Context<'_>,
    ) -> Option<Outcome> {
        // A bug that one request meets must not take the connection's other chats with it.
        let mut request = AssertUnwindSafe(request).catch_unwind().map(settled).boxed();
        if let Poll::Ready(outcome) = request.poll_unpin(cx) {
            return Some(outcome);
        }
        let task = tokio::spawn(request);
        self.by_id.insert(id.clone(), InFlight { task: task.abort_handle(), bytes });
        self.bytes = self.bytes.saturating_add(bytes);
        self.running.push(Running { id: id.clone(), task });
        None
    }

    /// The next request that has ended; pending while none has.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(RequestId, Outcome)> {
        let Some((id, outcome)) = ready!(Pin::new(&mut self.running).poll_next(cx)) else {
            return Poll::Pending;
        };
        let bytes = self.by_id.remove(&id).map_or(0, |ended| ended.bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        Poll::Ready((id, outcome))
    }

    /// Stops waiting for a request, which is then answered as cancelled, unless it has ended.
    pub(super) fn cancel(&self, id: &RequestId) {
        if let Some(running) = self.by_id.get(id) {
            running.task.abort();
        }
    }
}

fn settled(outcome: Result<Outcome, Box<dyn Any + Send>>) -> Outcome {
    outcome.unwrap_or_else(|_| {
        tracing::error!(path = "ipc", "request panicked");
        Err(ErrorObject::plain(ErrorCode::INTERNAL, "a bug"))
    })
}

/// A request in its task. Dropping it lets the task go on.
struct Running {
    id: RequestId,
    task: JoinHandle<Outcome>,
}

impl Future for Running {
    type Output = (RequestId, Outcome);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.task).poll(cx));
        // A panic was caught inside, so a task without an outcome was aborted.
        let cancelled = |_: JoinError| {
            Err(ErrorObject::plain(ErrorCode::CANCELLED, "the request was cancelled"))
        };
        Poll::Ready((self.id.clone(), outcome.unwrap_or_else(cancelled)))
    }
}

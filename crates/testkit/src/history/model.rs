//! A model that records what it is given and what it lets go of.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use polychat_core::ports::{Model, ModelDelta, ModelError, ModelRequest, ModelStream};

use super::{History, RequestId};

/// Wraps a model and records requests and released deltas.
///
/// Each request is assigned to the chat that the test attached to the chat's stored context under
/// [`CHAT_CONTEXT_KEY`](super::CHAT_CONTEXT_KEY).
#[derive(Debug, Clone)]
pub struct RecordingModel<M> {
    inner: M,
    history: History,
}

impl<M> RecordingModel<M> {
    /// Records what passes through `inner`.
    pub fn new(inner: M, history: History) -> Self {
        Self { inner, history }
    }
}

impl<M: Model> Model for RecordingModel<M> {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        // Recorded first: a model that panics here was asked all the same.
        let id = self.history.requested(request.clone());
        let stream = self.inner.stream(request);
        Box::pin(Releasing { stream, request: id, history: self.history.clone() })
    }
}

struct Releasing {
    stream: ModelStream,
    request: RequestId,
    history: History,
}

impl Stream for Releasing {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.stream.as_mut().poll_next(cx);
        if let Poll::Ready(Some(Ok(delta))) = &polled {
            self.history.released(self.request, delta.clone());
        }
        polled
    }
}

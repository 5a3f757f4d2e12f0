//! A pipe or socket as both ends of a connection use it: frames in, a bounded buffer out.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::Framed;

use super::{
    error::{ConnectionError, RejectedFrame},
    event::EventMessage,
    frame::{FrameCodec, Framing, Json},
};

/// Bytes that wait to be written; from here on nothing more is read or taken from anybody.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// Frames in, a bounded buffer out.
pub(super) struct Pipe<T> {
    framed: Framed<T, FrameCodec>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Pipe<T> {
    pub(super) fn new(io: T, framing: Framing, frame_bytes_max: usize) -> Self {
        Self { framed: Framed::new(io, FrameCodec::new(framing, frame_bytes_max)) }
    }

    /// The next frame; `None` when the other side has nothing more to say.
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Result<Bytes, RejectedFrame>, ConnectionError>>> {
        Pin::new(&mut self.framed).poll_next(cx)
    }

    /// Whether something may be pushed. What is pushed is taken whole, so the buffer exceeds its
    /// bound by one message at most.
    pub(super) fn has_room(&self) -> bool {
        self.framed.write_buffer().len() < WAITING_BYTES_MAX
    }

    pub(super) fn push<M: Serialize>(&mut self, message: M) -> Result<(), ConnectionError> {
        Pin::new(&mut self.framed).start_send(Json(message))
    }

    pub(super) fn push_event(&mut self, message: EventMessage<'_>) -> Result<(), ConnectionError> {
        Pin::new(&mut self.framed).start_send(message)
    }

    pub(super) fn push_bytes(&mut self, message: Vec<u8>) -> Result<(), ConnectionError> {
        Pin::new(&mut self.framed).start_send(message)
    }

    /// Writes what waits; ready when nothing does.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectionError>> {
        Sink::<Vec<u8>>::poll_flush(Pin::new(&mut self.framed), cx)
    }
}

//! A pipe or socket as both ends of a connection use it: frames in, a bounded buffer out.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
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

/// A buffer in which more has waited is not kept for the small messages after it.
const GROWN_BYTES: usize = 2 * WAITING_BYTES_MAX;

/// Frames in, a bounded buffer out.
pub(super) struct Pipe<T> {
    framed: Framed<T, FrameCodec>,
    /// A large message has made the buffer grow.
    has_grown: bool,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Pipe<T> {
    pub(super) fn new(io: T, framing: Framing, frame_bytes_max: usize) -> Self {
        let framed = Framed::new(io, FrameCodec::new(framing, frame_bytes_max));
        Self { framed, has_grown: false }
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
        self.has_grown |= self.framed.write_buffer().len() > GROWN_BYTES;
        let written = Sink::<Vec<u8>>::poll_flush(Pin::new(&mut self.framed), cx);
        if written.is_ready() && self.has_grown {
            self.has_grown = false;
            *self.framed.write_buffer_mut() = BytesMut::new();
        }
        written
    }
}

//! What reads as ended once the server is about to stop.
//!
//! To a connection of IPC that is a client with nothing more to ask: what runs is answered, and
//! then it ends.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// The same connection, at its end from the moment on at which the token is cancelled.
pub(super) struct UntilClosing<'a, T> {
    io: &'a mut T,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<'a, T> UntilClosing<'a, T> {
    pub(super) fn new(io: &'a mut T, closing: &CancellationToken) -> Self {
        Self { io, closing: Box::pin(closing.clone().cancelled_owned()) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for UntilClosing<'_, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut *self.io).poll_read(cx, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for UntilClosing<'_, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io).poll_shutdown(cx)
    }
}

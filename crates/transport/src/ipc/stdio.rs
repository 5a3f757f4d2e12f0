//! The pipes that a process was started with: its parent is at their other end.
//!
//! The end of the input is how a child learns that its parent has gone, in whatever way and on
//! every system: a pipe ends when nobody holds its other end any more. A signal at the parent's
//! death exists on Linux only, comes when the parent's *thread* ends, and not at all when the
//! parent was gone before the child asked for it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, Stdin, Stdout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Standard input and output as one connection. See [`stdio`].
#[derive(Debug)]
pub struct Stdio<R = Stdin, W = Stdout> {
    input: R,
    output: W,
    ended: CancellationToken,
}

/// Standard input and output of this process as one connection.
///
/// Nothing else may be printed there from then on. Reading blocks a thread of the runtime that
/// nothing can stop, so whoever serves this ends the runtime by
/// [`shutdown_background`](tokio::runtime::Runtime::shutdown_background).
///
/// ```no_run
/// # use polychat_core::{WorldId, ports::WorldService};
/// use polychat_transport::ipc::{ServeOptions, Server, stdio};
///
/// # async fn program(id: WorldId, world: std::sync::Arc<dyn WorldService>) -> Result<(), Box<dyn std::error::Error>> {
/// let pipes = stdio();
/// let parent_left = pipes.input_ended();
/// let server = Server::new(id, world, ServeOptions::default());
/// tokio::select! {
///     closed = server.serve(pipes) => println!("{:?}", closed?),
///     () = parent_left => { /* Nothing more is asked; what was asked may still be answered. */ }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn stdio() -> Stdio {
    Stdio::of(tokio::io::stdin(), tokio::io::stdout())
}

impl<R, W> Stdio<R, W> {
    /// Any input and output as one connection.
    #[must_use]
    pub fn of(input: R, output: W) -> Self {
        Self { input, output, ended: CancellationToken::new() }
    }

    /// Ready once the input was read to its end, or failed.
    pub fn input_ended(&self) -> WaitForCancellationFutureOwned {
        self.ended.clone().cancelled_owned()
    }
}

impl<R: AsyncRead + Unpin, W: Unpin> AsyncRead for Stdio<R, W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (room, before) = (buf.remaining(), buf.filled().len());
        let read = ready!(Pin::new(&mut self.input).poll_read(cx, buf));
        if read.is_err() || (room > 0 && buf.filled().len() == before) {
            self.ended.cancel();
        }
        Poll::Ready(read)
    }
}

impl<R: Unpin, W: AsyncWrite + Unpin> AsyncWrite for Stdio<R, W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.output).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_shutdown(cx)
    }
}

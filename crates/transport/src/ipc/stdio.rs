//! The pipes that a process was started with: its parent is at their other end.
//!
//! The end of the input is how a child learns that its parent has gone, in whatever way and on
//! every system: a pipe ends when nobody holds its other end any more. A signal at the parent's
//! death exists on Linux only, comes when the parent's *thread* ends, and not at all when the
//! parent was gone before the child asked for it.

use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

#[cfg(unix)]
mod polled;

type Input = Box<dyn AsyncRead + Send + Unpin>;
type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input and output as one connection. See [`stdio`].
pub struct Stdio {
    input: Input,
    output: Output,
    ended: CancellationToken,
}

/// Standard input and output of this process as one connection.
///
/// Nothing else may be printed there from then on. Must be called inside a tokio runtime. Where they
/// are no pipes, reading blocks a thread of the runtime that nothing can stop, so whoever serves
/// this ends the runtime by [`shutdown_background`](tokio::runtime::Runtime::shutdown_background).
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
///     closed = server.serve(pipes) => { closed?; }
///     () = parent_left => { /* Nothing more is asked; what was asked may still be answered. */ }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn stdio() -> Stdio {
    Stdio::of(input(), output())
}

#[cfg(unix)]
fn input() -> Input {
    polled::input().unwrap_or_else(|_| Box::new(tokio::io::stdin()))
}

#[cfg(unix)]
fn output() -> Output {
    polled::output().unwrap_or_else(|_| Box::new(tokio::io::stdout()))
}

#[cfg(not(unix))]
fn input() -> Input {
    Box::new(tokio::io::stdin())
}

#[cfg(not(unix))]
fn output() -> Output {
    Box::new(tokio::io::stdout())
}

impl Stdio {
    /// Any input and output as one connection.
    #[must_use]
    pub fn of(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (input, output) = (Box::new(input), Box::new(output));
        Self { input, output, ended: CancellationToken::new() }
    }

    /// Ready once the input was read to its end, or failed.
    pub fn input_ended(&self) -> WaitForCancellationFutureOwned {
        self.ended.clone().cancelled_owned()
    }
}

impl AsyncRead for Stdio {
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

impl AsyncWrite for Stdio {
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

impl fmt::Debug for Stdio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdio")
            .field("input_ended", &self.ended.is_cancelled())
            .finish_non_exhaustive()
    }
}

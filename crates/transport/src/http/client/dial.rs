//! Where the HTTP client gets its connections from: a [`Connect`], each watched for silence.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use hyper::{
    Uri,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tower_service::Service;

use super::{options::HttpWorldOptions, silence::Silence};
use crate::ipc::Connect;

/// Anything that is read and written.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Pipe for T {}

type Dialing = BoxFuture<'static, io::Result<Dialed>>;

/// Makes connections, each time the client needs one more.
#[derive(Clone)]
pub(super) struct Dial(Arc<dyn Fn() -> Dialing + Send + Sync>);

impl Dial {
    pub(super) fn new<C: Connect>(connector: C, options: &HttpWorldOptions) -> Self {
        let connector = Arc::new(connector);
        let (patience, silence) = (options.connect_duration_max, options.silence_duration_max);
        Self(Arc::new(move || {
            let connector = Arc::clone(&connector);
            Box::pin(async move {
                let connected = timeout(patience, connector.connect()).await;
                let io = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                let pipe: Box<dyn Pipe> = Box::new(io);
                Ok(Dialed(TokioIo::new(Silence::new(pipe, silence))))
            })
        }))
    }
}

impl Service<Uri> for Dial {
    type Response = Dialed;
    type Error = io::Error;
    type Future = Dialing;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A client speaks with one host, which its connector knows.
    fn call(&mut self, _: Uri) -> Dialing {
        (self.0)()
    }
}

/// A connection as the client takes it.
pub(super) struct Dialed(TokioIo<Silence<Box<dyn Pipe>>>);

impl Connection for Dialed {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Dialed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Dialed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

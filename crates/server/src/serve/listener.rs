//! Connections: accepted within a bound, each served in a task of its own, and ended in order.
//!
//! What a stranger can do without a token ends here: heads that are too long, too many or too slow
//! are turned away before there is a request.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{Connection, stay::Stay, unread::Unread};
use crate::config::ServeLimits;

/// The least that hyper can read with.
const BUFFER_BYTES_MIN: usize = 8 * 1024;
/// How long nobody is accepted after the first failure; doubled with each that follows.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// And no longer than this.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// What is said to a connection that there is no room for.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// Serves connections, until it is told to end.
#[derive(Clone)]
pub(crate) struct Serving {
    router: Router,
    http: http1::Builder,
    room: Arc<Semaphore>,
    /// How long a stranger may leave an answer unread.
    patience: Duration,
    /// No connection is accepted any more, and none is kept for a further request.
    stop: CancellationToken,
    /// No connection is left.
    cut: CancellationToken,
    tasks: TaskTracker,
}

impl Serving {
    pub(crate) fn new(router: Router, limits: &ServeLimits, stop: CancellationToken) -> Self {
        let mut http = http1::Builder::new();
        let patience = limits.head_duration_max.0;
        // Clients that say all they have and then only listen are no reason to close.
        http.half_close(false)
            .timer(TokioTimer::new())
            .header_read_timeout((patience < Duration::MAX).then_some(patience))
            .max_headers(limits.headers_max)
            .max_header_size(limits.head_bytes_max)
            .max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES_MIN));
        Self {
            router,
            http,
            patience,
            room: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
            stop,
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Begins to serve who connects there.
    pub(crate) fn listen(&self, listener: TcpListener) {
        self.tasks.spawn(self.clone().accept(listener));
    }

    /// Waits until everybody has read what was left and gone; whoever has not after `patience` is
    /// cut off. Nobody is accepted any more.
    pub(crate) async fn drain(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(patience, self.tasks.wait()).await.is_err() {
            self.cut.cancel();
        }
    }

    async fn accept(self, listener: TcpListener) {
        let mut pause = PAUSE_MIN;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted.and_then(|(stream, peer)| Ok((Connection::of(&stream, peer)?, stream))) {
                Ok((connection, stream)) => {
                    pause = PAUSE_MIN;
                    self.admit(connection, stream);
                }
                Err(error) if is_of_one(&error) => {}
                Err(error) => {
                    // Without a free file the same connection is offered again at once.
                    tracing::warn!(%error, "accepting failed");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
                    }
                }
            }
        }
    }

    fn admit(&self, connection: Connection, stream: TcpStream) {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::debug!(peer = %connection.peer, "no room for a connection");
            metrics::counter!("polychat_http_connections_refused_total").increment(1);
            // A fresh socket has room for a line; where it has not, nobody is waited for.
            let _ = stream.try_write(FULL);
            return;
        };
        // Chunks of text are small, and each is waited for.
        let _ = stream.set_nodelay(true);
        self.begin(connection, stream, permit);
    }

    /// Serves one connection in a task of its own.
    pub(crate) fn begin(
        &self,
        connection: Connection,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: OwnedSemaphorePermit,
    ) {
        let stay = Arc::new(Stay::new(permit, self.tasks.token()));
        self.tasks.spawn(self.clone().serve(connection, stay, io));
    }

    async fn serve(
        self,
        connection: Connection,
        stay: Arc<Stay>,
        io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) {
        let io = Unread::new(io, Arc::clone(&stay), self.patience);
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(connection);
            request.extensions_mut().insert(Arc::clone(&stay));
            router.clone().oneshot(request)
        });
        let served = self.http.serve_connection(TokioIo::new(io), service).with_upgrades();
        let mut served = pin!(served);
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = self.stop.cancelled() => {
                served.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = served => ended,
                    () = self.cut.cancelled() => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %connection.peer, %error, "connection lost");
        }
    }
}

impl Connection {
    fn of(stream: &TcpStream, peer: SocketAddr) -> io::Result<Self> {
        Ok(Self { local: stream.local_addr()?, peer })
    }
}

/// Whether only the one who was about to connect is concerned.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
    )
}

//! Connections over a WebSocket, for a [`RemoteWorld`](crate::ipc::RemoteWorld).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{self, client::IntoClientRequest},
};

use super::{
    super::socket::adapter::{Lines, config},
    headers::Headers,
    tcp::Tcp,
    url::WorldUrl,
};
use crate::{ipc::Connect, wire::WireLimits};

/// More than what a message holds beside a reply or notice, so that of those the world itself says
/// which are too long, and only who waits for one hears of it.
const ENVELOPE_BYTES_MAX: usize = 64 * 1024;

/// Connects to the WebSocket of a world, again and again.
///
/// A connection on which nothing comes back is noticed: it is pinged, and two pings without an answer
/// are its loss. What a server refuses before there is a WebSocket, such as a wrong token, is a
/// connection that could not be made.
///
/// ```no_run
/// use polychat_transport::{
///     http::client::{Headers, WebSocketConnect},
///     ipc::{RemoteOptions, RemoteWorld},
/// };
///
/// # async fn program() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "http://127.0.0.1:7777/v1/worlds/home".parse()?;
/// let token = Headers::bearer("the token of the server")?;
/// let socket = WebSocketConnect::new(&url).headers(token);
/// let world = RemoteWorld::connect(socket, RemoteOptions::default()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketConnect<C = Tcp> {
    connector: C,
    url: String,
    headers: Headers,
    ping_interval: Duration,
    message_bytes_max: usize,
}

impl WebSocketConnect {
    /// The WebSocket of this world, over plain TCP.
    #[must_use]
    pub fn new(url: &WorldUrl) -> Self {
        Self::by(Tcp::to(url), url)
    }
}

impl<C: Connect> WebSocketConnect<C> {
    /// The same over connections of your own, such as TLS; each of them leads to the address's host.
    #[must_use]
    pub fn by(connector: C, url: &WorldUrl) -> Self {
        let wire = WireLimits::default();
        Self {
            connector,
            url: url.socket(),
            headers: Headers::new(),
            ping_interval: Duration::from_secs(15),
            message_bytes_max: wire.reply_bytes_max.max(wire.notice_bytes_max) + ENVELOPE_BYTES_MAX,
        }
    }

    /// What goes with the request that opens it, such as who asks.
    #[must_use]
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// How often it is pinged; 15 s unless it is said.
    #[must_use]
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Bytes of a message at most; a longer one ends the connection.
    ///
    /// Unless it is said, a little more than those of the largest reply or notice of
    /// [`RemoteOptions::wire`](crate::ipc::RemoteOptions::wire) as it is by default.
    #[must_use]
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.message_bytes_max = bytes;
        self
    }

    fn request(&self) -> Result<Request<()>, tungstenite::Error> {
        let mut request = self.url.as_str().into_client_request()?;
        self.headers.add_to(request.headers_mut());
        Ok(request)
    }
}

impl<C: Connect> Connect for WebSocketConnect<C> {
    type Io = WebSocket<C::Io>;

    async fn connect(&self) -> io::Result<WebSocket<C::Io>> {
        let request = self.request().map_err(refused)?;
        let io = self.connector.connect().await?;
        let config = config(self.message_bytes_max);
        let (socket, _) =
            client_async_with_config(request, io, Some(config)).await.map_err(refused)?;
        Ok(WebSocket(Lines::new(socket, self.ping_interval)))
    }
}

/// Why there is no WebSocket.
fn refused(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        tungstenite::Error::Http(answer) => {
            io::Error::other(format!("the server answered {}", answer.status()))
        }
        error => io::Error::other(error),
    }
}

/// A WebSocket as lines: what is read and written is one text message each.
pub struct WebSocket<T>(Lines<T>);

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<T> {
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

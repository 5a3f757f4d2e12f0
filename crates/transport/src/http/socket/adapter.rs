//! A WebSocket as what IPC reads and writes: lines, each one text message.
//!
//! Both ends use it: [`Server::serve`](crate::ipc::Server::serve) beside the world, and whoever
//! connects to it. Nothing is queued here: a message is read when the one before it was, and a line
//! is taken when the socket takes it. Pings are sent and answered on the way, for as long as somebody
//! reads.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    fault::{SocketFault, met},
    pulse::Pulse,
};

/// Bytes that are read at once, and that wait before they are written without being asked to.
///
/// The library has this much of each socket even when nothing is said.
const BUFFER_BYTES: usize = 4 * 1024;

/// A WebSocket as lines: one text message each, without its line break.
///
/// A line break within a message, where JSON allows one, is read as another blank.
pub(in crate::http) struct Lines<T> {
    socket: WebSocketStream<T>,
    /// What is left to read of a message, whose line then ends.
    message: Option<Bytes>,
    /// A line whose end was not written yet.
    line: Vec<u8>,
    pulse: Pulse,
    /// The last write had to wait.
    held_up: bool,
    /// The other side went: nothing more comes, and nothing more is told.
    gone: bool,
    /// What came cannot be read on.
    unreadable: bool,
}

/// How a socket is set up whose messages have at most so many bytes.
pub(in crate::http) fn config(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
}

impl<T: AsyncRead + AsyncWrite + Unpin> Lines<T> {
    /// A connection that became a WebSocket just now, at its end beside the world.
    pub(in crate::http) async fn serving(
        io: T,
        message_bytes_max: usize,
        ping_interval: Duration,
    ) -> Self {
        let config = config(message_bytes_max);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        Self::new(socket, ping_interval)
    }

    /// A WebSocket of either end, set up by [`config`].
    ///
    /// It pings at this interval. Reading and writing fail with [`SocketFault::Silent`] once two
    /// pings had no answer, nor was anything else heard or taken.
    pub(in crate::http) fn new(socket: WebSocketStream<T>, ping_interval: Duration) -> Self {
        Self {
            socket,
            message: None,
            line: Vec::new(),
            pulse: Pulse::new(ping_interval),
            held_up: false,
            gone: false,
            unreadable: false,
        }
    }

    /// Says why, and waits until the other side has closed too, or for this long.
    ///
    /// What was written before is still told, as far as the other side reads it in that time.
    pub(in crate::http) async fn close(
        mut self,
        code: CloseCode,
        why: &'static str,
        patience: Duration,
    ) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(why) };
        let closing = async {
            // To one that closed first, the library has an answer ready.
            if self.gone {
                self.socket.flush().await.ok()?;
            } else {
                self.socket.close(Some(frame)).await.ok()?;
            }
            while !self.unreadable {
                self.unreadable = self.socket.next().await?.is_err();
            }
            // To end with bytes unread would be to reset the connection, and then what was said
            // last may never arrive.
            tokio::io::copy(self.socket.get_mut(), &mut tokio::io::sink()).await.ok()
        };
        // Either way the connection ends here.
        let _ = tokio::time::timeout(patience, closing).await;
    }

    /// Pings when it is time to.
    fn keep_alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(due) = self.pulse.poll_due(cx) {
            due?;
            // Who takes nothing is not sent a ping either, and is silent just the same.
            if let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) {
                let ping = Message::Ping(Bytes::new());
                let pinged = ready.and_then(|()| self.socket.start_send_unpin(ping));
                self.unless_gone(pinged)?;
                if let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx) {
                    self.unless_gone(flushed)?;
                }
            }
        }
        Ok(())
    }

    fn unless_gone(&mut self, done: Result<(), tungstenite::Error>) -> io::Result<()> {
        match done.map_err(met) {
            Ok(()) => Ok(()),
            Err(None) => {
                self.gone = true;
                Ok(())
            }
            Err(Some(error)) => Err(error),
        }
    }

    /// The next message; `None` once the other side has gone.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        while !self.gone {
            let next = ready!(self.socket.poll_next_unpin(cx));
            self.pulse.heard();
            match next {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Ok(Some(text.into()))),
                Some(Ok(Message::Binary(_))) => {
                    return Poll::Ready(Err(SocketFault::Binary.into()));
                }
                // Answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => self.gone = true,
                Some(Err(error)) => {
                    self.unreadable = true;
                    self.unless_gone(Err(error))?;
                }
            }
        }
        Poll::Ready(Ok(None))
    }

    /// Whether a message may be sent; if not, the task is woken once one may.
    fn socket_has_room(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Poll::Ready(ready) = self.socket.poll_ready_unpin(cx) else {
            self.held_up = true;
            return Ok(false);
        };
        // Who reads slowly, and leaves no room for pings, lives too.
        if std::mem::take(&mut self.held_up) {
            self.pulse.heard();
        }
        self.unless_gone(ready)?;
        Ok(true)
    }

    /// Sends a line as a message, together with what came of it before.
    fn send(&mut self, end_of_line: &[u8]) -> io::Result<()> {
        let text = if self.line.is_empty() {
            Bytes::copy_from_slice(end_of_line)
        } else {
            self.line.extend_from_slice(end_of_line);
            std::mem::take(&mut self.line).into()
        };
        let text = Utf8Bytes::try_from(text).map_err(|_| SocketFault::NotUtf8)?;
        let sent = self.socket.start_send_unpin(Message::Text(text));
        self.unless_gone(sent)
    }
}

fn end_of_line(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lines<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.keep_alive(cx)?;
        if this.message.is_none() {
            this.message = ready!(this.poll_message(cx))?;
        }
        let Some(message) = &mut this.message else { return Poll::Ready(Ok(())) };
        let bytes = message.split_to(message.len().min(buffer.remaining()));
        // Two lines would be two messages. Neither of these may stand within a text of JSON, and
        // both may stand between its parts.
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(piece) => {
                    buffer.put_slice(piece);
                    buffer.put_slice(b"\r");
                }
                None => buffer.put_slice(piece),
            }
        }
        if !message.has_remaining() && buffer.remaining() > 0 {
            buffer.put_slice(b"\n");
            this.message = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lines<T> {
    /// Takes as many whole lines as the socket does, or a piece of one.
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        // While the socket takes nothing, nothing else is asked of it.
        this.keep_alive(cx)?;
        if this.gone {
            return Poll::Ready(Ok(bytes.len()));
        }
        let Some(mut end) = end_of_line(bytes) else {
            this.line.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        };
        let mut left = bytes;
        while this.socket_has_room(cx)? {
            let (line, rest) = left.split_at(end);
            this.send(line)?;
            left = rest.get(1..).unwrap_or_default();
            match end_of_line(left) {
                Some(next) => end = next,
                None => break,
            }
        }
        match bytes.len() - left.len() {
            0 => Poll::Pending,
            taken => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.keep_alive(cx)?;
        if this.gone {
            return Poll::Ready(Ok(()));
        }
        let flushed = ready!(this.socket.poll_flush_unpin(cx));
        Poll::Ready(this.unless_gone(flushed))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(self.socket.poll_close_unpin(cx));
        Poll::Ready(self.unless_gone(closed))
    }
}

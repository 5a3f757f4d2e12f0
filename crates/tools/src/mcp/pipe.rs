//! Messages as lines of JSON over a pair of byte streams.
//!
//! `rmcp` has such a transport too. This one keeps the contents of messages out of the log, tells
//! an answer that is too large to the call that waits for it, and gives a server up that does not
//! read.

use std::{io, sync::Arc, time::Duration};

use polychat_core::content::json_bytes;
use rmcp::{
    RoleClient,
    model::{ErrorData, RequestId, ServerJsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Mutex,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    lines::{Line, Lines},
    scan::Scan,
    wire::Wire,
};

/// How long a message may wait for the server to read it. A healthy one reads at once.
const WRITE_DURATION_MAX: Duration = Duration::from_secs(30);
/// How long what a server wrote may still be on its way once it reads no more.
const LEFTOVER_DURATION_MAX: Duration = Duration::from_secs(1);

/// One connection over byte streams.
pub(super) struct Pipe<R, W> {
    lines: Lines<R>,
    /// `None` once it was closed. Messages are written whole, one after the other.
    write: Arc<Mutex<Option<W>>>,
    /// A message could not be written.
    unwritten: CancellationToken,
    wire: Arc<Wire>,
    message_bytes_max: usize,
}

impl<R, W> Pipe<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    pub(super) fn new(read: R, write: W, message_bytes_max: usize, wire: Arc<Wire>) -> Self {
        Self {
            lines: Lines::new(read, message_bytes_max),
            write: Arc::new(Mutex::new(Some(write))),
            unwritten: CancellationToken::new(),
            wire,
            message_bytes_max,
        }
    }

    /// Tells the server that nothing more comes, unless a message is being written.
    pub(super) fn close_now(&self) {
        if let Ok(mut write) = self.write.try_lock() {
            write.take();
        }
    }

    fn message(&self, line: Line) -> Option<ServerJsonRpcMessage> {
        match line {
            Line::Whole(line) => parse(&line),
            Line::TooLong(answers) => {
                let limit = self.message_bytes_max;
                tracing::debug!(limit, "a message of an mcp server is too large");
                let text = format!("the answer is larger than {limit} bytes");
                answers.map(|id| unusable_answer(id, text))
            }
        }
    }
}

impl<R, W> Transport<RoleClient> for Pipe<R, W>
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let (write, wire) = (Arc::clone(&self.write), Arc::clone(&self.wire));
        let unwritten = self.unwritten.clone();
        async move {
            let mut line = Vec::with_capacity(json_bytes(&message) + 1);
            serde_json::to_writer(&mut line, &message)?;
            line.push(b'\n');
            let written = timeout(WRITE_DURATION_MAX, async {
                let mut write = write.lock().await;
                let write = write.as_mut().ok_or(io::ErrorKind::NotConnected)?;
                write.write_all(&line).await?;
                write.flush().await
            });
            match written.await {
                Ok(Ok(())) => {}
                // It has ended, or is about to: what it says last, and why, comes from reading.
                Ok(Err(_)) => unwritten.cancel(),
                Err(_) => wire.end("it does not read what is sent to it"),
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let line = tokio::select! {
                biased;
                () = self.wire.ended() => return None,
                line = self.lines.next() => line,
                () = leftover(&self.unwritten) => return None,
            };
            // An error of reading is the end, like the end itself.
            let line = line.ok().flatten()?;
            if let Some(message) = self.message(line) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.close_now();
        Ok(())
    }
}

/// Waits until nothing more can be expected of a server that reads no more.
async fn leftover(unwritten: &CancellationToken) {
    unwritten.cancelled().await;
    sleep(LEFTOVER_DURATION_MAX).await;
}

/// The message of a line. What is none is dropped, but an answer that makes no sense still ends the
/// call that waits for it.
fn parse(line: &[u8]) -> Option<ServerJsonRpcMessage> {
    const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return None;
    }
    if let Ok(message) = serde_json::from_slice(line) {
        return Some(message);
    }
    tracing::debug!(bytes = line.len(), "a line of an mcp server is no message");
    // It may be no JSON at all, or nested too deeply; a scan finds out for whom it is all the same.
    let mut scan = Scan::default();
    scan.feed(line);
    scan.answers().map(|id| unusable_answer(id, "the answer makes no sense".to_owned()))
}

/// What the waiting call hears instead of an answer that cannot be used.
fn unusable_answer(id: RequestId, text: String) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::internal_error(text, None), Some(id))
}

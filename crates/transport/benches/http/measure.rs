//! CPU time, medians, a runtime of one thread, and a client that only counts events.

use axum::Router;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

/// The stream that is read.
pub(crate) const PATH: &str = "/v1/worlds/w/chats/chat-1/events";

/// The CPU time that this process has used, in nanoseconds.
pub(crate) fn cpu_nanos() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One thread, so that CPU time is comparable.
pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A client that has asked for the stream.
pub(crate) struct Client {
    io: TcpStream,
    chunked: Chunked,
    buffer: Vec<u8>,
}

impl Client {
    /// Serves the router, and asks it for the stream.
    pub(crate) async fn connect(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut io = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: {address}\r\n\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        Self { io, chunked: Chunked::default(), buffer: vec![0; 64 * 1024] }
    }

    /// Reads so many bytes of events.
    pub(crate) async fn read(&mut self, bytes: usize) {
        let mut read = 0;
        while read < bytes {
            read += self.piece(|_| ()).await;
        }
        assert_eq!(read, bytes, "more than was to be told");
    }

    /// Reads so many events: their text.
    pub(crate) async fn events(&mut self, count: usize) -> String {
        let (mut events, mut told) = (Vec::new(), 0);
        while told < count {
            let before = events.len().saturating_sub(1);
            self.piece(|piece| events.extend_from_slice(piece)).await;
            told += events[before..].windows(2).filter(|two| two == b"\n\n").count();
        }
        String::from_utf8(events).unwrap()
    }

    /// Reads what is there: how many bytes of events.
    async fn piece(&mut self, mut take: impl FnMut(&[u8])) -> usize {
        let bytes = self.io.read(&mut self.buffer).await.unwrap();
        assert!(bytes > 0, "it ended");
        let mut inside = 0;
        self.chunked.take(&self.buffer[..bytes], |piece| {
            inside += piece.len();
            take(piece);
        });
        inside
    }
}

/// What is inside of chunks of HTTP.
#[derive(Default)]
struct Chunked {
    /// Behind the head of the answer.
    begun: bool,
    /// Bytes that are left of a chunk.
    left: usize,
    line: Vec<u8>,
}

impl Chunked {
    fn take(&mut self, mut bytes: &[u8], mut piece: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (inside, rest) = bytes.split_at(self.left.min(bytes.len()));
                piece(inside);
                self.left -= inside.len();
                bytes = rest;
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end..];
            if self.line.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).unwrap().trim();
        if !self.begun {
            self.begun = line.is_empty();
        } else if !line.is_empty() {
            self.left = usize::from_str_radix(line, 16).unwrap();
        }
    }
}

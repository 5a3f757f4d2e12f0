//! As much of HTTP/1.1 as the readers need, without anything that would cost more than the server.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Where the world is.
const WORLD: &str = "/v1/worlds/home";

/// One connection, and what was read of it and not yet looked at.
pub(crate) struct Connection {
    socket: TcpStream,
    bytes: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: &str) -> Self {
        let socket = TcpStream::connect(address).await.expect("the server listens");
        socket.set_nodelay(true).unwrap();
        Self { socket, bytes: Vec::new() }
    }

    /// Sends this, and reads the whole answer.
    pub(crate) async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        self.send(&format!(
            "POST {WORLD}{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a body of known length").trim().parse().unwrap();
        while self.bytes.len() < length {
            self.more().await;
        }
        self.bytes.drain(..length);
    }

    /// Asks for a stream, whose body is what is read from now on.
    pub(crate) async fn get(&mut self, path: &str) {
        self.send(&format!("GET {WORLD}{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        assert!(self.head().await.contains("transfer-encoding: chunked"));
    }

    async fn send(&mut self, request: &str) {
        self.socket.write_all(request.as_bytes()).await.unwrap();
    }

    async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.bytes.drain(..end + 4).collect();
                let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
                assert!(head.starts_with("http/1.1 2"), "{head}");
                return head;
            }
            self.more().await;
        }
    }

    async fn more(&mut self) {
        self.bytes.reserve(2 * 1024);
        let read = self.socket.read_buf(&mut self.bytes).await.unwrap();
        assert!(read > 0, "the connection has ended");
    }

    /// The next chunk of the body.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|two| two == b"\r\n") {
                let size = std::str::from_utf8(&self.bytes[..end]).unwrap();
                let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
                let whole = end + 2 + size + 2;
                if self.bytes.len() >= whole {
                    let chunk = self.bytes[end + 2..end + 2 + size].to_vec();
                    self.bytes.drain(..whole);
                    return chunk;
                }
            }
            self.more().await;
        }
    }
}

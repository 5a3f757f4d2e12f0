//! A server whose every message the test writes itself, over a pipe in memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use polychat_tools::mcp::{McpConnect, McpServer, McpStream};
use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, split,
    },
    sync::mpsc,
};

/// What the pipe in memory holds; more than any message of these tests but the large ones.
const PIPE_BYTES: usize = 64 * 1024;

/// Where connections come in.
pub(crate) struct Fake {
    connections: mpsc::UnboundedReceiver<DuplexStream>,
    opened: Arc<AtomicUsize>,
}

struct Door {
    connections: mpsc::UnboundedSender<DuplexStream>,
    opened: Arc<AtomicUsize>,
}

#[async_trait::async_trait]
impl McpConnect for Door {
    async fn connect(&self) -> io::Result<McpStream> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        // Without a test that takes them, connections are refused.
        self.connections.send(theirs).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        let (read, write) = split(ours);
        Ok(McpStream::new(read, write))
    }
}

impl Fake {
    /// A server of this name, and the place where its connections come in.
    pub(crate) fn server(name: &str) -> (McpServer, Self) {
        let (connections, incoming) = mpsc::unbounded_channel();
        let opened = Arc::new(AtomicUsize::new(0));
        let door = Door { connections, opened: Arc::clone(&opened) };
        (McpServer::connect(name, door), Self { connections: incoming, opened })
    }

    /// How many connections were asked for so far.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> Peer {
        Peer::new(self.connections.recv().await.expect("nobody connects any more"))
    }

    /// The next connection, after its handshake and with these tools listed.
    pub(crate) async fn start(&mut self, tools: Value) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome().await;
        peer.list(tools).await;
        peer
    }
}

/// The server's end of one connection. Dropping it is the end of the server.
pub(crate) struct Peer {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    write: WriteHalf<DuplexStream>,
}

impl Peer {
    fn new(stream: DuplexStream) -> Self {
        let (read, write) = split(stream);
        Self { lines: BufReader::new(read).lines(), write }
    }

    /// The next message; `None` when the connection was closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Waits until the next message has begun to come in.
    pub(crate) async fn until_readable(&mut self) {
        self.lines.get_mut().fill_buf().await.unwrap();
    }

    /// The next message, which has to be this one.
    pub(crate) async fn expect(&mut self, method: &str) -> Value {
        let message = self.next().await.expect("the connection was closed");
        assert_eq!(message["method"], method, "{message}");
        message
    }

    /// The handshake.
    pub(crate) async fn welcome(&mut self) {
        let hello = self.expect("initialize").await;
        let result = json!({
            "protocolVersion": hello["params"]["protocolVersion"],
            "capabilities": { "tools": { "listChanged": true } },
            "serverInfo": { "name": "fake", "version": "1" },
        });
        self.answer(&hello, result).await;
        self.expect("notifications/initialized").await;
    }

    /// One page with these tools, and no further one.
    pub(crate) async fn list(&mut self, tools: Value) {
        let request = self.expect("tools/list").await;
        self.answer(&request, json!({ "tools": tools })).await;
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn write_bytes(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.write(&format!("{message}\n")).await;
    }

    pub(crate) async fn answer(&mut self, request: &Value, result: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).await;
    }

    /// Answers a call with a text.
    pub(crate) async fn say(&mut self, request: &Value, text: &str) {
        self.answer(request, text_result(text)).await;
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: i64, message: &str) {
        let error = json!({ "code": code, "message": message });
        self.send(json!({ "jsonrpc": "2.0", "id": request["id"], "error": error })).await;
    }

    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Progress of a call, by the token that came with it.
    pub(crate) async fn progress(&mut self, request: &Value, progress: u64) {
        let params = json!({ "progressToken": token(request), "progress": progress, "total": 10 });
        self.notify("notifications/progress", params).await;
    }
}

/// The progress token of a call.
pub(crate) fn token(request: &Value) -> &Value {
    &request["params"]["_meta"]["progressToken"]
}

/// The result of a call that answers with a text.
pub(crate) fn text_result(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

/// A tool that takes any object.
pub(crate) fn tool(name: &str) -> Value {
    json!({ "name": name, "description": format!("does {name}"), "inputSchema": { "type": "object" } })
}

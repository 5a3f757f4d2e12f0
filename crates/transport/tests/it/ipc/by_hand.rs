//! A client that writes its lines by hand, as one that nobody here wrote would.

use std::{future::Future, sync::Arc, time::Duration};

use polychat_core::ports::WorldService;
use polychat_testkit::samples::world_id;
use polychat_transport::ipc::{Closed, ConnectionError, ServeOptions, Server};
use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
        duplex, split,
    },
    task::JoinHandle,
    time::timeout,
};

/// Waits for what must happen; the limit only turns a hang into a failure.
pub(super) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), what).await.expect("waited in vain")
}

/// How a connection ended, once it has.
pub(super) type End = JoinHandle<Result<Closed, ConnectionError>>;

/// One end of a pipe, in lines.
pub(super) struct ByHand {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    out: WriteHalf<DuplexStream>,
}

impl ByHand {
    pub(super) fn new(io: DuplexStream) -> Self {
        let (lines, out) = split(io);
        Self { lines: BufReader::new(lines).lines(), out }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.out.write_all(bytes).await.unwrap();
    }

    /// Writes nothing more, and reads on.
    pub(super) async fn stop_speaking(&mut self) {
        self.out.shutdown().await.unwrap();
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    /// The next message; `None` once the other side has closed.
    pub(super) async fn hear(&mut self) -> Option<Value> {
        let line = within(self.lines.next_line()).await.unwrap()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    pub(super) async fn ask(&mut self, id: u64, method: &str, params: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
    }

    /// Asks, and hears the answer next.
    pub(super) async fn asked(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.ask(id, method, params).await;
        let answer = self.hear().await.unwrap();
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer
    }

    pub(super) async fn tell(&mut self, method: &str, params: Value) {
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Says who it is; `limits` as in `initialize`.
    pub(super) async fn initialize(&mut self, limits: Value) -> Value {
        let params =
            json!({ "protocolVersion": 1, "client": { "name": "test" }, "limits": limits });
        self.asked(0, "initialize", params).await
    }

    /// Subscribes to a chat from its beginning: the id of the subscription.
    pub(super) async fn watch(&mut self, id: u64, chat: &str) -> Value {
        let params = json!({ "scope": "chat", "chatId": chat, "start": "start" });
        let answer = self.asked(id, "events/subscribe", params).await;
        answer["result"]["subscriptionId"].clone()
    }

    /// The next event: its subscription and the event.
    pub(super) async fn event(&mut self) -> (Value, Value) {
        let message = self.hear().await.unwrap();
        assert_eq!(message["method"], "event", "{message}");
        (message["params"]["subscriptionId"].clone(), message["params"]["event"].clone())
    }
}

/// A server of a world.
pub(super) fn server(world: Arc<dyn WorldService>, options: ServeOptions) -> Arc<Server> {
    Arc::new(Server::new(world_id("w"), world, options))
}

/// A connection to a server, not initialized; the pipe keeps so many bytes.
pub(super) fn connect_with(server: &Arc<Server>, pipe_bytes: usize) -> (ByHand, End) {
    let (near, far) = duplex(pipe_bytes);
    let server = Arc::clone(server);
    (ByHand::new(near), tokio::spawn(async move { server.serve(far).await }))
}

/// A connection to a server, initialized.
pub(super) async fn connect(server: &Arc<Server>) -> (ByHand, End) {
    let (mut client, end) = connect_with(server, 64 * 1024);
    assert!(client.initialize(json!({})).await["error"].is_null());
    (client, end)
}

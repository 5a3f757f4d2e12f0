//! A host that writes its lines by hand.

use std::sync::Arc;

use polychat::transport::ipc::Server;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex,
    split,
};

use crate::support::within;

/// What a host is asked: a request of the server.
pub(super) struct Asked {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Value,
}

impl Asked {
    /// The text of the last message that a model is given.
    pub(super) fn last_text(&self) -> &str {
        let messages = self.params["messages"].as_array().unwrap();
        messages.last().unwrap()["parts"][0]["text"].as_str().unwrap()
    }
}

/// The host's end of a connection. Dropping it closes the connection.
pub(super) struct Host {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    out: WriteHalf<DuplexStream>,
    /// All that the server has sent.
    pub(super) heard: Vec<String>,
}

impl Host {
    /// A connection to a server, initialized; the pipe keeps so many bytes.
    pub(super) async fn connect(server: &Arc<Server>, pipe_bytes: usize) -> Self {
        let (near, far) = duplex(pipe_bytes);
        let server = Arc::clone(server);
        tokio::spawn(async move { server.serve(far).await });
        let (lines, out) = split(near);
        let mut host = Self { lines: BufReader::new(lines).lines(), out, heard: Vec::new() };
        let who = json!({ "protocolVersion": 1, "client": { "name": "an app" } });
        assert!(host.asked_of_server("initialize", who).await["error"].is_null());
        host
    }

    /// One that has registered the model `mine` and the tool `dice`, which only reads.
    pub(super) async fn registered(server: &Arc<Server>) -> Self {
        let mut host = Self::connect(server, 64 * 1024).await;
        let answer = host.asked_of_server("host/register", offer("mine", "dice")).await;
        assert_eq!(answer["result"], json!({}), "{answer}");
        host
    }

    pub(super) async fn say(&mut self, message: Value) {
        self.out.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The next message of the server.
    pub(super) async fn hear(&mut self) -> Value {
        let line = within(self.lines.next_line()).await.unwrap().expect("the server goes on");
        let message = serde_json::from_str(&line).unwrap();
        self.heard.push(line);
        message
    }

    /// The next message, which is a request.
    pub(super) async fn asked(&mut self) -> Asked {
        let request = self.hear().await;
        let method = request["method"].as_str().unwrap_or_else(|| panic!("{request}")).to_owned();
        Asked { id: request["id"].clone(), method, params: request["params"].clone() }
    }

    /// Asks the server, and hears its answer next.
    pub(super) async fn asked_of_server(&mut self, method: &str, params: Value) -> Value {
        let id = format!("ours {}", self.heard.len());
        self.say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        let answer = self.hear().await;
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer
    }

    /// Writes all of this while it reads so many messages.
    pub(super) async fn pipelined(&mut self, lines: String, messages: usize) -> Vec<Value> {
        let (out, incoming) = (&mut self.out, &mut self.lines);
        let write = async { out.write_all(lines.as_bytes()).await.unwrap() };
        let read = async {
            let mut heard = Vec::new();
            for _ in 0..messages {
                let line = within(incoming.next_line()).await.unwrap().unwrap();
                heard.push(serde_json::from_str(&line).unwrap());
            }
            heard
        };
        futures_util::future::join(write, read).await.1
    }

    pub(super) async fn answer(&mut self, asked: &Asked, result: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": asked.id, "result": result })).await;
    }

    /// Says something of a call.
    pub(super) async fn tell(&mut self, method: &str, asked: &Asked, member: &str, value: Value) {
        let params = json!({ "callId": asked.params["callId"], member: value });
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Says a piece of text of an answer.
    pub(super) async fn says(&mut self, asked: &Asked, text: &str) {
        let delta = json!({ "type": "text", "text": text });
        self.tell("model/delta", asked, "delta", delta).await;
    }
}

/// An offer of a model and a tool.
pub(super) fn offer(model: &str, tool: &str) -> Value {
    let tool = json!({ "name": tool, "description": "throws a die", "kind": "read",
        "schema": { "type": "object" }, "needsApproval": false });
    json!({ "models": [{ "name": model }], "tools": [tool] })
}

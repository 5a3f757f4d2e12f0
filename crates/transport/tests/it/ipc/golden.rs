//! Golden conversations: every message of the protocol, as it goes over the pipe.
//!
//! Each line of a conversation says who speaks. What a command, a reply or an event looks like
//! is pinned by the other golden files; here it is what stands around them.

use std::{fs, path::PathBuf, sync::Arc};

use polychat_core::{Command, CommandError, EndReason, Fault, FaultKind, Notice, Refusal, Reply};
use polychat_testkit::{
    fake_world::FakeWorld, samples::chat_id, transport_suite::notices::every_chat_notice,
};
use polychat_transport::ipc::ServeOptions;
use serde_json::{Value, json};

use super::by_hand::{ByHand, connect_with, server};

/// A conversation that is written down.
struct Conversation {
    client: ByHand,
    lines: Vec<Value>,
}

impl Conversation {
    /// The client says this.
    async fn say(&mut self, message: Value) {
        self.lines.push(json!({ "client": message }));
        self.client.say(message).await;
    }

    /// The client writes this line.
    async fn write(&mut self, line: &str) {
        self.lines.push(json!({ "client": line }));
        self.client.write(line.as_bytes()).await;
        self.client.write(b"\n").await;
    }

    /// The client asks this, and hears the answer next.
    async fn ask(&mut self, id: Value, method: &str, params: Value) -> Value {
        self.say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        self.hear().await
    }

    async fn tell(&mut self, method: &str, params: Value) {
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// The server says something.
    async fn hear(&mut self) -> Value {
        let mut message = self.client.hear().await.unwrap();
        // A release changes it, and no client needs it.
        if let Some(version) = message.pointer_mut("/result/server/version") {
            *version = json!("0.0.0");
        }
        self.lines.push(json!({ "server": message }));
        message
    }

    /// Ends it, and compares it with the golden file of this name.
    fn is(self, name: &str) {
        let frames: Vec<_> = self.lines.iter().map(|line| line.to_string().into()).collect();
        crate::golden::golden(name, &frames);
    }
}

/// A world in which each command comes to something else.
fn world() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::answering(|command| async move {
        match command {
            Command::GetWorld => std::future::pending().await,
            Command::CloseChat { chat } => {
                Err(CommandError::Refused(Refusal::UnknownChat { chat_id: chat }))
            }
            Command::ReopenChat { .. } => {
                let refusal = Refusal::Overloaded { scope: "world".into(), max: 3 };
                Err(CommandError::Refused(refusal))
            }
            Command::DeleteChat { .. } => {
                let fault = Fault::new(FaultKind::StoreUnavailable, "the disk is away");
                Err(CommandError::Fault(fault))
            }
            _ => Ok(Reply::Done),
        }
    }))
}

fn begin(world: &Arc<FakeWorld>) -> Conversation {
    let mut options = ServeOptions::default();
    options.wire.command_bytes_max = 500;
    let (client, _end) = connect_with(&server(world.clone(), options), 64 * 1024);
    Conversation { client, lines: Vec::new() }
}

fn client(version: u32) -> Value {
    json!({ "protocolVersion": version, "client": { "name": "test", "version": "1" },
        "limits": { "eventsUnderWayMax": 2 } })
}

#[tokio::test]
async fn golden_beginning_and_end_of_a_connection() {
    let mut it = begin(&world());
    it.ask(json!(1), "ping", json!({})).await;
    it.ask(json!(2), "world/get", json!({})).await;
    it.ask(json!(3), "initialize", client(9)).await;
    it.ask(json!("four"), "initialize", client(1)).await;
    it.ask(json!(5), "initialize", client(1)).await;
    it.ask(json!(6), "chat/update", json!({ "chatId": "a", "title": "x" })).await;
    it.ask(json!(7), "shutdown", json!({})).await;
    assert_eq!(it.client.hear().await, None);
    it.is("ipc_connection");
}

#[tokio::test]
async fn golden_subscriptions_of_a_connection() {
    let world = world();
    let mut it = begin(&world);
    it.ask(json!(1), "initialize", client(1)).await;
    let chat = json!({ "scope": "chat", "chatId": "a", "start": "start" });
    it.ask(json!(2), "events/subscribe", chat).await;
    let play = world.next_subscription().await;
    let notices = every_chat_notice(&chat_id("a"));
    let recorded = notices.iter().find(|it| matches!(it, Notice::Recorded { .. })).unwrap();
    let live = notices.iter().find(|it| matches!(it, Notice::Live { .. })).unwrap();
    for notice in [recorded.clone(), live.clone(), Notice::Ended(EndReason::Deleted)] {
        play.send(notice).await;
    }
    it.hear().await;
    it.hear().await;
    it.tell("events/more", json!({ "subscriptionId": "s1", "events": 1 })).await;
    it.hear().await;
    it.ask(json!(3), "events/subscribe", json!({ "scope": "world", "start": "now" })).await;
    it.ask(json!(4), "events/unsubscribe", json!({ "subscriptionId": "s2" })).await;
    world.refuse_subscriptions(Refusal::SubscribersFull { max: 1 }.into());
    it.ask(json!(5), "events/subscribe", json!({ "scope": "world", "start": "now" })).await;
    it.is("ipc_subscriptions");
}

#[tokio::test]
async fn golden_errors_of_a_connection() {
    let mut it = begin(&world());
    it.ask(json!(1), "initialize", client(1)).await;
    for method in ["chat/close", "chat/reopen", "chat/delete"] {
        it.ask(json!(2), method, json!({ "chatId": "a" })).await;
    }
    it.say(json!({ "jsonrpc": "2.0", "id": "wait", "method": "world/get", "params": {} })).await;
    it.ask(json!("wait"), "ping", json!({})).await;
    it.tell("$/cancelRequest", json!({ "id": "wait" })).await;
    it.hear().await;
    for line in [
        "nonsense",
        "[]",
        r#"{"id":3,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":4,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":5}"#,
        r#"{"jsonrpc":"2.0","id":6,"method":"chat/explode","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"chat/close","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":8,"method":"chat/close","params":{"chatId":".."}}"#,
        r#"{"jsonrpc":"2.0","id":9,"method":"events/subscribe","params":{"scope":"chat","start":"now"}}"#,
        &format!(
            r#"{{"jsonrpc":"2.0","id":10,"method":"chat/close","params":{{"chatId":"{}"}}}}"#,
            "x".repeat(500)
        ),
        &"x".repeat(2_000),
    ] {
        it.write(line).await;
        it.hear().await;
    }
    it.is("ipc_errors");
}

// A protocol of which a message has no golden file could change unseen.
#[test]
fn every_method_of_the_connection_has_a_golden_message() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden"].iter().collect();
    let all: String = ["connection", "subscriptions", "errors"]
        .iter()
        .map(|name| fs::read_to_string(folder.join(format!("ipc_{name}.json"))).unwrap())
        .collect();
    use polychat_transport::ipc::protocol::method as m;
    for method in [
        m::INITIALIZE,
        m::PING,
        m::SHUTDOWN,
        m::SUBSCRIBE,
        m::UNSUBSCRIBE,
        m::MORE,
        m::EVENT,
        m::CANCEL,
    ] {
        assert!(all.contains(&format!("\"method\": \"{method}\"")), "{method}");
    }
}

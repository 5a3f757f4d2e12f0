//! Golden conversations: every message of the protocol, as it goes over the pipe.
//!
//! Each line of a conversation says who speaks. What a command, a reply or an event looks like
//! is pinned by the other golden files; here it is what stands around them.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures_util::StreamExt;
use polychat_core::{
    Command, CommandError, EndReason, Fault, FaultKind, Message, MessageId, Metadata, Notice, Part,
    Refusal, Reply, Timestamp,
    message::Role,
    ports::{
        HostContext, HostOffer, HostRegistry, HostStay, ModelErrorKind, ModelRequest, ProgressSink,
        ToolInput,
    },
};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{agent_name, chat_id, seq, world_id},
    transport_suite::notices::every_chat_notice,
};
use polychat_transport::ipc::{ServeOptions, Server, protocol::method};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::by_hand::{ByHand, connect_with, server, within};

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
        // The id of a call is a number and something that nobody can guess.
        let calls: Vec<(String, String)> = self
            .lines
            .iter()
            .filter_map(|line| line.pointer("/server/params/callId")?.as_str())
            .map(|id| (id.into(), format!("call-{}", id.split('-').next().unwrap())))
            .collect();
        let told = |line: &Value| {
            calls.iter().fold(line.to_string(), |text, (id, name)| text.replace(id, name))
        };
        let frames: Vec<_> = self.lines.iter().map(|line| told(line).into()).collect();
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

/// Takes in the first host, whose offer it hands to the test, and no other.
struct OneHost(Mutex<Option<oneshot::Sender<HostOffer>>>);

impl HostRegistry for OneHost {
    fn admit(&self, offer: HostOffer) -> Result<HostStay, Refusal> {
        let Some(admitted) = self.0.lock().unwrap().take() else {
            return Err(Refusal::NameTaken { what: "tool".into(), name: "files".into() });
        };
        assert!(admitted.send(offer).is_ok());
        Ok(HostStay::new(()))
    }
}

/// Shows nothing to anybody.
struct Unseen;

impl ProgressSink for Unseen {
    fn output(&self, _text: &str) {}
    fn progress(&self, _progress: Value) {}
}

fn context() -> HostContext {
    let mut context = HostContext::default();
    context.chat = Metadata::from([("tenant", "north")]);
    context.prompt = Metadata::from([("file", "a.txt")]);
    context
}

fn input() -> ToolInput {
    ToolInput::new(json!({ "path": "a.txt" }), context())
}

/// What a host brings: a tool and a model.
fn brought() -> Value {
    json!({ "models": [{ "name": "mine" }], "tools": [{ "name": "files", "description": "reads",
        "schema": { "type": "object" }, "kind": "read", "needsApproval": false }] })
}

/// A request to the model of the host.
fn model_request() -> ModelRequest {
    let message = Message {
        id: MessageId(seq(1)),
        turn_id: None,
        source_id: None,
        at: Timestamp(7),
        role: Role::User { prompt_id: None },
        parts: vec![Part::text("hello")],
        failure: None,
        metadata: Metadata::NONE,
    };
    let mut request = ModelRequest::new(vec![Arc::new(message)]);
    request.agent = Some(agent_name("guide"));
    request.system = "Be brief.".into();
    request.context = context();
    request
}

#[tokio::test]
async fn golden_models_and_tools_of_a_client() {
    let (admitted, offered) = oneshot::channel();
    let registry = OneHost(Mutex::new(Some(admitted)));
    let options = ServeOptions::default();
    let server = Server::new(world_id("w"), world(), options).hosts(Arc::new(registry));
    let (client, _end) = connect_with(&Arc::new(server), 64 * 1024);
    let mut it = Conversation { client, lines: Vec::new() };
    it.ask(json!(1), "initialize", self::client(1)).await;
    it.ask(json!(2), "host/register", brought()).await;
    let offer = offered.await.unwrap();
    let (tool, model) = (offer.tools[0].clone(), offer.models[0].1.clone());

    let (call, running) = (tool.clone(), Arc::new(Unseen));
    let calling = tokio::spawn(async move { call.call(input(), running).await });
    let asked = it.hear().await;
    let call_id = &asked["params"]["callId"];
    it.tell("tool/output", json!({ "callId": call_id, "text": "reading" })).await;
    it.tell("tool/progress", json!({ "callId": call_id, "progress": { "progress": 1 } })).await;
    let parts = json!([{ "type": "text", "text": "contents" }]);
    it.say(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": { "parts": parts } })).await;
    assert_eq!(within(calling).await.unwrap().unwrap().parts, [Part::text("contents")]);
    let late = json!({ "callId": call_id, "text": "late" });
    it.ask(json!(3), "tool/output", late).await;

    let call = tool.clone();
    let calling = tokio::spawn(async move { call.call(input(), Arc::new(Unseen)).await });
    let asked = it.hear().await;
    let error = json!({ "code": 1, "message": "no such file", "data": { "retryable": true } });
    it.say(json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error })).await;
    assert!(within(calling).await.unwrap().unwrap_err().retryable);

    let calling = tokio::spawn(async move { tool.call(input(), Arc::new(Unseen)).await });
    it.hear().await;
    calling.abort();
    it.hear().await;

    let mut answer = model.stream(model_request());
    let answering = tokio::spawn(async move {
        let mut deltas = 0;
        while let Some(delta) = answer.next().await {
            delta.unwrap();
            deltas += 1;
        }
        deltas
    });
    let asked = it.hear().await;
    let call_id = &asked["params"]["callId"];
    for delta in [
        json!({ "type": "reasoning", "text": "hm" }),
        json!({ "type": "text", "text": "Hello." }),
        json!({ "type": "toolCall", "call": { "name": "files", "arguments": {} } }),
        json!({ "type": "opaque", "part": { "type": "opaque", "provider": "p", "data": 1 } }),
        json!({ "type": "usage", "usage": { "inputTokens": 1, "outputTokens": 2 } }),
    ] {
        it.tell("model/delta", json!({ "callId": call_id, "delta": delta })).await;
    }
    let usage = json!({ "inputTokens": 1, "outputTokens": 3 });
    let result = json!({ "finish": "toolCalls", "usage": usage });
    it.say(json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result })).await;
    // The five, then the cost and the reason of the result.
    assert_eq!(within(answering).await.unwrap(), 7);

    let mut answer = model.stream(model_request());
    let answering = tokio::spawn(async move { answer.next().await.unwrap().unwrap_err() });
    let asked = it.hear().await;
    let data = json!({ "kind": "rate_limited", "retryAfterMs": 100 });
    let error = json!({ "code": 1, "message": "slow down", "data": data });
    it.say(json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error })).await;
    assert_eq!(within(answering).await.unwrap().kind, ModelErrorKind::RateLimited);
    it.ask(json!(4), "host/register", brought()).await;
    it.is("ipc_hosts");
}

// A protocol of which a message has no golden file could change unseen.
#[test]
fn every_method_of_the_connection_has_a_golden_message() {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden"].iter().collect();
    let all: String = ["connection", "subscriptions", "errors", "hosts"]
        .iter()
        .map(|name| fs::read_to_string(folder.join(format!("ipc_{name}.json"))).unwrap())
        .collect();
    for method in [
        method::INITIALIZE,
        method::PING,
        method::SHUTDOWN,
        method::SUBSCRIBE,
        method::UNSUBSCRIBE,
        method::MORE,
        method::EVENT,
        method::CANCEL,
        method::REGISTER,
        method::TOOL_CALL,
        method::MODEL_STREAM,
        method::TOOL_OUTPUT,
        method::TOOL_PROGRESS,
        method::MODEL_DELTA,
    ] {
        assert!(all.contains(&format!("\"method\": \"{method}\"")), "{method}");
    }
}

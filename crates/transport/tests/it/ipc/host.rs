//! Models and tools of a client: a host that writes its lines by hand, honest and lying.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

use polychat_core::{
    Failure, FailureKind, Metadata, ModelName, Refusal, Reply,
    content::text_of,
    ports::{
        HostContext, HostOffer, HostRegistry, HostStay, Model, ModelRequest, ModelStream,
        ProgressSink, Tool, ToolInput,
    },
    tool::ToolOutput,
};
use polychat_testkit::{fake_world::FakeWorld, samples::world_id};
use polychat_transport::ipc::{ServeOptions, Server};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::by_hand::{ByHand, End, connect};

mod bounds;
mod calls;
mod ends;
mod lies;
mod registering;

/// Takes in whatever is offered, keeps it for the test, and counts who has left.
#[derive(Default)]
struct Registry {
    offers: Mutex<Vec<HostOffer>>,
    left: Arc<AtomicUsize>,
    /// Names of models that are refused.
    taken: Mutex<Vec<ModelName>>,
}

/// Counts that its stay has ended.
struct Leaving(Arc<AtomicUsize>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl HostRegistry for Registry {
    fn admit(&self, offer: HostOffer) -> Result<HostStay, Refusal> {
        // As if it took a while, so that others could come meanwhile.
        (0..100).for_each(|_| std::thread::yield_now());
        let taken = self.taken.lock().unwrap();
        if let Some((name, _)) = offer.models.iter().find(|(name, _)| taken.contains(name)) {
            return Err(Refusal::NameTaken { what: "model".into(), name: name.as_str().into() });
        }
        self.offers().push(offer);
        Ok(HostStay::new(Leaving(Arc::clone(&self.left))))
    }
}

impl Registry {
    fn offers(&self) -> MutexGuard<'_, Vec<HostOffer>> {
        self.offers.lock().unwrap()
    }

    fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }

    /// The model of the last offer.
    fn model(&self) -> Arc<dyn Model> {
        Arc::clone(&self.offers().last().unwrap().models[0].1)
    }

    /// The tool of the last offer.
    fn tool(&self) -> Arc<dyn Tool> {
        Arc::clone(&self.offers().last().unwrap().tools[0])
    }

    /// Begins an answer that says this in its history.
    fn ask(&self, system: &str) -> ModelStream {
        let mut request = ModelRequest::new(vec![]);
        request.system = system.into();
        request.context = context();
        self.model().stream(request)
    }

    /// Begins a call of the tool, in a task of its own.
    fn call(&self, arguments: Value, sink: &Arc<Shown>) -> JoinHandle<Result<String, Failure>> {
        let (tool, sink) = (self.tool(), Arc::clone(sink));
        let input = ToolInput::new(arguments, context());
        let text = |output: ToolOutput| text_of(&output.parts);
        tokio::spawn(async move { tool.call(input, sink).await.map(text) })
    }
}

fn context() -> HostContext {
    let mut context = HostContext::default();
    context.chat = Metadata::from([("tenant", "north")]);
    context.handle = Some(Arc::new("stays here"));
    context
}

/// What a tool has shown.
#[derive(Default)]
struct Shown {
    output: Mutex<String>,
    progress: Mutex<Vec<Value>>,
}

impl ProgressSink for Shown {
    fn output(&self, text: &str) {
        self.output.lock().unwrap().push_str(text);
    }

    fn progress(&self, progress: Value) {
        self.progress.lock().unwrap().push(progress);
    }
}

/// A server that takes hosts, and where they are taken in.
fn hosting(options: ServeOptions) -> (Arc<Server>, Arc<Registry>) {
    hosting_of(FakeWorld::always(Ok(Reply::Done)), options)
}

/// The same of this world.
fn hosting_of(world: FakeWorld, options: ServeOptions) -> (Arc<Server>, Arc<Registry>) {
    let registry = Arc::<Registry>::default();
    let world = Arc::new(world);
    let server = Server::new(world_id("w"), world, options).hosts(registry.clone());
    (Arc::new(server), registry)
}

/// What the host in these tests offers.
fn offer() -> Value {
    let tool = json!({ "name": "dice", "description": "throws", "schema": { "type": "object" },
        "kind": "act", "needsApproval": false });
    json!({ "models": [{ "name": "mine" }], "tools": [tool] })
}

/// A host that has registered.
async fn host(server: &Arc<Server>) -> (ByHand, End) {
    let (mut host, end) = connect(server).await;
    assert_eq!(host.asked(1, "host/register", offer()).await["result"], json!({}));
    (host, end)
}

/// One host at one server.
async fn one_host() -> (ByHand, Arc<Registry>, Arc<Server>, End) {
    let (server, registry) = hosting(ServeOptions::default());
    let (host, end) = host(&server).await;
    (host, registry, server, end)
}

impl ByHand {
    /// The next request of the server: its id, its method, its parameters.
    async fn requested(&mut self) -> (Value, String, Value) {
        let request = self.hear().await.unwrap();
        assert!(request["method"].is_string() && request["id"].is_number(), "{request}");
        let method = request["method"].as_str().unwrap().to_owned();
        (request["id"].clone(), method, request["params"].clone())
    }

    /// Answers a request of the server.
    async fn answer(&mut self, id: &Value, result: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    }

    /// Fails a request of the server.
    async fn fail(&mut self, id: &Value, error: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
    }

    /// Says a piece of text of an answer.
    async fn delta(&mut self, call: &Value, text: &str) {
        let delta = json!({ "type": "text", "text": text });
        self.tell("model/delta", json!({ "callId": call, "delta": delta })).await;
    }

    /// Waits until the server has read all that was said.
    async fn is_heard(&mut self) {
        assert_eq!(self.asked(999, "ping", json!({})).await["result"], json!({}));
    }
}

/// How a call failed.
fn kind(outcome: Result<String, Failure>) -> Result<String, FailureKind> {
    outcome.map_err(|failure| failure.kind)
}

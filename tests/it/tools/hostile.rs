//! Tools that panic wherever they can, and toolboxes that do not keep their promises.

use std::{
    future::{Future, poll_fn},
    panic::panic_any,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;
use polychat::{
    AgentConfig, AgentName, Failure, FailureKind, ModelName, PromptOutcome,
    ports::{Model, ModelRequest, ModelStream, Tool, ToolInput, ToolSink, Toolbox},
    stream,
    tool::{ToolCall, ToolCatalog, ToolKind, ToolOutput, ToolSelection, ToolSpec},
};
use polychat_testkit::tools;

use crate::support::{
    House, WorldWatcher, activity, answers, asked, assert_sound, failure, house, outcome, settle,
};

/// Tools whose names say where they panic.
struct Traps;

/// One of them.
struct Trap(String);

/// The places.
const PLACES: [&str; 8] =
    ["spec", "call", "poll", "drop", "drop at end", "payload", "output", "get"];

impl ToolCatalog for Traps {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        assert!(&*call.name != "check", "planned: in check");
        Ok(Arc::new(tools::spec(&call.name).kind(ToolKind::Read)))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        PLACES.iter().map(|name| Arc::new(tools::spec(name).kind(ToolKind::Read))).collect()
    }
}

#[async_trait]
impl Toolbox for Traps {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        Arc::new(Self)
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        assert!(name != "get", "planned: in get");
        Some(Arc::new(Trap(name.to_owned())))
    }
}

/// Panics when it is dropped, which must not happen while another panic unwinds.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "planned: in drop");
    }
}

/// A future with a bomb; it answers or hangs.
struct Armed {
    answers: bool,
    _bomb: Bomb,
}

impl Future for Armed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.answers { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Tool for Trap {
    fn spec(&self) -> ToolSpec {
        assert!(self.0 != "spec", "planned: in spec");
        tools::spec(&self.0).kind(ToolKind::Read)
    }

    // Written out, so that it can panic before there is a future.
    fn call<'a, 'b>(
        &'a self,
        _: ToolInput,
        output: ToolSink,
    ) -> Pin<Box<dyn Future<Output = Result<ToolOutput, Failure>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        assert!(self.0 != "call", "planned: in call");
        match self.0.as_str() {
            "drop" => Box::pin(async {
                Armed { answers: false, _bomb: Bomb }.await;
                Ok(ToolOutput::text("never"))
            }),
            "drop at end" => Box::pin(async {
                Armed { answers: true, _bomb: Bomb }.await;
                Ok(ToolOutput::text("never"))
            }),
            "payload" => Box::pin(async { panic_any(Bomb) }),
            "output" => Box::pin(async move {
                let sink = output;
                sink.output("before ");
                panic_any(format!("planned: {}", "in output"))
            }),
            "restless" => Box::pin(poll_fn(|cx| {
                // Always ready to be asked again, never with an answer.
                cx.waker().wake_by_ref();
                Poll::Pending
            })),
            _ => Box::pin(poll_fn(|_| panic!("planned: in poll"))),
        }
    }
}

async fn house_of_traps() -> House {
    let name = AgentName::new("assistant").unwrap();
    let agent = AgentConfig::new(name, ModelName::new("assistant").unwrap());
    house().tools(Traps).agent(agent.tools(ToolSelection::All)).open().await
}

// law 5, law 6: a panic of a tool ends its call, and nothing else, wherever it comes from
#[tokio::test(start_paused = true)]
async fn a_tool_may_panic_anywhere_and_only_its_call_ends() {
    for place in ["spec", "call", "poll", "drop at end", "payload", "output"] {
        let house = house_of_traps().await;
        let chat = house.chat("a").await;
        let mut feed = WorldWatcher::new(&house.world).await;
        let prompt = house.begin_calls(&chat, "hello", [asked(place, "x")]).await;
        let model = house.call_for("hello").await;
        let heard = answers(model.request());
        assert_eq!(heard.len(), 1, "{place}");
        assert!(heard[0].starts_with("panicked: "), "{place}: {heard:?}");
        model.text("well").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed, "{place}");
        let ends = activity(&chat).await;
        assert_eq!(ends[3..4], ["error 0 panicked"], "{place}: {ends:?}");
        settle().await;
        assert_eq!(house.local.turns_running(), Some(0), "{place}");
        feed.drain().await;
        let diagnostics = feed.diagnostics();
        assert!(diagnostics.is_empty(), "no actor was lost for it: {place}: {diagnostics:?}");
        assert_sound(&chat).await;
    }
}

// law 5: a tool that panics because it is stopped
#[tokio::test(start_paused = true)]
async fn a_tool_that_panics_when_it_is_dropped_spoils_neither_the_cancel_nor_the_deadline() {
    let house = house_of_traps().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("drop", "x")]).await;
    settle().await;
    chat.cancel().await.unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    let prompt = house.begin_calls(&chat, "again", [asked("drop", "x")]).await;
    // Its deadline drops it, and that panics: one end all the same.
    let model = house.call_for("again").await;
    model.text("well").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    let log = activity(&chat).await;
    let errors: Vec<_> = log.iter().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    settle().await;
    assert_eq!(house.local.turns_running(), Some(0));
    assert_sound(&chat).await;
}

// law 6: a tool that always wants to be asked again, on the only thread
#[tokio::test]
async fn a_restless_tool_keeps_nobody_from_running_and_can_be_cancelled() {
    let house = house_of_traps().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let prompt = chat.prompt("hello").await.unwrap();
    let model = house.script.call_for("hello").await;
    model.tool_call(asked("restless", "x")).finish();
    let calm = other.prompt("to b").await.unwrap();
    house.script.call_for("to b").await.text("fine").finish();
    assert_eq!(calm.outcome().await.unwrap(), PromptOutcome::Completed);
    chat.cancel().await.unwrap();
    assert_eq!(prompt.outcome().await.unwrap(), PromptOutcome::Cancelled);
}

// law 5, law 6: checking a call and looking up its tool are code of others too
#[tokio::test(start_paused = true)]
async fn a_toolbox_that_panics_over_a_call_ends_that_call_and_no_actor_is_lost() {
    let house = house_of_traps().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    // More often than an actor may be restarted.
    for n in 0..5 {
        let text = format!("hello {n}");
        let calls = [asked("check", "x"), asked("get", "y"), asked("output", "z")];
        let prompt = house.begin_calls(&chat, &text, calls).await;
        let model = house.call_for(&text).await;
        let heard = answers(model.request()).split_off(3 * n);
        assert_eq!(heard.len(), 3);
        assert!(heard.iter().all(|answer| answer.starts_with("panicked: ")), "{heard:?}");
        assert!(!heard[0].contains("planned") && !heard[1].contains("planned"), "{heard:?}");
        model.text("well").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }
    settle().await;
    feed.drain().await;
    assert!(feed.diagnostics().is_empty(), "{:?}", feed.diagnostics());
    assert_sound(&chat).await;
}

/// Cannot even say what it has.
struct Speechless;

#[async_trait]
impl Toolbox for Speechless {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        panic!("planned: in catalog")
    }

    fn get(&self, _: &str) -> Option<Arc<dyn Tool>> {
        None
    }
}

// law 6: it is asked for every input of every chat
#[tokio::test(start_paused = true)]
async fn chats_that_need_no_tools_do_not_notice_a_toolbox_that_panics() {
    let (name, model) = (AgentName::new("assistant"), ModelName::new("assistant"));
    let agent = AgentConfig::new(name.unwrap(), model.unwrap());
    let house = house().tools(Speechless).agent(agent).open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    for n in 0..5 {
        let prompt = chat.prompt(format!("hello {n}")).await.unwrap();
        house.script.call_for(&format!("hello {n}")).await.text("well").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }
    feed.drain().await;
    assert!(feed.diagnostics().is_empty(), "{:?}", feed.diagnostics());
    assert_sound(&chat).await;
}

/// Throws something that panics once more when it goes.
struct Thrower;

impl Model for Thrower {
    fn stream(&self, _: ModelRequest) -> ModelStream {
        Box::pin(stream::poll_fn(|_| panic_any(Bomb)))
    }
}

// law 5: the same of a model
#[tokio::test(start_paused = true)]
async fn a_model_whose_panic_panics_again_still_ends_its_turn() {
    let thrower = ModelName::new("thrower").unwrap();
    let wild = AgentName::new("wild").unwrap();
    let agent = AgentConfig::new(wild.clone(), thrower.clone());
    let house = house()
        .with(move |builder| builder.add_model(thrower, Thrower).add_agent(agent))
        .open()
        .await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("hello").agent(wild).await.unwrap();
    assert_eq!(failure(&prompt).await.kind, FailureKind::Panicked);
    settle().await;
    assert_eq!(house.local.turns_running(), Some(0));
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

// issue 3: a kind of failure of a tool's own is passed on as it is, whatever it claims
#[tokio::test(start_paused = true)]
async fn a_tool_may_fail_with_any_kind_of_failure() {
    use FailureKind::{Cancelled, Deadline, Denied, Interrupted, ToolFailed, UnknownOutcome};
    let house = crate::support::world_of_tools().open().await;
    let chat = house.chat("a").await;
    let kinds = [Cancelled, Deadline, Denied, Interrupted, ToolFailed, UnknownOutcome];
    let prompt =
        house.begin_calls(&chat, "hello", kinds.map(|kind| asked("look", kind.as_str()))).await;
    for kind in kinds {
        house.running(kind.as_str()).await.fail_with(Failure::new(kind, "says the tool"));
    }
    let model = house.call_for("hello").await;
    let expected = kinds.map(|kind| format!("{}: says the tool", kind.as_str()));
    assert_eq!(answers(model.request()), expected);
    model.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

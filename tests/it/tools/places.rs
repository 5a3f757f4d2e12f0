//! Places among the running turns: held while tools run, given back when their work has really
//! ended (law 7).

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use async_trait::async_trait;
use polychat::{
    AgentConfig, AgentName, Failure, Limits, ModelName, PromptOutcome, StatusKind, WorldBuilder,
    diagnostic::DiagnosticKind,
    ports::{Tool, ToolInput, ToolSink, Toolbox},
    tool::{ToolCatalog, ToolKind, ToolOutput, ToolSelection, ToolSpec},
};
use polychat_testkit::tools::{self, ScriptedTools};
use tokio::{sync::mpsc::UnboundedSender, time::timeout};

use crate::support::{
    WorldWatcher, activity, asked, assert_sound, chat_id, house, outcome, pass, settle, within,
    world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

// law 7: turns_running_max
#[tokio::test(start_paused = true)]
async fn a_turn_keeps_its_place_while_its_tools_run_and_until_it_ends() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let in_a = house.begin_calls(&a, "to a", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    let in_b = b.prompt("to b").await.unwrap();
    house.no_further_call().await;
    assert_eq!(house.local.turns_running(), Some(1));
    x.result("done");
    house.no_further_call().await;
    y.result("done");
    // The next step of the turn that has a place comes before a turn that has none.
    let model = within(house.script.next_call()).await;
    assert_eq!(model.last_user_text(), "to a");
    house.no_further_call().await;
    model.text("done").finish();
    assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
    house.answer("to b", "at last").await;
    assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
    settle().await;
    assert_eq!(house.local.turns_running(), Some(0));
}

// law 7: many calls of one turn share its place
#[tokio::test(start_paused = true)]
async fn many_calls_of_one_turn_hold_one_place() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 2).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let calls = (0..8).map(|n| asked("look", &n.to_string()));
    house.begin_calls(&a, "to a", calls).await;
    house.running("7").await;
    assert_eq!((house.tools.calls_open(), house.local.turns_running()), (8, Some(1)));
    let (_, _model) = house.begin(&b, "to b").await;
    assert_eq!(house.local.turns_running(), Some(2));
    a.cancel().await.unwrap();
    settle().await;
    assert_eq!(house.local.turns_running(), Some(1));
}

/// A tool that holds the thread that polls it until it is let go.
struct Stubborn {
    polled: UnboundedSender<ToolSink>,
    let_go: Arc<Mutex<mpsc::Receiver<()>>>,
}

#[async_trait]
impl Tool for Stubborn {
    fn spec(&self) -> ToolSpec {
        tools::spec("stubborn").kind(ToolKind::Read)
    }

    async fn call(&self, _: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        let _ = self.polled.send(output);
        let let_go = Arc::clone(&self.let_go);
        // Other tasks leave this thread, so that it alone is lost.
        let _ = tokio::task::block_in_place(|| let_go.lock().unwrap().recv());
        Ok(ToolOutput::text("too late"))
    }
}

/// A toolbox with nothing but that tool.
struct StubbornBox(Arc<Stubborn>, ScriptedTools);

impl Toolbox for StubbornBox {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.1.catalog()
    }

    fn get(&self, _: &str) -> Option<Arc<dyn Tool>> {
        Some(self.0.clone())
    }
}

// law 6, law 7, NFR-4: on threads, as no other clock can tell of a thread that is held. Nothing here
// waits for time but for what follows from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_that_goes_on_after_it_was_stopped_keeps_its_place_and_operators_hear_of_it() {
    let (polled, mut was_polled) = tokio::sync::mpsc::unbounded_channel();
    let (free, let_go) = mpsc::channel();
    let stubborn = Stubborn { polled, let_go: Arc::new(Mutex::new(let_go)) };
    let catalog = ScriptedTools::new().scripted(stubborn.spec());
    let (model, script) = polychat::ScriptedModel::new();
    let mut limits = Limits::default();
    limits.shutdown_drain_duration = Duration::from_millis(1);
    limits.turns_running_max = 1;
    let name = AgentName::new("assistant").unwrap();
    let agent = AgentConfig::new(name, ModelName::new("assistant").unwrap());
    let world = WorldBuilder::new("home", model)
        .limits(limits)
        .tools(Arc::new(StubbornBox(Arc::new(stubborn), catalog)))
        .agent(agent.tools(ToolSelection::All))
        .open()
        .await
        .unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let mut feed = WorldWatcher::new(&world).await;
    let prompt = chat.prompt("hello").await.unwrap();
    script.call_for("hello").await.tool_call(asked("stubborn", "x")).finish();
    let sink = was_polled.recv().await.unwrap();
    let turn = feed.until_status(&chat, StatusKind::Running).await.turn_id.unwrap();
    chat.cancel().await.unwrap();
    assert_eq!(prompt.outcome().await.unwrap(), PromptOutcome::Cancelled);
    sink.output("nobody hears this");
    assert!(sink.is_stopped(), "it could know");
    // Only a failure takes that long.
    let told = timeout(60 * SECOND, feed.until_diagnostic("task_lingers")).await.unwrap();
    assert_eq!(
        (told.chat_id, told.kind),
        (Some(chat_id("a")), DiagnosticKind::TaskLingers { turn_id: turn },)
    );
    feed.until_status(&chat, StatusKind::Idle).await;
    // The outcome did not wait for it, its place among the running turns does.
    assert_eq!(world.turns_running(), Some(1));
    let next = chat.prompt("again").await.unwrap();
    assert_eq!(script.calls_seen(), 1);
    free.send(()).unwrap();
    timeout(60 * SECOND, script.call_for("again")).await.unwrap().text("fine").finish();
    assert_eq!(next.outcome().await.unwrap(), PromptOutcome::Completed);
    let log = activity(&chat).await;
    assert!(!log.iter().any(|line| line.starts_with("result")), "{log:?}");
    assert_sound(&chat).await;
    world.shutdown().await;
}

// law 7: a call that hangs past its deadline is over, its task too
#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_calls_that_were_stopped() {
    let house = house().open().await;
    let idle = tasks();
    drop(house);
    let house = world_of_tools().limits(|limits| limits.tool_duration_max = SECOND).open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "warm up", "done").await;
    settle().await;
    let before = tasks();
    assert!(before >= idle);
    for round in 0..20 {
        let text = format!("round {round}");
        let calls = (0..8).map(|n| asked("look", &n.to_string()));
        let prompt = house.begin_calls(&chat, &text, calls).await;
        house.running("7").await;
        if round % 2 == 0 {
            chat.cancel().await.unwrap();
        } else {
            house.answer(&text, "too slow").await;
        }
        outcome(&prompt).await;
    }
    pass(60 * SECOND).await;
    assert_eq!((house.tools.calls_open(), house.local.turns_running()), (0, Some(0)));
    assert_eq!(tasks(), before);
    assert_sound(&chat).await;
}

// design: … never passivated while something is under way
#[tokio::test(start_paused = true)]
async fn a_chat_whose_tools_run_is_not_passivated() {
    let house = world_of_tools()
        .limits(|limits| {
            limits.passivate_after = 4 * SECOND;
            limits.live_chats_max = 2;
        })
        .open()
        .await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    pass(100 * SECOND).await;
    for n in 0..5 {
        // Newcomers find room beside it, and do not take its own.
        house.chat(&format!("newcomer {n}")).await;
    }
    assert!(!call.is_dropped());
    call.result("at last");
    house.answer("hello", "well").await;
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

/// How many tasks live.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

//! Tools that reach back: into their own chat, into others, into the world that runs them; and
//! tools that speak from many threads at once.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use polychat::{
    AgentConfig, AgentName, Failure, FailureKind, ModelName, PromptOutcome, StatusKind, World,
    WorldBuilder,
    ports::{Tool, ToolInput, ToolSink, Toolbox},
    tool::{ToolCatalog, ToolKind, ToolOutput, ToolSelection, ToolSpec},
};
use polychat_testkit::tools::{self, Act, ScriptedTools};
use tokio::time::Instant;

use crate::support::{
    House, Setup, activity, answers, asked, assert_sound, chat_id, code, count, house, outcome,
    settle, watch, within,
};

const SECOND: Duration = Duration::from_secs(1);

type Answer = Pin<Box<dyn Future<Output = Result<ToolOutput, Failure>> + Send>>;

/// A toolbox with one tool, `reach`, that does what a function says.
struct Reach(Arc<Function>, ScriptedTools);

struct Function(Box<dyn Fn(ToolInput, ToolSink) -> Answer + Send + Sync>);

#[async_trait::async_trait]
impl Tool for Function {
    fn spec(&self) -> ToolSpec {
        tools::spec("reach").kind(ToolKind::Read)
    }

    async fn call(&self, input: ToolInput, output: ToolSink) -> Result<ToolOutput, Failure> {
        self.0(input, output).await
    }
}

impl Toolbox for Reach {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.1.catalog()
    }

    fn get(&self, _: &str) -> Option<Arc<dyn Tool>> {
        Some(self.0.clone())
    }
}

fn reaching<F>(function: impl Fn(ToolInput, ToolSink) -> F + Send + Sync + 'static) -> Reach
where
    F: Future<Output = Result<ToolOutput, Failure>> + Send + 'static,
{
    let function = Function(Box::new(move |input, output| Box::pin(function(input, output))));
    let catalog = ScriptedTools::new().scripted(function.spec());
    Reach(Arc::new(function), catalog)
}

fn agent() -> AgentConfig {
    let name = AgentName::new("assistant").unwrap();
    AgentConfig::new(name, ModelName::new("assistant").unwrap()).tools(ToolSelection::All)
}

/// A world whose tool may use the world itself; whoever opens it puts it into the cell.
fn world_within<F>(
    function: impl Fn(World) -> F + Send + Sync + 'static,
) -> (Setup, Arc<OnceLock<World>>)
where
    F: Future<Output = Result<ToolOutput, Failure>> + Send + 'static,
{
    let cell = Arc::<OnceLock<World>>::default();
    let world = Arc::clone(&cell);
    let tools = reaching(move |_, _| function(world.get().unwrap().clone()));
    (house().tools(tools).agent(agent()), cell)
}

async fn opened((setup, cell): (Setup, Arc<OnceLock<World>>)) -> House {
    let house = setup.open().await;
    assert!(cell.set(house.local.clone()).is_ok());
    house
}

fn failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::ToolFailed, &why.to_string())
}

// law 6: a tool that asks another chat, as an agent with helpers does
#[tokio::test(start_paused = true)]
async fn a_tool_may_ask_another_chat_and_answer_with_what_that_says() {
    let house = opened(world_within(|world| async move {
        let helper = world.open_chat("helper").await.map_err(|error| failed(&error))?;
        let asked = helper.prompt("help").await.map_err(|error| failed(&error))?;
        let answer = asked.answer().await.map_err(|error| failed(&error))?;
        Ok(ToolOutput::text(answer))
    }))
    .await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("reach", "x")]).await;
    house.answer("help", "forty-two").await;
    let model = house.call_for("hello").await;
    assert_eq!(answers(model.request()), ["forty-two"]);
    model.text("well").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
    assert_sound(&house.world.chat("helper").unwrap()).await;
}

// law 5, law 7: a tool that waits for its own turn waits for itself, and not for ever
#[tokio::test(start_paused = true)]
async fn a_tool_that_waits_for_its_own_chat_or_for_the_place_it_holds_ends_at_its_deadline() {
    for other in ["a", "b"] {
        let (setup, cell) = world_within(move |world| async move {
            let chat = world.open_chat(other).await.map_err(|error| failed(&error))?;
            let asked = chat.prompt("wait for me").await.map_err(|error| failed(&error))?;
            asked.outcome().await.map_err(|error| failed(&error))?;
            Ok(ToolOutput::text("never"))
        });
        let setup = setup.limits(|limits| {
            limits.turns_running_max = 1;
            limits.tool_duration_max = 10 * SECOND;
        });
        let house = opened((setup, cell)).await;
        let chat = house.chat("a").await;
        let began = Instant::now();
        let prompt = house.begin_calls(&chat, "hello", [asked("reach", "x")]).await;
        let model = house.call_for("hello").await;
        assert!(answers(model.request())[0].starts_with("deadline: "));
        assert_eq!(began.elapsed().as_secs(), 10);
        model.text("too entangled").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        house.answer("wait for me", "here I am").await;
        settle().await;
        let other = house.world.chat(other).unwrap();
        assert_eq!(activity(&other).await.last().unwrap(), "ended completed");
        assert_sound(&other).await;
    }
}

// law 5: a tool that ends its own turn
#[tokio::test(start_paused = true)]
async fn a_tool_that_cancels_closes_or_deletes_its_own_chat_is_stopped_by_that() {
    for how in ["cancel", "close", "interrupt", "delete"] {
        let house = opened(world_within(move |world| async move {
            let chat = world.chat("a").unwrap();
            match how {
                "cancel" => chat.cancel().await,
                "close" => chat.close().await,
                "delete" => chat.delete().await,
                _ => chat.prompt("now").interrupt().await.map(drop),
            }
            .map_err(|error| failed(&error))?;
            Ok(ToolOutput::text("too late"))
        }))
        .await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let prompt = chat.prompt("hello").await.unwrap();
        seen.until_event("message.start").await;
        house.call_for("hello").await.tool_call(asked("reach", "x")).finish();
        if how == "delete" {
            seen.until_ended().await;
            assert_eq!(code(chat.snapshot().await), "chat_deleted");
            continue;
        }
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Cancelled, "{how}");
        if how == "interrupt" {
            house.answer("now", "yes?").await;
        }
        settle().await;
        let log = activity(&chat).await;
        assert_eq!((count(&log, "error 0 cancelled"), count(&log, "result")), (1, 0), "{how}");
        assert_eq!(house.local.turns_running(), Some(0));
        assert_sound(&chat).await;
    }
}

// law 5: a tool that closes the world that runs it
#[tokio::test(start_paused = true)]
async fn a_tool_that_shuts_its_world_down_is_ended_by_that_and_the_world_closes() {
    let house = opened(world_within(|world| async move {
        world.shutdown().await;
        Ok(ToolOutput::text("never"))
    }))
    .await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("reach", "x")]).await;
    settle().await;
    assert_eq!(code(chat.prompt("more").await), "world_closed");
    // Whoever asks again waits for the same end.
    within(house.local.shutdown()).await;
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let log = activity(&chat).await;
    assert_eq!(log[3..], ["error 0 unknown_outcome", "ended interrupted"]);
    assert_sound(&chat).await;
}

// law 3: what a tool was given says nothing of where it is
#[tokio::test(start_paused = true)]
async fn a_tool_is_told_neither_its_chat_nor_its_turn() {
    let tools = reaching(|input, _| async move {
        Ok(ToolOutput::text(format!("{} {:?}", input.arguments, input.context)))
    });
    let house = house().tools(tools).agent(agent()).open().await;
    let chat = house.chat("my very own chat").await;
    house.begin_calls(&chat, "hello", [asked("reach", "x")]).await;
    let model = house.call_for("hello").await;
    assert_eq!(answers(model.request()), [r#"{"which":"x"} HostContext { .. }"#]);
}

// law 4, law 6: pieces from many threads stay whole, and come in one order for all
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_from_many_threads_is_one_text_of_whole_pieces() {
    const THREADS: usize = 4;
    const PIECES: usize = 500;
    let tools = reaching(|_, sink| async move {
        let mut threads = Vec::new();
        for thread in 0..THREADS {
            let sink = Arc::clone(&sink);
            threads.push(tokio::task::spawn_blocking(move || {
                for piece in 0..PIECES {
                    assert!(!sink.is_stopped());
                    sink.output(&format!("<{thread}:{piece}ß>"));
                    sink.progress(serde_json::json!({ "progress": piece }));
                }
            }));
        }
        for thread in threads {
            thread.await.map_err(|error| failed(&error))?;
        }
        Ok(ToolOutput::text("all said"))
    });
    let (model, script) = polychat::ScriptedModel::new();
    let builder = WorldBuilder::new("home", model).tools(Arc::new(tools)).agent(agent());
    let world = builder.open().await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let mut watchers = Vec::new();
    for _ in 0..2 {
        let mut watcher = watch(&chat).await;
        watchers.push(tokio::spawn(async move {
            let mut shown = String::new();
            watcher
                .until(|view| {
                    let call = view.calls.values().next();
                    call.is_some_and(|call| !call.output.is_empty())
                })
                .await;
            for notice in &watcher.notices {
                if let polychat::Notice::Live { event, .. } = notice
                    && let polychat::LiveBody::ToolOutput { text, .. } = &event.body
                {
                    shown.push_str(text);
                }
            }
            shown
        }));
    }
    chat.prompt("hello").await.unwrap();
    script.call_for("hello").await.tool_call(asked("reach", "x")).finish();
    script.call_for("hello").await.text("well").finish();
    let mut texts = Vec::new();
    for watcher in watchers {
        texts.push(watcher.await.unwrap());
    }
    assert_eq!(texts[0], texts[1], "one order for all");
    let mut next = [0; THREADS];
    for piece in texts[0].split_terminator('>') {
        let (thread, n) = piece.trim_start_matches('<').split_once(':').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(n, format!("{}ß", next[thread]), "each thread's pieces in their order");
        next[thread] += 1;
    }
    assert_eq!(next, [PIECES; THREADS]);
    world.shutdown().await;
}

// REQ-4, NFR-1: the same tool for many chats at once, where tasks really run in parallel
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chats_on_several_threads_get_their_own_results_and_nobody_elses() {
    let toolbox =
        ScriptedTools::new().answering(tools::spec("echo").kind(ToolKind::Read), |input| {
            let which = input.arguments["which"].as_str().unwrap_or_default();
            vec![Act::output(format!("hearing {which}")), Act::Yield, Act::result(which)]
        });
    let (model, script) = polychat::ScriptedModel::new();
    let builder = WorldBuilder::new("home", model).tools(Arc::new(toolbox)).agent(agent());
    let world = builder.open().await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..16 {
        let (world, script) = (world.clone(), script.clone());
        tasks.push(tokio::spawn(async move {
            let chat = world.open_chat(format!("chat {n}")).await.unwrap();
            let mut seen = watch(&chat).await;
            for turn in 0..5 {
                let text = format!("{n}/{turn}");
                let prompt = chat.prompt(&text).await.unwrap();
                let model = script.call_for(&text).await;
                let own: Vec<_> = (0..8).map(|call| format!("{n}/{turn}/{call}")).collect();
                for which in &own {
                    model.tool_call(asked("echo", which));
                }
                model.finish();
                let model = script.call_for(&text).await;
                assert_eq!(answers(model.request()).split_off(8 * turn), own);
                model.text("well").finish();
                assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
            }
            for notice in &seen.notices {
                if let polychat::Notice::Live { event, .. } = notice
                    && let polychat::LiveBody::ToolOutput { text, .. } = &event.body
                {
                    assert!(text.starts_with(&format!("hearing {n}/")), "{text}");
                }
            }
            chat
        }));
    }
    for task in tasks {
        assert_sound(&task.await.unwrap()).await;
    }
    world.shutdown().await;
}

// issue 3: a tool that works on a thread of its own asks whether anybody still waits
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_of_a_tools_own_that_goes_on_for_ever_learns_that_it_is_stopped() {
    let (tell, told) = std::sync::mpsc::channel();
    let tools = reaching(move |_, sink| {
        let tell = tell.clone();
        async move {
            // Nobody waits for this thread; it must find out by itself.
            tokio::task::spawn_blocking(move || {
                let mut pieces: u64 = 0;
                while !sink.is_stopped() {
                    sink.output("again ");
                    pieces += 1;
                    std::thread::yield_now();
                }
                let _ = tell.send(pieces);
            });
            std::future::pending().await
        }
    });
    let (model, script) = polychat::ScriptedModel::new();
    let builder = WorldBuilder::new("home", model).tools(Arc::new(tools)).agent(agent());
    let world = builder.open().await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let mut seen = watch(&chat).await;
    let prompt = chat.prompt("hello").await.unwrap();
    script.call_for("hello").await.tool_call(asked("reach", "x")).finish();
    seen.until(|view| view.calls.values().any(|call| call.shown.contains("again"))).await;
    chat.cancel().await.unwrap();
    assert_eq!(prompt.outcome().await.unwrap(), PromptOutcome::Cancelled);
    let pieces = tokio::task::spawn_blocking(move || told.recv()).await.unwrap().unwrap();
    assert!(pieces > 0);
    assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Idle);
    assert_eq!(world.chat("a").unwrap().id(), &chat_id("a"));
    world.shutdown().await;
}

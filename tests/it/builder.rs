//! Tools as a builder of worlds puts them together, and tools that block a thread.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use polychat::{
    AgentConfig, AgentName, DemoModel, Error, ModelName, World, WorldBuilder, Worlds,
    tool::{ToolOutput, ToolSelection},
    tools::{BlockingPool, FnTool, NoArguments, Tools, ToolsError, builtin, tool},
};

use crate::support::{chat_id, within};

fn builder() -> WorldBuilder {
    WorldBuilder::new("home", DemoModel::new().pace(Duration::ZERO))
}

/// A tool that answers with one word.
fn says(name: &str, word: &'static str) -> FnTool {
    tool(name, "says a word", move |_: NoArguments| async move { word }).reads_only()
}

async fn selection(world: &World) -> ToolSelection {
    within(world.info()).await.unwrap().agents[0].tools.clone()
}

async fn answer(world: &World, chat: &str, prompt: &str) -> String {
    let chat = within(world.open_chat(chat_id(chat))).await.unwrap();
    within(chat.prompt(prompt).await.unwrap().answer()).await.unwrap()
}

// Issue 3: what a world is given can be used without more ado.
#[tokio::test(start_paused = true)]
async fn the_agent_that_a_builder_makes_may_use_the_tools_that_it_was_given() {
    let none = builder().open().await.unwrap();
    assert_eq!(selection(&none).await, ToolSelection::None);
    let single = builder().tool(says("a", "apple")).open().await.unwrap();
    assert_eq!(selection(&single).await, ToolSelection::All);
    assert!(answer(&single, "c", "/tool a").await.contains("apple"));
    let toolbox = Tools::builder().add(says("b", "berry")).build().unwrap();
    let given = builder().tools(Arc::new(toolbox)).open().await.unwrap();
    assert_eq!(selection(&given).await, ToolSelection::All);
    assert!(answer(&given, "c", "/tool b").await.contains("berry"));
}

// design: which tools an agent may use is part of the agent
#[tokio::test(start_paused = true)]
async fn an_agent_that_was_set_keeps_its_own_selection() {
    let (name, model) = (AgentName::new("ada").unwrap(), ModelName::new("ada").unwrap());
    let agent = AgentConfig::new(name, model);
    let builder = builder().tool(says("a", "apple")).tool(says("b", "berry"));
    let none = builder.clone().agent(agent.clone()).open().await.unwrap();
    assert_eq!(selection(&none).await, ToolSelection::None);
    assert!(!answer(&none, "c", "/tool a").await.contains("apple"));
    let only = ToolSelection::Only(vec!["b".into()]);
    let one = builder.agent(agent.tools(only.clone())).open().await.unwrap();
    assert_eq!(selection(&one).await, only);
    assert!(answer(&one, "c", "/tool b").await.contains("berry"));
}

#[tokio::test(start_paused = true)]
async fn single_tools_go_before_those_of_the_same_name_in_the_toolbox() {
    let others = [says("a", "ant"), says("b", "bee")];
    let toolbox = Tools::builder().add_all(others).build().unwrap();
    // In whichever order they are given.
    for world in [
        builder().tools(Arc::new(toolbox.clone())).tool(says("a", "apple")),
        builder().tool(says("a", "apple")).tools(Arc::new(toolbox)),
    ] {
        let world = world.open().await.unwrap();
        assert!(answer(&world, "c", "/tool a").await.contains("apple"));
        assert!(answer(&world, "c", "/tool b").await.contains("bee"));
    }
}

#[tokio::test(start_paused = true)]
async fn tools_that_do_not_go_together_are_an_error_when_the_world_is_opened() {
    let twice = builder().tool(says("a", "apple")).tool(says("a", "ant")).open().await;
    let Err(Error::Tools(error)) = twice else { panic!("{:?}", twice.err()) };
    assert_eq!(error, ToolsError::DuplicateName { name: "a".into() });
    assert_eq!(Error::from(error).to_string(), "there are two tools named \"a\"");
}

// REQ-5, law 6: worlds share the tools that they were made with, and nothing else.
#[tokio::test(start_paused = true)]
async fn worlds_of_one_builder_have_the_same_tools() {
    let worlds = Worlds::new(builder().tool(says("a", "apple")));
    for name in ["home", "work"] {
        let world = worlds.open(name).await.unwrap();
        assert!(answer(&world, "c", "/tool a").await.contains("apple"), "{name}");
    }
    worlds.close_all().await;
}

#[tokio::test(start_paused = true)]
async fn the_built_in_tools_work_for_a_chat() {
    let toolbox = Tools::builder().add_all(builtin::all()).build().unwrap();
    let world = builder().tools(Arc::new(toolbox)).open().await.unwrap();
    let sum = answer(&world, "c", r#"/tool calculator {"expression": "6 * 7"}"#).await;
    assert!(sum.contains("42"), "{sum}");
    let waited = answer(&world, "c", r#"/tool wait {"seconds": 3}"#).await;
    assert!(waited.contains("waited 3 seconds"), "{waited}");
    let wrong = answer(&world, "c", r#"/tool wait {"seconds": "long"}"#).await;
    assert!(wrong.contains("arguments/seconds"), "{wrong}");
}

/// A tool that says when it begins, and ends when it is told to.
fn held(pool: &BlockingPool) -> (FnTool, Receiver<()>, Sender<()>) {
    let ((begin, begun), (release, released)) = (channel(), channel::<()>());
    let (begin, released) = (Mutex::new(begin), Mutex::new(released));
    let held = pool.tool("held", "hangs until it is released", move |_: NoArguments, _| {
        begin.lock().unwrap().send(()).unwrap();
        let released = released.lock().unwrap().recv();
        released.map(|()| ToolOutput::text("released"))
    });
    (held.reads_only(), begun, release)
}

/// Waits for threads. The paused time moves only while nobody is busy.
async fn busy_until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

// Issue 3, law 6: the outcome of a hung call does not wait for its thread, and a chat that waits for
// a place in the pool is held up by nothing else.
#[tokio::test(start_paused = true)]
async fn a_hung_thread_ends_its_call_at_the_deadline_and_keeps_its_place_until_it_ends() {
    let pool = BlockingPool::new(1);
    let (held, begun, release) = held(&pool);
    let held = held.duration_max(Duration::from_secs(60));
    let world = builder().tool(held).tool(says("a", "apple")).open().await.unwrap();
    let open = async |name| within(world.open_chat(chat_id(name))).await.unwrap();
    let (first, second) = (open("first").await, open("second").await);

    let hung = first.prompt("/tool held").await.unwrap();
    let told = tokio::spawn(async move { hung.answer().await });
    busy_until(|| begun.try_recv().is_ok() || told.is_finished()).await;
    assert!(answer(&world, "other", "/tool a").await.contains("apple"));
    let told = within(told).await.unwrap().unwrap();
    assert!(told.contains("deadline"), "{told}");
    assert_eq!(pool.running(), 1);

    // The next call waits for the thread that nobody waits for any more.
    let waits = second.prompt("/tool held").await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(begun.try_recv().is_err());
    let told = tokio::spawn(async move { waits.answer().await });
    release.send(()).unwrap();
    release.send(()).unwrap();
    busy_until(|| told.is_finished()).await;
    let told = told.await.unwrap().unwrap();
    assert!(told.contains("released"), "{told}");
    assert_eq!(pool.running(), 0);
}

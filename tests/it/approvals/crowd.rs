//! Ten thousand chats that wait for a person beside a hundred that work (issue 3).
//!
//! Nothing is judged by how long it took. What counts is how many run at once, in which order they
//! end, at which moment of the paused time, how many tasks live, and what is asked of the store.

use std::time::Duration;

use polychat::{
    AgentConfig, AgentName, Chat, ModelName, ModelRequest, Page, PromptHandle, PromptOutcome,
    ScriptedModel, StatusKind, World,
    command::{ChatFilter, NewChat},
    tool::{ApprovalDecision::AllowOnce, ToolKind, ToolSelection},
};
use polychat_model::Step;
use polychat_testkit::{
    faulty_store::Call,
    tools::{self, Act, ScriptedTools},
};
use tokio::{task::JoinSet, time::Instant};

use crate::support::{
    House, activity, assert_sound, assert_sound_so_far, chat_id, house, outcome, pass, pending,
    settle, within,
};

const SECOND: Duration = Duration::from_secs(1);

/// How many work, and how many of them at once.
const WORKERS: usize = 100;
const AT_ONCE: usize = 8;

/// Asks for `act`, or for `toil` twice, as its prompt says; then it is done.
fn answer(request: &ModelRequest) -> Vec<Step> {
    let steps = request.messages.iter().rev().take_while(|message| !message.is_user()).count() / 2;
    let text = request.messages.iter().find(|it| it.is_user()).map(|it| it.text());
    let acts = Act::arguments(&[Act::Pause(20), Act::result("toiled")]);
    match (text.unwrap_or_default().as_str(), steps) {
        ("wait", 0) => vec![Step::tool_call(tools::asks("act", acts))],
        ("work", 0 | 1) => vec![Step::tool_call(tools::asks("toil", acts))],
        _ => vec![Step::text("done")],
    }
}

async fn crowded_world(limits: impl FnOnce(&mut polychat::Limits)) -> House {
    let toolbox = ScriptedTools::new()
        .acting(tools::spec("act"))
        .acting(tools::spec("toil").kind(ToolKind::Read));
    let (name, model) = (AgentName::new("crowd").unwrap(), ModelName::new("crowd").unwrap());
    let agent = AgentConfig::new(name, model.clone()).tools(ToolSelection::All);
    let crowd = ScriptedModel::answering(|request| answer(&request));
    house()
        .limits(limits)
        .limits(|limits| limits.turns_running_max = AT_ONCE)
        .scripted(toolbox)
        .with(move |builder| builder.add_model(model, crowd).add_agent(agent))
        .open()
        .await
}

async fn crowd_chat(world: &World, id: &str) -> Chat {
    let new = NewChat::with_id(chat_id(id)).agent(AgentName::new("crowd").unwrap());
    world.create_chat(new).await.unwrap()
}

/// So many chats whose turns wait for a person.
async fn let_wait(house: &House, chats: usize) -> Vec<(Chat, PromptHandle)> {
    let mut waiting = Vec::with_capacity(chats);
    for n in 0..chats {
        let chat = crowd_chat(&house.world, &format!("waits {n:05}")).await;
        let prompt = chat.prompt("wait").await.unwrap();
        waiting.push((chat, prompt));
    }
    settle().await;
    assert_eq!(house.local.turns_running(), Some(0));
    waiting
}

/// What the work of the workers was like.
#[derive(Debug, PartialEq)]
struct Work {
    /// When each ended, in milliseconds of the paused time, in that order.
    ends: Vec<(String, u128)>,
    /// How many appends it took.
    appends: u64,
    /// How many tools ran at once at most.
    at_once: usize,
}

/// Lets a hundred chats work, and watches them end.
async fn let_work(house: &House) -> Work {
    let mut chats = Vec::new();
    for n in 0..WORKERS {
        chats.push(crowd_chat(&house.world, &format!("works {n:03}")).await);
    }
    let (began, before) = (Instant::now(), house.faults.calls(Call::Append));
    let mut ends = JoinSet::new();
    for chat in &chats {
        let prompt = chat.prompt("work").await.unwrap();
        ends.spawn(async move {
            let outcome = prompt.outcome().await.unwrap();
            assert_eq!(outcome, PromptOutcome::Completed);
            (prompt.chat().id().to_string(), began.elapsed().as_millis())
        });
    }
    let mut order = Vec::new();
    while let Some(ended) = within(ends.join_next()).await {
        assert!(house.local.turns_running().unwrap() <= AT_ONCE);
        order.push(ended.unwrap());
    }
    for chat in &chats {
        assert_sound(chat).await;
    }
    let appends = house.faults.calls(Call::Append) - before;
    Work { ends: order, appends, at_once: house.tools.calls_at_once() }
}

/// How many chats a list shows as awaiting.
async fn awaiting(world: &World) -> usize {
    let (mut page, mut found) = (Page::first(500), 0);
    loop {
        let chats = world.chats(page, ChatFilter::new()).await.unwrap();
        found += chats.chats.iter().filter(|chat| chat.kind == StatusKind::Awaiting).count();
        match chats.next {
            Some(next) => page = Page::after(next, 500),
            None => return found,
        }
    }
}

/// How many tasks live.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Decides some of the waiting ones, and sees that they go on.
async fn decide_some(waiting: &[(Chat, PromptHandle)], every: usize) -> usize {
    let some: Vec<_> = waiting.iter().step_by(every).collect();
    for (chat, _) in &some {
        let calls = pending(chat).await;
        chat.decide(calls[0].tool_call_id, AllowOnce).await.unwrap();
    }
    for (chat, prompt) in &some {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
        let log = activity(chat).await;
        assert_eq!(log[2..6], ["asked 0", "decided 0", "start 0", "result 0 toiled"]);
        assert_sound(chat).await;
    }
    some.len()
}

// issue 3: 10,000 chats awaiting an approval while 100 others run turns through a cap of 8: the
// others are not delayed by them
#[tokio::test(start_paused = true)]
async fn ten_thousand_chats_that_wait_delay_nobody_and_hold_nothing() {
    const WAITING: usize = 10_000;
    let house = crowded_world(|_| {}).await;
    settle().await;
    let idle = tasks();
    let alone = let_work(&crowded_world(|_| {}).await).await;
    assert_eq!((alone.ends.len(), alone.at_once), (WORKERS, AT_ONCE));
    let waiting = let_wait(&house, WAITING).await;
    // To the millisecond, in the same order, with the same appends, as if nobody waited.
    assert_eq!(let_work(&house).await, alone);
    assert_eq!(awaiting(&house.world).await, WAITING, "nobody's waiting was disturbed");
    // Nobody has decided for so long that their actors have gone.
    pass(400 * SECOND).await;
    assert_eq!(tasks(), idle, "a chat that waits holds no task");
    assert_eq!(awaiting(&house.world).await, WAITING);
    let decided = decide_some(&waiting, 500).await;
    assert_eq!(awaiting(&house.world).await, WAITING - decided);
    assert_sound_so_far(&waiting[1].0).await;
}

// issue 3, law 7: … and where far fewer chats may be live than wait
#[tokio::test(start_paused = true)]
async fn a_thousand_chats_wait_in_a_world_that_holds_but_a_hundred() {
    const WAITING: usize = 1_000;
    const LIVE: usize = WORKERS + 1;
    let narrow = |limits: &mut polychat::Limits| limits.live_chats_max = LIVE;
    let alone = let_work(&crowded_world(narrow).await).await;
    let house = crowded_world(narrow).await;
    let waiting = let_wait(&house, WAITING).await;
    let crowded = let_work(&house).await;
    assert_eq!((&crowded.ends, crowded.at_once), (&alone.ends, alone.at_once));
    assert_eq!(awaiting(&house.world).await, WAITING);
    let decided = decide_some(&waiting, 50).await;
    assert_eq!(awaiting(&house.world).await, WAITING - decided);
}

//! Closing a world in order, losing it without, and opening it again over the same store.

use std::{sync::Arc, time::Duration};

use polychat::{
    AgentConfig, AgentName, EndReason, FailureKind, ModelName, Notice, PromptOutcome, StatusKind,
    command::{ChatFilter, PromptState},
    notice::WorldNotice,
    ports::{Tool, Toolbox},
    tool::{ApprovalDecision, ToolCall, ToolCatalog, ToolSelection, ToolSpec},
};
use polychat_testkit::{
    faulty_store::{Call, Fault, Gate},
    view::MessageState,
};
use tokio::time::Instant;

use crate::support::{
    House, WorldWatcher, assert_sound, assert_sound_so_far, code, failure, house, messages, names,
    outcome, pass, said, settle, watch, within,
};

const SECOND: Duration = Duration::from_secs(1);

// issue 2: running turns get their time
#[tokio::test(start_paused = true)]
async fn a_shutdown_refuses_commands_and_lets_a_running_turn_finish() {
    let house = house().open().await;
    let (chat, idle) = (house.chat("a").await, house.chat("b").await);
    let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
    let (prompt, call) = house.begin(&chat, "hello").await;
    let queued = chat.prompt("queued").await.unwrap();
    let closing = tokio::spawn({
        let world = house.local.clone();
        async move { world.shutdown().await }
    });
    settle().await;
    assert_eq!(code(chat.prompt("late").await), "world_closed");
    assert_eq!(code(idle.rename("late").await), "world_closed");
    assert_eq!(code(house.world.subscribe().await.map(drop)), "world_closed");
    assert_eq!(
        code(house.world.chats(polychat::command::Page::first(1), ChatFilter::new()).await),
        "world_closed"
    );
    assert!(!closing.is_finished(), "it waits for the turn");
    call.text("just in time").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    within(closing).await.unwrap();
    assert_eq!(seen.until_ended().await, EndReason::WorldClosed);
    while feed.next().await != Notice::Ended(EndReason::WorldClosed) {}
    house.no_further_call().await;
    assert!(!matches!(
        seen.view.prompts[queued.id()].state,
        polychat_testkit::view::ViewPromptState::Ended(_)
    ));
    // Closing again is no error.
    within(house.local.shutdown()).await;
}

// issue 2: … then they end interrupted; the queue is kept and runs after reopening
#[tokio::test(start_paused = true)]
async fn a_turn_that_takes_too_long_is_interrupted_and_the_queue_runs_in_the_next_life() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = first.begin(&chat, "hello").await;
    let queued = chat.prompt("queued").await.unwrap();
    call.text("as far as this").drained().await;
    let began = Instant::now();
    within(first.local.shutdown()).await;
    assert_eq!(began.elapsed().as_secs(), 5);
    within(call.dropped()).await;
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Interrupted);
    assert_eq!(seen.view.messages[1].text, "as far as this");
    assert_eq!(seen.until_ended().await, EndReason::WorldClosed);
    assert!(within(queued.outcome()).await.is_err(), "it has none yet");

    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let call = second.call_for("queued").await;
    let own = ["user: hello", "assistant: as far as this", "user: queued"];
    assert_eq!(said(call.request()), own);
    call.text("at last").finish();
    settle().await;
    let state = chat.prompt_state(queued.id()).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Completed, .. }));
    let state = chat.prompt_state(prompt.id()).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Interrupted, .. }));
    assert_sound(&chat).await;
}

// law 5, issue 2: dropping all handles ends the actors
#[tokio::test(start_paused = true)]
async fn dropping_every_handle_ends_the_turns_and_the_subscriptions() {
    let House { world, local, script, faults, store, .. } = house().open().await;
    let chat = world.open_chat("a").await.unwrap();
    let mut seen = watch(&chat).await;
    let prompt = chat.prompt("hello").await.unwrap();
    let call = within(script.call_for("hello")).await;
    call.text("half").drained().await;
    drop((chat, prompt, world, local));
    assert_eq!(seen.until_ended().await, EndReason::WorldClosed);
    within(call.dropped()).await;
    settle().await;
    assert_eq!(script.calls_open(), 0);
    assert!(seen.names().contains(&"turn.ended"), "it was settled on the way");
    drop((seen, faults));
    assert_eq!(std::sync::Arc::strong_count(&store), 1, "nothing of the world is left");
}

/// A world that is lost like a process: nothing of it is told to stop, its store just takes over.
async fn lost(house: &House) -> House {
    house.reopened().await
}

// law 5: a world that opens over a log that another life left open
#[tokio::test(start_paused = true)]
async fn a_turn_that_was_lost_with_its_process_ends_interrupted_with_the_text_saved() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    let (prompt, call) = first.begin(&chat, "hello").await;
    call.text("saved ").drained().await;
    pass(2 * SECOND).await; // a checkpoint
    assert!(names(&chat).await.contains(&"message.checkpoint"));
    call.text("and lost").drained().await;
    let queued = chat.prompt("queued").await.unwrap();
    let second = lost(&first).await;
    let chat = second.world.chat("a").unwrap();
    second.call_for("queued").await.text("goes on").finish();
    settle().await;
    let state = chat.prompt_state(prompt.id()).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Interrupted, .. }));
    let state = chat.prompt_state(queued.id()).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Completed, .. }));
    let mut seen = watch(&chat).await;
    seen.drain().await;
    let broken = &seen.view.messages[1];
    assert_eq!(broken.text, "saved ");
    assert!(
        matches!(&broken.state, MessageState::Broken(why) if why.kind == FailureKind::Interrupted)
    );
    // The first life is fenced: it can write nothing any more.
    call.text(" more").finish();
    pass(SECOND).await;
    assert_eq!(messages(&chat).await[1], "assistant: saved ");
    assert_sound(&chat).await;
}

/// One tool that needs a person's word.
#[derive(Clone)]
struct Shredder(Arc<ToolSpec>);

impl Shredder {
    fn new() -> Self {
        let spec = ToolSpec::new("shred", "shreds", serde_json::json!({})).needs_approval();
        Self(Arc::new(spec))
    }
}

impl ToolCatalog for Shredder {
    fn check(&self, _call: &ToolCall) -> Result<Arc<ToolSpec>, polychat::Failure> {
        Ok(Arc::clone(&self.0))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        vec![Arc::clone(&self.0)]
    }
}

impl Toolbox for Shredder {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        Arc::new(self.clone())
    }

    fn get(&self, _name: &str) -> Option<Arc<dyn Tool>> {
        None
    }
}

async fn house_with_shredder() -> House {
    let name = |text| AgentName::new(text).unwrap();
    let agent = AgentConfig::new(name("assistant"), ModelName::new("assistant").unwrap())
        .tools(ToolSelection::All);
    let one = |limits: &mut polychat::Limits| limits.turns_running_max = 1;
    house().tools(Shredder::new()).agent(agent).limits(one).open().await
}

fn shred() -> ToolCall {
    ToolCall {
        name: "shred".into(),
        arguments: serde_json::json!({"file": "x"}),
        provider_call_id: None,
    }
}

// issue 2: waiting approvals survive a shutdown; law 5
#[tokio::test(start_paused = true)]
async fn a_turn_that_waits_for_a_person_outlives_the_world_and_goes_on_in_the_next() {
    let first = house_with_shredder().await;
    let (chat, other) = (first.chat("a").await, first.chat("b").await);
    let (prompt, call) = first.begin(&chat, "shred x").await;
    call.text("shall I?").tool_call(shred()).finish();
    let mut feed = WorldWatcher::new(&first.world).await;
    feed.until_status(&chat, StatusKind::Awaiting).await;
    // It has given its place back, and its deadlines stand still.
    first.turn(&other, "to b", "fine").await;
    pass(7_200 * SECOND).await;
    assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Awaiting);
    let began = Instant::now();
    within(first.local.shutdown()).await;
    assert!(began.elapsed() < SECOND, "nobody waits for a person");

    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    settle().await;
    let mut feed = WorldWatcher::new(&second.world).await;
    feed.until_status(&chat, StatusKind::Awaiting).await;
    let approvals = chat.snapshot().await.unwrap().approvals;
    assert_eq!((approvals.len(), &*approvals[0].name), (1, "shred"));
    let no = ApprovalDecision::Deny { reason: "keep it".into() };
    chat.decide(approvals[0].tool_call_id, no.clone()).await.unwrap();
    let call = second.call_for("shred x").await;
    call.text("I kept it").finish();
    settle().await;
    let state = chat.prompt_state(prompt.id()).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Completed, .. }));
    assert_eq!(code(chat.decide(approvals[0].tool_call_id, no).await), "approval_not_pending");
    let names = names(&chat).await;
    assert!(!names.contains(&"tool.start"), "a denied call never starts: {names:?}");
    assert_sound(&chat).await;
}

// law 5; trap: a pending approval from a deleted tail replayed
#[tokio::test(start_paused = true)]
async fn an_approval_ends_with_its_turn() {
    let house = house_with_shredder().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "shred x").await;
    call.tool_call(shred()).finish();
    settle().await;
    let approval = chat.snapshot().await.unwrap().approvals[0].clone();
    chat.cancel().await.unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    let late = chat.decide(approval.tool_call_id, ApprovalDecision::AllowOnce).await;
    assert_eq!(code(late), "approval_not_pending");
    assert!(chat.snapshot().await.unwrap().approvals.is_empty());
    assert_sound(&chat).await;
    house.turn(&chat, "again", "fine").await;
}

// REQ-5, REQ-9: many chats through a restart of the world
#[tokio::test(start_paused = true)]
async fn every_chat_takes_up_its_own_work_after_a_restart() {
    let first = house().open().await;
    let mut waiting = Vec::new();
    for n in 0..20 {
        let chat = first.chat(&format!("{n}")).await;
        let (_, call) = first.begin(&chat, &format!("first of {n}")).await;
        call.text(format!("half of {n}")).drained().await;
        waiting.push((n, chat.prompt(format!("second of {n}")).await.unwrap()));
    }
    within(first.local.shutdown()).await;
    let second = first.reopened().await;
    for (n, prompt) in &waiting {
        let call = second.call_for(&format!("second of {n}")).await;
        let own = [
            format!("user: first of {n}"),
            format!("assistant: half of {n}"),
            format!("user: second of {n}"),
        ];
        assert_eq!(said(call.request()), own);
        call.text("done").finish();
        settle().await;
        let chat = second.world.chat(format!("{n}")).unwrap();
        let state = chat.prompt_state(prompt.id()).await.unwrap();
        assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Completed, .. }));
        assert_sound(&chat).await;
    }
}

// law 5: what was accepted gets its outcome, also if the store is away when the world opens
#[tokio::test(start_paused = true)]
async fn work_left_by_an_earlier_life_is_taken_up_although_the_store_is_away_at_first() {
    use polychat_testkit::faulty_store::{Call, Fault};
    let first = house().open().await;
    let chat = first.chat("a").await;
    let (_, _call) = first.begin(&chat, "hello").await;
    chat.prompt("queued").await.unwrap();
    within(first.local.shutdown()).await;
    first.faults.next(Call::List, 2, Fault::Unavailable);
    first.faults.for_chat(chat.id()).next(Call::Open, 2, Fault::Unavailable);
    let second = first.reopened().await;
    second.call_for("queued").await.finish();
    settle().await;
    assert_sound(&second.world.chat("a").unwrap()).await;
}

// law 5, law 7: … or more chats have work than may live at once
#[tokio::test(start_paused = true)]
async fn work_left_in_more_chats_than_may_live_at_once_is_taken_up_chat_by_chat() {
    let first = house().limits(|limits| limits.live_chats_max = 5).open().await;
    let mut chats = Vec::new();
    for n in 0..5 {
        let chat = first.chat(&format!("{n}")).await;
        let (_, _call) = first.begin(&chat, &format!("first of {n}")).await;
        chat.prompt(format!("second of {n}")).await.unwrap();
        chats.push(chat);
    }
    within(first.local.shutdown()).await;
    let mut fewer = polychat::Limits::default();
    fewer.live_chats_max = 2;
    let second = first.reopened_with(fewer).await;
    for _ in 0..5 {
        within(second.script.next_call()).await.finish();
    }
    settle().await;
    for n in 0..5 {
        assert_sound(&second.world.chat(format!("{n}")).unwrap()).await;
    }
}

// law 7: a shutdown ends even if the store does not answer
#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_although_an_append_hangs() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let _gate = house.faults.hang_next(polychat_testkit::faulty_store::Call::Append, 1);
    let renaming = tokio::spawn({
        let chat = chat.clone();
        async move { chat.rename("held").await }
    });
    settle().await;
    let began = Instant::now();
    within(house.local.shutdown()).await;
    assert!(began.elapsed() <= 20 * SECOND, "{:?}", began.elapsed());
    let _ = within(renaming).await.unwrap();
}

// law 4, issue 2: nothing new begins while the world closes
#[tokio::test(start_paused = true)]
async fn a_failing_turn_during_a_shutdown_starts_no_further_one() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    chat.prompt("queued").await.unwrap();
    let failing = tokio::spawn(async move { failure(&prompt).await });
    settle().await;
    let closing = tokio::spawn({
        let world = house.local.clone();
        async move { world.shutdown().await }
    });
    settle().await;
    call.panic("on purpose");
    assert_eq!(within(failing).await.unwrap().kind, FailureKind::Panicked);
    within(closing).await.unwrap();
    house.no_further_call().await;
    loop {
        match feed.next().await {
            Notice::Ended(reason) => break assert_eq!(reason, EndReason::WorldClosed),
            Notice::World(WorldNotice::Deleted { .. }) => panic!("nothing was deleted"),
            _ => {}
        }
    }
    let second = house.reopened().await;
    second.call_for("queued").await.finish();
    settle().await;
    assert_sound_so_far(&second.world.chat("a").unwrap()).await;
}

// law 7: nothing of a world that was shut down is left, least of all the store's file
#[tokio::test(start_paused = true)]
async fn a_world_that_was_shut_down_while_it_took_up_work_holds_its_store_no_longer() {
    let house = house().open().await;
    house.chat("a").await;
    within(house.world.shutdown()).await;
    let store = Arc::clone(&house.store);
    // The store does not answer when it is asked for the chats.
    house.faults.every(Call::List, Fault::HangBefore(Gate::closed()));
    let builder = house.builder();
    drop(house);
    let world = builder.open().await.unwrap();
    settle().await;
    within(world.shutdown()).await;
    drop(world);
    assert_eq!(Arc::strong_count(&store), 1);
}

//! Tools through crashes, restarts, shutdowns, and a store that is away.

use std::time::Duration;

use polychat::{Chat, FailureKind, PromptHandle, PromptOutcome, StatusKind, command::PromptState};
use polychat_testkit::{
    faulty_store::{Call, Fault},
    tools,
    view::CallState,
};

use crate::support::{
    House, Setup, WorldWatcher, activity, answers, asked, assert_sound, code, count, outcome, pass,
    pending, settle, watch, within, world_of_tools,
};

const SECOND: Duration = Duration::from_secs(1);

/// A step of which one call runs, one waits for room, and one waits for a person.
async fn three_calls(house: &House, chat: &Chat) -> (PromptHandle, tools::Call) {
    let calls = [asked("look", "x"), asked("look", "y"), asked("act", "z")];
    let prompt = house.begin_calls(chat, "hello", calls).await;
    let call = house.running("x").await;
    assert_eq!(pending(chat).await.len(), 1);
    (prompt, call)
}

fn one_at_a_time() -> Setup {
    world_of_tools().limits(|limits| limits.tool_calls_parallel_max = 1)
}

/// Lets the chat's actor panic at its next append, and makes it append.
async fn crash(house: &House, chat: &Chat) {
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    assert_eq!(code(within(chat.rename("crash")).await), "chat_restarted");
}

// law 5; design: open tool calls become `tool.error{unknown_outcome}`, recovery re-runs nothing
#[tokio::test(start_paused = true)]
async fn a_call_that_ran_when_its_actor_crashed_has_an_unknown_outcome_and_is_not_run_again() {
    let house = one_at_a_time().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = three_calls(&house, &chat).await;
    call.output("half").drained().await;
    crash(&house, &chat).await;
    settle().await;
    assert!(call.is_dropped(), "at once, not at some deadline");
    call.result("too late");
    assert!(call.sink().is_stopped());
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Interrupted);
    let kinds: Vec<_> = seen
        .view
        .calls
        .values()
        .map(|call| match &call.state {
            CallState::Failed(failure) => failure.kind,
            other => panic!("{other:?}"),
        })
        .collect();
    use FailureKind::{Interrupted, UnknownOutcome};
    assert_eq!(kinds, [UnknownOutcome, Interrupted, Interrupted]);
    house.no_further_call().await;
    assert_eq!(house.tools.calls_seen(), 1);
    assert_eq!(house.local.turns_running(), Some(0));
    let (_, model) = house.begin(&chat, "again").await;
    assert!(answers(model.request())[0].starts_with("unknown_outcome: "));
    model.finish();
    settle().await;
    assert_sound(&chat).await;
}

// law 5: the same when the whole process is lost
#[tokio::test(start_paused = true)]
async fn a_call_that_ran_when_its_process_was_lost_has_an_unknown_outcome() {
    let first = one_at_a_time().open().await;
    let chat = first.chat("a").await;
    let (prompt, _call) = three_calls(&first, &chat).await;
    // A second opening takes the chats over, as after a loss of the first process.
    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    settle().await;
    let state = within(chat.prompt_state(prompt.id())).await.unwrap();
    assert!(matches!(state, PromptState::Ended { outcome: PromptOutcome::Interrupted, .. }));
    let expected = [
        "turn",
        "model",
        "asked 2",
        "start 0",
        "error 0 unknown_outcome",
        "error 1 interrupted",
        "dropped 2",
        "error 2 interrupted",
        "ended interrupted",
    ];
    assert_eq!(activity(&chat).await, expected);
    second.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

// design: shutdown gives turns a deadline, ends them as `interrupted`
#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_running_calls_as_unknown_and_stops_their_tools() {
    let house = one_at_a_time().open().await;
    let chat = house.chat("a").await;
    let (_, call) = three_calls(&house, &chat).await;
    within(house.local.shutdown()).await;
    assert!(call.is_cancelled() && call.sink().is_stopped());
    assert_eq!(house.tools.calls_open(), 0);
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    let log = activity(&chat).await;
    assert_eq!(count(&log, "error 0 unknown_outcome"), 1);
    assert_eq!(log.last().unwrap(), "ended interrupted");
    second.no_further_call().await;
    assert_eq!(house.tools.calls_seen(), 1);
    assert_sound(&chat).await;
}

// design: … but those that end in time end as they would have
#[tokio::test(start_paused = true)]
async fn a_turn_whose_tools_end_within_the_time_of_the_shutdown_completes() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    let closing = tokio::spawn({
        let world = house.local.clone();
        async move { world.shutdown().await }
    });
    settle().await;
    assert_eq!(code(chat.prompt("more").await), "world_closed");
    call.result("found");
    house.answer("hello", "done").await;
    within(closing).await.unwrap();
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    assert_eq!(activity(&chat).await.last().unwrap(), "ended completed");
}

// law 5, law 1: what tools report while the store is away is kept, and stored once
#[tokio::test(start_paused = true)]
async fn results_that_come_while_the_store_is_away_are_stored_once_it_is_back() {
    for fault in [Fault::Unavailable, Fault::RequestLost, Fault::AnswerLost] {
        let house = world_of_tools().open().await;
        let chat = house.chat("a").await;
        let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
        let calls = ["x", "y", "z", "fails"].map(|which| asked("look", which));
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        let x = house.running("x").await;
        let (y, z) = (house.running("y").await, house.running("z").await);
        let fails = house.running("fails").await;
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault.clone());
        house.faults.for_chat(chat.id()).every(Call::Open, Fault::Unavailable);
        z.result("the first");
        feed.until_status(&chat, StatusKind::Stalled).await;
        // What it says is shown all the same, and its result kept.
        y.output("meanwhile").drained().await;
        seen.until(|view| view.calls.values().any(|call| call.shown == "meanwhile")).await;
        y.result("the second");
        fails.panic("planned: the third");
        x.result("the fourth");
        pass(30 * SECOND).await;
        assert_eq!(code(chat.cancel().await), "chat_stalled");
        house.faults.clear();
        let model = house.call_for("hello").await;
        let expected = ["the fourth", "the second", "the first", "panicked: planned: the third"];
        assert_eq!(answers(model.request()), expected, "{fault:?}");
        model.text("done").finish();
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
        let log = activity(&chat).await;
        assert_eq!((count(&log, "result"), count(&log, "error")), (3, 1), "{log:?}");
        assert_eq!(house.tools.calls_seen(), 4, "nothing ran twice");
        assert_sound(&chat).await;
    }
}

// law 1, law 5: a step whose calls could not be recorded runs none of them, until it could
#[tokio::test(start_paused = true)]
async fn calls_whose_start_could_not_be_stored_run_once_the_store_is_back() {
    for fault in [Fault::Unavailable, Fault::RequestLost, Fault::AnswerLost] {
        let house = world_of_tools().open().await;
        let chat = house.chat("a").await;
        let (prompt, model) = house.begin(&chat, "hello").await;
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault.clone());
        house.faults.for_chat(chat.id()).every(Call::Open, Fault::Unavailable);
        model.tool_call(asked("look", "x")).finish();
        pass(30 * SECOND).await;
        assert_eq!(house.tools.calls_seen(), 0, "{fault:?}");
        house.faults.clear();
        house.running("x").await.result("found");
        house.answer("hello", "done").await;
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(house.tools.calls_seen(), 1, "{fault:?}");
        assert_sound(&chat).await;
    }
}

// law 5: deadlines go on while the store is away
#[tokio::test(start_paused = true)]
async fn a_call_whose_time_is_over_while_the_store_is_away_ends_once() {
    let house =
        world_of_tools().limits(|limits| limits.tool_duration_max = 10 * SECOND).open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Unavailable);
    x.result("found");
    pass(60 * SECOND).await;
    assert!(y.is_cancelled(), "its time is over");
    y.result("too late");
    house.faults.clear();
    let model = house.call_for("hello").await;
    let heard = answers(model.request());
    assert!(heard[0] == "found" && heard[1].starts_with("deadline: "), "{heard:?}");
    model.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

/// A chat that cannot store what it was about to begin, and so gave its place to another one.
async fn stalled_before(house: &House, a: &Chat, model_next: bool) -> PromptHandle {
    let (prompt, model) = house.begin(a, "to a").await;
    model.tool_call(asked("look", "x"));
    let away = || house.faults.for_chat(a.id()).every(Call::Append, Fault::Unavailable);
    if model_next {
        model.finish();
        let x = house.running("x").await;
        away();
        x.result("found");
    } else {
        away();
        model.finish();
    }
    settle().await;
    prompt
}

// law 7: what a chat that heals begins needs a place among the running turns too
#[tokio::test(start_paused = true)]
async fn a_chat_that_heals_waits_for_a_place_before_its_calls_begin() {
    for model_next in [false, true] {
        let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let in_a = stalled_before(&house, &a, model_next).await;
        let in_b = house.begin_calls(&b, "to b", [asked("look", "y")]).await;
        let y = house.running("y").await;
        house.faults.clear();
        pass(30 * SECOND).await;
        assert_eq!(house.tools.calls_open() + house.script.calls_open(), 1, "one turn may run");
        assert_eq!(within(a.snapshot()).await.unwrap().status.kind, StatusKind::Running);
        y.result("found");
        house.answer("to b", "done").await;
        assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
        if !model_next {
            house.running("x").await.result("found");
        }
        house.answer("to a", "done").await;
        assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
        assert_eq!(house.local.turns_running(), Some(0));
        assert_sound(&a).await;
        assert_sound(&b).await;
    }
}

// law 5: … and what is ended before there is a place never begins
#[tokio::test(start_paused = true)]
async fn a_chat_that_is_cancelled_while_it_waits_for_a_place_after_healing_begins_nothing() {
    for model_next in [false, true] {
        let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let in_a = stalled_before(&house, &a, model_next).await;
        let (in_b, call) = house.begin(&b, "to b").await;
        house.faults.clear();
        pass(30 * SECOND).await;
        let queued = a.prompt("queued").await.unwrap();
        let (models, tools) = (house.script.calls_seen(), house.tools.calls_seen());
        a.cancel().await.unwrap();
        assert_eq!(outcome(&in_a).await, PromptOutcome::Cancelled);
        settle().await;
        assert_eq!((house.script.calls_seen(), house.tools.calls_seen()), (models, tools));
        call.text("done").finish();
        assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
        house.answer("queued", "goes on").await;
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_eq!(house.tools.calls_seen(), tools);
        assert_sound(&a).await;
    }
}

// law 7: a stall while tools run neither frees their place nor takes a second one
#[tokio::test(start_paused = true)]
async fn a_turn_whose_tools_run_through_a_stall_holds_one_place_all_the_time() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 2).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let calls = [asked("look", "x"), asked("look", "y")];
    let in_a = house.begin_calls(&a, "to a", calls).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    house.faults.for_chat(a.id()).every(Call::Append, Fault::Unavailable);
    x.result("found");
    settle().await;
    assert_eq!(house.local.turns_running(), Some(1), "y runs");
    house.faults.clear();
    pass(30 * SECOND).await;
    assert_eq!(house.local.turns_running(), Some(1));
    let (_in_b, _model) = house.begin(&b, "to b").await;
    assert_eq!(house.local.turns_running(), Some(2));
    y.result("found");
    house.answer("to a", "done").await;
    assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
    settle().await;
    assert_eq!(house.local.turns_running(), Some(1));
    assert_sound(&a).await;
}

// law 6: a cancel that cannot be stored seals the answer, and then nothing runs that needs a place
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_cancelled_while_the_store_is_away_gives_its_place_to_others() {
    let house = world_of_tools().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let (in_a, model) = house.begin(&a, "to a").await;
    model.text("half").drained().await;
    house.faults.for_chat(a.id()).every(Call::Append, Fault::Unavailable);
    house.faults.for_chat(a.id()).every(Call::Open, Fault::Unavailable);
    assert_eq!(code(a.cancel().await), "store_unavailable");
    assert_eq!(house.local.turns_running(), Some(1), "the model still runs");
    model.text("nobody sees this");
    settle().await;
    assert!(model.is_dropped(), "at once, not at some deadline");
    settle().await;
    assert_eq!(house.local.turns_running(), Some(0));
    house.turn(&b, "to b", "fine").await;
    house.faults.clear();
    assert_eq!(outcome(&in_a).await, PromptOutcome::Cancelled);
    assert_sound(&a).await;
}

// law 5: an actor that crashes again and again while tools run
#[tokio::test(start_paused = true)]
async fn a_chat_that_fails_while_tools_run_stops_them_and_reopens_with_everything_ended() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    for n in 0..4 {
        let text = format!("hello {n}");
        house.begin_calls(&chat, &text, [asked("look", &text)]).await;
        let call = house.running(&text).await;
        crash(&house, &chat).await;
        settle().await;
        assert!(call.is_dropped(), "at once, not at some deadline");
        pass(SECOND).await;
    }
    assert_eq!(code(chat.prompt("more").await), "chat_failed");
    chat.reopen().await.unwrap();
    settle().await;
    let log = activity(&chat).await;
    assert_eq!((count(&log, "start"), count(&log, "error 0 unknown_outcome")), (4, 4), "{log:?}");
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

//! Every way in which a call can end from inside or outside, each exactly once (law 5).

use std::time::Duration;

use polychat::{Chat, FailureKind, PromptHandle, PromptOutcome, StatusKind};
use polychat_testkit::{faulty_store::Call, tools, view::CallState};

use crate::{
    at_both_doors,
    support::{
        House, activity, answers, asked, assert_sound, count, house, messages, outcome, pending,
        settle, watch, within, world_of_tools,
    },
};

/// A step with calls in every state: `0` has ended, `1` and `2` run, `3` waits for room, `4` waits
/// for a person, `5` was refused.
async fn in_every_state(house: &House, chat: &Chat) -> (PromptHandle, [tools::Call; 2]) {
    let calls = [
        asked("look", "0"),
        asked("look", "1"),
        asked("look", "2"),
        asked("look", "3"),
        asked("act", "4"),
        asked("nowhere", "5"),
    ];
    let prompt = house.begin_calls(chat, "hello", calls).await;
    house.running("0").await.result("done");
    let running = [house.running("1").await, house.running("2").await];
    assert_eq!(pending(chat).await.len(), 1);
    (prompt, running)
}

/// A world where such a step is possible.
fn world() -> crate::support::Setup {
    world_of_tools().limits(|limits| limits.tool_calls_parallel_max = 2)
}

/// What is expected of such a step once its turn has ended from outside.
fn assert_all_ended_once(lines: &[String], running: &str, waiting: &str) {
    for (index, end) in [
        (0, "result 0 done".to_owned()),
        (1, format!("error 1 {running}")),
        (2, format!("error 2 {running}")),
        (3, format!("error 3 {waiting}")),
        (4, format!("error 4 {waiting}")),
        (5, "error 5 unknown_tool".to_owned()),
    ] {
        let ends: Vec<_> = lines
            .iter()
            .filter(|line| {
                line.starts_with(&format!("result {index} "))
                    || line.starts_with(&format!("error {index} "))
            })
            .collect();
        assert_eq!(ends, [&end], "{lines:?}");
    }
    assert_eq!((count(lines, "start"), count(lines, "dropped 4")), (3, 1), "{lines:?}");
}

/// What tools still say after their turn has ended changes nothing.
async fn assert_nothing_follows(house: &House, chat: &Chat, calls: &[tools::Call; 2]) {
    let before = activity(chat).await;
    for call in calls {
        assert!(call.is_cancelled());
        call.result("too late");
        call.sink().output("too late");
    }
    settle().await;
    assert_eq!(activity(chat).await, before);
    assert_eq!(house.tools.calls_open(), 0);
}

at_both_doors! {
    /// law 5: a step that fails in several ways is a step like any other.
    async fn each_call_ends_once_and_the_turn_goes_on_whatever_its_calls_do(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let calls = ["ok", "fails", "panics", "is silent"].map(|which| asked("look", which));
        let prompt = house.begin_calls(&chat, "hello", calls).await;
        house.running("panics").await.output("then ").panic("planned: on purpose");
        house.running("fails").await.fail("no luck");
        house.running("is silent").await.finish(polychat::tool::ToolOutput::default());
        house.running("ok").await.result("fine");
        let model = house.call_for("hello").await;
        let expected = ["fine", "tool_failed: no luck", "panicked: planned: on purpose", ""];
        assert_eq!(answers(model.request()), expected);
        model.text("well").finish();
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
        let states: Vec<_> = seen.view.calls.values().map(|call| match &call.state {
            CallState::Answered => "answered".to_owned(),
            CallState::Failed(failure) => failure.kind.as_str().to_owned(),
            other => format!("{other:?}"),
        }).collect();
        assert_eq!(states, ["answered", "tool_failed", "panicked", "answered"]);
        assert_sound(&chat).await;
    }

    /// law 5: cancel.
    async fn a_cancelled_turn_ends_its_calls_in_whatever_state(house in world()) {
        let chat = house.chat("a").await;
        let (prompt, running) = in_every_state(&house, &chat).await;
        chat.cancel().await.unwrap();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
        for call in &running {
            settle().await;
            assert!(call.is_dropped(), "at once, not at some deadline");
        }
        assert_all_ended_once(&activity(&chat).await, "cancelled", "cancelled");
        assert_nothing_follows(&house, &chat, &running).await;
        assert!(pending(&chat).await.is_empty());
        let (_, model) = house.begin(&chat, "again").await;
        assert_eq!(answers(model.request()).len(), 6, "the model hears how each ended");
        model.finish();
        settle().await;
        assert_sound(&chat).await;
    }

    /// law 5: close.
    async fn a_closed_chat_ends_its_calls_in_whatever_state(house in world()) {
        let chat = house.chat("a").await;
        let (prompt, running) = in_every_state(&house, &chat).await;
        chat.close().await.unwrap();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
        settle().await;
        assert_all_ended_once(&activity(&chat).await, "cancelled", "cancelled");
        assert_nothing_follows(&house, &chat, &running).await;
        assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Closed);
        assert_sound(&chat).await;
    }

    /// law 5, REQ-12: delete. Watchers see how everything ended; another chat's tool runs on.
    async fn a_deleted_chat_ends_its_calls_in_whatever_state(house in world()) {
        let (chat, other) = (house.chat("a").await, house.chat("b").await);
        let in_other = house.begin_calls(&other, "to b", [asked("look", "b")]).await;
        let calm = house.running("b").await;
        let mut seen = watch(&chat).await;
        let (_, running) = in_every_state(&house, &chat).await;
        // The rows of a deleted chat go: only who keeps up sees its end.
        seen.until_event("tool.result").await;
        seen.drain().await;
        chat.delete().await.unwrap();
        seen.until_ended().await;
        let states: Vec<_> = seen.view.calls.values().map(|call| match &call.state {
            CallState::Failed(failure) => failure.kind.as_str(),
            _ => "answered",
        }).collect();
        assert_eq!(states, ["answered", "cancelled", "cancelled", "cancelled", "cancelled", "unknown_tool"]);
        for call in &running {
            settle().await;
            assert!(call.is_dropped(), "at once, not at some deadline");
            call.sink().output("too late");
        }
        assert!(!calm.is_dropped());
        calm.result("untouched");
        house.answer("to b", "fine").await;
        assert_eq!(outcome(&in_other).await, PromptOutcome::Completed);
        assert_eq!(house.tools.calls_open(), 0);
        assert_eq!(house.local.turns_running(), Some(0));
    }

    /// law 5: an interrupting prompt.
    async fn an_interrupting_prompt_ends_the_calls_and_runs_next(house in world()) {
        let chat = house.chat("a").await;
        let (prompt, running) = in_every_state(&house, &chat).await;
        let queued = chat.prompt("queued").await.unwrap();
        let now = chat.prompt("now").interrupt().await.unwrap();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
        let model = house.call_for("now").await;
        assert_all_ended_once(&activity(&chat).await, "cancelled", "cancelled");
        settle().await;
        assert_nothing_follows(&house, &chat, &running).await;
        model.text("yes?").finish();
        assert_eq!(outcome(&now).await, PromptOutcome::Completed);
        house.answer("queued", "and you").await;
        assert_eq!(outcome(&queued).await, PromptOutcome::Completed);
        assert_sound(&chat).await;
    }

    /// law 5: revision.
    async fn a_revision_ends_the_calls_and_forgets_them(house in world()) {
        let chat = house.chat("a").await;
        let (prompt, running) = in_every_state(&house, &chat).await;
        let first = chat.snapshot().await.unwrap().messages[0].id;
        let revised = chat.revise(first, "rather this").await.unwrap();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
        let model = house.call_for("rather this").await;
        assert!(answers(model.request()).is_empty());
        assert_all_ended_once(&activity(&chat).await, "cancelled", "cancelled");
        settle().await;
        assert_nothing_follows(&house, &chat, &running).await;
        model.text("as you like").finish();
        assert_eq!(outcome(&revised).await, PromptOutcome::Completed);
        assert_eq!(messages(&chat).await, ["user: rather this", "assistant: as you like"]);
        assert_sound(&chat).await;
    }
}

// law 5: a result that is on its way when its turn is cancelled
#[tokio::test(start_paused = true)]
async fn a_result_that_arrives_behind_the_cancel_is_refused() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let cancelling = tokio::spawn({
        let chat = chat.clone();
        async move { chat.cancel().await }
    });
    gate.arrived(1).await;
    // The chat has decided, and not stored it yet; these reports wait in its mailbox.
    x.result("too late");
    y.panic("planned: too late");
    within(x.dropped()).await;
    within(y.dropped()).await;
    gate.open();
    within(cancelling).await.unwrap().unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    settle().await;
    let log = activity(&chat).await;
    assert_eq!(log[4..], ["error 0 cancelled", "error 1 cancelled", "ended cancelled"]);
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

// law 5: and one that came just before
#[tokio::test(start_paused = true)]
async fn a_result_that_arrives_before_the_cancel_is_kept() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, _y) = (house.running("x").await, house.running("y").await);
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    x.result("in time");
    gate.arrived(1).await;
    let cancelling = tokio::spawn({
        let chat = chat.clone();
        async move { chat.cancel().await }
    });
    settle().await;
    gate.open();
    within(cancelling).await.unwrap().unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    let log = activity(&chat).await;
    assert_eq!(log[4..], ["result 0 in time", "error 1 cancelled", "ended cancelled"]);
    house.no_further_call().await;
    assert_sound(&chat).await;
}

// law 5: the last result of a step whose next step would begin
#[tokio::test(start_paused = true)]
async fn a_cancel_right_behind_the_last_result_ends_the_next_step_too() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    call.result("found");
    gate.arrived(1).await;
    let cancelling = tokio::spawn({
        let chat = chat.clone();
        async move { chat.cancel().await }
    });
    settle().await;
    gate.open();
    within(cancelling).await.unwrap().unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    settle().await;
    let calls = house.script.calls_open();
    assert_eq!(calls, 0, "nobody is asked for a turn that was cancelled");
    assert_sound(&chat).await;
}

// law 6: what a tool does in one chat, the others do not notice
#[tokio::test(start_paused = true)]
async fn tools_that_panic_hang_or_flood_leave_other_chats_alone() {
    let house = world_of_tools().open().await;
    let calm = house.chat("calm").await;
    let in_calm = house.begin_calls(&calm, "to calm", [asked("look", "calm")]).await;
    let call = house.running("calm").await;
    let mut wild = Vec::new();
    for which in ["panics", "hangs", "floods", "is deleted"] {
        let chat = house.chat(which).await;
        house.begin_calls(&chat, which, [asked("look", which)]).await;
        wild.push((chat, house.running(which).await));
    }
    wild[0].1.panic("planned: on purpose");
    wild[2].1.flood(10_000, 1_000).result("much");
    wild[3].0.delete().await.unwrap();
    settle().await;
    assert!(!call.is_dropped());
    call.output("calmly ").result("found");
    house.answer("to calm", "all is well").await;
    assert_eq!(outcome(&in_calm).await, PromptOutcome::Completed);
    assert!(!wild[1].1.is_dropped(), "what hangs goes on hanging");
    // The log is the one that the chat would have written alone.
    let alone = world_of_tools().open().await;
    let chat = alone.chat("calm").await;
    let prompt = alone.begin_calls(&chat, "to calm", [asked("look", "calm")]).await;
    alone.running("calm").await.output("calmly ").result("found");
    alone.answer("to calm", "all is well").await;
    outcome(&prompt).await;
    assert_eq!(activity(&calm).await, activity(&chat).await);
    assert_sound(&calm).await;
}

// law 5: a world without tools
#[tokio::test(start_paused = true)]
async fn a_model_that_asks_for_tools_in_a_world_without_any_hears_so() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let model = house.call_for("hello").await;
    assert!(model.request().tools.is_empty());
    let unknown = FailureKind::UnknownTool.as_str();
    assert!(answers(model.request())[0].starts_with(unknown));
    model.text("sorry").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// law 5: the same tool, the same arguments, twice in one step
#[tokio::test(start_paused = true)]
async fn two_equal_calls_of_one_step_are_two_calls() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "x")]).await;
    let (first, second) = (house.running("x").await, house.running("x").await);
    second.result("two");
    tokio::time::sleep(Duration::from_millis(1)).await;
    first.result("one");
    let model = house.call_for("hello").await;
    assert_eq!(answers(model.request()), ["one", "two"]);
    model.finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
}

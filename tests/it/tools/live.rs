//! What watchers see while a tool runs: merged for who is slow, whole for who is late, and nothing
//! once the call has ended.

use polychat::{Chat, LiveBody, Notice, PromptOutcome, StartAt};
use polychat_testkit::view::{CallState, ChatView, ViewCall};
use serde_json::json;

use crate::{
    at_both_doors,
    support::{House, Watcher, asked, assert_sound, code, outcome, settle, watch, world_of_tools},
};

/// The calls of a view, in order.
fn calls(view: &ChatView) -> Vec<&ViewCall> {
    view.calls.values().collect()
}

/// How many notices of tools a watcher got, by their names on the wire.
fn heard(watcher: &Watcher, name: &str) -> usize {
    let of_name = |notice: &&Notice| matches!(notice, Notice::Live { event, .. } if event.body.name() == name);
    watcher.notices.iter().filter(of_name).count()
}

at_both_doors! {
    /// Issue 3: live output and progress, until the result supersedes them.
    async fn what_a_tool_shows_is_seen_while_it_runs(house in world_of_tools()) {
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
        let call = house.running("x").await;
        seen.until_event("tool.start").await;
        call.output("wav").output("es ß").progress(json!({ "progress": 1, "total": 2 }));
        seen.until(|view| calls(view)[0].shown == "waves ß" && calls(view)[0].progress.is_some()).await;
        assert_eq!(calls(&seen.view)[0].state, CallState::Running);
        assert_eq!(calls(&seen.view)[0].progress, Some(json!({ "progress": 1, "total": 2 })));
        call.output("!").progress(json!("any JSON"));
        seen.until(|view| calls(view)[0].progress == Some(json!("any JSON"))).await;
        assert_eq!(calls(&seen.view)[0].shown, "waves ß!");
        call.result("blue");
        seen.until_event("tool.result").await;
        let over = calls(&seen.view)[0].clone();
        assert_eq!((over.state, &*over.shown, over.progress), (CallState::Answered, "", None));
        house.answer("hello", "blue").await;
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(seen.chunks(), "blue", "output is for people, it is no part of the answer");
    }

    /// law 4: a reader that never reads while a tool talks, and one that comes late, end with the
    /// view of the one that saw every piece.
    async fn slow_and_late_readers_end_with_the_view_of_who_saw_every_piece(
        house in world_of_tools()
    ) {
        let chat = house.chat("a").await;
        let (mut keen, mut slow) = (watch(&chat).await, watch(&chat).await);
        let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
        let (x, y) = (house.running("x").await, house.running("y").await);
        talk(&mut keen, &x, &y).await;
        slow.drain().await;
        assert_eq!(slow.view, keen.view);
        let mut late = watch(&chat).await;
        late.drain().await;
        assert_eq!(late.view, keen.view);
        x.result("x is done");
        keen.until_event("tool.result").await;
        y.output("alone ").drained().await;
        y.fail("y is not");
        house.answer("hello", "done").await;
        assert_eq!(keen.until_outcome(&prompt).await, PromptOutcome::Completed);
        for watcher in [&mut slow, &mut late, &mut watch(&chat).await] {
            watcher.until_event("turn.ended").await;
            assert_eq!(watcher.view, keen.view);
        }
    }
}

/// Two calls that take turns with output and progress, while a reader sees every piece.
async fn talk(
    keen: &mut Watcher,
    x: &polychat_testkit::tools::Call,
    y: &polychat_testkit::tools::Call,
) {
    for n in 0..12 {
        x.output(format!("x{n}ß ")).drained().await;
        keen.drain().await;
        if n % 2 == 0 {
            y.output(format!("y{n} ")).drained().await;
            keen.drain().await;
        }
        if n % 3 == 0 {
            x.progress(json!({ "progress": n })).drained().await;
            keen.drain().await;
        }
        if n % 4 == 0 {
            y.progress(json!({ "progress": 100 * n })).drained().await;
            keen.drain().await;
        }
    }
    let view = calls(&keen.view);
    assert!(view[0].shown.starts_with("x0ß x1ß ") && view[0].shown.ends_with("x11ß "));
    assert_eq!(view[1].shown, "y0 y2 y4 y6 y8 y10 ");
    assert_eq!(view[0].progress, Some(json!({ "progress": 9 })));
    assert_eq!(view[1].progress, Some(json!({ "progress": 800 })));
}

// law 4: merged like chunks
#[tokio::test(start_paused = true)]
async fn a_reader_that_lags_gets_all_output_at_once_and_only_the_newest_progress() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let (mut slow, mut keen) = (watch(&chat).await, watch(&chat).await);
    house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    for n in 0..1_000 {
        call.output(format!("{n} "));
    }
    for n in 0..1_000 {
        call.progress(json!(n));
    }
    call.drained().await;
    slow.drain().await;
    assert_eq!((heard(&slow, "tool.output"), heard(&slow, "tool.progress")), (1, 1));
    assert_eq!(calls(&slow.view)[0].progress, Some(json!(999)));
    assert!(calls(&slow.view)[0].shown.ends_with("998 999 "));
    // Now and then a piece between: what nobody has read yet is superseded all the same.
    for n in 0..100 {
        call.progress(json!(n)).output(".");
    }
    call.drained().await;
    slow.drain().await;
    assert_eq!(heard(&slow, "tool.progress"), 2);
    keen.drain().await;
    assert_eq!(heard(&keen, "tool.progress"), 1, "it had read none of them");
    assert_eq!(keen.view, slow.view);
}

// law 4: resuming inside the output of tools
#[tokio::test(start_paused = true)]
async fn resuming_at_every_cursor_within_the_output_of_tools_ends_with_the_same_view() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let mut keen = watch(&chat).await;
    house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    talk(&mut keen, &x, &y).await;
    let halfway = keen.notices.len();
    assert!(halfway > 30, "{halfway}");
    resume_everywhere(&chat, &keen).await;
    x.result("done");
    y.result("done");
    house.answer("hello", "done").await;
    keen.until_event("turn.ended").await;
    resume_everywhere(&chat, &keen).await;
}

/// Leaves after each notice that a watcher saw, comes back, and compares.
async fn resume_everywhere(chat: &Chat, keen: &Watcher) {
    let mut view = ChatView::new(chat.id().clone());
    for notice in &keen.notices {
        view.apply(notice).unwrap();
        let (Notice::Recorded { cursor, .. } | Notice::Live { cursor, .. }) = notice else {
            continue;
        };
        let mut back = Watcher::going_on(chat, StartAt::After(*cursor), view.clone()).await;
        back.drain().await;
        assert_eq!(back.view, keen.view, "after {cursor:?}");
    }
}

// law 6: what comes after the end is dropped, whoever still holds the sink
#[tokio::test(start_paused = true)]
async fn a_sink_that_is_used_after_the_end_of_its_call_writes_nowhere() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (x, y) = (house.running("x").await, house.running("y").await);
    x.result("done");
    seen.until_event("tool.result").await;
    let babble = |when: &str| {
        assert!(x.sink().is_stopped(), "{when}");
        x.sink().output("late");
        x.sink().progress(json!("late"));
    };
    babble("while another call of the step runs");
    y.result("done");
    let model = house.call_for("hello").await;
    babble("while the model answers");
    model.text("done").finish();
    outcome(&prompt).await;
    babble("after the turn");
    house.begin_calls(&chat, "again", [asked("look", "z")]).await;
    let z = house.running("z").await;
    babble("while a later turn runs");
    z.output("its own").result("done");
    house.answer("again", "done").await;
    settle().await;
    seen.drain().await;
    assert!(!format!("{:?}", seen.notices).contains("late"));
    assert!(format!("{:?}", seen.notices).contains("its own"));
    assert_sound(&chat).await;
}

/// In which ways a running call is stopped from outside.
const STOPS: [&str; 6] = ["cancel", "close", "delete", "interrupt", "revise", "crash"];

/// Stops the running turn of a chat in one of these ways.
async fn stop(house: &House, chat: &Chat, how: &str) {
    match how {
        "cancel" => chat.cancel().await.unwrap(),
        "close" => chat.close().await.unwrap(),
        "delete" => chat.delete().await.unwrap(),
        "interrupt" => drop(chat.prompt("now").interrupt().await.unwrap()),
        "revise" => {
            let first = chat.snapshot().await.unwrap().messages[0].id;
            chat.revise(first, "rather").await.unwrap();
        }
        _ => {
            use polychat_testkit::faulty_store::{Call, Fault};
            house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
            assert_eq!(code(chat.rename("crash").await), "chat_restarted");
        }
    }
}

// issue 3: a tool on a thread of its own asks whether it is stopped
#[tokio::test(start_paused = true)]
async fn a_tool_that_is_stopped_is_dropped_and_its_sink_says_so_and_takes_nothing() {
    for how in STOPS {
        let house = world_of_tools().open().await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
        let call = house.running("x").await;
        call.output("so far").drained().await;
        seen.until(|view| view.calls.values().any(|call| call.shown == "so far")).await;
        assert!(!call.sink().is_stopped(), "{how}");
        stop(&house, &chat, how).await;
        assert!(call.sink().is_stopped(), "{how}");
        call.sink().output("late");
        call.sink().progress(json!("late"));
        settle().await;
        assert!(call.is_dropped(), "at once, not at some deadline");
        assert!(call.is_cancelled(), "{how}");
        call.sink().output("later");
        seen.drain().await;
        assert!(!format!("{:?}", seen.notices).contains("late"), "{how}");
    }
}

// law 3: what a tool shows is stamped with its chat and turn by whoever started it
#[tokio::test(start_paused = true)]
async fn live_events_of_a_tool_name_their_chat_turn_and_call() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    house.begin_calls(&chat, "hello", [asked("look", "x"), asked("look", "y")]).await;
    let (_x, y) = (house.running("x").await, house.running("y").await);
    y.output("text").progress(json!(1)).drained().await;
    seen.until(|view| view.calls.values().any(|call| call.progress.is_some())).await;
    let (turn, id) = (seen.view.turn.unwrap(), *seen.view.calls.keys().nth(1).unwrap());
    let mut live = 0;
    for notice in &seen.notices {
        let Notice::Live { event, .. } = notice else { continue };
        let (LiveBody::ToolOutput { tool_call_id, .. }
        | LiveBody::ToolProgress { tool_call_id, .. }) = &event.body
        else {
            continue;
        };
        assert_eq!((&event.chat_id, event.turn_id, *tool_call_id), (chat.id(), turn, id));
        live += 1;
    }
    assert_eq!(live, 2);
}

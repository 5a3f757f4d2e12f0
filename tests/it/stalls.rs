//! A store that is away: the chat is stalled, readable, keeps its outcome, and heals by itself.

use std::time::Duration;

use polychat::{FailureKind, PromptOutcome, StatusKind, command::NewChat};
use polychat_testkit::faulty_store::{AtOpen, Call, Fault};

use crate::support::{
    House, WorldWatcher, assert_sound, chat_id, code, house, messages, names, outcome, pass,
    settle, watch, within,
};

const SECOND: Duration = Duration::from_secs(1);

/// A turn whose end meets a store that is away.
async fn stalled_at_the_end(house: &House) -> (polychat::Chat, polychat::PromptHandle) {
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.text("all of it").drained().await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Unavailable);
    house.faults.for_chat(chat.id()).every(Call::Open, Fault::Unavailable);
    call.finish();
    settle().await;
    (chat, prompt)
}

// law 5, law 6; design: an unavailable store is not a crash
#[tokio::test(start_paused = true)]
async fn a_stalled_chat_is_readable_refuses_commands_and_keeps_its_sealed_outcome() {
    let house = house().open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let (chat, prompt) = stalled_at_the_end(&house).await;
    feed.until_status(&chat, StatusKind::Stalled).await;
    assert_eq!(feed.until_diagnostic("stalled").await.chat_id, Some(chat.id().clone()));
    let snapshot = within(chat.snapshot()).await.unwrap();
    assert_eq!(snapshot.status.kind, StatusKind::Stalled);
    assert_eq!(&*snapshot.open.unwrap().text, "all of it");
    let refused = chat.prompt("more").await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), ("chat_stalled", true));
    assert_eq!(code(chat.cancel().await), "chat_stalled");
    pass(30 * SECOND).await;
    house.faults.clear();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed, "its outcome is kept");
    feed.until_status(&chat, StatusKind::Idle).await;
    feed.until_diagnostic("recovered").await;
    assert!(!feed.diagnostics().contains(&"a restarted".to_owned()), "no restart was spent");
    assert_eq!(messages(&chat).await, ["user: hello", "assistant: all of it"]);
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

// design: retries with back-off
#[tokio::test(start_paused = true)]
async fn a_stalled_chat_tries_the_store_with_growing_pauses() {
    let house = house().open().await;
    let (chat, _) = stalled_at_the_end(&house).await;
    let faults = house.faults.for_chat(chat.id());
    let before = faults.calls(Call::Open);
    pass(SECOND).await; // 100, 200, 400 ms …
    let early = faults.calls(Call::Open) - before;
    assert!((3..=4).contains(&early), "{early} tries in the first second");
    pass(60 * SECOND).await;
    let before = faults.calls(Call::Open);
    pass(100 * SECOND).await; // … and at most ten seconds
    let late = faults.calls(Call::Open) - before;
    assert!((9..=11).contains(&late), "{late} tries in a hundred seconds");
}

// law 5: what a model said while the store was away is neither lost nor shown twice
#[tokio::test(start_paused = true)]
async fn a_model_that_goes_on_while_the_store_is_away_loses_nothing() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.text("before ").drained().await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Unavailable);
    pass(2 * SECOND).await; // a checkpoint fails
    assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Stalled);
    call.text("meanwhile ").drained().await;
    seen.until_text("before meanwhile ").await;
    call.text("after").finish();
    settle().await;
    house.faults.clear();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(seen.chunks(), "before meanwhile after");
    assert_eq!(messages(&chat).await[1], "assistant: before meanwhile after");
    assert_sound(&chat).await;
}

/// A prompt whose append is answered with this fault; what the caller hears, and what comes of it.
async fn prompt_through(fault: Fault) -> (House, polychat::Chat, &'static str) {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, fault);
    let id = polychat::PromptId::new("mine").unwrap();
    let code = code(chat.prompt("hello").id(id).await);
    (house, chat, code)
}

// law 5, law 1: ambiguous, and it had landed
#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_takes_effect_once_the_log_is_open_again() {
    let (house, chat, heard) = prompt_through(Fault::AnswerLost).await;
    assert_eq!(heard, "store_unavailable");
    let call = house.call_for("hello").await;
    // Sending it again with the same id answers like the first time.
    let id = polychat::PromptId::new("mine").unwrap();
    let again = chat.prompt("hello").id(id).await.unwrap();
    call.text("hi").finish();
    assert_eq!(outcome(&again).await, PromptOutcome::Completed);
    assert_eq!(messages(&chat).await, ["user: hello", "assistant: hi"]);
    assert_sound(&chat).await;
}

// law 5, law 1: ambiguous, and it had not
#[tokio::test(start_paused = true)]
async fn an_append_that_was_lost_leaves_no_trace_and_can_be_sent_again() {
    let (house, chat, heard) = prompt_through(Fault::RequestLost).await;
    assert_eq!(heard, "store_unavailable");
    pass(SECOND).await;
    assert_eq!(names(&chat).await, ["chat.created"]);
    house.no_further_call().await;
    let id = polychat::PromptId::new("mine").unwrap();
    let again = chat.prompt("hello").id(id).await.unwrap();
    house.call_for("hello").await.text("hi").finish();
    assert_eq!(outcome(&again).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// law 5, law 1: ambiguous, and it lands late
#[tokio::test(start_paused = true)]
async fn an_append_that_lands_late_counts_if_it_was_there_when_the_log_was_opened() {
    let (house, chat, _) = prompt_through(Fault::Late(AtOpen::Lands)).await;
    house.call_for("hello").await.text("hi").finish();
    pass(SECOND).await;
    assert_eq!(messages(&chat).await, ["user: hello", "assistant: hi"]);
    assert_sound(&chat).await;

    let (house, chat, _) = prompt_through(Fault::Late(AtOpen::Lost)).await;
    pass(SECOND).await;
    house.no_further_call().await;
    house.store.land_late().await;
    assert_eq!(names(&chat).await, ["chat.created"], "the old fence is refused");
    house.turn(&chat, "another", "fine").await;
    assert_sound(&chat).await;
}

// law 7: append_duration_max
#[tokio::test(start_paused = true)]
async fn an_append_that_hangs_stalls_its_chat_and_counts_as_ambiguous() {
    let house = house().open().await;
    let (chat, other) = (house.chat("a").await, house.chat("b").await);
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    let heard = code(within(chat.prompt("hello").send()).await);
    assert_eq!(heard, "store_unavailable");
    house.turn(&other, "to b", "not affected").await;
    gate.open();
    pass(SECOND).await;
    house.turn(&chat, "again", "fine").await;
    assert_sound(&chat).await;
}

// law 5: the end of a turn is stored, whichever way the append failed
#[tokio::test(start_paused = true)]
async fn the_end_of_a_turn_is_recorded_exactly_once_through_every_fault() {
    let faults = [
        Fault::Unavailable,
        Fault::Full,
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Late(AtOpen::Lands),
        Fault::Late(AtOpen::Lost),
    ];
    for fault in faults {
        let house = house().open().await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (prompt, call) = house.begin(&chat, "hello").await;
        let next = chat.prompt("next").await.unwrap();
        call.text("hi").drained().await;
        house.faults.for_chat(chat.id()).next(Call::Append, 3, fault.clone());
        call.finish();
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed, "{fault:?}");
        house.call_for("next").await.finish();
        assert_eq!(seen.until_outcome(&next).await, PromptOutcome::Completed, "{fault:?}");
        let head = seen.view.head.get();
        assert_eq!(seen.seqs(), (1..=head).collect::<Vec<_>>(), "{fault:?}");
        assert_sound(&chat).await;
    }
}

// law 5: cancel that meets a store that is away
#[tokio::test(start_paused = true)]
async fn a_cancel_that_could_not_be_stored_stands_once_the_store_is_back() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.text("half").drained().await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Unavailable);
    assert_eq!(code(chat.cancel().await), "store_unavailable");
    call.text(" more").drained().await;
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Cancelled);
    assert_eq!(messages(&chat).await[1], "assistant: half", "what came after the seal is nowhere");
    assert_eq!(seen.chunks(), "half");
    assert_sound(&chat).await;
}

// design: a chat that cannot be opened is stalled, and heals
#[tokio::test(start_paused = true)]
async fn a_chat_whose_log_cannot_be_opened_is_stalled_until_it_can() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    first.turn(&chat, "one", "first").await;
    first.local.shutdown().await;
    let second = first.reopened().await;
    let chat = second.world.chat("a").unwrap();
    second.faults.for_chat(chat.id()).next(Call::Open, 3, Fault::Unavailable);
    assert_eq!(code(chat.prompt("two").await), "chat_stalled");
    pass(5 * SECOND).await;
    second.turn(&chat, "two", "second").await;
    assert_eq!(messages(&chat).await.len(), 4);
    assert_sound(&chat).await;
}

// law 5: a chat whose creation met a fault either exists or not, and can be created again
#[tokio::test(start_paused = true)]
async fn a_creation_that_failed_can_be_tried_again() {
    for fault in [Fault::Unavailable, Fault::RequestLost, Fault::AnswerLost] {
        let house = house().open().await;
        let id = chat_id("a");
        house.faults.for_chat(&id).next(Call::Append, 1, fault.clone());
        let result = house.world.create_chat(NewChat::with_id(id)).await;
        assert_eq!(code(result), "store_unavailable", "{fault:?}");
        let chat = house.world.open_chat("a").await.unwrap();
        house.turn(&chat, "hello", "hi").await;
        assert_sound(&chat).await;
    }
}

// law 6: an outage of the whole store, which is the one thing that chats share
#[tokio::test(start_paused = true)]
async fn every_chat_heals_by_itself_after_an_outage_of_the_whole_store() {
    let house = house().open().await;
    let mut running = Vec::new();
    for n in 0..10 {
        let chat = house.chat(&format!("{n}")).await;
        let (prompt, call) = house.begin(&chat, &format!("hello {n}")).await;
        running.push((chat, prompt, call));
    }
    house.faults.outage();
    for (_, _, call) in &running {
        call.text("said during the outage").finish();
    }
    pass(20 * SECOND).await;
    house.faults.clear();
    for (chat, prompt, _) in &running {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
        assert_eq!(messages(chat).await[1], "assistant: said during the outage");
        assert_sound(chat).await;
    }
    let (prompt, call) = house.begin(&running[0].0, "and on").await;
    call.fail(polychat::ports::ModelError::new(polychat::ports::ModelErrorKind::Refused, "no"));
    assert_eq!(crate::support::failure(&prompt).await.kind, FailureKind::ModelRefused);
}

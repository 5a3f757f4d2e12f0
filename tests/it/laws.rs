//! The laws 1, 2, 3, 5 and 6; law 4 has `cursors`, law 7 `limits`.

use std::time::Duration;

use polychat::{
    FailureKind, Notice, PromptOutcome, Seq, StatusKind, Timestamp,
    command::{NewChat, PromptState},
    event::PromptMode,
    ports::{Entry, LogKey, ModelError, ModelErrorKind, Store},
};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::support::{
    WORLD, WorldWatcher, assert_sound, assert_sound_so_far, chat_id, code, failure, field, house,
    log, messages, names, outcome, settle, watch, within,
};

// law 1
#[tokio::test(start_paused = true)]
async fn nobody_sees_an_event_before_the_store_has_acknowledged_it() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (mut seen, mut feed) = (watch(&chat).await, WorldWatcher::new(&house.world).await);
    seen.drain().await;
    feed.drain().await;
    let gate = house.faults.hang_next(Call::Append, 1);
    let sending = tokio::spawn(chat.prompt("hello").send());
    gate.arrived(1).await;
    assert!(seen.drain().await.is_empty(), "shown before stored");
    assert!(feed.drain().await.is_empty(), "told before stored");
    assert!(house.script.try_next_call().is_none(), "acted on before stored");
    assert!(!sending.is_finished(), "answered before stored");
    gate.open();
    let prompt = within(sending).await.unwrap().unwrap();
    seen.until_event("message.start").await;
    house.call_for("hello").await.text("hi").finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
}

// law 1
#[tokio::test(start_paused = true)]
async fn the_end_of_a_message_is_shown_only_once_it_is_stored() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (_, call) = house.begin(&chat, "hello").await;
    call.text("hi").drained().await;
    seen.until_text("hi").await;
    seen.drain().await;
    let gate = house.faults.for_chat(chat.id()).hang_next(Call::Append, 1);
    call.finish();
    gate.arrived(1).await;
    assert!(seen.drain().await.is_empty());
    gate.open();
    let rest = [seen.until_event("message.end").await, seen.until_event("turn.ended").await];
    assert!(rest[0].seq < rest[1].seq);
}

// law 1: what watchers got is what the store holds, byte for byte.
#[tokio::test(start_paused = true)]
async fn what_was_shown_as_recorded_is_what_the_store_holds() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    house.turn(&chat, "one", "first").await;
    house.turn(&chat, "two", "second").await;
    seen.drain().await;
    let shown: Vec<_> = seen
        .notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Recorded { event, .. } => Some(Entry::Chat(event.clone())),
            _ => None,
        })
        .collect();
    let key = LogKey::Chat(polychat::WorldId::new(WORLD).unwrap(), chat.id().clone());
    assert_eq!(house.store.read(&key, Seq::ZERO, 500).await.unwrap(), shown);
}

// law 2
#[tokio::test(start_paused = true)]
async fn a_chat_among_others_writes_the_log_that_it_would_write_alone() {
    let alone = house().open().await;
    let chat = alone.chat("a").await;
    alone.turn(&chat, "one", "first").await;
    alone.turn(&chat, "two", "second").await;
    let expected = log(&chat).await;

    let crowded = house().open().await;
    let (chat, other) = (crowded.chat("a").await, crowded.chat("b").await);
    let (_, in_other) = crowded.begin(&other, "b one").await;
    let (first, call) = crowded.begin(&chat, "one").await;
    in_other.text("b streams").panic("and breaks");
    other.prompt("b two").await.unwrap();
    call.text("first").finish();
    outcome(&first).await;
    other.delete().await.unwrap();
    crowded.turn(&chat, "two", "second").await;
    let found = log(&chat).await;

    let without_names = |log: &[std::sync::Arc<polychat::Recorded>]| -> Vec<String> {
        let event = |it: &std::sync::Arc<polychat::Recorded>| {
            // Fresh prompt ids and moments are the world's, everything else is the chat's.
            let mut value = serde_json::to_value(&**it).unwrap();
            value["at"] = 0.into();
            let text = value.to_string();
            (1..=9).fold(text, |text, n| text.replace(&format!("prompt-{n}\""), "prompt\""))
        };
        log.iter().map(event).collect()
    };
    assert_eq!(without_names(&found), without_names(&expected));
}

// law 3: what a model gets is its own chat's context, and no way to name a chat.
#[tokio::test(start_paused = true)]
async fn a_model_gets_the_context_that_the_embedder_attached_and_hands_nothing_back() {
    let house = house().open().await;
    let new = NewChat::with_id(chat_id("a")).context(field("user", "ada"));
    let a = house.world.create_chat(new).await.unwrap();
    let b = house.chat("b").await;
    let with_context = a.prompt("to a").context(field("trace", 7));
    with_context.await.unwrap();
    let call = house.call_for("to a").await;
    let context = &call.request().context;
    assert_eq!(context.chat, field("user", "ada"));
    assert_eq!(context.prompt, field("trace", 7));
    let (_, call_b) = house.begin(&b, "to b").await;
    assert_eq!(call_b.request().context.chat, polychat::Metadata::default());
    // A model that claims to speak for another chat speaks in its own.
    let mut seen_b = watch(&b).await;
    call.text(r#"{"chatId":"b","type":"message.chunk","text":"intruder"}"#).finish();
    seen_b.drain().await;
    assert!(!seen_b.saw("intruder"));
}

// law 5
#[tokio::test(start_paused = true)]
async fn one_turn_at_a_time_and_one_outcome_per_prompt_on_every_path() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut handles = Vec::new();

    let (completed, call) = house.begin(&chat, "completes").await;
    let cancelled = chat.prompt("cancelled").await.unwrap();
    house.no_further_call().await; // one turn at a time
    call.text("ok").finish();
    let call = house.call_for("cancelled").await;
    chat.cancel().await.unwrap();
    within(call.dropped()).await;

    let (failed, call) = house.begin(&chat, "fails").await;
    call.fail(ModelError::new(ModelErrorKind::Refused, "no"));
    assert_eq!(failure(&failed).await.kind, FailureKind::ModelRefused);

    let (panicked, call) = house.begin(&chat, "panics").await;
    call.panic("on purpose");
    assert_eq!(failure(&panicked).await.kind, FailureKind::Panicked);

    let (superseded, _call) = house.begin(&chat, "is interrupted").await;
    let interrupting = chat.prompt("interrupts").interrupt().await.unwrap();
    let withdrawn = chat.prompt("withdrawn").await.unwrap();
    chat.withdraw_prompt(withdrawn.id()).await.unwrap();
    house.call_for("interrupts").await.finish();

    for (handle, expected) in [
        (&completed, "completed"),
        (&cancelled, "cancelled"),
        (&failed, "failed"),
        (&panicked, "failed"),
        (&superseded, "cancelled"),
        (&interrupting, "completed"),
        (&withdrawn, "withdrawn"),
    ] {
        assert_eq!(outcome(handle).await.as_str(), expected);
        handles.push(handle.id().clone());
    }
    for id in handles {
        assert!(matches!(chat.prompt_state(&id).await.unwrap(), PromptState::Ended { .. }));
    }
    assert_sound(&chat).await;
}

// law 5: the outcome on the paths on which a chat ends.
#[tokio::test(start_paused = true)]
async fn closing_revising_and_deleting_give_every_prompt_its_outcome() {
    let house = house().open().await;
    let (closed, revised) = (house.chat("closed").await, house.chat("revised").await);
    let (running, _call) = house.begin(&closed, "running").await;
    let waiting = closed.prompt("waiting").await.unwrap();
    closed.close().await.unwrap();
    assert_eq!(outcome(&running).await, PromptOutcome::Cancelled);
    assert_eq!(outcome(&waiting).await, PromptOutcome::Withdrawn);
    assert_sound(&closed).await;

    let (running, _call) = house.begin(&revised, "first wording").await;
    let waiting = revised.prompt("stays behind").await.unwrap();
    let message = revised.snapshot().await.unwrap().messages[0].id;
    let again = revised.revise(message, "second wording").await.unwrap();
    assert_eq!(outcome(&running).await, PromptOutcome::Cancelled);
    house.call_for("second wording").await.finish();
    house.call_for("stays behind").await.finish();
    assert_eq!(outcome(&again).await, PromptOutcome::Completed);
    assert_eq!(outcome(&waiting).await, PromptOutcome::Completed);
    assert_sound(&revised).await;

    let deleted = house.chat("deleted").await;
    let (running, _call) = house.begin(&deleted, "running").await;
    let waiting = deleted.prompt("waiting").await.unwrap();
    let mut seen = watch(&deleted).await;
    seen.drain().await;
    deleted.delete().await.unwrap();
    assert_eq!(seen.until_outcome(&running).await, PromptOutcome::Cancelled);
    assert_eq!(seen.until_outcome(&waiting).await, PromptOutcome::Withdrawn);
}

// law 6: a flood, a hang and a wrecked log beside a calm chat.
#[tokio::test(start_paused = true)]
async fn whatever_happens_in_other_chats_a_calm_chat_does_not_notice() {
    let house = house().limits(|limits| limits.turn_output_bytes_max = 64 * 1024).open().await;
    let calm = house.chat("calm").await;
    let (prompt, call) = house.begin(&calm, "stay calm").await;
    call.text("one ").drained().await;

    let flood = house.chat("flood").await;
    let (flooding, flood_call) = house.begin(&flood, "flood").await;
    for _ in 0..200 {
        flood_call.text("x".repeat(1024));
    }
    assert_eq!(failure(&flooding).await.kind, FailureKind::OutputLimit);

    let crashing = house.chat("crashing").await;
    house.faults.for_chat(crashing.id()).every(Call::Append, Fault::Panic);
    let sent = within(crashing.prompt("crash").send()).await;
    assert!(sent.is_err());

    let broken = house.chat("broken").await;
    house.faults.for_chat(broken.id()).every(Call::Append, Fault::Unavailable);
    assert!(broken.prompt("stall").await.is_err());

    call.text("two").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(&calm).await, ["user: stay calm", "assistant: one two"]);
    assert_sound(&calm).await;
    house.turn(&calm, "and again", "of course").await;
}

// law 6: a slow store of one chat holds up nobody else.
#[tokio::test(start_paused = true)]
async fn a_chat_whose_append_hangs_takes_no_place_among_the_running_turns() {
    let house = house().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let gate = house.faults.for_chat(a.id()).hang_next(Call::Append, 1);
    let renaming = tokio::spawn({
        let a = a.clone();
        async move { a.rename("slow").await }
    });
    gate.arrived(1).await;
    let prompt = b.prompt("to b").await.unwrap();
    let moment = Duration::from_secs(1);
    let call = tokio::time::timeout(moment, house.script.call_for("to b")).await;
    call.expect("b runs while a writes").text("fine").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    gate.open();
    within(renaming).await.unwrap().unwrap();
}

// law 6: neither does a chat that is stalled.
#[tokio::test(start_paused = true)]
async fn a_stalled_chat_takes_no_place_among_the_running_turns() {
    let house = house().limits(|limits| limits.turns_running_max = 1).open().await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let faults = house.faults.for_chat(a.id());
    for call in [Call::Append, Call::Open] {
        faults.every(call, Fault::Unavailable);
    }
    assert_eq!(code(a.prompt("to a").await), "store_unavailable");
    settle().await;
    let prompt = b.prompt("to b").await.unwrap();
    let moment = Duration::from_secs(1);
    let call = tokio::time::timeout(moment, house.script.call_for("to b")).await;
    call.expect("b runs while a is stalled").text("fine").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
}

// law 5, law 7: everything accepted shows in the log with its own place.
#[tokio::test(start_paused = true)]
async fn nothing_accepted_is_dropped() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let modes = [PromptMode::Queue, PromptMode::Steer, PromptMode::Queue, PromptMode::Steer];
    let (first, call) = house.begin(&chat, "first").await;
    let mut accepted = vec![first];
    for (n, mode) in modes.into_iter().cycle().take(40).enumerate() {
        let prompt = chat.prompt(format!("prompt {n}"));
        let prompt = if mode == PromptMode::Steer { prompt.steer() } else { prompt };
        accepted.push(prompt.await.unwrap());
    }
    assert_sound_so_far(&chat).await;
    call.finish();
    // Whatever the order: answering every call gives every prompt its outcome.
    let script = house.script.clone();
    let answering = tokio::spawn(async move {
        loop {
            script.next_call().await.text("ok").finish();
        }
    });
    for prompt in &accepted {
        assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
    }
    answering.abort();
    let count = names(&chat).await.iter().filter(|name| **name == "prompt.accepted").count();
    assert_eq!(count, 41);
    assert_sound(&chat).await;
}

// law 8: all times and ids in a log came through the ports.
#[tokio::test(start_paused = true)]
async fn a_log_holds_only_times_and_ids_that_came_through_the_ports() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    crate::support::pass(Duration::from_millis(250)).await;
    let prompt = house.turn(&chat, "one", "first").await;
    assert_eq!(prompt.id().as_str(), "prompt-1");
    let events = log(&chat).await;
    assert_eq!(events[0].at, Timestamp(1_000_000));
    assert!(events[1..].iter().all(|it| it.at == Timestamp(1_000_250)), "{events:?}");
    assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Idle);
}

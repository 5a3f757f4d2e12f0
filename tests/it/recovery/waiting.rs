//! Who waits for the outcome of a prompt, or watches, while the chat fails.

use polychat::{Chat, EndReason, PromptHandle, PromptOutcome, StartAt, StatusKind};
use polychat_testkit::faulty_store::{Call, Fault, Gate};

use crate::{
    state_machine::silence_planned_panics,
    support::{
        House, Watcher, WorldWatcher, assert_sound, chat_id, code, house, outcome, pass, settle,
        watch, within,
    },
};

/// Lets the chat's actor panic at every append until its supervisor gives up.
async fn fail(house: &House, chat: &Chat) {
    silence_planned_panics();
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Panic);
    let _ = within(chat.rename("crash")).await;
    pass(std::time::Duration::from_secs(5)).await;
    house.faults.clear();
    assert_eq!(within(chat.snapshot()).await.unwrap().status.kind, StatusKind::Failed);
}

fn waits(prompt: &PromptHandle) -> tokio::task::JoinHandle<&'static str> {
    let prompt = prompt.clone();
    tokio::spawn(async move { code(prompt.outcome().await) })
}

// law 5; design: status failed: whoever waits is told, and the prompt stays accepted
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_outcome_hears_that_the_chat_has_failed() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (running, _call) = house.begin(&chat, "hello").await;
    let queued = chat.prompt("queued").await.unwrap();
    let (early, also_early) = (waits(&running), waits(&queued));
    settle().await;
    fail(&house, &chat).await;
    assert_eq!(within(early).await.unwrap(), "chat_failed");
    assert_eq!(within(also_early).await.unwrap(), "chat_failed");
    // Who asks only now is told the same.
    assert_eq!(code(within(queued.outcome()).await), "chat_failed");
    assert_eq!(code(within(queued.answer()).await), "chat_failed");
    // It was accepted, and stays so.
    within(chat.reopen()).await.unwrap();
    assert_eq!(outcome(&running).await, PromptOutcome::Interrupted);
    house.call_for("queued").await.text("at last").finish();
    assert_eq!(within(queued.answer()).await.unwrap(), "at last");
    assert_sound(&chat).await;
}

// law 5: … also where it is the log that cannot be used
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_outcome_hears_that_the_log_is_damaged() {
    silence_planned_panics();
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (running, _call) = house.begin(&chat, "hello").await;
    let early = waits(&running);
    settle().await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
    house.faults.for_chat(chat.id()).every(Call::Read, Fault::Foreign(chat_id("b")));
    let _ = within(chat.rename("crash")).await;
    assert_eq!(within(early).await.unwrap(), "chat_failed");
    assert_eq!(code(within(running.outcome()).await), "chat_failed");
    house.faults.clear();
    within(chat.reopen()).await.unwrap();
    assert_eq!(outcome(&running).await, PromptOutcome::Interrupted);
}

// law 4: a stream says why nothing more comes, and goes on where it was once something does
#[tokio::test(start_paused = true)]
async fn a_stream_of_a_chat_that_fails_ends_after_all_that_was_recorded_and_can_be_resumed() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (running, call) = house.begin(&chat, "hello").await;
    call.text("half").drained().await;
    fail(&house, &chat).await;
    assert_eq!(seen.until_ended().await, EndReason::Failed);
    // Reading it is possible all the same.
    let mut late = watch(&chat).await;
    assert_eq!(late.until_ended().await, EndReason::Failed);
    assert_eq!(late.names(), seen.names());
    within(chat.reopen()).await.unwrap();
    let start = StartAt::After(seen.cursor());
    let mut resumed = Watcher::going_on(&chat, start, seen.view.clone()).await;
    assert_eq!(resumed.until_outcome(&running).await, PromptOutcome::Interrupted);
    assert_eq!(resumed.view.messages[1].text, "half", "all that was shown is recorded");
    house.turn(&chat, "again", "fine").await;
    resumed.until_text("fine").await;
    let seqs = [seen.seqs(), resumed.seqs()].concat();
    assert_eq!(seqs, (1..=resumed.view.head.get()).collect::<Vec<_>>());
}

// law 7: … also when the world has let go of everything that it knew of the chat but its status
#[tokio::test(start_paused = true)]
async fn a_stream_of_a_chat_that_failed_long_ago_ends_at_once() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.turn(&chat, "hello", "hi").await;
    pass(std::time::Duration::from_secs(2_000)).await;
    let mut feed = WorldWatcher::new(&house.world).await;
    house.faults.for_chat(chat.id()).next(Call::Read, 1, Fault::Foreign(chat_id("b")));
    assert_eq!(code(chat.prompt("more").await), "chat_failed");
    feed.until_status(&chat, StatusKind::Failed).await;
    // Its actor has gone by then.
    pass(std::time::Duration::from_secs(2_000)).await;
    let mut late = Watcher::new(&chat, StartAt::Now).await;
    assert_eq!(late.until_ended().await, EndReason::Failed);
    let mut late = watch(&chat).await;
    assert_eq!(late.until_ended().await, EndReason::Failed);
    assert_eq!(late.names().last(), Some(&"turn.ended"));
    house.turn(&chat, "more", "fine").await;
    let mut again = watch(&chat).await;
    again.until_text("fine").await;
}

// law 7: a store that does not answer a reader is waited for as long as is allowed
#[tokio::test(start_paused = true)]
async fn a_stream_whose_store_hangs_ends_as_unreadable_and_can_be_resumed() {
    let setup = house().limits(|limits| limits.feed_recorded_max = 1);
    let house = setup.open().await;
    let chat = house.chat("a").await;
    let prompt = house.turn(&chat, "hello", "hi").await;
    for fault in [Fault::HangBefore(Gate::closed()), Fault::HangAfter(Gate::closed())] {
        house.faults.for_chat(chat.id()).next(Call::Read, 1, fault.clone());
        let mut seen = watch(&chat).await;
        assert_eq!(seen.until_ended().await, EndReason::Unreadable, "{fault:?}");
        house.faults.for_chat(chat.id()).next(Call::Read, 1, fault);
        assert_eq!(code(within(prompt.outcome()).await), "store_unavailable");
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    }
}

//! Bounds at their extremes, and the bound on what reads of the store may cost.

use std::time::Duration;

use polychat::{
    FailureKind, Limits, Notice, PromptOutcome, Seq, StatusKind,
    command::{ChatFilter, Page},
    ports::{ModelError, ModelErrorKind},
};
use polychat_testkit::faulty_store::{Call, Fault};

use super::SECOND;
use crate::support::{
    House, WorldWatcher, assert_sound, code, failure, house, log, messages, outcome, pass, settle,
    watch, within,
};

fn for_ever(limits: &mut Limits) {
    for duration in [
        &mut limits.append_duration_max,
        &mut limits.turn_duration_max,
        &mut limits.turn_progress_duration_max,
        &mut limits.model_retry_delay,
        &mut limits.model_retry_delay_max,
        &mut limits.checkpoint_interval,
        &mut limits.passivate_after,
        &mut limits.restart_window,
        &mut limits.restart_delay,
        &mut limits.stall_retry_delay,
        &mut limits.stall_retry_delay_max,
        &mut limits.shutdown_turn_duration,
        &mut limits.shutdown_drain_duration,
    ] {
        *duration = Duration::MAX;
    }
    limits.page_max = 0;
}

async fn endless_house() -> House {
    house().limits(for_ever).open().await
}

// law 7: a bound may be as large as its type
#[tokio::test(start_paused = true)]
async fn a_world_without_a_bound_on_any_duration_runs_and_closes() {
    let house = endless_house().await;
    let chat = house.chat("a").await;
    let (prompt, call) = house.begin(&chat, "hello").await;
    call.text("slowly ").drained().await;
    pass(100_000 * SECOND).await;
    call.text("said").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(&chat).await, ["user: hello", "assistant: slowly said"]);
    let (prompt, call) = house.begin(&chat, "try for ever").await;
    call.fail(ModelError::new(ModelErrorKind::Refused, "no"));
    assert_eq!(failure(&prompt).await.kind, FailureKind::ModelRefused);
    let mut seen = watch(&chat).await;
    let (prompt, call) = house.begin(&chat, "last").await;
    let closing = tokio::spawn({
        let world = house.local.clone();
        async move { world.shutdown().await }
    });
    pass(100_000 * SECOND).await;
    assert!(!closing.is_finished(), "it waits for the turn");
    call.finish();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
    within(closing).await.unwrap();
    assert_sound(&house.reopened().await.world.chat("a").unwrap()).await;
}

// law 7: … also where it waits before it tries again
#[tokio::test(start_paused = true)]
async fn whoever_tries_again_after_an_endless_pause_can_be_cancelled_and_closed() {
    let house = endless_house().await;
    let (retrying, crashed, stalled) =
        (house.chat("a").await, house.chat("b").await, house.chat("c").await);
    let mut feed = WorldWatcher::new(&house.world).await;
    let (prompt, call) = house.begin(&retrying, "hello").await;
    call.fail(ModelError::new(ModelErrorKind::Unavailable, "later").retryable());
    house.no_further_call().await;
    retrying.cancel().await.unwrap();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Cancelled);
    house.turn(&retrying, "another", "fine").await;

    house.faults.for_chat(crashed.id()).next(Call::Append, 2, Fault::Panic);
    assert_eq!(code(within(crashed.rename("x")).await), "chat_restarted");
    assert_eq!(code(within(crashed.rename("x")).await), "chat_restarted");
    house.faults.for_chat(stalled.id()).next(Call::Append, 1, Fault::Unavailable);
    assert_eq!(code(within(stalled.rename("x")).await), "store_unavailable");
    pass(100_000 * SECOND).await;
    assert_eq!(code(within(stalled.rename("x")).await), "chat_stalled");
    house.turn(&retrying, "not affected", "fine").await;
    within(house.local.shutdown()).await;
    while feed.next().await != Notice::Ended(polychat::EndReason::WorldClosed) {}
    let next = house.reopened().await;
    for id in ["a", "b", "c"] {
        let chat = next.world.chat(id).unwrap();
        assert_eq!(chat.snapshot().await.unwrap().status.kind, StatusKind::Idle);
    }
}

// law 7: page_max; a page that may hold nothing holds one entry, so that paging comes to an end
#[tokio::test(start_paused = true)]
async fn with_pages_of_nothing_everything_is_still_found_one_by_one() {
    let house = endless_house().await;
    let chat = house.chat("a").await;
    house.chat("b").await;
    house.turn(&chat, "hello", "hi").await;
    let first = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap();
    assert_eq!(first.chats.len(), 1);
    let page = Page::after(first.next.unwrap(), 9);
    let second = house.world.chats(page, ChatFilter::new()).await.unwrap();
    assert_eq!(second.chats[0].chat_id.as_str(), "b");
    assert_eq!(chat.messages(Page::first(9)).await.unwrap().messages.len(), 1);
    assert_eq!(chat.log(Seq::ZERO, 9).await.unwrap().events.len(), 1);
    let head = chat.snapshot().await.unwrap().status.head.get();
    assert_eq!(log(&chat).await.len() as u64, head);
}

// law 7: chat_commands_in_flight_max; reading a chat that nobody holds costs as much as its log
#[tokio::test(start_paused = true)]
async fn reads_of_a_chat_that_is_not_live_are_bounded_like_its_commands() {
    let (max, asked) = (4, 20);
    let house = house().limits(|limits| limits.chat_commands_in_flight_max = max).open().await;
    let chat = house.chat("a").await;
    pass(2 * Limits::default().passivate_after).await;
    let gate = house.faults.hang_next(Call::Read, asked);
    let asking: Vec<_> = (0..asked)
        .map(|_| {
            let chat = chat.clone();
            tokio::spawn(async move { chat.snapshot().await })
        })
        .collect();
    settle().await;
    assert_eq!(house.faults.calls(Call::Read), max as u64);
    gate.open();
    let (mut read, mut refused) = (0, 0);
    for asked in asking {
        match within(asked).await.unwrap() {
            Ok(_) => read += 1,
            Err(error) if error.code() == "overloaded" => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((read, refused), (max, asked - max));
    chat.snapshot().await.unwrap();
    assert_sound(&chat).await;
}

//! Chats that were being deleted when the process was lost.

use std::time::Duration;

use polychat::{
    ChatId, EndReason, Limits, PromptOutcome, WorldId,
    command::{ChatFilter, NewChat, Page},
    ports::{LogKey, Store, StoreErrorKind},
};
use polychat_testkit::faulty_store::{Call, Fault, Gate};

use super::{
    lives::Lives,
    states::{State, TABLE},
};
use crate::support::{
    Ground, House, WORLD, asked, chat_id, code, house, log, pass, settle, watch, within,
    world_of_tools,
};

/// The chat is gone from everywhere, and so is its name.
async fn is_gone(house: &House, id: &ChatId) -> bool {
    let key = LogKey::Chat(WorldId::new(WORLD).unwrap(), id.clone());
    let removed = match house.store.summary(&key).await {
        Err(error) => error.kind == StoreErrorKind::Deleted,
        Ok(_) => false,
    };
    let filter = ChatFilter::new().with_archived();
    let listed = within(house.world.chats(Page::first(10), filter)).await.unwrap();
    let chat = house.world.chat(id).unwrap();
    let again = house.world.create_chat(NewChat::with_id(id.clone())).await;
    removed
        && listed.chats.iter().all(|summary| summary.chat_id != *id)
        && code(within(chat.snapshot()).await) == "chat_deleted"
        && code(again) == "chat_deleted"
}

/// A chat whose deletion is stored while its rows are still there, and then the process is lost.
fn half_deleted(ground: &Ground, state: State) -> Lives {
    Lives::begin(ground, state.setup(), async |house: &House| {
        let chat = state.reach(house).await;
        house.faults.for_chat(chat.id()).every(Call::Delete, Fault::Unavailable);
        within(chat.delete()).await.unwrap();
        settle().await;
        let last = log(&chat).await.last().map(|recorded| recorded.event.name());
        assert_eq!(last, Some("chat.deleted"), "{state:?}: its rows are still there");
    })
}

// law 5; design: opening a log that ends in `chat.deleted` finishes the job
#[test]
fn a_chat_whose_rows_were_still_there_when_the_process_was_lost_goes_by_itself() {
    for row in TABLE.iter().filter(|row| row.state != State::EndUnstored) {
        for ground in Ground::all() {
            let mut lives = half_deleted(&ground, row.state);
            lives.go_on(async |house: &House| {
                assert!(is_gone(house, &chat_id("a")).await, "{:?}", row.state);
            });
        }
    }
}

// design: a store that is away puts work off, and never makes the world forget a chat
#[test]
fn it_goes_also_if_its_log_cannot_be_read_while_the_world_opens() {
    let reads = [Fault::Unavailable, Fault::AnswerLost, Fault::HangBefore(Gate::closed())];
    for fault in reads {
        let mut lives = half_deleted(&Ground::memory(), State::Idle);
        let faults = &lives.house().faults;
        faults.clear();
        faults.for_chat(&chat_id("a")).next(Call::Read, 1, fault.clone());
        lives.go_on_as_it_is(async |house: &House| {
            pass(Limits::default().append_duration_max).await;
            settle().await;
            assert!(is_gone(house, &chat_id("a")).await, "{fault:?}");
        });
    }
}

// law 6: … and one chat of which nothing can be heard keeps no other one from its work
#[test]
fn a_chat_whose_log_cannot_be_read_keeps_no_other_chat_from_its_work() {
    let setup = house();
    let mut lives = Lives::begin(&Ground::memory(), setup, async |house: &House| {
        let (closed, busy) = (house.chat("a").await, house.chat("b").await);
        within(closed.close()).await.unwrap();
        house.begin(&busy, "first").await;
        busy.prompt("second").await.unwrap();
    });
    lives.house().faults.for_chat(&chat_id("a")).every(Call::Read, Fault::Unavailable);
    lives.house().faults.for_chat(&chat_id("a")).every(Call::Open, Fault::Unavailable);
    lives.go_on_as_it_is(async |house: &House| {
        house.call_for("second").await.finish();
    });
}

// issue 4: a full disk stalls chats, and deleting one of them works
#[tokio::test(start_paused = true)]
async fn a_chat_whose_store_takes_nothing_more_can_be_deleted() {
    // What could not be stored was certainly not, may have been, and was.
    for fault in [Fault::Full, Fault::RequestLost, Fault::AnswerLost] {
        let house = house().open().await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let (running, call) = house.begin(&chat, "hello").await;
        let queued = chat.prompt("queued").await.unwrap();
        call.text("all of it").drained().await;
        house.faults.for_chat(chat.id()).next(Call::Append, 1, fault.clone());
        call.finish();
        // Before it tries again by itself.
        seen.until_text("all of it").await;
        settle().await;
        within(chat.delete()).await.unwrap();
        let landed = matches!(fault, Fault::AnswerLost);
        let expected = if landed { PromptOutcome::Completed } else { PromptOutcome::Cancelled };
        assert_eq!(seen.until_outcome(&running).await, expected, "{fault:?}");
        let expected = if landed { PromptOutcome::Cancelled } else { PromptOutcome::Withdrawn };
        assert_eq!(seen.until_outcome(&queued).await, expected, "{fault:?}");
        assert_eq!(seen.view.messages[1].text, "all of it", "what was shown is recorded");
        assert_eq!(seen.until_ended().await, EndReason::Deleted);
        pass(Duration::from_secs(30)).await;
        assert_eq!(code(within(chat.snapshot()).await), "chat_deleted");
        assert_eq!(house.local.turns_running(), Some(0));
    }
}

// law 5: a deletion that cannot be stored is told so, stands, and is stored once it can be
#[tokio::test(start_paused = true)]
async fn a_deletion_that_finds_no_room_either_stands() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let (running, call) = house.begin(&chat, "hello").await;
    call.text("all of it").drained().await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Full);
    call.finish();
    settle().await;
    assert_eq!(code(within(chat.delete()).await), "store_unavailable");
    assert_eq!(code(within(chat.rename("more")).await), "chat_stalled");
    pass(Duration::from_secs(60)).await;
    house.faults.clear();
    assert_eq!(seen.until_outcome(&running).await, PromptOutcome::Cancelled);
    assert_eq!(seen.until_ended().await, EndReason::Deleted);
    // One whose log cannot even be opened has to wait.
    let chat = house.chat("b").await;
    let (_, call) = house.begin(&chat, "hello").await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Unavailable);
    house.faults.for_chat(chat.id()).every(Call::Open, Fault::Unavailable);
    call.finish();
    settle().await;
    assert_eq!(code(within(chat.delete()).await), "chat_stalled");
    house.faults.clear();
    pass(Duration::from_secs(20)).await;
    within(chat.delete()).await.unwrap();
    assert_eq!(code(within(chat.snapshot()).await), "chat_deleted");
}

// law 5: what a tool had answered is not forgotten by a deletion that could not be stored
#[tokio::test(start_paused = true)]
async fn a_deletion_that_finds_no_room_stands_also_when_a_tool_has_just_answered() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    let mut seen = watch(&chat).await;
    let prompt = house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    let call = house.running("x").await;
    house.faults.for_chat(chat.id()).every(Call::Append, Fault::Full);
    call.result("all of it");
    settle().await;
    assert_eq!(code(within(chat.delete()).await), "store_unavailable");
    settle().await;
    pass(Duration::from_secs(60)).await;
    house.faults.clear();
    assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Cancelled);
    assert_eq!(seen.until_ended().await, EndReason::Deleted);
    assert_eq!(code(within(chat.snapshot()).await), "chat_deleted");
    assert_eq!(house.local.turns_running(), Some(0));
}

// law 5: asking again for a deletion that had landed is answered as done
#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_was_lost_is_done_when_it_is_asked_for_again() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::AnswerLost);
    assert_eq!(code(within(chat.delete()).await), "store_unavailable");
    // Before it tries again by itself.
    within(chat.delete()).await.unwrap();
    assert_eq!(code(within(chat.snapshot()).await), "chat_deleted");
}

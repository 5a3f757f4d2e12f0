//! What random runs found, as the smallest runs that show it.

use futures_util::{FutureExt, StreamExt};
use polychat::{
    ChatId, Notice, PromptOutcome, StatusKind,
    command::{ChatFilter, Page},
    notice::WorldNotice,
};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::support::{code, house, messages, outcome, settle, watch, within};

// NFR-3: a command to a chat that nobody created, sent while the store was away, left a `stalled`
// status of it on the world's feed for ever
#[tokio::test(start_paused = true)]
async fn a_chat_of_which_nothing_is_known_has_no_status() {
    let house = house().open().await;
    let mut feed = house.local.subscribe().await.unwrap();
    let ghost = house.world.chat("ghost").unwrap();
    house.faults.outage();
    assert_eq!(code(within(ghost.prompt("hello").send()).await), "chat_stalled");
    settle().await;
    while let Some(notice) = feed.next().now_or_never() {
        let status = matches!(notice, Some(Notice::World(WorldNotice::Status { .. })));
        assert!(!status, "{notice:?}");
    }
}

// law 5: a turn that was stopped before its task had run asked its model all the same
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_stopped_before_it_began_asks_no_model() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    // Both wait in the mailbox before the first one is handled.
    let (first, second) =
        tokio::join!(chat.prompt("one").send(), chat.prompt("two").interrupt().send());
    house.call_for("two").await.finish();
    assert_eq!(outcome(&first.unwrap()).await, PromptOutcome::Cancelled);
    assert_eq!(outcome(&second.unwrap()).await, PromptOutcome::Completed);
    assert_eq!(house.script.calls_seen(), 1);
}

// REQ-11: `reopen` of a chat whose log had been misread was refused, and only the command after it
// tried again
#[tokio::test(start_paused = true)]
async fn reopening_reads_a_log_anew_that_was_found_damaged() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let faults = house.faults.for_chat(chat.id());
    faults.next(Call::Append, 1, Fault::Panic);
    faults.next(Call::Read, 1, Fault::Foreign(ChatId::new("b").unwrap()));
    assert_eq!(code(within(chat.rename("crash")).await), "chat_restarted");
    settle().await;
    assert_eq!(code(within(chat.rename("refused")).await), "chat_failed");
    within(chat.reopen()).await.unwrap();
    assert_eq!(within(chat.snapshot()).await.unwrap().status.kind, StatusKind::Idle);
}

// law 5: a deletion whose rows were still there when the process went left the chat in every list
#[tokio::test(start_paused = true)]
async fn a_stored_deletion_is_finished_when_the_world_opens_again() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    house.faults.every(Call::Delete, Fault::Unavailable);
    within(chat.delete()).await.unwrap();
    within(house.local.shutdown()).await;
    house.faults.clear();
    let again = house.reopened().await;
    settle().await;
    let listed = within(again.world.chats(Page::first(9), ChatFilter::new())).await.unwrap();
    assert_eq!(listed.chats, []);
}

// law 5: a world that was shut down while a chat waited for its next try at the store lost what the
// chat had shown, although the store worked again
#[tokio::test(start_paused = true)]
async fn a_stalled_chat_tries_the_store_once_more_when_the_world_closes() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let (_, call) = house.begin(&chat, "hello").await;
    let mut reader = watch(&chat).await;
    call.text("so far");
    reader.until_text("so far").await;
    house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Unavailable);
    assert_eq!(code(within(chat.cancel()).await), "store_unavailable");
    within(house.local.shutdown()).await;
    let again = house.reopened().await;
    let chat = again.world.chat("a").unwrap();
    assert_eq!(messages(&chat).await, ["user: hello", "assistant: so far"]);
}

// traps: a stale status of a chat that is gone. While somebody still watches it, a failed look at
// its log made it `stalled` again.
#[tokio::test(start_paused = true)]
async fn nothing_is_said_of_a_chat_after_its_deletion() {
    let house = house().open().await;
    let chat = house.chat("a").await;
    let mut feed = house.local.subscribe().await.unwrap();
    let _watcher = watch(&chat).await;
    within(chat.delete()).await.unwrap();
    settle().await;
    while feed.next().now_or_never().is_some() {}
    house.faults.for_chat(chat.id()).next(Call::Open, 1, Fault::Unavailable);
    assert_eq!(code(within(chat.rename("late")).await), "chat_stalled");
    settle().await;
    while let Some(notice) = feed.next().now_or_never() {
        let status = matches!(notice, Some(Notice::World(WorldNotice::Status { .. })));
        assert!(!status, "{notice:?}");
    }
    // Once the store was asked again, it is known to be gone.
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    settle().await;
    assert_eq!(code(within(chat.rename("late")).await), "chat_deleted");
}

//! Logs that are damaged, or another chat's: their chat is quarantined, and nothing else.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use polychat::{
    Chat, Event, Notice, PromptOutcome, Recorded, StartAt, StatusKind, Summary, Timestamp, TurnId,
    TurnOutcome, WorldId,
    command::{ChatFilter, NewChat, Page},
    diagnostic::DiagnosticKind,
    notice::WorldNotice,
    ports::{Entry, LogKey, OpenMode, Store},
};
use polychat_testkit::faulty_store::{Call, Fault};

use super::{lines::lines, lives::Lives};
use crate::{
    state_machine::silence_planned_panics,
    support::{
        Ground, House, WORLD, WorldWatcher, chat_id, code, house, log, names, outcome, pass, said,
        settle, within,
    },
};

/// Writes a record that no rule could have written behind a log, as a faulty program would. Its
/// position is the answer.
async fn damage(house: &House, chat: &Chat) -> u64 {
    let key = LogKey::Chat(WorldId::new(WORLD).unwrap(), chat.id().clone());
    let summary = house.store.summary(&key).await.unwrap();
    let (fence, head) = house.store.open(&key, OpenMode::Existing).await.unwrap();
    let (turn_id, outcome) = (TurnId(head), TurnOutcome::Completed);
    let recorded = Recorded {
        chat_id: chat.id().clone(),
        seq: head.next(),
        at: Timestamp(2_000_000),
        event: Event::TurnEnded { turn_id, outcome },
    };
    let summary = Summary { head: head.next(), ..summary };
    let entries = [Entry::Chat(Arc::new(recorded))];
    house.store.append(&fence, head, &entries, Some(&summary)).await.unwrap();
    head.next().get()
}

/// Two chats with work left in them, of which one has a damaged log when the world opens again.
fn one_damaged(ground: &Ground) -> (Lives, u64) {
    let mut at = 0;
    let lives = Lives::begin(ground, house(), async |house: &House| {
        let (damaged, sound) = (house.chat("a").await, house.chat("b").await);
        for chat in [&damaged, &sound] {
            house.turn(chat, &format!("once {}", chat.id()), "upon a time").await;
            house.begin(chat, &format!("first {}", chat.id())).await;
            chat.prompt(format!("second {}", chat.id())).await.unwrap();
        }
        at = damage(house, &damaged).await;
    });
    (lives, at)
}

async fn listed(house: &House) -> Vec<String> {
    let listed = within(house.world.chats(Page::first(10), ChatFilter::new())).await.unwrap();
    listed.chats.iter().map(|summary| summary.chat_id.to_string()).collect()
}

// REQ-11, NFR-1; issue 4: its position and a diagnostic, and nothing else
#[test]
fn a_damaged_log_stops_its_own_chat_when_the_world_opens_and_no_other() {
    for ground in Ground::all() {
        let (mut lives, at) = one_damaged(&ground);
        lives.go_on(async |house: &House| {
            let mut feed = WorldWatcher::new(&house.world).await;
            let (damaged, sound) =
                (house.world.chat("a").unwrap(), house.world.chat("b").unwrap());
            feed.until_status(&damaged, StatusKind::Failed).await;
            house.call_for("second b").await.finish();
            house.no_further_call().await;
            assert_eq!(code(damaged.prompt("more").await), "chat_failed");
            // Reading it once more finds the same, and tells where.
            assert_eq!(code(damaged.reopen().await), "chat_failed");
            let diagnostic = feed.until_diagnostic("quarantined").await;
            assert_eq!(diagnostic.chat_id.as_ref(), Some(damaged.id()));
            assert!(
                matches!(&diagnostic.kind, DiagnosticKind::Quarantined { seq, .. } if seq.get() == at),
                "{diagnostic:?}"
            );
            house.turn(&sound, "more", "fine").await;
            // What stands before the damage can still be read, and nothing was written behind it.
            assert_eq!(log(&damaged).await.len() as u64, at);
            assert_eq!(listed(house).await, ["a", "b"]);
        });
    }
}

// issue 4: … and it can be deleted
#[test]
fn a_chat_whose_log_is_damaged_can_be_deleted() {
    for ground in Ground::all() {
        let (mut lives, _) = one_damaged(&ground);
        lives.go_on(async |house: &House| {
            let mut feed = WorldWatcher::new(&house.world).await;
            let damaged = house.world.chat("a").unwrap();
            let mut seen = within(damaged.subscribe(StartAt::Now)).await.unwrap();
            within(damaged.delete()).await.unwrap();
            assert_eq!(code(within(damaged.snapshot()).await), "chat_deleted");
            assert_eq!(listed(house).await, ["b"]);
            let again = house.world.create_chat(NewChat::with_id(chat_id("a"))).await;
            assert_eq!(code(again), "chat_deleted", "an id is never used again");
            within(damaged.delete()).await.unwrap();
            let ended = within(seen.next()).await;
            assert!(matches!(ended, Some(Notice::Ended(_))), "{ended:?}");
            loop {
                if let Notice::World(WorldNotice::Deleted { chat_id }) = feed.next().await {
                    break assert_eq!(chat_id, *damaged.id());
                }
            }
        });
        lives.go_on(async |house: &House| {
            assert_eq!(listed(house).await, ["b"]);
            let damaged = house.world.chat("a").unwrap();
            assert_eq!(code(within(damaged.prompt("more").send()).await), "chat_deleted");
        });
    }
}

// law 5: a deletion that met a fault is told as one, and can be asked for again
#[test]
fn a_damaged_chat_whose_removal_meets_a_fault_stays_until_it_is_asked_for_again() {
    let faults = [
        (Call::Open, Fault::Unavailable),
        (Call::Delete, Fault::Unavailable),
        (Call::Delete, Fault::RequestLost),
        (Call::Delete, Fault::AnswerLost),
        (Call::Delete, Fault::Panic),
    ];
    for (call, fault) in faults {
        let (mut lives, _) = one_damaged(&Ground::memory());
        lives.go_on(async |house: &House| {
            silence_planned_panics();
            let damaged = house.world.chat("a").unwrap();
            // Read first, so that the fault meets the removal.
            assert_eq!(code(damaged.prompt("more").await), "chat_failed");
            let faults = house.faults.for_chat(damaged.id());
            if call == Call::Open {
                faults.every(call, fault.clone());
            } else {
                faults.next(call, 1, fault.clone());
            }
            let refused = within(damaged.delete()).await.unwrap_err();
            assert!(refused.retryable(), "{fault:?}: {refused:?}");
            faults.clear();
            pass(Duration::from_secs(20)).await;
            within(damaged.delete()).await.unwrap();
            assert_eq!(listed(house).await, ["b"], "{fault:?}");
        });
    }
}

// law 5: … but a log that was only misread is read once more, and ends as it should
#[tokio::test(start_paused = true)]
async fn deleting_reads_a_log_anew_that_was_found_damaged_and_ends_what_is_open_in_it() {
    let first = house().open().await;
    let chat = first.chat("a").await;
    first.begin(&chat, "hello").await;
    chat.prompt("queued").await.unwrap();
    let before = log(&chat).await.len();
    let faults = first.faults.for_chat(chat.id());
    faults.next(Call::Append, 1, Fault::Panic);
    faults.next(Call::Read, 1, Fault::Foreign(chat_id("b")));
    assert_eq!(code(within(chat.rename("crash")).await), "chat_restarted");
    settle().await;
    assert_eq!(code(chat.rename("refused").await), "chat_failed");
    // The rows stay long enough to be read.
    faults.next(Call::Delete, 1, Fault::Unavailable);
    within(chat.delete()).await.unwrap();
    let expected = [
        "broke \"\" interrupted",
        "ended interrupted",
        "turn queued",
        "asks assistant",
        "broke \"\" cancelled",
        "ended cancelled",
        "chat.deleted",
    ];
    assert_eq!(lines(&log(&chat).await)[before..], expected);
    pass(Duration::from_secs(1)).await;
    assert_eq!(code(within(chat.snapshot()).await), "chat_deleted");
}

// REQ-13: a lying store
#[test]
fn a_store_that_hands_out_another_chats_records_stops_that_chat_until_it_tells_the_truth() {
    for ground in Ground::all() {
        let mut lives = Lives::begin(&ground, house(), async |house: &House| {
            for name in ["a", "b"] {
                let chat = house.chat(name).await;
                house.turn(&chat, &format!("to {name}"), "fine").await;
            }
        });
        let lies = Fault::Foreign(chat_id("b"));
        lives.house().faults.for_chat(&chat_id("a")).every(Call::Read, lies);
        lives.go_on_as_it_is(async |house: &House| {
            let (lied, sound) = (house.world.chat("a").unwrap(), house.world.chat("b").unwrap());
            assert_eq!(code(lied.prompt("more").await), "chat_failed");
            house.turn(&sound, "more", "fine").await;
            house.faults.clear();
            within(lied.reopen()).await.unwrap();
            let prompt = lied.prompt("again").await.unwrap();
            let call = house.call_for("again").await;
            assert_eq!(said(call.request()).len(), 3);
            call.finish();
            assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
            assert_eq!(names(&lied).await.iter().filter(|name| **name == "turn.ended").count(), 2);
        });
    }
}

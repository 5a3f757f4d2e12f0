//! The faulty store does what a test asks of it, and nothing else.

#![allow(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests may")]

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use polychat_core::{
    Seq,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};
use polychat_store::MemoryStore;
use polychat_testkit::{
    faulty_store::{AtOpen, Call, CommitKind, Fault, Faults, FaultyStore, Gate},
    samples::{self, chat_id, seq, world_id},
    store_suite,
};

fn key(chat: &str) -> LogKey {
    LogKey::Chat(world_id("w"), chat_id(chat))
}

fn store() -> (Arc<FaultyStore>, Faults) {
    let store = Arc::new(FaultyStore::around(Arc::new(MemoryStore::new())));
    let faults = store.faults();
    (store, faults)
}

/// A log with one entry.
async fn log(store: &FaultyStore, chat: &str) -> Fence {
    let (fence, _) = store.open(&key(chat), OpenMode::Create).await.unwrap();
    append(store, &fence, 0).await.unwrap();
    fence
}

/// Appends one entry after `expected`.
async fn append(store: &FaultyStore, fence: &Fence, expected: u64) -> Result<(), AppendError> {
    let chat = fence.key.chat().unwrap();
    let at = seq(expected + 1);
    let event = samples::every_event().remove(0);
    let entries = [Entry::Chat(samples::recorded(chat, at, event))];
    store.append(fence, seq(expected), &entries, Some(&samples::summary(chat, at))).await
}

async fn length(store: &FaultyStore, chat: &str) -> usize {
    store.read(&key(chat), Seq::ZERO, 100).await.unwrap().len()
}

fn kind<T>(answer: Result<T, StoreError>) -> Option<StoreErrorKind> {
    answer.err().map(|error| error.kind)
}

fn is_ambiguous(answer: &Result<(), AppendError>) -> bool {
    matches!(answer, Err(AppendError::Ambiguous(_)))
}

async fn reopen(store: &FaultyStore, chat: &str) -> (Fence, Head) {
    store.open(&key(chat), OpenMode::Existing).await.unwrap()
}

// law 6
#[tokio::test]
async fn without_a_planned_fault_every_promise_of_a_store_holds() {
    let make = || async { store().0 as Arc<dyn Store> };
    assert_eq!(store_suite::all(make).await, Ok(()));
}

#[tokio::test]
async fn a_planned_fault_applies_as_often_as_planned_and_then_no_more() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 2, Fault::Unavailable);
    faults.next(Call::Append, 1, Fault::Full);
    let mut kinds = Vec::new();
    for _ in 0..3 {
        match append(&store, &fence, 1).await {
            Err(AppendError::Rejected(error)) => kinds.push(error.kind),
            other => panic!("{other:?}"),
        }
    }
    let unavailable = StoreErrorKind::Unavailable;
    assert_eq!(kinds, [unavailable, unavailable, StoreErrorKind::Full]);
    assert_eq!(append(&store, &fence, 1).await, Ok(()));
    assert_eq!(faults.calls(Call::Append), 5);
}

// law 6
#[tokio::test]
async fn a_fault_planned_for_one_chat_leaves_the_others_alone() {
    let (store, faults) = store();
    let (a, b) = (log(&store, "a").await, log(&store, "b").await);
    let of_a = faults.for_chat(&chat_id("a"));
    of_a.outage();
    assert!(append(&store, &a, 1).await.is_err());
    assert_eq!(kind(store.read(&key("a"), Seq::ZERO, 1).await), Some(StoreErrorKind::Unavailable));
    assert_eq!(append(&store, &b, 1).await, Ok(()));
    assert_eq!(length(&store, "b").await, 2);
    of_a.clear();
    assert_eq!(append(&store, &a, 1).await, Ok(()));
    assert_eq!((of_a.calls(Call::Append), faults.calls(Call::Append)), (3, 5));
}

#[tokio::test]
async fn an_outage_stops_every_call() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.outage();
    let unavailable = Some(StoreErrorKind::Unavailable);
    assert_eq!(kind(store.open(&key("a"), OpenMode::Existing).await), unavailable);
    assert_eq!(kind(store.read(&key("a"), Seq::ZERO, 1).await), unavailable);
    assert_eq!(kind(store.summary(&key("a")).await), unavailable);
    let page = polychat_core::command::Page::first(1);
    assert_eq!(kind(store.list(&world_id("w"), &page).await), unavailable);
    assert_eq!(kind(store.delete(&fence).await), unavailable);
    assert!(append(&store, &fence, 1).await.is_err());
    faults.clear();
    assert_eq!(length(&store, "a").await, 1);
}

// law 1
#[tokio::test]
async fn an_ambiguous_append_may_have_landed_or_not() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 1, Fault::RequestLost);
    assert!(is_ambiguous(&append(&store, &fence, 1).await));
    assert_eq!(reopen(&store, "a").await.1, seq(1));

    let (fence, _) = reopen(&store, "a").await;
    faults.next(Call::Append, 1, Fault::AnswerLost);
    assert!(is_ambiguous(&append(&store, &fence, 1).await));
    assert_eq!(reopen(&store, "a").await.1, seq(2));
}

// law 1
#[tokio::test]
async fn a_late_append_lands_after_a_further_call() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 1, Fault::Late(AtOpen::Lands));
    assert!(is_ambiguous(&append(&store, &fence, 1).await));
    assert_eq!(faults.late(), 1);
    assert_eq!(length(&store, "a").await, 1, "the first read comes too early");
    assert_eq!(faults.late(), 0);
    assert_eq!(length(&store, "a").await, 2);
}

// law 1
#[tokio::test]
async fn of_two_late_appends_the_first_lands_when_the_second_was_made() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 2, Fault::Late(AtOpen::Lands));
    assert!(is_ambiguous(&append(&store, &fence, 1).await));
    assert!(is_ambiguous(&append(&store, &fence, 2).await));
    assert_eq!(faults.for_chat(&chat_id("a")).late(), 1);
    assert_eq!(reopen(&store, "a").await.1, seq(3));
}

// law 1
#[tokio::test]
async fn an_opening_settles_a_late_append() {
    for (at_open, head) in [(AtOpen::Lands, 2), (AtOpen::Lost, 1)] {
        let (store, faults) = store();
        let fence = log(&store, "a").await;
        faults.next(Call::Append, 1, Fault::Late(at_open));
        assert!(is_ambiguous(&append(&store, &fence, 1).await));
        assert_eq!(reopen(&store, "a").await.1, seq(head), "{at_open:?}");
        store.land_late().await;
        assert_eq!(length(&store, "a").await as u64, head, "{at_open:?}");
    }
}

// law 1
#[tokio::test]
async fn a_late_append_does_not_come_past_a_newer_fence() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 1, Fault::Late(AtOpen::Lost));
    assert!(is_ambiguous(&append(&store, &fence, 1).await));
    reopen(&store, "a").await;
    assert_eq!(faults.late(), 0);
    assert_eq!(length(&store, "a").await, 1);
}

#[tokio::test]
async fn a_call_that_hangs_begins_when_the_test_says_so() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    let gate = faults.hang_next(Call::Append, 1);
    let (other, hung) = (Arc::clone(&store), fence.clone());
    let task = tokio::spawn(async move { append(&other, &hung, 1).await });
    gate.arrived(1).await;
    assert_eq!(length(&store, "a").await, 1);
    gate.let_through(1);
    assert_eq!(task.await.unwrap(), Ok(()));
    assert_eq!(length(&store, "a").await, 2);
}

// law 1
#[tokio::test]
async fn a_call_whose_answer_hangs_is_done_meanwhile() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    let gate = Gate::closed();
    faults.next(Call::Append, 1, Fault::HangAfter(gate.clone()));
    let other = Arc::clone(&store);
    let task = tokio::spawn(async move { append(&other, &fence, 1).await });
    gate.arrived(1).await;
    assert_eq!(length(&store, "a").await, 2);
    assert!(!task.is_finished());
    gate.open();
    assert_eq!(task.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_planned_panic_panics_and_leaves_the_store_usable() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    faults.next(Call::Append, 1, Fault::Panic);
    let panicked = std::panic::AssertUnwindSafe(append(&store, &fence, 1)).catch_unwind().await;
    assert!(panicked.is_err());
    assert_eq!(append(&store, &fence, 1).await, Ok(()));
}

// REQ-13
#[tokio::test]
async fn a_lying_store_gives_back_what_names_another_chat() {
    let (store, faults) = store();
    log(&store, "a").await;
    for call in [Call::Read, Call::Summary, Call::List] {
        faults.next(call, 1, Fault::Foreign(chat_id("b")));
    }
    let read = store.read(&key("a"), Seq::ZERO, 10).await.unwrap();
    let Entry::Chat(recorded) = &read[0] else { panic!("{read:?}") };
    assert_eq!(recorded.chat_id, chat_id("b"));
    assert_eq!(store.summary(&key("a")).await.unwrap().chat_id, chat_id("b"));
    let page = polychat_core::command::Page::first(1);
    assert_eq!(store.list(&world_id("w"), &page).await.unwrap()[0].chat_id, chat_id("b"));
    assert_eq!(store.summary(&key("a")).await.unwrap().chat_id, chat_id("a"));
}

#[tokio::test]
async fn a_damaged_entry_harms_only_reads_that_come_past_it() {
    let (store, faults) = store();
    let fence = log(&store, "a").await;
    append(&store, &fence, 1).await.unwrap();
    append(&store, &fence, 2).await.unwrap();
    faults.every(Call::Read, Fault::Corrupt(seq(2)));
    assert_eq!(store.read(&key("a"), Seq::ZERO, 1).await.unwrap().len(), 1);
    let corrupt = Some(StoreErrorKind::Corrupt { seq: seq(2) });
    assert_eq!(kind(store.read(&key("a"), Seq::ZERO, 2).await), corrupt);
    assert_eq!(kind(store.read(&key("a"), seq(1), 1).await), corrupt);
    assert_eq!(store.read(&key("a"), seq(2), 5).await.unwrap().len(), 1);
    faults.clear();
    faults.next(Call::Read, 1, Fault::Gap(seq(2)));
    let read = store.read(&key("a"), Seq::ZERO, 5).await.unwrap();
    assert_eq!(read.iter().map(Entry::seq).collect::<Vec<_>>(), [seq(1), seq(3)]);
}

// law 1: a checker compares this order with that of deliveries
#[tokio::test]
async fn an_observer_hears_of_every_commit_in_order_before_the_caller() {
    let (store, faults) = store();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    faults.observe(move |commit| into.lock().unwrap().push(commit.clone()));
    let fence = log(&store, "a").await;
    assert_eq!(heard.lock().unwrap().len(), 2, "the caller has its answers");
    faults.next(Call::Append, 1, Fault::AnswerLost);
    faults.next(Call::Append, 1, Fault::RequestLost);
    faults.next(Call::Append, 1, Fault::Unavailable);
    for _ in 0..3 {
        assert!(append(&store, &fence, 1).await.is_err());
    }
    let (fence, _) = reopen(&store, "a").await;
    store.delete(&fence).await.unwrap();

    let heard = heard.lock().unwrap();
    let orders: Vec<_> = heard.iter().map(|commit| commit.order).collect();
    assert_eq!(orders, [1, 2, 3, 4, 5]);
    let told: Vec<_> = heard
        .iter()
        .map(|commit| match &commit.kind {
            CommitKind::Opened { head, .. } => format!("opened at {head}"),
            CommitKind::Acknowledged { entries } => format!("acknowledged {}", entries[0].seq()),
            CommitKind::Landed { entries } => format!("landed {}", entries[0].seq()),
            CommitKind::Deleted => "deleted".to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = ["opened at 0", "acknowledged 1", "landed 2", "opened at 2", "deleted"];
    assert_eq!(told, wanted);
}

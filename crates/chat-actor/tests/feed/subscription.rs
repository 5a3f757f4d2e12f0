//! The stream of notices: feed and store as one, checked, fair.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};
use polychat_chat_actor::{feed::FeedLimits, subscription::Subscription};
use polychat_core::{
    ChatId, EndReason, Event, Notice, Recorded, Seq, StartAt, Summary, WorldId,
    command::Page,
    diagnostic::DiagnosticKind,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};

use crate::support::{Chat, LIMITS, chat_id};

/// A store that only answers reads, from a log or with an error.
struct Shelf {
    log: Result<Vec<Arc<Recorded>>, StoreErrorKind>,
    reads: AtomicUsize,
}

impl Shelf {
    fn of(log: Result<Vec<Arc<Recorded>>, StoreErrorKind>) -> Arc<Self> {
        Arc::new(Self { log, reads: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Store for Shelf {
    async fn open(&self, _: &LogKey, _: OpenMode) -> Result<(Fence, Head), StoreError> {
        panic!("a reader never opens a log for writing")
    }
    async fn append(
        &self,
        _: &Fence,
        _: Seq,
        _: &[Entry],
        _: Option<&Summary>,
    ) -> Result<(), AppendError> {
        panic!("a reader never writes")
    }
    async fn read(&self, _: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // An answer that takes a moment, so that a poll can be given up in between.
        tokio::task::yield_now().await;
        match &self.log {
            Ok(log) => {
                let after = after.get() as usize;
                Ok(log.iter().skip(after).take(limit).cloned().map(Entry::Chat).collect())
            }
            Err(kind) => Err(StoreError::new(*kind, "no")),
        }
    }
    async fn summary(&self, _: &LogKey) -> Result<Summary, StoreError> {
        panic!("a reader asks for no summary")
    }
    async fn list(&self, _: &WorldId, _: &Page) -> Result<Vec<Summary>, StoreError> {
        panic!("a reader asks for no list")
    }
    async fn worlds(&self, _: &Page) -> Result<Vec<WorldId>, StoreError> {
        panic!("a reader asks for no worlds")
    }
    async fn delete(&self, _: &Fence) -> Result<(), StoreError> {
        panic!("a reader never deletes")
    }
}

/// A chat with `events` recorded, of which the feed holds only the last two.
fn long_chat(events: usize) -> Chat {
    let mut chat = Chat::new(FeedLimits { recorded_max: 2, ..LIMITS });
    for _ in 0..events {
        chat.record(Event::ChatReopened {});
    }
    chat
}

fn subscription(chat: &Chat, store: Arc<Shelf>) -> Subscription {
    let key = LogKey::Chat(WorldId::new("w").unwrap(), chat_id());
    Subscription::new(chat.feed.subscribe(&StartAt::Start).unwrap(), store, key).page(3)
}

fn seqs(notices: &[Notice]) -> Vec<u64> {
    let seq = |notice: &Notice| match notice {
        Notice::Recorded { event, cursor } => {
            assert_eq!(cursor.seq, event.seq);
            event.seq.get()
        }
        other => panic!("not recorded: {other:?}"),
    };
    notices.iter().map(seq).collect()
}

#[tokio::test]
async fn what_the_feed_no_longer_holds_comes_from_the_store_in_pages() {
    // law 4, law 1
    let mut chat = long_chat(10);
    let shelf = Shelf::of(Ok(chat.log.clone()));
    let mut stream = subscription(&chat, Arc::clone(&shelf));
    let notices: Vec<_> = stream.by_ref().take(10).collect().await;
    assert_eq!(seqs(&notices), (1..=10).collect::<Vec<_>>());
    assert!(shelf.reads.load(Ordering::SeqCst) >= 3);
    assert!(stream.next().now_or_never().is_none(), "then it waits");
    chat.record(Event::ChatClosed {});
    assert_eq!(seqs(&[stream.next().await.unwrap()]), [11]);
}

#[tokio::test]
async fn nothing_beyond_the_head_of_the_feed_is_shown_though_the_store_has_it() {
    // law 1
    let mut chat = long_chat(3);
    let mut log = chat.log.clone();
    log.push(chat.store(Event::ChatClosed {}));
    let mut stream = subscription(&chat, Shelf::of(Ok(log))).page(100);
    let notices: Vec<_> = stream.by_ref().take(3).collect().await;
    assert_eq!(seqs(&notices), [1, 2, 3]);
    assert!(stream.next().now_or_never().is_none());
}

#[tokio::test]
async fn giving_up_a_poll_loses_nothing() {
    // cancel-safety
    let chat = long_chat(10);
    let mut stream = subscription(&chat, Shelf::of(Ok(chat.log.clone())));
    let mut notices = Vec::new();
    while notices.len() < 10 {
        match stream.next().now_or_never() {
            Some(notice) => notices.push(notice.unwrap()),
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(seqs(&notices), (1..=10).collect::<Vec<_>>());
}

async fn end_of(
    log: Result<Vec<Arc<Recorded>>, StoreErrorKind>,
) -> (EndReason, Vec<DiagnosticKind>) {
    let chat = long_chat(10);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&reports);
    let stream = subscription(&chat, Shelf::of(log))
        .reporting_to(Arc::new(move |kind| hook.lock().unwrap().push(kind)));
    let notices: Vec<_> = stream.collect().await;
    let Some(Notice::Ended(reason)) = notices.last() else { panic!("it ends: {notices:?}") };
    let reports = reports.lock().unwrap().clone();
    (*reason, reports)
}

#[tokio::test]
async fn a_record_of_another_chat_ends_the_stream_and_is_reported() {
    // REQ-13
    let mut log = long_chat(10).log;
    log[4] = Arc::new(Recorded { chat_id: ChatId::new("b").unwrap(), ..(*log[4]).clone() });
    let (reason, reports) = end_of(Ok(log)).await;
    assert_eq!(reason, EndReason::Damaged);
    let foreign = DiagnosticKind::ForeignRecord { claimed: "b".into(), path: "store read".into() };
    assert_eq!(reports, [foreign]);
}

#[tokio::test]
async fn a_gap_or_a_missing_end_ends_the_stream_and_is_reported_with_its_place() {
    let mut gap = long_chat(10).log;
    gap.remove(4);
    let short = long_chat(10).log[..4].to_vec();
    for log in [gap, short] {
        let (reason, reports) = end_of(Ok(log)).await;
        assert_eq!(reason, EndReason::Damaged);
        let place = |kind: &DiagnosticKind| match kind {
            DiagnosticKind::Quarantined { seq, .. } => seq.get(),
            other => panic!("not quarantined: {other:?}"),
        };
        assert_eq!(reports.iter().map(place).collect::<Vec<_>>(), [5]);
    }
}

#[tokio::test]
async fn errors_of_the_store_end_the_stream_with_their_reason() {
    let five = Seq::try_from(5).unwrap();
    for (kind, reason, reported) in [
        (StoreErrorKind::Deleted, EndReason::Deleted, 0),
        (StoreErrorKind::Unavailable, EndReason::Unreadable, 0),
        (StoreErrorKind::Corrupt { seq: five }, EndReason::Damaged, 1),
    ] {
        let (end, reports) = end_of(Err(kind)).await;
        assert_eq!((end, reports.len()), (reason, reported));
    }
}

#[tokio::test]
async fn a_subscription_keeps_its_guard_and_its_place_until_it_is_dropped() {
    let chat = long_chat(1);
    let guard = Arc::new(());
    let stream =
        subscription(&chat, Shelf::of(Ok(Vec::new()))).holding(Box::new(Arc::clone(&guard)));
    assert_eq!((Arc::strong_count(&guard), chat.feed.readers()), (2, 1));
    drop(stream);
    assert_eq!((Arc::strong_count(&guard), chat.feed.readers()), (1, 0));
}

#[tokio::test]
async fn a_reader_that_always_finds_something_lets_others_run() {
    // law 6: 10,000 events are there at once, and another task still gets its turn in between
    let chat = long_chat(10_000);
    let mut stream = subscription(&chat, Shelf::of(Ok(chat.log.clone()))).page(10_000);
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let reader = tokio::spawn(async move {
        while counter.fetch_add(1, Ordering::SeqCst) < 9_999 {
            stream.next().await;
        }
    });
    let mut turns = 0;
    while !reader.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    assert!(turns > 10, "only {turns} turns in {} reads", read.load(Ordering::SeqCst));
}

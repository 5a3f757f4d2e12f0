//! What the writer does with groups, failing commits and panics. Counts decide, not time.

mod room;

use std::{
    path::PathBuf,
    sync::{Mutex, mpsc},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use polychat_core::{
    Event,
    event::PromptMode,
    ports::{Search, SearchQuery, Store, StoreErrorKind},
};
use polychat_testkit::samples::{self, chat_id, recorded, seq, world_id};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    plan::{Fault, Hold, Probe},
    *,
};
use crate::sqlite::{Durability, SqliteStore, lock::beside};

struct Subject {
    store: SqliteStore,
    folder: TempDir,
}

fn key(chat: &str) -> LogKey {
    LogKey::Chat(world_id("w"), chat_id(chat))
}

fn entries(chat: &str, after: u64, count: u64) -> Vec<Entry> {
    let entry = |n| {
        let prompt_id = samples::prompt_id(&format!("p{n}"));
        let body = polychat_core::event::PromptBody::text("some words");
        let event = Event::PromptAccepted { prompt_id, mode: PromptMode::Queue, body };
        Entry::Chat(recorded(&chat_id(chat), seq(n), event))
    };
    (after + 1..=after + count).map(entry).collect()
}

impl Subject {
    fn new() -> Self {
        Self::with_ballast(0)
    }

    fn with_ballast(bytes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteStore::options(folder.path().join("chats.db"));
        let options = options.durability(Durability::ProcessSafe).readers(1).ballast_bytes(bytes);
        Self { store: options.open().unwrap(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("chats.db")
    }

    fn writer(&self) -> &Writer {
        self.store.house.writer.as_ref().unwrap()
    }

    async fn probe(&self, probe: Probe) {
        assert_eq!(self.writer().ask(Work::Probe(probe), 0).await, Ok(Answer::Done));
    }

    async fn fail(&self, fault: Fault) {
        self.probe(Probe::Fault(fault)).await;
    }

    async fn create(&self, chat: &str) -> Fence {
        self.store.open(&key(chat), OpenMode::Create).await.unwrap().0
    }

    /// A chat with this many entries.
    async fn chat(&self, chat: &str, count: u64) -> Fence {
        let fence = self.create(chat).await;
        self.append(&fence, 0, count).await.unwrap();
        fence
    }

    async fn append(&self, fence: &Fence, after: u64, count: u64) -> Result<(), AppendError> {
        let chat = fence.key.chat().unwrap();
        let summary = samples::summary(chat, seq(after + count));
        let new = entries(chat.as_str(), after, count);
        self.store.append(fence, seq(after), &new, Some(&summary)).await
    }

    async fn len(&self, chat: &str) -> usize {
        self.store.read(&key(chat), seq(0), 10_000).await.map_or(0, |entries| entries.len())
    }

    /// Carries all of this out in one group, of which this goes wrong.
    async fn in_one_group<T>(
        &self,
        then: Option<Fault>,
        asked: impl IntoIterator<Item = impl Future<Output = T>>,
    ) -> Vec<T> {
        let (begins, began) = oneshot::channel();
        let (go, until) = mpsc::channel();
        let hold = Probe::Hold(Mutex::new(Hold { begins: Some(begins), until, then }));
        let asked = async {
            began.await.unwrap();
            tokio::join!(
                biased;
                // Each gets as far as to be sent, whatever the runtime's budget for one task.
                tokio::task::unconstrained(join_all(asked)),
                // Polled after that.
                async move { go.send(()).unwrap() }
            )
        };
        let ((), (answers, ())) = tokio::join!(self.probe(hold), asked);
        answers
    }

    fn count(&self, sql: &str) -> i64 {
        let connection = Connection::open(self.path()).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

fn kind(answer: Result<(), AppendError>) -> Result<(), (&'static str, StoreErrorKind)> {
    answer.map_err(|error| match error {
        AppendError::Rejected(error) => ("rejected", error.kind),
        AppendError::Ambiguous(error) => ("ambiguous", error.kind),
    })
}

const AMBIGUOUS: (&str, StoreErrorKind) = ("ambiguous", StoreErrorKind::Unavailable);

#[tokio::test]
async fn what_waits_is_stored_in_one_commit() {
    let subject = Subject::new();
    let mut fences = Vec::new();
    for n in 0..100 {
        fences.push(subject.create(&format!("c{n}")).await);
    }
    let before = subject.store.counts();
    let answers =
        subject.in_one_group(None, fences.iter().map(|fence| subject.append(fence, 0, 3))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let after = subject.store.counts();
    assert_eq!((after.appends - before.appends, after.commits - before.commits), (100, 1));
}

// law 6, REQ-11
#[tokio::test]
async fn an_append_that_the_file_refuses_fails_alone() {
    let subject = Subject::new();
    let [a, b, c] =
        [subject.chat("a", 1).await, subject.chat("b", 1).await, subject.create("c").await];
    // Somebody put a record where the next one of b belongs.
    let stranger = Connection::open(subject.path()).unwrap();
    stranger.execute("INSERT INTO events SELECT NULL, log, 2, at, format, seal, body FROM events WHERE log = 2", []).unwrap();
    let before = subject.store.counts();
    let appends = [subject.append(&a, 1, 2), subject.append(&b, 1, 2), subject.append(&c, 0, 2)];
    let answers = subject.in_one_group(None, appends).await;
    let answers: Vec<_> = answers.into_iter().map(kind).collect();
    // It does not pass by itself: the chat is set aside, and does not try for ever.
    let damaged = ("rejected", StoreErrorKind::Corrupt { seq: seq(2) });
    assert_eq!(answers, [Ok(()), Err(damaged), Ok(())]);
    assert_eq!(subject.store.counts().commits - before.commits, 1);
    assert_eq!([subject.len("a").await, subject.len("b").await, subject.len("c").await], [3, 1, 2]);
    // Nothing of the refused one stayed, and its chat may go on once the stranger's record is gone.
    stranger.execute("DELETE FROM events WHERE log = 2 AND seq = 2", []).unwrap();
    assert_eq!(subject.append(&b, 1, 2).await, Ok(()));
    assert_eq!(subject.append(&c, 2, 1).await, Ok(()));
}

// laws 1, 5
#[tokio::test]
async fn a_commit_that_fails_stores_nothing_and_everybody_may_try_again() {
    let subject = Subject::new();
    let (a, b) = (subject.chat("a", 1).await, subject.create("b").await);
    subject.fail(Fault::Commit(StoreErrorKind::Unavailable)).await;
    // The second try of the group, each apart, goes well.
    assert_eq!(subject.append(&a, 1, 2).await, Ok(()));
    assert_eq!(subject.len("a").await, 3);

    let fault = Some(Fault::Commit(StoreErrorKind::Unavailable));
    let appends = [subject.append(&a, 3, 1), subject.append(&b, 0, 1)];
    assert_eq!(subject.in_one_group(fault, appends).await, [Ok(()), Ok(())]);
    subject.fail(Fault::Commit(StoreErrorKind::Full)).await;
    assert_eq!(kind(subject.append(&a, 4, 1).await), Err(("rejected", StoreErrorKind::Full)));
    let c = subject.create("c").await;
    subject.fail(Fault::Commit(StoreErrorKind::Full)).await;
    assert_eq!(kind(subject.append(&c, 0, 2).await), Err(("rejected", StoreErrorKind::Full)));
    assert_eq!([subject.len("a").await, subject.len("c").await], [4, 0]);
    // Their fences are good still.
    assert_eq!(subject.append(&a, 4, 1).await, Ok(()));
    assert_eq!(subject.append(&c, 0, 2).await, Ok(()));
    assert!(subject.count("SELECT settlings FROM meta") >= 4, "each was written over");
}

// law 1
#[tokio::test]
async fn a_commit_that_says_it_failed_and_did_not_is_never_called_undone() {
    let subject = Subject::new();
    let a = subject.chat("a", 1).await;
    subject.fail(Fault::AfterCommit(StoreErrorKind::Unavailable)).await;
    assert_eq!(kind(subject.append(&a, 1, 2).await), Err(AMBIGUOUS));
    let (a, head) = subject.store.open(&key("a"), OpenMode::Existing).await.unwrap();
    assert_eq!(head, seq(3));
    assert_eq!(subject.append(&a, 3, 1).await, Ok(()));

    subject.fail(Fault::AfterCommit(StoreErrorKind::Unavailable)).await;
    assert!(subject.store.delete(&a).await.is_err());
    let gone = subject.store.open(&key("a"), OpenMode::Existing).await;
    assert_eq!(gone.unwrap_err().kind, StoreErrorKind::Deleted);
}

// law 1
#[tokio::test]
async fn while_a_failed_commit_may_come_to_light_nobody_is_told_a_head() {
    let subject = Subject::new();
    let a = subject.chat("a", 1).await;
    let settlings = subject.count("SELECT settlings FROM meta");
    subject.fail(Fault::Unsettled(StoreErrorKind::Unavailable, 3)).await;
    assert_eq!(kind(subject.append(&a, 1, 2).await), Err(AMBIGUOUS));
    for _ in 0..2 {
        let opened = subject.store.open(&key("a"), OpenMode::Existing).await;
        assert_eq!(opened.unwrap_err().kind, StoreErrorKind::Unavailable);
    }
    assert_eq!(subject.count("SELECT settlings FROM meta"), settlings);
    let (a, head) = subject.store.open(&key("a"), OpenMode::Existing).await.unwrap();
    assert_eq!(head, seq(1));
    assert_eq!(subject.count("SELECT settlings FROM meta"), settlings + 1);
    assert_eq!(subject.append(&a, 1, 2).await, Ok(()));
}

// law 6: a bug is an error for those whom it met, and for nobody a hang
#[tokio::test]
async fn a_panic_of_the_writer_is_an_answer_for_all_and_the_writer_goes_on() {
    let subject = Subject::new();
    let (a, b) = (subject.chat("a", 1).await, subject.chat("b", 1).await);
    let settlings = subject.count("SELECT settlings FROM meta");
    for round in 0..3 {
        let appends = [subject.append(&a, 1 + round, 1), subject.append(&b, 1 + round, 1)];
        let answers = subject.in_one_group(Some(Fault::Panic), appends).await;
        for answer in answers {
            assert_eq!(kind(answer), Err(AMBIGUOUS));
        }
        assert_eq!(subject.append(&a, 1 + round, 1).await, Ok(()));
        assert_eq!(subject.append(&b, 1 + round, 1).await, Ok(()));
    }
    assert_eq!([subject.len("a").await, subject.len("b").await], [4, 4]);
    // Fences outlive the panic, and what it may have left of a commit is written over.
    assert_eq!(subject.append(&a, 4, 1).await, Ok(()));
    assert_eq!(subject.count("SELECT settlings FROM meta"), settlings + 3);
}

// law 1: an opening behind an append in the same group is told of it, or neither is
#[tokio::test]
async fn an_opening_in_the_same_group_tells_what_the_group_stores() {
    let subject = Subject::new();
    let a = subject.create("a").await;
    let subject = &subject;
    let opened =
        async { subject.store.open(&a.key, OpenMode::Existing).await.map(|(_, head)| head) };
    let asked: [BoxFuture<'_, _>; 3] = [
        subject.append(&a, 0, 2).map(|appended| kind(appended).map(|()| seq(0))).boxed(),
        opened.map(|opened| opened.map_err(|error| ("open", error.kind))).boxed(),
        subject.append(&a, 2, 1).map(|appended| kind(appended).map(|()| seq(0))).boxed(),
    ];
    let answers = subject.in_one_group(None, asked).await;
    let fenced = Err(("rejected", StoreErrorKind::Fenced));
    assert_eq!(answers, [Ok(seq(0)), Ok(seq(2)), fenced]);
}

// Reading never waits for writing.
#[tokio::test]
async fn while_the_writer_is_held_up_everybody_reads() {
    let subject = Subject::new();
    let a = subject.chat("a", 3).await;
    let reads = async {
        let pending = Box::pin(subject.append(&a, 3, 1)).now_or_never();
        assert_eq!(pending, None, "the writer is held up");
        let read = subject.store.read(&key("a"), seq(0), 10).await.unwrap();
        let page = polychat_core::command::Page::first(10);
        let list = subject.store.list(&world_id("w"), &page).await.unwrap();
        let found = subject.store.search(&world_id("w"), &SearchQuery::new("words", page)).await;
        let sound = subject.store.verify().await.unwrap().events;
        (read.len(), list.len(), found.unwrap().hits.len(), sound)
    };
    // The writer holds a transaction open meanwhile.
    let (begins, began) = oneshot::channel();
    let (go, until) = mpsc::channel();
    let hold = Probe::Hold(Mutex::new(Hold { begins: Some(begins), until, then: None }));
    let reads = async {
        began.await.unwrap();
        let found = reads.await;
        go.send(()).unwrap();
        found
    };
    let ((), found) = tokio::join!(subject.probe(hold), reads);
    assert_eq!(found, (3, 1, 0, 3));
}

// law 6: an imported chat is encoded beside the runtime, where other chats have their turns
#[tokio::test]
async fn a_long_append_is_encoded_by_a_thread_that_reads() {
    let subject = Subject::new();
    let (a, b) = (subject.create("a").await, subject.create("b").await);
    let (go, until) = mpsc::channel::<()>();
    let held_up = subject.store.house.readers.read(move |_| Ok(until.recv().is_err()));
    let appends = async {
        let long = subject.append(&a, 0, 65);
        let mut long = std::pin::pin!(long);
        assert!(long.as_mut().now_or_never().is_none());
        // Whoever is behind it at the writer is not behind it at all.
        assert_eq!(subject.append(&b, 0, 64).await, Ok(()));
        assert_eq!(subject.append(&b, 64, 1).await, Ok(()));
        assert!(long.as_mut().now_or_never().is_none(), "the only reader is held up");
        drop(go);
        long.await
    };
    let (held_up, appended) = tokio::join!(biased; held_up, appends);
    assert_eq!((held_up, appended), (Ok(true), Ok(())));
    assert_eq!(subject.len("a").await, 65);
}

// law 7
#[tokio::test]
async fn a_full_queue_makes_callers_wait_and_loses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStore::options(folder.path().join("chats.db"));
    let options = options.durability(Durability::ProcessSafe).ballast_bytes(0);
    let store = options.writes_queued_max(4).writes_queued_bytes_max(700).open().unwrap();
    let subject = Subject { store, folder };
    let mut fences = Vec::new();
    for n in 0..40 {
        fences.push(subject.create(&format!("c{n}")).await);
    }
    let before = subject.store.counts();
    let answers =
        subject.in_one_group(None, fences.iter().map(|fence| subject.append(fence, 0, 2))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    // No group is larger than what may wait.
    let commits = subject.store.counts().commits - before.commits;
    assert!(commits >= 10, "{commits} commits");
    // One that is larger than all that may wait gets in alone.
    assert_eq!(subject.append(&fences[0], 2, 100).await, Ok(()));
}

#[tokio::test]
async fn what_was_given_up_before_its_turn_is_not_carried_out() {
    let subject = Subject::new();
    let a = subject.chat("a", 1).await;
    // Each is sent, and dropped before the writer gets to it.
    let given_up = async { assert!(Box::pin(subject.append(&a, 1, 1)).now_or_never().is_none()) };
    subject.in_one_group(None, [given_up]).await;
    let (_, head) = subject.store.open(&key("a"), OpenMode::Existing).await.unwrap();
    assert_eq!(head, seq(1));
}

// law 7: deleting takes all rows, in slices, also those left by an earlier life
#[tokio::test]
async fn rows_of_a_deleted_chat_go_before_the_store_ends() {
    let subject = Subject::new();
    let a = subject.create("a").await;
    for n in 0..10 {
        subject.append(&a, n * 100, 100).await.unwrap();
    }
    let b = subject.chat("b", 5).await;
    subject.store.delete(&a).await.unwrap();
    let Subject { store, folder } = subject;
    drop(store);
    let connection = Connection::open(folder.path().join("chats.db")).unwrap();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("events"), count("waiting"), count("logs")), (5, 5, 1));
    assert_eq!((count("purges"), count("tombstones")), (0, 1));

    // As after a crash between the deletion and its last slice.
    connection.execute_batch("INSERT INTO purges SELECT id FROM logs; DELETE FROM logs").unwrap();
    drop(connection);
    let store = SqliteStore::open(folder.path().join("chats.db")).unwrap();
    assert!(store.append(&b, seq(5), &[], None).await.is_err());
    drop(store);
    let connection = Connection::open(folder.path().join("chats.db")).unwrap();
    let left = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM purges)";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, i64>(0)), Ok(0));
}

// law 7: whoever closes a store waits for a bounded number of transactions
#[tokio::test]
async fn the_rest_of_a_long_deleted_chat_goes_after_the_next_openings() {
    let subject = Subject::new();
    let a = subject.chat("a", 1).await;
    let many = "INSERT INTO events (log, seq, at, format, seal, body)
        WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        SELECT 1, i, 0, 1, 0, '' FROM n";
    subject.probe(Probe::Sql(many.to_owned())).await;
    let path = subject.path();
    let (begins, began) = oneshot::channel();
    let (go, until) = mpsc::channel();
    let hold = Probe::Hold(Mutex::new(Hold { begins: Some(begins), until, then: None }));
    let end = async {
        began.await.unwrap();
        // Deleting is asked for, and nobody can ask for anything else by the time it is done.
        let deleted = subject.store.delete(&a);
        let mut deleted = std::pin::pin!(deleted);
        assert!(deleted.as_mut().now_or_never().is_none());
        *subject.writer().queue.lock().unwrap() = None;
        go.send(()).unwrap();
        deleted.await
    };
    let ((), deleted) = tokio::join!(subject.probe(hold), end);
    assert_eq!(deleted, Ok(()));
    let Subject { store, folder: _folder } = subject;
    drop(store);
    let left = || -> i64 {
        let connection = Connection::open(&path).unwrap();
        connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap()
    };
    let after_first = left();
    assert!(after_first > 10_000, "{after_first} are left");
    drop(SqliteStore::open(&path).unwrap());
    assert!(left() < after_first);
}

//! Random operations: each store answers as the naive store does (laws 1, 2, 6).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may, as tests may"
)]

use futures_util::FutureExt;
use polychat_core::{
    Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind},
};
use polychat_store::MemoryStore;
use polychat_testkit::{
    samples::{self, chat_id, seq, world_id},
    wrong_stores::{NaiveStore, Wrong},
};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestError, TestRng, TestRunner},
};

/// Few of them, so that operations meet.
const KEYS: [(&str, Option<&str>); 7] = [
    ("v", Some("a")),
    ("v", Some("v")),
    ("v", None),
    ("w", Some("b")),
    ("w", Some("a")),
    ("w", Some("ä")),
    ("w", None),
];

#[derive(Debug, Clone)]
enum Operation {
    Open(LogKey, OpenMode),
    /// By any fence ever answered, older ones included.
    Append {
        fence: Index,
        after: After,
        count: u64,
        flaw: Flaw,
    },
    Delete {
        fence: Index,
    },
    Read(LogKey, u64, usize),
    Summary(LogKey),
    List(&'static str, Option<&'static str>, usize),
    Worlds(Option<&'static str>, usize),
    /// A store that keeps what it has is dropped and opened again. Fences end with it.
    Reopen,
}

/// What an append says the head is.
#[derive(Debug, Clone, Copy)]
enum After {
    Head,
    Number(u64),
}

/// What may be wrong with an append.
#[derive(Debug, Clone, Copy)]
enum Flaw {
    None,
    Gap,
    ForeignEntry,
    ForeignSummary,
}

fn keys() -> impl Strategy<Value = LogKey> {
    select(&KEYS[..]).prop_map(|(world, chat)| match chat {
        Some(chat) => LogKey::Chat(world_id(world), chat_id(chat)),
        None => LogKey::World(world_id(world)),
    })
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let mode = select(vec![OpenMode::Create, OpenMode::Existing]);
    let after = prop_oneof![4 => Just(After::Head), 1 => (0..8_u64).prop_map(After::Number)];
    let flaw = prop_oneof![
        6 => Just(Flaw::None),
        1 => Just(Flaw::Gap),
        1 => Just(Flaw::ForeignEntry),
        1 => Just(Flaw::ForeignSummary),
    ];
    let append = (any::<Index>(), after, 0..4_u64, flaw)
        .prop_map(|(fence, after, count, flaw)| Operation::Append { fence, after, count, flaw });
    let list = (select(vec!["v", "w"]), select(vec![None, Some("a"), Some("aa")]), 0..5_usize);
    let worlds = (select(vec![None, Some("u"), Some("v")]), 0..3_usize);
    let operation = prop_oneof![
        4 => (keys(), mode).prop_map(|(key, mode)| Operation::Open(key, mode)),
        8 => append,
        1 => any::<Index>().prop_map(|fence| Operation::Delete { fence }),
        3 => (keys(), 0..10_u64, 0..10_usize).prop_map(|(k, a, l)| Operation::Read(k, a, l)),
        1 => keys().prop_map(Operation::Summary),
        2 => list.prop_map(|(world, after, limit)| Operation::List(world, after, limit)),
        2 => worlds.prop_map(|(after, limit)| Operation::Worlds(after, limit)),
        1 => Just(Operation::Reopen),
    ];
    prop::collection::vec(operation, 1..60)
}

/// What a store answers, as far as two stores must agree on it.
#[derive(Debug, PartialEq)]
enum Answer {
    Opened(Result<Head, StoreErrorKind>),
    Appended(Result<(), StoreErrorKind>),
    Deleted(Result<(), StoreErrorKind>),
    Read(Result<Vec<Entry>, StoreErrorKind>),
    Summary(Result<Summary, StoreErrorKind>),
    Listed(Result<Vec<Summary>, StoreErrorKind>),
    Worlds(Result<Vec<WorldId>, StoreErrorKind>),
}

/// A store with the fences that it answered.
struct Subject<S> {
    store: S,
    fences: Vec<Fence>,
    reopen: fn(S) -> S,
}

impl<S: Store> Subject<S> {
    /// A store that forgets everything when dropped, and so never is.
    fn new(store: S) -> Self {
        Self { store, fences: Vec::new(), reopen: std::convert::identity }
    }

    /// Carries an operation out. What was found is `None` where there is nothing to do.
    async fn apply(mut self, operation: &Operation) -> (Self, Option<Answer>) {
        let answer = match operation {
            Operation::Open(key, mode) => {
                let opened = self.store.open(key, *mode).await;
                Some(Answer::Opened(kind(opened.map(|(fence, head)| {
                    self.fences.push(fence);
                    head
                }))))
            }
            Operation::Append { fence, after, count, flaw } => match self.fence(*fence) {
                Some(fence) => {
                    Some(Answer::Appended(self.append(fence, *after, *count, *flaw).await))
                }
                None => None,
            },
            Operation::Delete { fence } => match self.fence(*fence) {
                Some(fence) => Some(Answer::Deleted(kind(self.store.delete(fence).await))),
                None => None,
            },
            Operation::Read(key, after, limit) => {
                Some(Answer::Read(kind(self.store.read(key, seq(*after), *limit).await)))
            }
            Operation::Summary(key) => Some(Answer::Summary(kind(self.store.summary(key).await))),
            Operation::List(world, after, limit) => {
                let page = page(*after, *limit);
                Some(Answer::Listed(kind(self.store.list(&world_id(world), &page).await)))
            }
            Operation::Worlds(after, limit) => {
                Some(Answer::Worlds(kind(self.store.worlds(&page(*after, *limit)).await)))
            }
            Operation::Reopen => {
                self.store = (self.reopen)(self.store);
                self.fences.clear();
                None
            }
        };
        (self, answer)
    }

    fn fence(&self, index: Index) -> Option<&Fence> {
        (!self.fences.is_empty()).then(|| index.get(&self.fences))
    }

    async fn append(
        &self,
        fence: &Fence,
        after: After,
        count: u64,
        flaw: Flaw,
    ) -> Result<(), StoreErrorKind> {
        let expected = match after {
            After::Number(n) => n,
            After::Head => {
                let read = self.store.read(&fence.key, seq(0), 10_000).await;
                read.map_or(0, |entries| entries.len() as u64)
            }
        };
        let owner = fence.key.chat().cloned();
        let foreign = chat_id("foreign");
        let entries: Vec<_> = (1..=count)
            .map(|n| {
                let place = seq(expected + n + u64::from(matches!(flaw, Flaw::Gap) && n == count));
                let chat = if matches!(flaw, Flaw::ForeignEntry) && n == count {
                    Some(&foreign)
                } else {
                    owner.as_ref()
                };
                entry(chat, place)
            })
            .collect();
        let head = seq(expected + count);
        let summary = match flaw {
            Flaw::ForeignSummary => Some(samples::summary(&foreign, head)),
            Flaw::None | Flaw::Gap | Flaw::ForeignEntry => {
                owner.as_ref().map(|chat| samples::summary(chat, head))
            }
        };
        let appended = self.store.append(fence, seq(expected), &entries, summary.as_ref()).await;
        appended.map_err(|error| match error {
            AppendError::Rejected(error) => error.kind,
            AppendError::Ambiguous(_) => panic!("neither store is ever in doubt"),
        })
    }
}

fn page(after: Option<&str>, limit: usize) -> Page {
    after.map_or_else(|| Page::first(limit), |after| Page::after(after, limit))
}

fn entry(chat: Option<&polychat_core::ChatId>, place: polychat_core::Seq) -> Entry {
    match chat {
        Some(chat) => {
            let body = samples::prompt_body();
            let (prompt_id, mode) = (samples::prompt_id("p"), Default::default());
            let event = polychat_core::Event::PromptAccepted { prompt_id, mode, body };
            Entry::Chat(samples::recorded(chat, place, event))
        }
        None => {
            let at = polychat_core::Timestamp(place.get());
            let agent = samples::agent_name("guide");
            let event = polychat_core::world::WorldEvent::AgentRemoved { agent };
            let recorded = polychat_core::world::WorldRecorded { seq: place, at, event };
            Entry::World(std::sync::Arc::new(recorded))
        }
    }
}

fn kind<T>(answer: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    answer.map_err(|error| error.kind)
}

/// Applies all operations to both, and then compares all that is kept.
async fn compare<S: Store>(
    model: NaiveStore,
    mut store: Subject<S>,
    operations: &[Operation],
) -> Result<(), TestCaseError> {
    let mut model = Subject::new(model);
    let everything = KEYS.iter().flat_map(|(world, chat)| {
        let world = world_id(world);
        let key = match chat {
            Some(chat) => LogKey::Chat(world, chat_id(chat)),
            None => LogKey::World(world),
        };
        [Operation::Read(key.clone(), 0, 10_000), Operation::Open(key, OpenMode::Existing)]
    });
    let lists = ["v", "w"].map(|world| Operation::List(world, None, 100));
    let operations = operations.iter().cloned().chain(everything).chain(lists);
    let operations = operations.chain([Operation::Worlds(None, 100)]);
    for (n, operation) in operations.enumerate() {
        let (wanted, found);
        (model, wanted) = model.apply(&operation).await;
        (store, found) = store.apply(&operation).await;
        prop_assert_eq!(found, wanted, "operation {}: {:?}", n, operation);
    }
    Ok(())
}

/// With a store of which no call waits for anything.
fn compare_in_memory(model: NaiveStore, operations: &[Operation]) -> Result<(), TestCaseError> {
    let subject = Subject::new(MemoryStore::new());
    let compared = compare(model, subject, operations).now_or_never();
    compared.expect("the store answers when first polled")
}

// laws 1, 2, 6; `PROPTEST_CASES` sets how many
#[test]
fn the_store_in_memory_answers_as_the_naive_one_does() {
    // What failed once is kept there with its seed, and tried first from then on.
    let kept = FileFailurePersistence::Direct("tests/model.proptest-regressions");
    let config = Config { failure_persistence: Some(Box::new(kept)), ..Config::default() };
    let mut runner = TestRunner::new(config);
    let right = |operations: Vec<_>| compare_in_memory(NaiveStore::right(), &operations);
    runner.run(&operations(), right).unwrap();
}

// a check that cannot fail is a defect: wherever the naive store is wrong, the two differ
#[test]
fn the_comparison_finds_each_wrong_store() {
    /// Wrong only while calls overlap, or in what the random operations do not look at.
    const NEEDS_OVERLAP: [Wrong; 7] = [
        Wrong::ShowsHalfABatch,
        Wrong::KeepsHalfOfADroppedBatch,
        Wrong::ChecksHeadTooEarly,
        Wrong::ChecksFenceTooEarly,
        Wrong::MixesUnderLoad,
        Wrong::WaitsForNeighbours,
        Wrong::ReusesEpochs,
    ];
    assert!(find(Wrong::Nothing).is_ok());
    for wrong in Wrong::ALL.iter().filter(|wrong| !NEEDS_OVERLAP.contains(wrong)) {
        assert!(find(*wrong).is_err(), "{wrong:?} was not found");
    }
}

/// Compares with a wrong store, always over the same operations.
fn find(wrong: Wrong) -> Result<(), TestError<Vec<Operation>>> {
    let config = Config {
        cases: 1_000,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    };
    let same = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, same);
    runner.run(&operations(), |operations| compare_in_memory(NaiveStore::new(wrong), &operations))
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use polychat_store::{Durability, SqliteStore};

    use super::*;

    fn open(path: &std::path::Path) -> SqliteStore {
        let options = SqliteStore::options(path).durability(Durability::ProcessSafe);
        options.readers(1).ballast_bytes(0).open().unwrap()
    }

    fn reopen(store: SqliteStore) -> SqliteStore {
        let path = store.path().to_owned();
        drop(store);
        open(&path)
    }

    // laws 1, 2, 6; `PROPTEST_CASES` sets how many
    #[test]
    fn the_store_on_sqlite_answers_as_the_naive_one_does_also_when_opened_again() {
        let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
        let kept = FileFailurePersistence::Direct("tests/model.proptest-regressions");
        let config = Config {
            cases: cases.unwrap_or(64),
            failure_persistence: Some(Box::new(kept)),
            ..Config::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut runner = TestRunner::new(config);
        let right = |operations: Vec<_>| {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&folder.path().join("chats.db"));
            let subject = Subject { reopen, ..Subject::new(store) };
            runtime.block_on(compare(NaiveStore::right(), subject, &operations))
        };
        runner.run(&operations(), right).unwrap();
    }
}

//! What outlives a world under test: its logs, in memory or in a file.
//!
//! SQLite's threads know nothing of paused time, which would run out while they work. So each call
//! of the store on a file is over when it is asked for: the test's one thread waits for it. What a
//! store that takes its time does to a chat is for faults to show.

use std::{
    path::PathBuf,
    pin::pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use async_trait::async_trait;
use polychat::{
    MemoryStore, Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};
use polychat_store::{Durability, SqliteStore};
use tempfile::TempDir;

/// What outlives a world under test.
#[derive(Clone)]
pub(crate) enum Ground {
    Memory(Arc<MemoryStore>),
    File(Arc<File>),
}

impl Ground {
    pub(crate) fn memory() -> Self {
        Self::Memory(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn file() -> Self {
        Self::File(Arc::new(File::new()))
    }

    /// One of each sort.
    pub(crate) fn all() -> [Self; 2] {
        [Self::memory(), Self::file()]
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::clone(store) as _,
            Self::File(file) => Arc::clone(file) as _,
        }
    }

    /// What another process would find: a file is closed and opened again.
    pub(crate) fn reopen(&self) {
        if let Self::File(file) = self {
            file.reopen();
        }
    }
}

/// A store in a file that vanishes with it.
pub(crate) struct File {
    path: PathBuf,
    /// `None` only while it is opened again.
    store: RwLock<Option<SqliteStore>>,
    _folder: TempDir,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        Self { store: RwLock::new(Some(open(&path))), path, _folder: folder }
    }

    fn reopen(&self) {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        // One process at a time has the file.
        *store = None;
        *store = Some(open(&self.path));
    }

    /// Asks the store, and waits for its answer.
    fn ask<T>(&self, question: impl AsyncFnOnce(&SqliteStore) -> T) -> T {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        at_once(question(store.as_ref().expect("a file that is open")))
    }
}

/// Nobody cuts the power here, so nothing is flushed.
fn open(path: &std::path::Path) -> SqliteStore {
    let options = SqliteStore::options(path).durability(Durability::ProcessSafe);
    options.readers(1).ballast_bytes(0).open().unwrap()
}

/// Blocks this thread until the future is ready.
fn at_once<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    // Whatever the budget of the task around it is, it is not this future's.
    let mut future = pin!(tokio::task::unconstrained(future));
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[async_trait]
impl Store for File {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        self.ask(async |store| Store::open(store, key, mode).await)
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.ask(async |store| store.append(fence, expected, entries, summary).await)
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.ask(async |store| store.read(key, after, limit).await)
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.ask(async |store| store.summary(key).await)
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.ask(async |store| store.list(world, page).await)
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.ask(async |store| store.worlds(page).await)
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.ask(async |store| store.delete(fence).await)
    }
}

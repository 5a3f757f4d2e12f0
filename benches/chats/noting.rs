//! A store that keeps in a file, and notes what it was asked: the floor writes the same appends.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use polychat::{
    ChatId, Seq, SqliteStore, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};

use crate::script::{Append, Script};

pub(crate) struct Noting {
    file: Arc<SqliteStore>,
    appends: Mutex<Vec<(ChatId, Append)>>,
    /// A list came to its end: whoever reads all chats has read them all.
    listed_all: AtomicBool,
}

impl Noting {
    pub(crate) fn new(file: Arc<SqliteStore>) -> Self {
        Self { file, appends: Mutex::default(), listed_all: AtomicBool::new(false) }
    }

    /// The appends to chats, chat by chat.
    pub(crate) fn scripts(&self) -> Vec<Script> {
        let mut scripts = std::collections::BTreeMap::new();
        for (chat, append) in self.appends.lock().unwrap().drain(..) {
            let new = || Script { chat: chat.clone(), appends: Vec::new() };
            scripts.entry(chat.clone()).or_insert_with(new).appends.push(append);
        }
        scripts.into_values().collect()
    }

    pub(crate) fn has_listed_all(&self) -> bool {
        self.listed_all.load(Ordering::Acquire)
    }
}

#[async_trait]
impl Store for Noting {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        Store::open(&*self.file, key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        if let (Some(chat), Some(summary)) = (fence.key.chat(), summary) {
            let (entries, summary) = (entries.to_vec(), summary.clone());
            let append = Append { expected, entries, summary };
            self.appends.lock().unwrap().push((chat.clone(), append));
        }
        self.file.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.file.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.file.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let listed = self.file.list(world, page).await;
        if listed.as_ref().is_ok_and(Vec::is_empty) {
            self.listed_all.store(true, Ordering::Release);
        }
        listed
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.file.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.file.delete(fence).await
    }
}

//! Files that vanish with their store.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use polychat_core::{
    Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};
use polychat_store::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

/// A folder with a file in it, gone when dropped.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("chats.db")
    }

    /// Quick to open and to write: nobody cuts the power here.
    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteStore::options(self.file())
            .durability(Durability::ProcessSafe)
            .readers(2)
            .ballast_bytes(0)
    }

    pub(crate) fn store(&self) -> SqliteStore {
        self.options().open().unwrap()
    }
}

/// A store whose file vanishes after it.
pub(crate) struct Passing {
    pub(crate) store: SqliteStore,
    _place: Place,
}

impl Passing {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        Self { store: place.store(), _place: place }
    }
}

#[async_trait]
impl Store for Passing {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        Store::open(&self.store, key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.store.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.store.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.store.list(world, page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.store.delete(fence).await
    }
}

pub(crate) async fn empty_store() -> Arc<dyn Store> {
    Arc::new(Passing::new())
}

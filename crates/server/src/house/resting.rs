//! A store whose chats rest, for whoever comes to take something out or to bring something in.
//!
//! A world takes up what its chats have left when it opens. Somebody who wants a copy of it does not
//! want that: prompts that wait would be answered, and broken off when the copy is made.

use std::sync::Arc;

use async_trait::async_trait;
use polychat::{
    Seq, SqliteStore, StatusKind, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};

/// A store that says of no chat that it is running.
pub(super) struct Resting(pub(super) Arc<SqliteStore>);

#[async_trait]
impl Store for Resting {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        self.0.open(key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.0.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.0.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.0.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let mut summaries = self.0.list(world, page).await?;
        let running = summaries.iter_mut().filter(|summary| summary.kind == StatusKind::Running);
        running.for_each(|summary| summary.kind = StatusKind::Idle);
        Ok(summaries)
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.0.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.0.delete(fence).await
    }
}

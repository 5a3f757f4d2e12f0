//! A store that records what it has acknowledged.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use polychat_core::{
    ChatId, Recorded, Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};

use super::History;

/// Entries that one settling read asks for at once.
const SETTLE_PAGE: usize = 256;

/// Wraps a store and records the commits of one world's chats.
///
/// A commit is recorded before `append` returns to its caller. What an ambiguous append left
/// behind is recorded when `open` settles it, before `open` returns. A shared store is wrapped
/// once per world, each time with that world's history.
#[derive(Debug)]
pub struct RecordingStore<S> {
    inner: S,
    world: WorldId,
    history: History,
    // What `open` recorded on behalf of an append whose caller may still come back with `Ok`.
    settled: Mutex<HashMap<(ChatId, Seq), Arc<Recorded>>>,
}

impl<S: Store> RecordingStore<S> {
    /// Records what `inner` acknowledges for the chats of `world`.
    pub fn new(inner: S, world: WorldId, history: History) -> Self {
        Self { inner, world, history, settled: Mutex::default() }
    }

    /// The store within, for a test that steers it.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn chat<'a>(&self, key: &'a LogKey) -> Option<&'a ChatId> {
        key.chat().filter(|_| *key.world() == self.world)
    }

    fn was_settled(&self, chat: &ChatId, events: &[Arc<Recorded>]) -> bool {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().all(|event| settled.get(&(chat.clone(), event.seq)) == Some(event))
    }

    async fn settle(&self, key: &LogKey, chat: &ChatId, head: Seq) -> Result<(), StoreError> {
        loop {
            let known = self.history.head(chat);
            if known >= head {
                return Ok(());
            }
            let events = chat_events(&self.inner.read(key, known, SETTLE_PAGE).await?);
            if events.is_empty() {
                return Ok(());
            }
            let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
            for event in &events {
                settled.insert((chat.clone(), event.seq), Arc::clone(event));
            }
            self.history.committed(chat.clone(), events, None);
        }
    }
}

fn chat_events(entries: &[Entry]) -> Vec<Arc<Recorded>> {
    let events = entries.iter().filter_map(|entry| match entry {
        Entry::Chat(event) => Some(Arc::clone(event)),
        Entry::World(_) => None,
    });
    events.collect()
}

#[async_trait]
impl<S: Store> Store for RecordingStore<S> {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        let (fence, head) = self.inner.open(key, mode).await?;
        if let Some(chat) = self.chat(key) {
            self.settle(key, chat, head).await?;
        }
        Ok((fence, head))
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.inner.append(fence, expected, entries, summary).await?;
        if let Some(chat) = self.chat(&fence.key) {
            let events = chat_events(entries);
            if !self.was_settled(chat, &events) {
                self.history.committed(chat.clone(), events, summary.cloned());
            }
        }
        Ok(())
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.inner.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.inner.list(world, page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.inner.delete(fence).await
    }
}

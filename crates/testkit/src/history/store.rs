//! A store that records what it has acknowledged.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
/// behind is recorded before `open` returns, which settles it, and before a read or a summary
/// returns that shows it: what a store shows is stored. A shared store is wrapped
/// once per world, each time with that world's history.
#[derive(Debug)]
pub struct RecordingStore<S> {
    inner: S,
    world: WorldId,
    history: History,
    // What was recorded on behalf of an append whose caller may still come back with `Ok`. Held
    // while anything is recorded.
    settled: Mutex<Settled>,
}

type Settled = HashMap<(ChatId, Seq), Arc<Recorded>>;

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

    /// Records an append that was acknowledged, unless it was taken for settled before.
    fn acknowledged(&self, chat: &ChatId, events: Vec<Arc<Recorded>>, summary: Option<Summary>) {
        let settled = self.settled();
        let known = |event: &Arc<Recorded>| settled.get(&(chat.clone(), event.seq)) == Some(event);
        if !events.iter().all(known) {
            self.history.committed(chat.clone(), events, summary);
        }
    }

    /// Records what is stored up to `head` and was not acknowledged to whoever appended it.
    async fn settle(&self, key: &LogKey, head: Seq) -> Result<(), StoreError> {
        let Some(chat) = self.chat(key) else { return Ok(()) };
        loop {
            let known = self.history.head(chat);
            if known >= head {
                return Ok(());
            }
            let mut events = chat_events(&self.inner.read(key, known, SETTLE_PAGE).await?);
            if events.is_empty() {
                return Ok(());
            }
            // Its own appender may have come back with `Ok` in the meantime.
            let mut settled = self.settled();
            events.retain(|event| event.seq > self.history.head(chat));
            for event in &events {
                settled.insert((chat.clone(), event.seq), Arc::clone(event));
            }
            if !events.is_empty() {
                self.history.committed(chat.clone(), events, None);
            }
        }
    }

    /// What a summary or a page shows is stored; a log that is gone meanwhile says no more.
    async fn shown(&self, key: &LogKey, head: Seq) {
        let _ = self.settle(key, head).await;
    }

    fn settled(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.settle(key, head).await?;
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
            self.acknowledged(chat, chat_events(entries), summary.cloned());
        }
        Ok(())
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.inner.read(key, after, limit).await?;
        if let Some(last) = entries.last() {
            self.shown(key, last.seq()).await;
        }
        Ok(entries)
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        let summary = self.inner.summary(key).await?;
        self.shown(key, summary.head).await;
        Ok(summary)
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let summaries = self.inner.list(world, page).await?;
        for summary in &summaries {
            let key = LogKey::Chat(world.clone(), summary.chat_id.clone());
            self.shown(&key, summary.head).await;
        }
        Ok(summaries)
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.inner.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.inner.delete(fence).await
    }
}

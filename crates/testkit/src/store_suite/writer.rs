//! Writing to a log as a chat's actor does, and the entries that the checks write.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use polychat_core::{
    Event, Part, Seq, Summary, Timestamp,
    event::{PromptBody, PromptMode},
    ports::{AppendError, Entry, Fence, LogKey, OpenMode, Store},
    world::{WorldEvent, WorldRecorded},
};
use tokio::task::yield_now;

use super::promise::{Broken, Outcome, Promise};
use crate::samples;

/// More entries than any check writes.
pub(super) const ALL: usize = 10_000;

pub(super) fn chat(world: &str, chat: &str) -> LogKey {
    LogKey::Chat(samples::world_id(world), samples::chat_id(chat))
}

pub(super) fn world(world: &str) -> LogKey {
    LogKey::World(samples::world_id(world))
}

/// An entry at this place; its content says for which log it was made, and `word`.
pub(super) fn entry(key: &LogKey, seq: Seq, word: &str) -> Entry {
    match key {
        LogKey::World(world) => {
            let agent = samples::agent_name(&format!("{world} {seq} {word}"));
            let at = Timestamp(seq.get());
            let event = WorldEvent::AgentRemoved { agent };
            Entry::World(Arc::new(WorldRecorded { seq, at, event }))
        }
        LogKey::Chat(world, chat) => {
            let body = PromptBody {
                parts: vec![Part::text(format!("{world} {chat} {seq} {word}"))],
                ..samples::prompt_body()
            };
            let prompt_id = samples::prompt_id(&format!("p-{seq}"));
            let event = Event::PromptAccepted { prompt_id, mode: PromptMode::Queue, body };
            Entry::Chat(samples::recorded(chat, seq, event))
        }
    }
}

/// The `count` entries after `after`.
pub(super) fn entries(key: &LogKey, after: Seq, count: u64, word: &str) -> Vec<Entry> {
    (1..=count).map(|n| entry(key, after.plus(n), word)).collect()
}

/// The summary that belongs to a log with this head; `None` for a world's log.
pub(super) fn summary(key: &LogKey, head: Seq) -> Option<Summary> {
    key.chat().map(|chat| samples::summary(chat, head))
}

/// A log held open for writing.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) promise: Promise,
    pub(super) store: Arc<dyn Store>,
    pub(super) key: LogKey,
    pub(super) fence: Fence,
    /// What was stored through this and earlier writers.
    pub(super) stored: Vec<Entry>,
}

impl Writer {
    /// Opens a new log.
    pub(super) async fn create(
        promise: Promise,
        store: &Arc<dyn Store>,
        key: LogKey,
    ) -> Result<Self, Broken> {
        let opened = store.open(&key, OpenMode::Create).await;
        let (fence, head) = promise.done(&format!("creating {key:?}"), opened)?;
        promise.equal("the head of a new log", &head, &Seq::ZERO)?;
        Ok(Self { promise, store: Arc::clone(store), key, fence, stored: Vec::new() })
    }

    /// Opens a new log and appends that many entries one by one.
    pub(super) async fn with_entries(
        promise: Promise,
        store: &Arc<dyn Store>,
        key: LogKey,
        count: u64,
    ) -> Result<Self, Broken> {
        let mut writer = Self::create(promise, store, key).await?;
        for _ in 0..count {
            writer.append(1).await?;
        }
        Ok(writer)
    }

    /// Opens the log again; this writer's fence is then an old one.
    pub(super) async fn reopened(&self) -> Result<Self, Broken> {
        let opened = self.store.open(&self.key, OpenMode::Existing).await;
        let (fence, _) = self.promise.done(&format!("opening {:?}", self.key), opened)?;
        Ok(Self { fence, ..self.clone() })
    }

    pub(super) fn head(&self) -> Seq {
        self.stored.last().map_or(Seq::ZERO, Entry::seq)
    }

    /// The entries that may come next.
    pub(super) fn next(&self, count: u64, word: &str) -> Vec<Entry> {
        entries(&self.key, self.head(), count, word)
    }

    /// Appends that many entries, which must succeed.
    pub(super) async fn append(&mut self, count: u64) -> Outcome {
        let new = self.next(count, "entry");
        let appended = self.offer(self.head(), &new).await;
        self.promise.done(&format!("appending to {:?}", self.key), appended)?;
        self.stored.extend(new);
        Ok(())
    }

    /// Offers entries to the store, right or wrong, with the summary that belongs to them.
    pub(super) async fn offer(&self, expected: Seq, new: &[Entry]) -> Result<(), AppendError> {
        let head = new.last().map_or(expected, Entry::seq);
        let summary = summary(&self.key, head);
        self.store.append(&self.fence, expected, new, summary.as_ref()).await
    }

    /// The log holds what was stored, and nothing else.
    pub(super) async fn unchanged(&self) -> Outcome {
        let read = self.store.read(&self.key, Seq::ZERO, ALL).await;
        let read = self.promise.done(&format!("reading {:?}", self.key), read)?;
        self.promise.equal(&format!("the log {:?}", self.key), &read, &self.stored)
    }

    /// The log holds what was stored, and takes what comes next.
    pub(super) async fn goes_on(&mut self) -> Outcome {
        self.unchanged().await?;
        self.append(1).await?;
        self.unchanged().await
    }
}

/// Polls a future at most `times` times, letting others run in between.
pub(super) async fn poll_times<F: Future>(
    mut future: Pin<&mut F>,
    times: usize,
) -> Option<F::Output> {
    for _ in 0..times {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

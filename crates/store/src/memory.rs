//! A store in memory: for tests, demonstrations, and worlds that may be forgotten.
//!
//! Logs are spread over shards by the hash of their key, each behind a mutex of its own that is
//! never held across an await. So appends to different logs rarely meet, and a future of this
//! store is ready when first polled. Nothing here may wait, spawn or read a clock.

mod log;
mod shard;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::{BuildHasher, RandomState},
    ops::Bound,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use polychat_core::{
    ChatId, Epoch, Seq, Summary, WorldId,
    command::Page,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError},
};

use self::shard::{Appended, Shard};

/// A power of two, so that the shard of a hash is cut out by a mask.
const SHARDS: usize = 64;

/// Keeps logs in memory, as long as it lives.
///
/// It never answers [`AppendError::Ambiguous`] and is never unavailable. Entries are shared, not
/// copied: a log costs its entries and about 8 bytes each.
///
/// What grows: the logs themselves, which the world's limits bound, and for each deleted chat a
/// tombstone of its key, because a chat id is never used again.
///
/// # Cancel safety
///
/// Every future does its work when first polled: dropped before, nothing has happened.
///
/// ```
/// use polychat_core::{ChatId, Seq, WorldId, ports::{LogKey, OpenMode, Store, StoreErrorKind}};
/// use polychat_store::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new();
/// let key = LogKey::Chat(WorldId::new("home")?, ChatId::new("a")?);
/// let (_fence, head) = store.open(&key, OpenMode::Create).await?;
/// assert_eq!(head, Seq::ZERO);
/// // The log exists once its first append is stored, and none came.
/// let missing = store.read(&key, Seq::ZERO, 10).await;
/// assert_eq!(missing.map_err(|error| error.kind), Err(StoreErrorKind::NotFound));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// The chats of each world that have at least one entry, for lists. Locked after a shard,
    /// never before one.
    chats: Mutex<HashMap<WorldId, BTreeSet<ChatId>>>,
    /// The worlds whose own log has at least one entry. Locked like `chats`.
    worlds: Mutex<BTreeSet<WorldId>>,
    epoch: AtomicU64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            chats: Mutex::default(),
            worlds: Mutex::default(),
            epoch: AtomicU64::new(0),
        }
    }

    fn shard(&self, key: &LogKey) -> MutexGuard<'_, Shard> {
        // The top bits: a map inside the shard uses the others of a hash of its own.
        let hash = self.hasher.hash_one(key) >> 48;
        let index = usize::try_from(hash).unwrap_or_default() & (SHARDS - 1);
        #[expect(clippy::indexing_slicing, reason = "the mask keeps the index below SHARDS")]
        lock(&self.shards[index])
    }

    fn show_in_lists(&self, key: &LogKey) {
        match key {
            LogKey::World(world) => drop(lock(&self.worlds).insert(world.clone())),
            LogKey::Chat(world, chat) => {
                lock(&self.chats).entry(world.clone()).or_default().insert(chat.clone());
            }
        }
    }

    fn hide_from_lists(&self, key: &LogKey) {
        match key {
            LogKey::World(world) => drop(lock(&self.worlds).remove(world)),
            LogKey::Chat(world, chat) => {
                let mut worlds = lock(&self.chats);
                if let Some(chats) = worlds.get_mut(world) {
                    chats.remove(chat);
                    if chats.is_empty() {
                        worlds.remove(world);
                    }
                }
            }
        }
    }

    /// Up to `count` chats of a world in the byte order of their ids.
    fn chats_after(&self, world: &WorldId, after: Option<&str>, count: usize) -> Vec<ChatId> {
        let worlds = lock(&self.chats);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let chats = worlds.get(world).into_iter();
        chats
            .flat_map(|chats| chats.range::<str, _>((from, Bound::Unbounded)))
            .take(count)
            .cloned()
            .collect()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// A poisoned lock is taken all the same: nothing panics between two writes under it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Store for MemoryStore {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        let mut shard = self.shard(key);
        // Drawn under the shard's lock, so that the order of epochs is the order of openings.
        let epoch = Epoch(self.epoch.fetch_add(1, Ordering::Relaxed) + 1);
        let head = shard.open(key, mode, epoch)?;
        Ok((Fence { key: key.clone(), epoch }, head))
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        let mut shard = self.shard(&fence.key);
        let appended = shard.append(fence, expected, entries, summary);
        if appended.map_err(AppendError::Rejected)? == Appended::First {
            // Under the shard's lock, so that a deletion at the same time cannot come in between.
            self.show_in_lists(&fence.key);
        }
        Ok(())
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.shard(key).read(key, after, limit)
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.shard(key).summary(key)
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        let mut summaries = Vec::new();
        let mut after = page.after.clone();
        while summaries.len() < page.limit {
            let chats = self.chats_after(world, after.as_deref(), page.limit - summaries.len());
            let Some(last) = chats.last() else { break };
            after = Some(last.as_str().into());
            for chat in chats {
                let key = LogKey::Chat(world.clone(), chat);
                // A chat that was deleted since its id was looked up is left out.
                summaries.extend(self.shard(&key).summary(&key).ok());
            }
        }
        Ok(summaries)
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        let worlds = lock(&self.worlds);
        let from = page.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let after = worlds.range::<str, _>((from, Bound::Unbounded));
        Ok(after.take(page.limit).cloned().collect())
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        let mut shard = self.shard(&fence.key);
        let removed = shard.delete(fence)?;
        self.hide_from_lists(&fence.key);
        drop(shard);
        // A long log is freed only after its neighbours may go on.
        drop(removed);
        Ok(())
    }
}

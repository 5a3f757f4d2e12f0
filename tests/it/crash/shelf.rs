//! What a store holds, read past every actor.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use polychat::{
    ChatId, Recorded, Seq,
    command::Page,
    ports::{Entry, LogKey, Store, StoreErrorKind},
};
use polychat_store::{Durability, SqliteStore};
use polychat_testkit::checker::RunState;

use super::{
    house::{self, world_id},
    ledger::is_deletion,
};

pub(super) type Log = Vec<Arc<Recorded>>;

/// All logs of a file.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) logs: BTreeMap<ChatId, Log>,
    /// Chats that should be gone, and are not.
    pub(super) undead: Vec<ChatId>,
    /// What the file's own verification found, in words.
    pub(super) unsound: Vec<String>,
}

impl Shelf {
    /// Opens the file in this folder and reads it; `gone` are chats that should not be there.
    pub(super) fn read<'a>(folder: &Path, gone: impl IntoIterator<Item = &'a ChatId>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = house::store(folder, Durability::ProcessSafe);
            let mut shelf = Self::default();
            shelf.take_logs(&store).await;
            for chat in gone {
                shelf.look_for(&store, chat).await;
            }
            let verified = store.verify().await.unwrap();
            shelf.unsound = verified.findings.iter().map(|found| format!("{found:?}")).collect();
            store.close().await;
            shelf
        })
    }

    /// Chats that should be gone and are not. Until a world is opened again, a log that ends in its
    /// deletion is as good as gone.
    pub(super) fn not_gone(&self, run: RunState) -> impl Iterator<Item = &ChatId> {
        let ends = |chat: &ChatId| self.logs.get(chat).is_some_and(is_deletion);
        self.undead.iter().filter(move |chat| run == RunState::Quiet || !ends(chat))
    }

    async fn take_logs(&mut self, store: &SqliteStore) {
        let mut page = Page::first(500);
        loop {
            let listed = store.list(&world_id(), &page).await.unwrap();
            for summary in &listed {
                let log = read(store, &summary.chat_id).await;
                self.logs.insert(summary.chat_id.clone(), log);
            }
            match listed.last() {
                Some(last) => page = Page::after(last.chat_id.as_str(), 500),
                None => return,
            }
        }
    }

    async fn look_for(&mut self, store: &SqliteStore, chat: &ChatId) {
        let key = LogKey::Chat(world_id(), chat.clone());
        let read = store.read(&key, Seq::ZERO, 1).await;
        if !read.is_err_and(|error| error.kind == StoreErrorKind::Deleted) {
            self.undead.push(chat.clone());
        }
    }
}

async fn read(store: &SqliteStore, chat: &ChatId) -> Log {
    let key = LogKey::Chat(world_id(), chat.clone());
    let mut log = Log::new();
    loop {
        let after = log.last().map_or(Seq::ZERO, |last| last.seq);
        let page = store.read(&key, after, 1_000).await.unwrap();
        if page.is_empty() {
            return log;
        }
        log.extend(page.into_iter().filter_map(|entry| match entry {
            Entry::Chat(recorded) => Some(recorded),
            Entry::World(_) => None,
        }));
    }
}

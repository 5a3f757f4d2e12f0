//! What a chat costs in memory: live and idle, passivated, and its log in the store.

use std::time::Duration;

use polychat::Limits;

use crate::{HEAP, measure::one_thread, source::end, turns::open};

const CHATS: usize = 10_000;

pub(crate) fn run() {
    println!("## memory: per chat, {CHATS} chats, heap bytes");
    one_thread().block_on(async {
        let mut limits = Limits::default();
        // Long enough that a busy machine does not end the first before the last is there.
        limits.passivate_after = Duration::from_secs(2);
        let store = std::sync::Arc::new(polychat::MemoryStore::new());
        let world = polychat::WorldBuilder::new("bench", crate::source::BenchModel)
            .limits(limits)
            .store(store)
            .open()
            .await
            .unwrap();
        let before = HEAP.current_usage();
        drop(open(&world, CHATS).await);
        let live = HEAP.current_usage();
        // The chats end their actors; what is left is what their logs take in the store.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let rested = HEAP.current_usage();
        let per = |bytes: usize| bytes as f64 / CHATS as f64;
        let log = log_bytes().await;
        println!("live and idle, its log of one event included | {:.0} B", per(live - before));
        println!("passivated, its log of one event included | {:.0} B", per(rested - before));
        println!("that log alone | {log:.0} B");
        println!("live and idle, without the log | {:.0} B", per(live - before) - log);
        println!("passivated, without the log | {:.0} B", per(rested - before) - log);
        end(world).await;
    });
}

/// What the same logs take in a store without a world.
async fn log_bytes() -> f64 {
    use polychat::{
        ChatId, Timestamp, WorldId,
        command::NewChat,
        ports::{Entry, LogKey, OpenMode, Store},
        rules,
    };
    let store = polychat::MemoryStore::new();
    let world = WorldId::new("bench").unwrap();
    let before = HEAP.current_usage();
    for n in 0..CHATS {
        let chat = ChatId::new(format!("chat-{n}")).unwrap();
        let new = NewChat::with_id(chat.clone());
        let decision = rules::create(&chat, new, Timestamp(0), &Limits::default()).unwrap();
        let empty = rules::ChatState::of_empty_log(&chat);
        let summary = empty.summary_after(&decision.events);
        let key = LogKey::Chat(world.clone(), chat);
        let (fence, head) = store.open(&key, OpenMode::Create).await.unwrap();
        let entries: Vec<Entry> = decision.events.into_iter().map(Entry::Chat).collect();
        store.append(&fence, head, &entries, Some(&summary)).await.unwrap();
    }
    (HEAP.current_usage() - before) as f64 / CHATS as f64
}

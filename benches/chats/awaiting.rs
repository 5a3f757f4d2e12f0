//! What a chat costs in memory that waits for a person, its actor at rest.

use std::{sync::Arc, time::Duration};

use futures_util::stream;
use polychat::{
    Chat, ChatId, Event, Limits, MemoryStore, Recorded, Seq, StatusKind, World, WorldBuilder,
    WorldId,
    ports::{Entry, LogKey, Model, ModelDelta, ModelRequest, ModelStream, OpenMode, Store},
    rules,
    tool::ToolCall,
    tools::{NoArguments, tool},
};

use crate::{HEAP, measure::one_thread, source::end, turns::open};

const CHATS: usize = 10_000;
/// Events of the log that leads there: created, accepted, started, message start and end, request.
const EVENTS: usize = 6;

pub(crate) fn run() {
    println!("## awaiting: per chat, {CHATS} chats that each wait for an approval, heap bytes");
    one_thread().block_on(async {
        let mut limits = Limits::default();
        // As in `memory`: the first must not rest before the last waits.
        limits.passivate_after = Duration::from_secs(2);
        let world = WorldBuilder::new("bench", Asking)
            .limits(limits)
            .tool(tool("wipe", "wipes a disk", |_: NoArguments| async {}))
            .open()
            .await
            .unwrap();
        let before = HEAP.current_usage();
        let chats = open(&world, CHATS).await;
        for chat in &chats {
            chat.prompt("wipe it").await.unwrap();
        }
        until_all_await(&chats).await;
        drop(chats);
        let live = HEAP.current_usage();
        // The chats end their actors; what is left is what their logs take in the store.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let rested = HEAP.current_usage();
        let logs = logs(&world).await;
        let log = log_bytes(logs).await;
        let per = |bytes: usize| bytes as f64 / CHATS as f64;
        println!("live, its log of {EVENTS} events included | {:.0} B", per(live - before));
        println!("passivated, its log of {EVENTS} events included | {:.0} B", per(rested - before));
        println!("that log alone | {log:.0} B");
        println!("passivated, without the log | {:.0} B", per(rested - before) - log);
        end(world).await;
    });
}

async fn until_all_await(chats: &[Chat]) {
    for chat in chats {
        while chat.snapshot().await.unwrap().status.kind != StatusKind::Awaiting {
            tokio::task::yield_now().await;
        }
    }
}

/// The logs as text, so that they share nothing with what the world holds.
async fn logs(world: &World) -> Vec<Vec<String>> {
    let mut logs = Vec::with_capacity(CHATS);
    for n in 0..CHATS {
        let chat = world.chat(format!("chat-{n}")).unwrap();
        let events = chat.log(Seq::ZERO, EVENTS + 1).await.unwrap().events;
        assert_eq!(events.len(), EVENTS, "{events:?}");
        logs.push(events.iter().map(|event| serde_json::to_string(event).unwrap()).collect());
    }
    logs
}

/// What the same logs take in a store without a world.
async fn log_bytes(logs: Vec<Vec<String>>) -> f64 {
    let store = MemoryStore::new();
    let world = WorldId::new("bench").unwrap();
    let mut agent = None;
    let before = HEAP.current_usage();
    for (n, log) in logs.iter().enumerate() {
        let chat = ChatId::new(format!("chat-{n}")).unwrap();
        let mut events: Vec<Recorded> =
            log.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        for event in &mut events {
            // In a world all chats share the agent's configuration.
            if let Event::MessageStart { agent: own, .. } = &mut event.event {
                *own = Arc::clone(agent.get_or_insert_with(|| Arc::clone(own)));
            }
        }
        let events: Vec<Arc<Recorded>> = events.into_iter().map(Arc::new).collect();
        let summary = rules::ChatState::of_empty_log(&chat).summary_after(&events);
        let key = LogKey::Chat(world.clone(), chat);
        let (fence, head) = store.open(&key, OpenMode::Create).await.unwrap();
        let entries: Vec<Entry> = events.into_iter().map(Entry::Chat).collect();
        store.append(&fence, head, &entries, Some(&summary)).await.unwrap();
    }
    (HEAP.current_usage() - before) as f64 / CHATS as f64
}

/// Asks for the tool that nobody has allowed.
struct Asking;

impl Model for Asking {
    fn stream(&self, _request: ModelRequest) -> ModelStream {
        let (name, arguments) = ("wipe".into(), serde_json::json!({}));
        let call = ToolCall { name, arguments, provider_call_id: None };
        Box::pin(stream::iter([Ok(ModelDelta::ToolCall(call))]))
    }
}

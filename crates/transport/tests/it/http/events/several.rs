//! Several chats on one stream, with one cursor.

use std::{collections::HashMap, sync::Arc};

use polychat_core::{
    Command, Cursor, EndReason, Epoch, Notice, Refusal, Reply, Scope, StartAt, command::LogPage,
};
use polychat_testkit::{
    fake_world::{FakeSubscription, FakeWorld},
    samples::{chat_id, seq},
    transport_suite::notices::every_chat_notice,
};
use polychat_transport::http::HttpOptions;
use serde_json::json;

use super::{get, numbered, read, read_from, world};
use crate::http::door;

const THREE: &str = "/events?chat=a&chat=b&chat=c";

/// The world's side of each chat.
async fn inside(world: &FakeWorld, chats: usize) -> HashMap<String, FakeSubscription> {
    let mut inside = HashMap::new();
    for _ in 0..chats {
        let subscription = world.next_subscription().await;
        let Scope::Chat(chat) = &subscription.scope else { panic!("{subscription:?}") };
        inside.insert(chat.as_str().to_owned(), subscription);
    }
    inside
}

fn after(n: u64) -> StartAt {
    StartAt::After(Cursor::after(seq(n)))
}

// issue 6, law 4: one cursor for all, from which each chat goes on where its reader was
#[tokio::test]
async fn each_id_says_of_every_chat_where_its_reader_was() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, THREE, None).await;
    let chats = inside(&world, 3).await;
    assert!(chats.values().all(|inside| inside.start == StartAt::Start));
    let cursor = Cursor { seq: seq(1), epoch: Epoch(5), live: 2, offset: 9 };
    let live = every_chat_notice(&chat_id("a")).into_iter().find_map(|notice| match notice {
        Notice::Live { event, .. } => Some(Notice::Live { cursor, event }),
        _ => None,
    });
    let mut ids = Vec::new();
    for (chat, notice) in [
        ("a", numbered("a", 1)),
        ("c", numbered("c", 1)),
        ("a", live.unwrap()),
        ("c", numbered("c", 2)),
    ] {
        assert!(chats[chat].send(notice.clone()).await);
        let block = reader.told().await;
        assert_eq!(block.chat(), chat);
        // The chat's own cursor is there, too.
        let cursor = notice.cursor().unwrap().to_string();
        assert_eq!(block.data.unwrap()["cursor"], json!(cursor));
        ids.push(block.id.unwrap());
    }
    let starts = [
        [after(1), StartAt::Start, StartAt::Start],
        [after(1), StartAt::Start, after(1)],
        [StartAt::After(cursor), StartAt::Start, after(1)],
        [StartAt::After(cursor), StartAt::Start, after(2)],
    ];
    for (id, starts) in ids.iter().zip(starts) {
        for (query, header) in [(format!("{THREE}&after={id}"), None), (THREE.into(), Some(id))] {
            let _reader = read(&router, &query, header.map(String::as_str)).await;
            let chats = inside(&world, 3).await;
            let found = ["a", "b", "c"].map(|chat| chats[chat].start.clone());
            assert_eq!(found, starts, "{id}");
        }
    }
}

// REQ-13: places in one list are never taken for places in another
#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, THREE, None).await;
    let chats = inside(&world, 3).await;
    assert!(chats["b"].send(numbered("b", 1)).await);
    let id = reader.told().await.id.unwrap();
    for path in ["/events?chat=b&chat=a&chat=c", "/events?chat=a&chat=b", "/events?chat=b"] {
        let answer = get(&router, path, Some(&id)).await.err().unwrap();
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{path}");
    }
    let answer = get(&router, THREE, Some("1-0-0-0")).await.err().unwrap();
    assert_eq!(answer.problem(), (400, "invalid_input".into()));
}

// law 6: one chat's end is not the others'
#[tokio::test]
async fn the_stream_goes_on_with_the_others_when_one_ends_and_ends_with_the_last() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, THREE, None).await;
    let mut chats = inside(&world, 3).await;
    for (chat, reason) in [("b", EndReason::Deleted), ("a", EndReason::Failed)] {
        assert!(chats[chat].send(Notice::Ended(reason)).await);
        let block = reader.next().await.unwrap();
        assert_eq!((block.chat(), block.reason()), (chat, &*json_word(reason)));
        chats.remove(chat);
        assert!(chats["c"].send(numbered("c", 1)).await);
        assert_eq!(reader.told().await.chat(), "c");
    }
    drop(chats);
    assert_eq!(reader.ends().await, "unreadable");
}

fn json_word(reason: EndReason) -> String {
    serde_json::to_value(reason).unwrap().as_str().unwrap().to_owned()
}

// issue 6: whoever comes back is told that a chat was deleted, and keeps the others
#[tokio::test]
async fn a_chat_that_was_deleted_while_nobody_read_does_not_cost_the_others() {
    let mut deleted = vec!["b"];
    let world = Arc::new(Deleted { inside: world(), deleted: deleted.clone() });
    let router = door(world.clone(), HttpOptions::default());
    let answer = get(&router, THREE, None).await.err().unwrap();
    assert_eq!(answer.problem(), (410, "chat_deleted".into()), "nobody has read it before");
    // The subscription to `a` came before the refusal.
    world.inside.next_subscription().await.unsubscribed().await;

    let id = id_of_three().await;
    let mut reader = read(&router, THREE, Some(&id)).await;
    let chats = inside(&world.inside, 2).await;
    let block = reader.next().await.unwrap();
    assert_eq!((block.chat(), block.reason()), ("b", "deleted"));
    for chat in ["a", "c"] {
        assert!(chats[chat].send(numbered(chat, 2)).await);
        assert_eq!(reader.told().await.chat(), chat);
    }
    // Once none is left, a browser is to come back no more.
    deleted.extend(["a", "c"]);
    let world = Arc::new(Deleted { inside: super::world(), deleted });
    let router = door(world, HttpOptions::default());
    let answer = get(&router, THREE, Some(&id)).await.err().unwrap();
    assert_eq!(answer.problem(), (410, "chat_deleted".into()));
}

/// An id of the stream of three chats, at the first event of `a`.
async fn id_of_three() -> String {
    let world = world();
    let mut reader = read(&door(world.clone(), HttpOptions::default()), THREE, None).await;
    let chats = inside(&world, 3).await;
    assert!(chats["a"].send(numbered("a", 1)).await);
    reader.told().await.id.unwrap()
}

/// A world some of whose chats were deleted.
struct Deleted {
    inside: Arc<FakeWorld>,
    deleted: Vec<&'static str>,
}

#[async_trait::async_trait]
impl polychat_core::ports::WorldService for Deleted {
    async fn call(&self, command: Command) -> Result<Reply, polychat_core::CommandError> {
        self.inside.call(command).await
    }

    async fn subscribe(
        &self,
        scope: Scope,
        start: StartAt,
    ) -> Result<polychat_core::ports::NoticeStream, polychat_core::CommandError> {
        match &scope {
            Scope::Chat(chat) if self.deleted.contains(&chat.as_str()) => {
                Err(Refusal::ChatDeleted { chat_id: chat.clone() }.into())
            }
            _ => self.inside.subscribe(scope, start).await,
        }
    }
}

/// A world whose chat `a` ends with event 4, and any other with event 9.
fn with_heads() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::answering(|command| {
        let Command::ReadLog { chat, .. } = command else { panic!("{command:?}") };
        let head = seq(if chat.as_str() == "a" { 4 } else { 9 });
        std::future::ready(Ok(Reply::Log(LogPage { events: Vec::new(), head })))
    }))
}

// law 4: "now" is a place, also in a chat that has said nothing since
#[tokio::test]
async fn who_begins_with_now_comes_back_without_a_hole_in_any_chat() {
    let world = with_heads();
    let router = door(world.clone(), HttpOptions::default());
    let path = "/events?chat=a&chat=b&start=now";
    let mut reader = read(&router, path, None).await;
    let chats = inside(&world, 2).await;
    assert_eq!((&chats["a"].start, &chats["b"].start), (&after(4), &after(9)));
    assert!(chats["a"].send(numbered("a", 5)).await);
    let id = reader.told().await.id.unwrap();
    let _reader = read(&router, path, Some(&id)).await;
    let chats = inside(&world, 2).await;
    assert_eq!((&chats["a"].start, &chats["b"].start), (&after(5), &after(9)));
}

// law 4: also when the connection is lost before anything was told
#[tokio::test(start_paused = true)]
async fn who_begins_with_now_and_hears_nothing_comes_back_to_that_place() {
    let world = with_heads();
    let router = door(world.clone(), HttpOptions::default());
    for (path, chats) in [
        ("/chats/a/events?start=now", 1),
        ("/events?chat=b&start=now", 1),
        ("/events?chat=a&chat=b&start=now", 2),
    ] {
        let (reader, place) = read_from(&router, path, None).await;
        drop((reader, inside(&world, chats).await));
        let place = place.expect("it says where now was");
        let _reader = read(&router, path, Some(&place)).await;
        for (chat, inside) in inside(&world, chats).await {
            assert_eq!(inside.start, after(if chat == "a" { 4 } else { 9 }), "{path}");
        }
    }
    let begins_at_start = read_from(&router, "/events?chat=a&chat=b", None).await;
    assert_eq!(begins_at_start.1, None);
}

// issue 6
#[tokio::test(start_paused = true)]
async fn a_heartbeat_of_a_stream_that_began_with_now_says_where_that_was() {
    let world = with_heads();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/chats/a/events?start=now", None).await;
    let _inside = world.next_subscription().await;
    let heartbeat = reader.next().await.unwrap();
    assert_eq!(heartbeat.name.as_deref(), Some("heartbeat"));
    assert_eq!(heartbeat.data, Some(json!({ "worldId": "w", "chatId": "a", "head": 4 })));
}

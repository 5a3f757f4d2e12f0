//! What is told, and in which form.

use std::time::Duration;

use axum::http::header;
use polychat_core::{Cursor, Epoch, LiveBody, Notice, Scope};
use polychat_testkit::{
    samples::{chat_id, seq, world_id},
    transport_suite::notices::{END_REASONS, every_chat_notice, every_world_notice},
};
use polychat_transport::{
    http::HttpOptions,
    wire::{EventEncoder, encode_notice},
};
use serde_json::json;

use super::{get, numbered, read, world};
use crate::http::door;

/// The envelope that every transport uses.
fn envelope(scope: &Scope, notice: &Notice) -> String {
    let bytes = encode_notice(&world_id("w"), scope, notice, &EventEncoder::new()).unwrap();
    String::from_utf8(bytes).unwrap()
}

// issue 6: one envelope, one vocabulary; the form is what clients nobody here wrote rely on
#[tokio::test]
async fn each_notice_of_a_chat_is_an_event_with_its_cursor_as_id_and_the_envelope_as_data() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = get(&router, "/chats/a/events", None).await.unwrap();
    let inside = world.next_subscription().await;
    assert_eq!(inside.scope, Scope::Chat(chat_id("a")));
    for (name, value) in [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        (header::CACHE_CONTROL.as_str(), "no-store"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(reader.headers[name], value);
    }
    assert_eq!(reader.piece().await.unwrap(), "retry: 1000\n\n");
    for notice in every_chat_notice(&chat_id("a")) {
        assert!(inside.send(notice.clone()).await);
        let id = notice.cursor().unwrap();
        let data = envelope(&inside.scope, &notice);
        assert_eq!(reader.piece().await.unwrap(), format!("id: {id}\ndata: {data}\n\n"));
    }
    assert!(inside.send(Notice::Ended(polychat_core::EndReason::Deleted)).await);
    assert_eq!(
        reader.piece().await.unwrap(),
        "event: ended\ndata: {\"worldId\":\"w\",\"event\":\
         {\"chatId\":\"a\",\"type\":\"ended\",\"reason\":\"deleted\"}}\n\n"
    );
    assert_eq!(reader.piece().await, None);
}

// issue 6: the world's feed has no cursor, so nothing in it has an id
#[tokio::test]
async fn what_the_world_says_of_itself_has_no_id() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/events", None).await;
    let inside = world.next_subscription().await;
    assert_eq!(inside.scope, Scope::World);
    for notice in every_world_notice().into_iter().map(Notice::World) {
        assert!(inside.send(notice.clone()).await);
        let data = envelope(&Scope::World, &notice);
        assert_eq!(reader.piece().await.unwrap(), format!("data: {data}\n\n"));
    }
}

// issue 6: a stream ends with a typed event
#[tokio::test]
async fn every_reason_to_end_is_told_and_the_body_ends_behind_it() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    for reason in END_REASONS {
        for path in ["/chats/a/events", "/events"] {
            let mut reader = read(&router, path, None).await;
            let inside = world.next_subscription().await;
            assert!(inside.send(Notice::Ended(reason)).await);
            let word = serde_json::to_value(reason).unwrap();
            assert_eq!(reader.ends().await, word.as_str().unwrap());
            inside.unsubscribed().await;
        }
    }
    // A world that breaks off without a reason.
    let mut reader = read(&router, "/chats/a/events", None).await;
    drop(world.next_subscription().await);
    assert_eq!(reader.ends().await, "unreadable");
}

// issue 6: a heartbeat that clients can see, with how far they came, and never an id
#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_heartbeats_that_say_how_far_the_stream_has_come() {
    let mut options = HttpOptions::default();
    options.heartbeat_interval = Duration::from_secs(10);
    let world = world();
    let router = door(world.clone(), options);
    let mut reader = read(&router, "/chats/a/events?after=6-0-0-0", None).await;
    let inside = world.next_subscription().await;
    let began = tokio::time::Instant::now();
    let heartbeat = |head: u64| json!({ "worldId": "w", "chatId": "a", "head": head });
    let block = reader.next().await.unwrap();
    assert_eq!((block.name.as_deref(), block.id), (Some("heartbeat"), None));
    assert_eq!(block.data, Some(heartbeat(6)));
    assert_eq!(began.elapsed(), Duration::from_secs(10));

    // What is said puts it off, also when it is live and leaves the head where it was.
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(inside.send(numbered("a", 7)).await);
    assert_eq!(reader.told().await.seq(), 7);
    tokio::time::sleep(Duration::from_secs(9)).await;
    let live = every_chat_notice(&chat_id("a")).into_iter().find_map(|notice| match notice {
        Notice::Live { event, .. } if matches!(event.body, LiveBody::MessageChunk { .. }) => {
            Some(event)
        }
        _ => None,
    });
    let cursor = Cursor { seq: seq(7), epoch: Epoch(1), live: 0, offset: 3 };
    assert!(inside.send(Notice::Live { cursor, event: live.unwrap() }).await);
    assert_eq!(reader.told().await.id.unwrap(), "7-1-0-3");
    let block = reader.next().await.unwrap();
    assert_eq!(block.data, Some(heartbeat(7)));
    assert_eq!(began.elapsed(), Duration::from_secs(10 + 18 + 10));

    // The world and several chats have no single head.
    for path in ["/events", "/events?chat=a&chat=b"] {
        let mut reader = read(&router, path, None).await;
        let _inside = (world.next_subscription().await, path);
        let block = reader.next().await.unwrap();
        assert_eq!(block.name.as_deref(), Some("heartbeat"), "{path}");
        assert_eq!(block.data, Some(json!({ "worldId": "w" })), "{path}");
    }
}

//! What ends a stream that could go on: its limit, the server's end, the client's leaving.

use std::time::Duration;

use polychat_core::{EndReason, Notice};
use polychat_transport::http::HttpOptions;

use super::{numbered, read, world};
use crate::http::door;

// issue 6: `?limit=`, so that whoever cannot wait for an end still gets one
#[tokio::test]
async fn a_stream_with_a_limit_ends_behind_so_many_notices_and_goes_on_from_there() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let mut reader = read(&router, "/chats/a/events?limit=2", None).await;
    let inside = world.next_subscription().await;
    for n in 1..=3 {
        assert!(inside.send(numbered("a", n)).await);
    }
    assert_eq!(reader.told().await.seq(), 1);
    let last = reader.told().await;
    assert_eq!(last.seq(), 2);
    assert_eq!(reader.ends().await, "limit");
    drop(reader);
    inside.unsubscribed().await;
    // An end of the chat's own is no notice, and is told in any case.
    let mut reader = read(&router, "/chats/a/events?limit=1", last.id.as_deref()).await;
    let inside = world.next_subscription().await;
    assert!(inside.send(Notice::Ended(EndReason::Deleted)).await);
    assert_eq!(reader.ends().await, "deleted");
}

// issue 6: streams end with a typed event when the server is about to stop, also in a flood
#[tokio::test]
async fn when_the_server_is_about_to_stop_streams_say_so_and_end() {
    let options = HttpOptions::default();
    let closing = options.closing.clone();
    let world = world();
    let router = door(world.clone(), options);
    let mut silent = read(&router, "/events", None).await;
    let mut flooded = read(&router, "/chats/a/events", None).await;
    let (of_world, of_chat) = (world.next_subscription().await, world.next_subscription().await);
    let waiting = tokio::spawn(async move { silent.ends().await });
    // Both wait: one for the world, one for its reader.
    tokio::task::yield_now().await;
    for n in 1..=3 {
        assert!(of_chat.send(numbered("a", n)).await);
    }
    assert!(!waiting.is_finished());
    closing.cancel();
    assert_eq!(waiting.await.unwrap(), "closing");
    assert_eq!(flooded.ends().await, "closing");
    of_world.unsubscribed().await;
    drop(flooded);
    of_chat.unsubscribed().await;
    // Whoever comes now is told at once.
    assert_eq!(read(&router, "/chats/a/events", None).await.ends().await, "closing");
}

// issue 6: disconnecting unsubscribes and cancels nothing
#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_unsubscribes_and_asks_for_nothing() {
    let world = world();
    let router = door(world.clone(), HttpOptions::default());
    let reader = read(&router, "/events?chat=a&chat=b&until=idle", None).await;
    let (a, b) = (world.next_subscription().await, world.next_subscription().await);
    let before = world.commands().len();
    drop(reader);
    a.unsubscribed().await;
    b.unsubscribed().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.commands().len(), before);
}

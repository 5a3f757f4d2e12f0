//! A server that ends: everybody is told what there is to tell, and nobody is waited for who reads.

use std::{sync::Arc, time::Duration};

use polychat_core::{EndReason, Notice, Reply};
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::ipc::{Closed, ServeOptions};
use serde_json::json;
use tokio::time::Instant;

use super::by_hand::{connect, connect_with, server};

/// A world of which the server's end is asked for.
fn world() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

// The client stays: it has to hear the end, and must not be waited for.
#[tokio::test(start_paused = true)]
async fn a_client_hears_the_end_of_each_stream_and_its_connection_ends_at_that_moment() {
    let world = world();
    let server = server(world.clone(), ServeOptions::default());
    let (mut client, end) = connect(&server).await;
    let (one, other) = (client.watch(1, "a").await, client.watch(2, "b").await);
    let (first, second) = (world.next_subscription().await, world.next_subscription().await);
    let begun = Instant::now();
    server.close();
    assert!(first.send(Notice::Ended(EndReason::WorldClosed)).await);
    assert_eq!(client.event().await.0, one);
    // The other one is still to be told.
    assert!(!end.is_finished());
    assert_eq!(client.asked(3, "ping", json!({})).await["result"], json!({}));
    assert!(second.send(Notice::Ended(EndReason::WorldClosed)).await);
    let (told, event) = client.event().await;
    assert_eq!((told, &event["reason"]), (other, &json!("world_closed")));
    assert_eq!(client.hear().await, None);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByServer);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_is_answered_first_and_a_client_that_said_nothing_is_let_go() {
    let server = server(world(), ServeOptions::default());
    let (mut silent, silent_end) = connect_with(&server, 256);
    let (mut client, end) = connect(&server).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    server.close();
    assert_eq!(client.hear().await.unwrap()["id"], json!(1));
    assert_eq!((client.hear().await, silent.hear().await), (None, None));
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByServer);
    assert_eq!(silent_end.await.unwrap().unwrap(), Closed::ByServer);
    // Whoever comes now is let go, too.
    let (mut late, _end) = connect_with(&server, 256);
    assert_eq!(late.hear().await, None);
}

// law 7
#[tokio::test(start_paused = true)]
async fn who_does_not_read_keeps_a_closing_server_only_so_long() {
    let server = server(world(), ServeOptions::default());
    let (mut client, end) = connect_with(&server, 256);
    client.initialize(json!({})).await;
    for id in 0..20 {
        client.ask(id, "ping", json!({})).await;
    }
    server.close();
    let begun = Instant::now();
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByServer);
    assert_eq!(begun.elapsed(), ServeOptions::default().ending_duration_max);
}

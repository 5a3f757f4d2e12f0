//! Readers in step, each on a connection of its own: what they share.

use std::sync::Arc;

use polychat_core::Notice;
use polychat_testkit::{
    fake_world::FakeWorld, samples::chat_id, transport_suite::notices::every_chat_notice,
};
use polychat_transport::ipc::ServeOptions;
use serde_json::json;

use super::by_hand::{connect, server};

const READERS: usize = 5;

// law 4: nothing is made per subscriber but the envelope
#[tokio::test]
async fn an_event_is_encoded_once_for_all_connections_that_read_it_in_step() {
    let world = Arc::new(FakeWorld::always(Ok(polychat_core::Reply::Done)));
    let server = server(world.clone(), ServeOptions::default());
    let mut readers = Vec::new();
    for _ in 0..READERS {
        let (mut client, _end) = connect(&server).await;
        let id = client.watch(1, "a").await;
        readers.push((client, id, world.next_subscription().await));
    }
    let notices: Vec<Notice> = every_chat_notice(&chat_id("a"));
    for (n, notice) in (1_u64..).zip(&notices) {
        let mut heard = Vec::new();
        for (client, id, play) in &mut readers {
            assert!(play.send(notice.clone()).await);
            let (subscription, event) = client.event().await;
            assert_eq!(subscription, *id);
            heard.push(event);
            client.tell("events/more", json!({ "subscriptionId": id, "events": 1 })).await;
        }
        heard.dedup();
        assert_eq!((heard.len(), server.events_encoded()), (1, n));
    }
}

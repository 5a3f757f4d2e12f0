//! Subscriptions of one connection: each with its own cursor, served in turn, never queued.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::stream;
use polychat_core::{
    Command, CommandError, Cursor, EndReason, Event, Notice, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, recorded, seq},
};
use polychat_transport::ipc::ServeOptions;
use serde_json::{Value, json};

use super::by_hand::{ByHand, connect, connect_with, server};

/// A world whose chats always have one more event, which counts what is taken from each.
#[derive(Default)]
struct Flooding {
    taken: Mutex<HashMap<String, Arc<AtomicUsize>>>,
}

impl Flooding {
    fn taken(&self, chat: &str) -> usize {
        self.taken.lock().unwrap().get(chat).map_or(0, |taken| taken.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl WorldService for Flooding {
    async fn call(&self, _: Command) -> Result<Reply, CommandError> {
        Ok(Reply::Done)
    }

    async fn subscribe(&self, scope: Scope, _: StartAt) -> Result<NoticeStream, CommandError> {
        let Scope::Chat(chat) = scope else { panic!("a chat") };
        let taken = Arc::clone(self.taken.lock().unwrap().entry(chat.as_str().into()).or_default());
        let event = recorded(&chat, seq(1), Event::ChatClosed {});
        let flood = stream::repeat_with(move || {
            let n = taken.fetch_add(1, Ordering::Relaxed) as u64 + 1;
            Notice::Recorded { cursor: Cursor::after(seq(n)), event: Arc::clone(&event) }
        });
        Ok(Box::pin(flood))
    }
}

fn numbered(chat: &str, n: u64) -> Notice {
    let event = recorded(&chat_id(chat), seq(n), Event::ChatClosed {});
    Notice::Recorded { cursor: Cursor::after(seq(n)), event }
}

/// The chats of the next events.
async fn chats(client: &mut ByHand, events: usize) -> Vec<String> {
    let mut chats = Vec::new();
    for _ in 0..events {
        let (_, event) = client.event().await;
        chats.push(event["chatId"].as_str().unwrap().to_owned());
    }
    chats
}

// law 4, REQ-10
#[tokio::test]
async fn chats_that_flood_the_same_pipe_are_served_in_turn() {
    let server = server(Arc::new(Flooding::default()), ServeOptions::default());
    // Nothing may be under way yet, so that all three begin together.
    let (mut client, _end) = connect_with(&server, 64 * 1024);
    client.initialize(json!({ "eventsUnderWayMax": 0 })).await;
    let mut ids = Vec::new();
    for (id, chat) in [(1, "a"), (2, "b"), (3, "c")] {
        ids.push(client.watch(id, chat).await);
    }
    for id in &ids {
        client.tell("events/more", json!({ "subscriptionId": id, "events": 100 })).await;
    }
    let order = chats(&mut client, 300).await;
    for chat in ["a", "b", "c"] {
        let first_half = order[..150].iter().filter(|found| *found == chat).count();
        assert!((40..=60).contains(&first_half), "{chat} had {first_half} of 150 turns");
    }
}

// law 4: a calm chat waits for one event of each other at most, whatever they have to say
#[tokio::test]
async fn an_event_of_a_calm_chat_comes_before_the_second_of_any_that_floods() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let server = server(world.clone(), ServeOptions::default());
    let (mut client, _end) = connect_with(&server, 64 * 1024);
    client.initialize(json!({ "eventsUnderWayMax": 0 })).await;
    let mut ids = Vec::new();
    let mut inside = Vec::new();
    for (id, chat) in [(1, "flood"), (2, "calm")] {
        ids.push(client.watch(id, chat).await);
        inside.push(world.next_subscription().await);
    }
    for n in 1..=60 {
        inside[0].send(numbered("flood", n)).await;
    }
    inside[1].send(numbered("calm", 1)).await;
    for id in &ids {
        client.tell("events/more", json!({ "subscriptionId": id, "events": 100 })).await;
    }
    let order = chats(&mut client, 61).await;
    let before = order.iter().position(|chat| chat == "calm").unwrap();
    // The grants come one after the other, and each has a turn of its own.
    assert!(before <= 4, "{before} events of a flooding chat came first");
}

// REQ-10: an answer to a subscription comes before its first event
#[tokio::test]
async fn the_answer_to_a_subscription_comes_before_its_first_event_even_among_floods() {
    let server = server(Arc::new(Flooding::default()), ServeOptions::default());
    let (mut client, _end) = connect(&server).await;
    for id in 1..=20 {
        let params = json!({ "scope": "chat", "chatId": format!("c{id}"), "start": "start" });
        client.ask(id, "events/subscribe", params).await;
    }
    let mut known: Vec<Value> = Vec::new();
    while known.len() < 20 {
        let message = client.hear().await.unwrap();
        match message["result"]["subscriptionId"].as_str() {
            Some(id) => known.push(json!(id)),
            None => {
                let id = &message["params"]["subscriptionId"];
                assert!(known.contains(id), "an event of {id} before its answer");
            }
        }
    }
}

// law 4, law 7
#[tokio::test]
async fn a_client_that_does_not_read_costs_a_buffer_and_delays_no_other_connection() {
    let world = Arc::new(Flooding::default());
    let server = server(world.clone(), ServeOptions::default());
    let (mut slow, _end) = connect_with(&server, 1_024);
    slow.initialize(json!({})).await;
    slow.watch(1, "slow").await;
    let (mut quick, _end) = connect_with(&server, 1_024);
    quick.initialize(json!({})).await;
    quick.watch(1, "quick").await;
    let in_all: usize = 5_000;
    let order = chats(&mut quick, in_all).await;
    assert!(order.iter().all(|chat| chat == "quick"));
    let taken = world.taken("slow");
    // An event in its envelope has more than 100 bytes, and 64 KiB may wait.
    assert!((1..1_000).contains(&taken), "{taken} events were taken for a client that reads none");
    assert!(world.taken("quick") >= in_all);
}

// law 7
#[tokio::test]
async fn no_more_events_are_under_way_than_the_client_has_room_for() {
    let world = Arc::new(Flooding::default());
    let server = server(world.clone(), ServeOptions::default());
    let (mut client, _end) = connect_with(&server, 64 * 1024);
    client.initialize(json!({ "eventsUnderWayMax": 3 })).await;
    let id = client.watch(1, "a").await;
    chats(&mut client, 3).await;
    client.asked(2, "ping", json!({})).await;
    assert_eq!(world.taken("a"), 3);
    client.tell("events/more", json!({ "subscriptionId": id, "events": 2 })).await;
    chats(&mut client, 2).await;
    client.asked(3, "ping", json!({})).await;
    assert_eq!(world.taken("a"), 5);
}

// law 7
#[tokio::test]
async fn subscriptions_beyond_the_bound_are_refused_until_one_ends() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let mut options = ServeOptions::default();
    options.subscriptions_max = 2;
    let (mut client, _end) = connect(&server(world.clone(), options)).await;
    client.watch(1, "a").await;
    let inside = world.next_subscription().await;
    client.watch(2, "b").await;
    let params = json!({ "scope": "world", "start": "now" });
    let refused = client.asked(3, "events/subscribe", params.clone()).await;
    assert_eq!(refused["error"]["data"]["code"], "subscribers_full");
    inside.send(Notice::Ended(EndReason::Deleted)).await;
    let (_, event) = client.event().await;
    assert_eq!(event["type"], "ended");
    let taken = client.asked(4, "events/subscribe", params).await;
    assert!(taken["result"]["subscriptionId"].is_string(), "{taken}");
}

#[tokio::test]
async fn no_event_comes_after_the_answer_to_unsubscribe_and_no_id_is_used_again() {
    let server = server(Arc::new(Flooding::default()), ServeOptions::default());
    let mut used = Vec::new();
    for _connection in 0..2 {
        let (mut client, _end) = connect(&server).await;
        for n in 0..20 {
            let id = client.watch(2 * n + 1, "a").await;
            assert!(!used.contains(&id), "{id} was used again");
            client.ask(2 * n + 2, "events/unsubscribe", json!({ "subscriptionId": id })).await;
            // Events that were under way, then the answer.
            while client.hear().await.unwrap()["method"] == "event" {}
            assert_eq!(client.asked(0, "ping", json!({})).await["result"], json!({}));
            used.push(id);
        }
    }
}

// law 7: what has ended holds no place, also when its last event took the last room
#[tokio::test]
async fn a_subscription_that_has_ended_gives_its_place_back_whatever_room_is_left() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let mut options = ServeOptions::default();
    options.subscriptions_max = 1;
    let server = server(world.clone(), options);
    let (mut client, _end) = connect_with(&server, 64 * 1024);
    client.initialize(json!({ "eventsUnderWayMax": 1 })).await;
    for id in 1..=3 {
        let subscription = client.watch(id, "a").await;
        assert!(subscription.is_string(), "place {id}");
        world.next_subscription().await.send(Notice::Ended(EndReason::Deleted)).await;
        let (of, event) = client.event().await;
        assert_eq!((of, &event["reason"]), (subscription, &json!("deleted")));
    }
}

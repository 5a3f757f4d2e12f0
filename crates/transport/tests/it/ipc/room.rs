//! What requests and answers of one connection may take, in bytes (law 7).

use std::sync::Arc;

use polychat_core::{Command, Reply};
use polychat_testkit::{fake_world::FakeWorld, transport_suite::replies::reply_to};
use polychat_transport::ipc::ServeOptions;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::by_hand::{ByHand, connect, connect_with, server, within};

/// A world in which `chat/close` and pages of messages wait until they may.
struct Gated {
    world: Arc<FakeWorld>,
    close: Arc<Semaphore>,
    read: Arc<Semaphore>,
}

fn gated() -> Gated {
    let (close, read) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (may_close, may_read) = (Arc::clone(&close), Arc::clone(&read));
    let world = FakeWorld::answering(move |command| {
        let (may_close, may_read) = (Arc::clone(&may_close), Arc::clone(&may_read));
        async move {
            if let Command::CloseChat { .. } = command {
                may_close.acquire().await.unwrap().forget();
            }
            let Command::ListMessages { page, .. } = &command else { return Ok(Reply::Done) };
            // Once it is open, all go through.
            drop(may_read.acquire().await.unwrap());
            let Reply::Messages(mut answer) = reply_to(&command) else { return Ok(Reply::Done) };
            let one = answer.messages.first().cloned();
            answer.messages = one.into_iter().cycle().take(page.limit).collect();
            Ok(Reply::Messages(answer))
        }
    });
    Gated { world: Arc::new(world), close, read }
}

/// How often each page was read.
fn reads(world: &FakeWorld) -> usize {
    let is_read = |command: &&Command| matches!(command, Command::ListMessages { .. });
    world.commands().iter().filter(is_read).count()
}

async fn read(client: &mut ByHand, id: u64, messages: usize) {
    client.ask(id, "messages/list", json!({ "chatId": "a", "limit": messages })).await;
}

/// The bytes of an answer with so many messages.
async fn answer_bytes(messages: usize) -> usize {
    let Gated { world, read: may_read, .. } = gated();
    may_read.add_permits(1);
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    read(&mut client, 1, messages).await;
    client.hear().await.unwrap()["result"].to_string().len()
}

fn ids(answers: &[Value]) -> Vec<u64> {
    let mut ids: Vec<u64> = answers.iter().map(|it| it["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn requests_that_take_more_bytes_together_than_may_be_are_refused_until_one_has_ended() {
    let Gated { world, close, .. } = gated();
    let mut options = ServeOptions::default();
    options.request_bytes_in_flight_max = 10_000;
    let (mut client, _end) = connect(&server(world.clone(), options)).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    // They wait for the first, so the world has not heard of them.
    let send = |bytes: usize| {
        let parts = [json!({ "type": "text", "text": "x".repeat(bytes) })];
        json!({ "chatId": "a", "promptId": "p", "parts": parts })
    };
    client.ask(2, "prompt/send", send(5_000)).await;
    let refused = client.asked(3, "prompt/send", send(5_000)).await;
    let data = &refused["error"]["data"];
    assert_eq!((&data["code"], &data["scope"]), (&json!("overloaded"), &json!("connection_bytes")));
    assert_eq!((&data["max"], &data["retryable"]), (&json!(10_000), &json!(true)));
    // Values take more than they show.
    let values = json!({ "chatId": "b", "metadata": { "a": vec![0; 100] } });
    let refused = client.asked(4, "chat/create", values).await;
    assert_eq!(refused["error"]["data"]["scope"], "connection_bytes");
    // What takes little still goes, and so does what is no request of the world.
    assert_eq!(client.asked(5, "world/get", json!({})).await["result"]["type"], "done");
    assert_eq!(client.asked(6, "ping", json!({})).await["result"], json!({}));
    close.add_permits(1);
    for _ in 0..2 {
        client.hear().await.unwrap();
    }
    let taken = client.asked(7, "prompt/send", send(5_000)).await;
    assert_eq!(taken["result"]["type"], "done");
}

#[tokio::test]
async fn a_request_alone_is_taken_whatever_it_takes() {
    let Gated { world, close, .. } = gated();
    let mut options = ServeOptions::default();
    options.request_bytes_in_flight_max = 1;
    let (mut client, _end) = connect(&server(world, options)).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    let refused = client.asked(2, "chat/reopen", json!({ "chatId": "b" })).await;
    assert_eq!(refused["error"]["data"]["code"], "overloaded");
    close.add_permits(1);
    assert_eq!(client.hear().await.unwrap()["id"], json!(1));
    let taken = client.asked(3, "chat/reopen", json!({ "chatId": "b" })).await;
    assert_eq!(taken["result"]["type"], "done");
}

#[tokio::test]
async fn answers_without_room_are_read_again_and_none_is_refused_or_lost() {
    let Gated { world, read: may_read, close } = gated();
    let mut options = ServeOptions::default();
    options.answer_bytes_waiting_max = 3 * answer_bytes(100).await;
    let server = server(world.clone(), options);
    let (mut client, _end) = connect_with(&server, 1_024);
    client.initialize(json!({})).await;
    // One is larger than all the room, and what changes something needs none.
    for id in 1..=40 {
        read(&mut client, id, if id == 20 { 1_000 } else { 100 }).await;
    }
    // All of them have begun.
    assert_eq!(client.asked(0, "ping", json!({})).await["result"], json!({}));
    client.ask(41, "chat/close", json!({ "chatId": "b" })).await;
    may_read.add_permits(1);
    close.add_permits(1);
    let mut answers = Vec::new();
    for _ in 1..=41 {
        answers.push(client.hear().await.unwrap());
    }
    assert_eq!(ids(&answers), (1..=41).collect::<Vec<_>>());
    for answer in &answers {
        let messages = answer["result"]["messages"].as_array().map(Vec::len);
        let expected = match answer["id"].as_u64() {
            Some(20) => Some(1_000),
            Some(41) => None,
            _ => Some(100),
        };
        assert_eq!(messages, expected, "{}", answer["id"]);
    }
    let reads = reads(&world);
    assert!((40..=80).contains(&reads), "40 pages were read {reads} times");
}

#[tokio::test]
async fn answers_with_room_are_read_once() {
    let Gated { world, read: may_read, .. } = gated();
    let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
    for id in 1..=40 {
        read(&mut client, id, 10).await;
    }
    assert_eq!(client.asked(0, "ping", json!({})).await["result"], json!({}));
    may_read.add_permits(1);
    for _ in 1..=40 {
        client.hear().await.unwrap();
    }
    assert_eq!(reads(&world), 40);
}

// REQ-12: what changes something is done all the same, which other tests hold
#[tokio::test]
async fn for_a_connection_that_has_ended_nothing_is_read_again() {
    let one = answer_bytes(100).await;
    let Gated { world, read: may_read, .. } = gated();
    let mut options = ServeOptions::default();
    options.answer_bytes_waiting_max = one;
    let (mut client, end) = connect_with(&server(world.clone(), options), 1_024);
    client.initialize(json!({})).await;
    for id in 1..=40 {
        read(&mut client, id, 100).await;
    }
    assert_eq!(client.asked(0, "ping", json!({})).await["result"], json!({}));
    may_read.add_permits(1);
    settle().await;
    end.abort();
    assert!(within(end).await.unwrap_err().is_cancelled());
    let before = reads(&world);
    assert!(before < 60, "the client has read none, and {before} were read for it");
    settle().await;
    assert_eq!(reads(&world), before);
}

/// Lets everybody do what there is to do.
async fn settle() {
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
}

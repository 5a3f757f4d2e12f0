//! Requests of one connection: side by side, bounded, cancelled, and outliving it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use polychat_core::{Command, Reply};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, prompt_id},
};
use polychat_transport::ipc::{Closed, ServeOptions};
use serde_json::json;
use tokio::{
    sync::{Notify, Semaphore, mpsc},
    time::Instant,
};

use super::by_hand::{connect, connect_with, server, within};

fn close(chat: &str) -> Command {
    Command::CloseChat { chat: chat_id(chat) }
}

/// A world in which `chat/close` waits for a permit, and everything else does not.
struct Gated {
    world: Arc<FakeWorld>,
    release: Arc<Semaphore>,
    done: mpsc::UnboundedReceiver<Command>,
}

fn gated() -> Gated {
    let release = Arc::new(Semaphore::new(0));
    let (finished, done) = mpsc::unbounded_channel();
    let gate = Arc::clone(&release);
    let world = FakeWorld::answering(move |command| {
        let (gate, finished) = (Arc::clone(&gate), finished.clone());
        async move {
            if let Command::CloseChat { .. } = command {
                gate.acquire().await.unwrap().forget();
            }
            // Not every test wants to know.
            let _ = finished.send(command);
            Ok(Reply::Done)
        }
    });
    Gated { world: Arc::new(world), release, done }
}

// REQ-1, REQ-7
#[tokio::test]
async fn a_request_that_waits_holds_up_no_other_and_answers_come_as_they_are_ready() {
    let Gated { world, release, .. } = gated();
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.asked(2, "chat/reopen", json!({ "chatId": "b" })).await;
    release.add_permits(1);
    assert_eq!(client.hear().await.unwrap()["id"], json!(1));
}

// Several threads would run tasks in any order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_reach_the_world_in_the_order_of_the_pipe() {
    let Gated { world, release, .. } = gated();
    let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
    let chats: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    for (id, chat) in (1..).zip(&chats) {
        client.ask(id, "chat/close", json!({ "chatId": chat })).await;
    }
    release.add_permits(chats.len());
    for _ in &chats {
        client.hear().await.unwrap();
    }
    let expected: Vec<Command> = chats.iter().map(|chat| close(chat)).collect();
    assert_eq!(world.commands(), expected);
}

// constraint: message order within each chat is preserved, also where the world takes its time
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_one_chat_is_done_one_after_another_and_reads_wait_for_nothing() {
    let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (in_flight, at_once) = (Arc::clone(&busy), Arc::clone(&most));
    let world = FakeWorld::answering(move |command| {
        let (in_flight, at_once) = (Arc::clone(&in_flight), Arc::clone(&at_once));
        async move {
            let changes = matches!(command, Command::WithdrawPrompt { .. });
            if changes {
                at_once.fetch_max(in_flight.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                in_flight.fetch_sub(1, Ordering::SeqCst);
            }
            Ok(Reply::Done)
        }
    });
    let world = Arc::new(world);
    let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
    // In one go, and more than tokio lets a task do in one go.
    let request = |n: u64| {
        let params = json!({ "chatId": "a", "promptId": format!("p{n}") });
        let method = "prompt/withdraw";
        json!({ "jsonrpc": "2.0", "id": n, "method": method, "params": params })
    };
    let requests: String = (0..500).map(|n| format!("{}\n", request(n))).collect();
    client.write(requests.as_bytes()).await;
    for _ in 0..500 {
        assert_eq!(client.hear().await.unwrap()["result"]["type"], "done");
    }
    let withdraw = |n: u64| Command::WithdrawPrompt {
        chat: chat_id("a"),
        prompt: prompt_id(&format!("p{n}")),
    };
    assert_eq!(world.commands(), (0..500).map(withdraw).collect::<Vec<_>>());
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

// law 7
#[tokio::test]
async fn beyond_the_bound_requests_are_refused_and_taken_again_once_there_is_room() {
    let Gated { world, release, .. } = gated();
    let mut options = ServeOptions::default();
    options.requests_in_flight_max = 2;
    let (mut client, _end) = connect(&server(world.clone(), options)).await;
    for id in [1, 2] {
        client.ask(id, "chat/close", json!({ "chatId": "a" })).await;
    }
    let refused = client.asked(3, "chat/reopen", json!({ "chatId": "b" })).await;
    assert_eq!(refused["error"]["data"]["code"], "overloaded");
    assert_eq!(refused["error"]["data"]["max"], json!(2));
    assert_eq!(client.asked(4, "ping", json!({})).await["result"], json!({}));
    release.add_permits(1);
    client.hear().await.unwrap();
    let taken = client.asked(5, "chat/reopen", json!({ "chatId": "b" })).await;
    assert_eq!(taken["result"]["type"], "done");
    assert_eq!(world.commands().len(), 3);
}

#[tokio::test]
async fn the_id_of_a_request_that_runs_is_refused_and_the_first_is_answered() {
    let Gated { world, release, .. } = gated();
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    let refused = client.asked(1, "chat/reopen", json!({ "chatId": "a" })).await;
    assert_eq!(refused["error"]["code"], json!(-32_600));
    release.add_permits(1);
    assert_eq!(client.hear().await.unwrap()["result"]["type"], "done");
}

#[tokio::test]
async fn a_cancelled_request_is_answered_once_as_cancelled_and_no_other_is() {
    let Gated { world, release, .. } = gated();
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.ask(2, "chat/close", json!({ "chatId": "b" })).await;
    client.tell("$/cancelRequest", json!({ "id": 1 })).await;
    let answer = client.hear().await.unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(1), &json!(-32_800)));
    client.tell("$/cancelRequest", json!({ "id": 1 })).await;
    release.add_permits(1);
    assert_eq!(client.hear().await.unwrap()["id"], json!(2));
}

// law 6
#[tokio::test]
async fn a_request_that_meets_a_bug_takes_nothing_else_with_it() {
    let bug = Arc::new(Notify::new());
    let meets = Arc::clone(&bug);
    let world = FakeWorld::answering(move |command| {
        let meets = Arc::clone(&meets);
        async move {
            match command {
                Command::CloseChat { chat } if chat == chat_id("now") => panic!("a bug at once"),
                Command::CloseChat { .. } => {
                    meets.notified().await;
                    panic!("a bug later")
                }
                _ => Ok(Reply::Done),
            }
        }
    });
    let (mut client, _end) = connect(&server(Arc::new(world), ServeOptions::default())).await;
    let answer = client.asked(1, "chat/close", json!({ "chatId": "now" })).await;
    assert_eq!(answer["error"]["code"], json!(-32_603));
    client.ask(2, "chat/close", json!({ "chatId": "later" })).await;
    bug.notify_one();
    let answer = client.hear().await.unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(2), &json!(-32_603)));
    let answer = client.asked(3, "chat/reopen", json!({ "chatId": "a" })).await;
    assert_eq!(answer["result"]["type"], "done");
}

// REQ-12: what was asked for is done although nobody hears the answer
#[tokio::test]
async fn a_connection_that_closes_cancels_nothing() {
    let Gated { world, release, mut done } = gated();
    let (mut client, end) = connect(&server(world.clone(), ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.asked(2, "ping", json!({})).await;
    end.abort();
    assert!(end.await.unwrap_err().is_cancelled());
    release.add_permits(1);
    assert_eq!(within(done.recv()).await, Some(close("a")));
}

#[tokio::test]
async fn whoever_stops_speaking_still_hears_the_answers() {
    let Gated { world, release, .. } = gated();
    let (mut client, end) = connect(&server(world.clone(), ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.watch(2, "a").await;
    let watched = world.next_subscription().await;
    client.stop_speaking().await;
    // Nothing is told any more, so the server knows.
    within(watched.unsubscribed()).await;
    release.add_permits(1);
    assert_eq!(client.hear().await.unwrap()["id"], json!(1));
    assert_eq!(client.hear().await, None);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
}

#[tokio::test]
async fn shutdown_is_answered_after_what_runs_and_takes_nothing_more() {
    let Gated { world, release, .. } = gated();
    let (mut client, end) = connect(&server(world, ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.ask(2, "shutdown", json!({})).await;
    let refused = client.asked(3, "world/get", json!({})).await;
    assert_eq!(refused["error"]["code"], json!(-32_600));
    release.add_permits(1);
    let order = [client.hear().await.unwrap(), client.hear().await.unwrap()];
    assert_eq!(order.map(|answer| answer["id"].clone()), [json!(1), json!(2)]);
    assert_eq!(client.hear().await, None);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByShutdown);
}

// law 7: a world that does not answer must not keep a connection that nobody is at
#[tokio::test(start_paused = true)]
async fn a_client_that_has_gone_is_waited_for_only_so_long_and_its_requests_go_on() {
    let Gated { world, release, mut done } = gated();
    let (mut client, end) = connect(&server(world.clone(), ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.asked(2, "ping", json!({})).await;
    drop(client);
    let begun = Instant::now();
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
    assert_eq!(begun.elapsed(), ServeOptions::default().ending_duration_max);
    release.add_permits(1);
    assert_eq!(within(done.recv()).await, Some(close("a")));
}

// law 7
#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_a_request_that_hangs_only_so_long() {
    let Gated { world, .. } = gated();
    let (mut client, end) = connect(&server(world, ServeOptions::default())).await;
    client.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    client.ask(2, "shutdown", json!({})).await;
    assert_eq!(client.hear().await, None);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByShutdown);
}

// law 7
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_any_more_does_not_keep_a_connection_that_is_to_end() {
    let Gated { world, .. } = gated();
    let (mut client, end) = connect_with(&server(world, ServeOptions::default()), 256);
    client.initialize(json!({})).await;
    for id in 0..20 {
        client.ask(id, "ping", json!({})).await;
    }
    client.stop_speaking().await;
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
}

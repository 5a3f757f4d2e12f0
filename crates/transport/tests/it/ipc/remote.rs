//! A remote world whose server lies, floods or goes away (REQ-13, law 6).

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use polychat_core::{
    Command, CommandError, Cursor, EndReason, Event, FaultKind, Notice, Refusal, Reply, Scope,
    StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, recorded, seq, world_id},
};
use polychat_transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions};
use serde_json::{Value, json};
use tokio::io::duplex;

use super::by_hand::{ByHand, within};

/// A remote world, and its server played by hand; `initialize` is answered.
async fn remote(options: RemoteOptions) -> (Arc<RemoteWorld>, ByHand) {
    let (remote, mut server) = not_initialized(options);
    server.hear().await.unwrap();
    server.say(initialized("w", 1)).await;
    (remote, server)
}

fn not_initialized(options: RemoteOptions) -> (Arc<RemoteWorld>, ByHand) {
    let (near, far) = duplex(64 * 1024);
    (Arc::new(RemoteWorld::over(near, world_id("w"), options)), ByHand::new(far))
}

pub(super) fn initialized(world: &str, version: u32) -> Value {
    let limits = json!({ "frameBytesMax": 1, "requestsInFlightMax": 1, "subscriptionsMax": 1 });
    json!({ "jsonrpc": "2.0", "id": 0, "result": {
        "protocolVersion": version, "server": { "name": "by hand" }, "worldId": world, "limits": limits,
    } })
}

/// Subscribes to a chat; the server gives the subscription this id.
async fn watch(remote: &Arc<RemoteWorld>, server: &mut ByHand, id: &str) -> NoticeStream {
    let (answer, ()) =
        tokio::join!(remote.subscribe(Scope::Chat(chat_id("a")), StartAt::Now), async {
            let request = server.hear().await.unwrap();
            assert_eq!(request["method"], "events/subscribe", "{request}");
            let answer = json!({ "subscriptionId": id });
            server.say(json!({ "jsonrpc": "2.0", "id": request["id"], "result": answer })).await;
        });
    answer.unwrap()
}

pub(super) fn event(subscription: &str, n: u64) -> Value {
    let event = recorded(&chat_id("a"), seq(n), Event::ChatClosed {});
    json!({ "jsonrpc": "2.0", "method": "event", "params": {
        "subscriptionId": subscription, "worldId": "w",
        "cursor": Cursor::after(seq(n)).to_string(), "event": &*event,
    } })
}

pub(super) fn numbered(n: u64) -> Option<Notice> {
    let event = recorded(&chat_id("a"), seq(n), Event::ChatClosed {});
    Some(Notice::Recorded { cursor: Cursor::after(seq(n)), event })
}

pub(super) fn close() -> Command {
    Command::CloseChat { chat: chat_id("a") }
}

pub(super) fn kind(answer: Result<Reply, CommandError>) -> FaultKind {
    match answer {
        Err(CommandError::Fault(fault)) => fault.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn when_the_server_goes_away_streams_and_commands_end_typed() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let mut stream = watch(&remote, &mut server, "s1").await;
    server.say(event("s1", 1)).await;
    let (answer, ()) = tokio::join!(remote.call(close()), async {
        server.hear().await.unwrap();
        drop(server);
    });
    assert_eq!(kind(answer), FaultKind::ConnectionLost);
    assert_eq!(stream.next().await, numbered(1));
    assert_eq!(stream.next().await, Some(Notice::Ended(EndReason::Unreadable)));
    assert_eq!(kind(remote.call(close()).await), FaultKind::ConnectionLost);
}

#[tokio::test]
async fn a_server_of_another_world_or_version_is_not_believed() {
    for answer in [
        initialized("other", 1),
        initialized("w", 2),
        json!({ "jsonrpc": "2.0", "id": 0, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": 0, "error": { "code": 1, "message": "no" } }),
    ] {
        let (remote, mut server) = not_initialized(RemoteOptions::default());
        let (outcome, ()) = tokio::join!(within(remote.call(close())), async {
            assert_eq!(server.hear().await.unwrap()["method"], "initialize");
            server.say(answer).await;
        });
        assert_eq!(kind(outcome), FaultKind::Protocol);
    }
}

// Unlike nonsense, that is nobody's mistake: the caller does without.
#[tokio::test]
async fn what_an_older_server_does_not_know_is_refused_as_unsupported() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let unsupported = |what: &str| CommandError::from(Refusal::Unsupported { what: what.into() });
    let data = json!({ "code": "unknown_method", "retryable": false, "message": "no" });
    for error in [
        json!({ "code": -32_601, "message": "no", "data": data }),
        json!({ "code": -32_601, "message": "Method not found" }),
    ] {
        let (answer, ()) = tokio::join!(remote.call(close()), async {
            let id = server.hear().await.unwrap()["id"].clone();
            server.say(json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
        });
        assert_eq!(answer.unwrap_err(), unsupported("chat/close"));
        let (watched, ()) = tokio::join!(remote.subscribe(Scope::World, StartAt::Now), async {
            let id = server.hear().await.unwrap()["id"].clone();
            server.say(json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
        });
        assert_eq!(watched.err().unwrap(), unsupported("events/subscribe"));
    }
    assert_eq!(remote.rejected(), 0);
}

// law 6: with a hole it would pass for whole
#[tokio::test]
async fn an_event_longer_than_a_frame_may_be_ends_its_own_stream() {
    let mut options = RemoteOptions::default();
    (options.wire.reply_bytes_max, options.wire.notice_bytes_max) = (4_000, 4_000);
    let (remote, mut server) = remote(options).await;
    let mut stream = watch(&remote, &mut server, "s1").await;
    let mut calm = watch(&remote, &mut server, "s2").await;
    server.say(event("s1", 1)).await;
    let params =
        format!(r#"{{"subscriptionId":"s1","worldId":"w","event":"{}"}}"#, "x".repeat(9_000));
    server
        .write(
            format!("{{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{params}}}\n")
                .as_bytes(),
        )
        .await;
    server.say(event("s1", 3)).await;
    server.say(event("s2", 1)).await;
    assert_eq!(server.hear().await.unwrap()["method"], "events/unsubscribe");
    assert_eq!(stream.next().await, numbered(1));
    assert_eq!(stream.next().await, Some(Notice::Ended(EndReason::Unreadable)));
    assert_eq!(calm.next().await, numbered(1));
    assert_eq!(remote.rejected(), 1);
}

// law 6
#[tokio::test]
async fn an_answer_longer_than_a_frame_may_be_fails_its_own_command() {
    let mut options = RemoteOptions::default();
    (options.wire.reply_bytes_max, options.wire.notice_bytes_max) = (4_000, 4_000);
    let (remote, mut server) = remote(options).await;
    for text in ["x".repeat(9_000), "x".into()] {
        let (answer, ()) = tokio::join!(remote.call(close()), async {
            let id = server.hear().await.unwrap()["id"].clone();
            let result = json!({ "type": "done", "more": text });
            server.say(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
        });
        match text.len() {
            1 => assert_eq!(answer, Ok(Reply::Done)),
            _ => assert_eq!(kind(answer), FaultKind::Protocol),
        }
    }
}

// law 6, law 7
#[tokio::test]
async fn a_server_that_sends_more_than_there_is_room_for_loses_that_stream_only() {
    let mut options = RemoteOptions::default();
    options.events_waiting_max = 4;
    let (remote, mut server) = remote(options).await;
    let mut flooded = watch(&remote, &mut server, "s1").await;
    let mut calm = watch(&remote, &mut server, "s2").await;
    for n in 1..=5 {
        server.say(event("s1", n)).await;
    }
    let given_up = server.hear().await.unwrap();
    assert_eq!(given_up["method"], "events/unsubscribe");
    assert_eq!(given_up["params"]["subscriptionId"], "s1");
    // Under way when it was given up, so nothing to complain about.
    server.say(event("s1", 6)).await;
    server.say(event("s2", 1)).await;
    assert_eq!(calm.next().await, numbered(1));
    assert_eq!(remote.rejected(), 1);
    for n in 1..=4 {
        assert_eq!(flooded.next().await, numbered(n));
    }
    assert_eq!(flooded.next().await, Some(Notice::Ended(EndReason::Unreadable)));
    // Once it was answered, an event of it is a lie.
    server.say(json!({ "jsonrpc": "2.0", "id": given_up["id"], "result": {} })).await;
    server.say(event("s1", 7)).await;
    server.say(event("s2", 2)).await;
    assert_eq!(calm.next().await, numbered(2));
    assert_eq!(remote.rejected(), 2);
}

// law 7: what a server does not answer is not remembered without end
#[tokio::test]
async fn a_server_that_confirms_no_end_of_a_subscription_loses_the_connection() {
    let mut options = RemoteOptions::default();
    options.unsubscribes_in_flight_max = 2;
    let (remote, mut server) = remote(options).await;
    let mut calm = watch(&remote, &mut server, "calm").await;
    // Those that were confirmed hold no place.
    for id in ["s1", "s2", "s3", "s4"] {
        drop(watch(&remote, &mut server, id).await);
        let given_up = server.hear().await.unwrap();
        server.say(json!({ "jsonrpc": "2.0", "id": given_up["id"], "result": {} })).await;
    }
    for id in ["s5", "s6"] {
        drop(watch(&remote, &mut server, id).await);
        assert_eq!(server.hear().await.unwrap()["params"]["subscriptionId"], id);
    }
    server.say(event("calm", 1)).await;
    assert_eq!(within(calm.next()).await, numbered(1));
    drop(watch(&remote, &mut server, "s7").await);
    assert_eq!(server.hear().await, None);
    assert_eq!(within(calm.next()).await, Some(Notice::Ended(EndReason::Unreadable)));
    assert_eq!(kind(remote.call(close()).await), FaultKind::ConnectionLost);
}

// law 7
#[tokio::test]
async fn the_id_of_a_subscription_is_no_longer_than_an_id_may_be() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    for (bytes, taken) in [(256, true), (257, false)] {
        let (answer, ()) =
            tokio::join!(remote.subscribe(Scope::Chat(chat_id("b")), StartAt::Now), async {
                let id = server.hear().await.unwrap()["id"].clone();
                let result = json!({ "subscriptionId": "s".repeat(bytes) });
                server.say(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
            });
        assert_eq!(answer.as_ref().err().map(CommandError::code), (!taken).then_some("protocol"));
        if taken {
            drop(answer);
            assert_eq!(server.hear().await.unwrap()["method"], "events/unsubscribe");
        }
    }
}

// law 7
#[tokio::test]
async fn room_is_granted_as_events_are_read_and_never_more() {
    let mut options = RemoteOptions::default();
    options.events_waiting_max = 4;
    let (remote, mut server) = not_initialized(options);
    let hello = server.hear().await.unwrap();
    assert_eq!(hello["params"]["limits"]["eventsUnderWayMax"], json!(4));
    server.say(initialized("w", 1)).await;
    let mut stream = watch(&remote, &mut server, "s1").await;
    for n in 1..=4 {
        server.say(event("s1", n)).await;
    }
    for n in 1..=4 {
        assert_eq!(stream.next().await, numbered(n));
    }
    for _ in 0..2 {
        let more = server.hear().await.unwrap();
        assert_eq!(more["method"], "events/more");
        assert_eq!(more["params"], json!({ "subscriptionId": "s1", "events": 2 }));
    }
}

// REQ-13
#[tokio::test]
async fn what_belongs_to_nobody_is_counted_and_ends_nothing() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let mut stream = watch(&remote, &mut server, "s1").await;
    let lies = [
        event("s9", 1),
        json!({ "jsonrpc": "2.0", "method": "event", "params": {} }),
        json!({ "jsonrpc": "2.0", "method": "event" }),
        json!({ "jsonrpc": "2.0", "id": 777, "result": {} }),
        json!({ "jsonrpc": "2.0", "id": "x", "result": {} }),
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32_700, "message": "" } }),
        json!("nonsense"),
    ];
    for (n, lie) in (1..).zip(lies) {
        server.say(lie).await;
        server.say(event("s1", n)).await;
        assert_eq!(stream.next().await, numbered(n));
        assert_eq!(remote.rejected(), n);
    }
}

// REQ-10
#[tokio::test]
async fn a_server_that_uses_an_id_again_is_refused_and_the_first_goes_on() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let mut first = watch(&remote, &mut server, "s1").await;
    let (answer, ()) =
        tokio::join!(remote.subscribe(Scope::Chat(chat_id("b")), StartAt::Now), async {
            let id = server.hear().await.unwrap()["id"].clone();
            let result = json!({ "subscriptionId": "s1" });
            server.say(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
        });
    assert_eq!(answer.err().unwrap().code(), "protocol");
    server.say(event("s1", 1)).await;
    assert_eq!(first.next().await, numbered(1));
}

// law 7
#[tokio::test]
async fn requests_wait_for_a_place_until_others_are_answered() {
    let mut options = RemoteOptions::default();
    options.requests_in_flight_max = 1;
    let (remote, mut server) = remote(options).await;
    let calls = tokio::spawn({
        let remote = Arc::clone(&remote);
        async move { tokio::join!(remote.call(close()), remote.call(close())) }
    });
    let first = server.hear().await.unwrap();
    // An unknown method of the server's is answered, so nothing else was sent before.
    server.ask(5, "tool/call", json!({})).await;
    let next = server.hear().await.unwrap();
    assert_eq!((&next["id"], &next["error"]["code"]), (&json!(5), &json!(-32_601)));
    let done = |id: &Value| json!({ "jsonrpc": "2.0", "id": id, "result": { "type": "done" } });
    server.say(done(&first["id"])).await;
    let second = server.hear().await.unwrap();
    assert_ne!(second["id"], first["id"]);
    server.say(done(&second["id"])).await;
    assert_eq!(calls.await.unwrap(), (Ok(Reply::Done), Ok(Reply::Done)));
}

#[tokio::test]
async fn a_subscription_whose_caller_went_away_is_given_up() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let request = tokio::select! {
        _ = remote.subscribe(Scope::World, StartAt::Now) => panic!("nobody has answered"),
        request = server.hear() => request.unwrap(),
    };
    let cancelled = server.hear().await.unwrap();
    assert_eq!(cancelled["method"], "$/cancelRequest");
    assert_eq!(cancelled["params"]["id"], request["id"]);
    // The answer was under way already.
    let result = json!({ "subscriptionId": "s1" });
    server.say(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).await;
    let given_up = server.hear().await.unwrap();
    assert_eq!(given_up["params"]["subscriptionId"], "s1", "{given_up}");
}

#[tokio::test]
async fn the_connection_closes_with_the_last_of_the_handle_and_its_streams() {
    let (remote, mut server) = remote(RemoteOptions::default()).await;
    let mut stream = watch(&remote, &mut server, "s1").await;
    drop(remote);
    server.say(event("s1", 1)).await;
    assert_eq!(stream.next().await, numbered(1));
    drop(stream);
    while let Some(message) = server.hear().await {
        assert_eq!(message["method"], "events/unsubscribe");
    }
}

/// A world of which one chat's readers meet a bug.
struct Buggy(FakeWorld);

#[async_trait::async_trait]
impl WorldService for Buggy {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.0.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        if scope == Scope::Chat(chat_id("bug")) {
            return Ok(Box::pin(stream::poll_fn(|_| panic!("planned"))));
        }
        self.0.subscribe(scope, start).await
    }
}

// law 6
#[tokio::test]
async fn a_subscription_that_panics_at_the_server_ends_alone() {
    let world = Arc::new(Buggy(FakeWorld::always(Ok(Reply::Done))));
    let server = super::by_hand::server(Arc::clone(&world) as _, ServeOptions::default());
    let (near, far) = duplex(64 * 1024);
    let serving = tokio::spawn(async move { server.serve(far).await });
    let remote = RemoteWorld::over(near, world_id("w"), RemoteOptions::default());
    let mut calm = remote.subscribe(Scope::Chat(chat_id("a")), StartAt::Start).await.unwrap();
    let inside = world.0.next_subscription().await;
    let bug = Scope::Chat(chat_id("bug"));
    let mut ends = within(remote.subscribe(bug, StartAt::Start)).await.unwrap();
    assert_eq!(within(ends.next()).await, Some(Notice::Ended(EndReason::Unreadable)));
    inside.send(numbered(1).unwrap()).await;
    assert_eq!(within(calm.next()).await, numbered(1));
    assert_eq!(within(remote.call(close())).await, Ok(Reply::Done));
    assert!(!serving.is_finished());
}

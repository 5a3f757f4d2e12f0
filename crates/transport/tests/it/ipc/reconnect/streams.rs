//! Streams of chats that outlive connections.

use futures_util::StreamExt;
use polychat_core::{
    CommandError, Cursor, EndReason, Fault, FaultKind, Notice, Refusal, Reply, Scope, Seq, StartAt,
    command::LogPage, ports::WorldService,
};
use polychat_testkit::samples::{chat_id, seq};
use serde_json::{Value, json};

use super::{
    super::{
        by_hand::{ByHand, within},
        remote::{close, event, initialized, kind, numbered},
    },
    answer, connected, grant, grant_this, of_a, options, send, watch,
};

// law 4
#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_after_the_last_notice_in_whatever_state_the_pipe_broke() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let mut stream = watch(&remote, &mut server, of_a(), StartAt::Start).await;
    server.say(event("s1", 1)).await;
    assert_eq!(within(stream.next()).await, numbered(1));
    // Under way when it breaks: one whole notice, and half of another.
    server.say(event("s1", 2)).await;
    let half = event("s1", 3).to_string();
    server.write(&half.as_bytes()[..half.len() / 2]).await;
    drop(server);

    let next = async { within(stream.next()).await };
    let (second, mut server) = tokio::join!(next, exchange.serve());
    assert_eq!(second, numbered(2));
    let reading = tokio::spawn(async move { (within(stream.next()).await, stream) });
    let asked = grant(&mut server, "s7").await;
    let place = Cursor::after(seq(2)).to_string();
    assert_eq!(asked, json!({ "scope": "chat", "chatId": "a", "start": "after", "cursor": place }));
    server.say(event("s7", 3)).await;
    let (third, mut stream) = reading.await.unwrap();
    assert_eq!(third, numbered(3));

    // And again, before anything came over the third connection.
    drop(server);
    let reading = tokio::spawn(async move { within(stream.next()).await });
    let mut server = exchange.serve().await;
    grant(&mut server, "s1").await;
    drop(server);
    let mut server = exchange.serve().await;
    let asked = grant(&mut server, "s1").await;
    assert_eq!(asked["cursor"], Cursor::after(seq(3)).to_string());
    server.say(event("s1", 4)).await;
    assert_eq!(reading.await.unwrap(), numbered(4));
    assert_eq!((remote.connections(), remote.rejected()), (4, 0));
}

// law 4: what nobody has heard of yet has a beginning too
#[tokio::test(start_paused = true)]
async fn a_stream_from_now_on_that_heard_nothing_goes_on_where_it_began() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let subscribing = remote.subscribe(of_a(), StartAt::Now);
    let (stream, ()) = tokio::join!(subscribing, async {
        let page = LogPage { events: Vec::new(), head: seq(7) };
        let asked = answer(&mut server, "log/read", Ok(Reply::Log(page))).await;
        assert_eq!(asked["after"], Seq::MAX.get());
        assert_eq!(grant(&mut server, "s1").await["start"], "now");
    });
    let mut stream = stream.unwrap();
    drop(server);
    let reading = tokio::spawn(async move { within(stream.next()).await });
    let mut server = exchange.serve().await;
    assert_eq!(grant(&mut server, "s1").await["cursor"], Cursor::after(seq(7)).to_string());
    server.say(event("s1", 8)).await;
    assert_eq!(reading.await.unwrap(), numbered(8));
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_beginning_is_not_known_ends_rather_than_skip_something() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let subscribing = remote.subscribe(of_a(), StartAt::Now);
    let (stream, ()) = tokio::join!(subscribing, async {
        let refused = CommandError::Refused(Refusal::Forbidden {});
        answer(&mut server, "log/read", Err(refused)).await;
        grant(&mut server, "s1").await;
    });
    drop(server);
    let mut stream = stream.unwrap();
    let (end, _server) = tokio::join!(within(stream.next()), exchange.serve());
    assert_eq!(end, Some(Notice::Ended(EndReason::Unreadable)));
    assert_eq!(within(stream.next()).await, None);
}

/// What the world says to a subscription that comes back, and how the stream ends.
fn ends() -> Vec<(CommandError, EndReason)> {
    let chat_id = chat_id("a");
    let refused = CommandError::Refused;
    let cursor = Cursor::after(seq(1));
    vec![
        (refused(Refusal::ChatDeleted { chat_id: chat_id.clone() }), EndReason::Deleted),
        (refused(Refusal::UnknownChat { chat_id }), EndReason::Deleted),
        (refused(Refusal::CursorInvalid { cursor, head: Seq::ZERO }), EndReason::Damaged),
        (refused(Refusal::WorldClosed {}), EndReason::WorldClosed),
        (refused(Refusal::ChatFailed { reason: "".into() }), EndReason::Failed),
        (refused(Refusal::Forbidden {}), EndReason::Unreadable),
        (Fault::new(FaultKind::Protocol, "").into(), EndReason::Damaged),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_go_on_ends_with_the_reason() {
    for (error, reason) in ends() {
        let (remote, mut server, mut exchange) = connected(options()).await;
        let mut stream = watch(&remote, &mut server, of_a(), StartAt::Start).await;
        server.say(event("s1", 1)).await;
        assert_eq!(within(stream.next()).await, numbered(1));
        drop(server);
        let (end, ()) = tokio::join!(within(stream.next()), async {
            let mut server = exchange.serve().await;
            answer(&mut server, "events/subscribe", Err(error.clone())).await;
        });
        assert_eq!(end, Some(Notice::Ended(reason)), "{error}");
        assert_eq!(within(stream.next()).await, None);
    }
}

// law 7: the server may still hold the subscription of the connection before
#[tokio::test(start_paused = true)]
async fn a_stream_that_is_refused_for_now_comes_back_later_and_not_for_ever() {
    let full = || Err(CommandError::Refused(Refusal::SubscribersFull { max: 1 }));
    let (remote, mut server, mut exchange) = connected(options()).await;
    let mut stream = watch(&remote, &mut server, of_a(), StartAt::Start).await;
    drop(server);
    let reading = tokio::spawn(async move { (within(stream.next()).await, stream) });
    let mut server = exchange.serve().await;
    for _ in 0..3 {
        answer(&mut server, "events/subscribe", full()).await;
    }
    assert_eq!(grant(&mut server, "s1").await["start"], "start");
    server.say(event("s1", 1)).await;
    let (first, mut stream) = reading.await.unwrap();
    assert_eq!(first, numbered(1));

    drop(server);
    let reading = tokio::spawn(async move { stream.next().await });
    let mut server = exchange.serve().await;
    for _ in 0..17 {
        assert!(!reading.is_finished());
        answer(&mut server, "events/subscribe", full()).await;
    }
    assert_eq!(within(reading).await.unwrap(), Some(Notice::Ended(EndReason::Unreadable)));
}

/// Hears a subscription and grants it under the name of its chat.
async fn grant_by_chat(server: &mut ByHand) {
    let request = server.hear().await.unwrap();
    let name = request["params"]["chatId"].as_str().unwrap().to_owned();
    grant_this(server, &request, &name).await;
}

/// The first event of chat `a`, told in the subscription of this chat.
fn told_in(chat: &str, of: &str) -> Value {
    let mut event = event(chat, 1);
    event["params"]["event"]["chatId"] = json!(of);
    event
}

// REQ-13: whoever answers after a reconnect is believed as little as before
#[tokio::test(start_paused = true)]
async fn a_record_of_another_chat_ends_its_stream_over_every_connection() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let mut readers = Vec::new();
    for chat in ["a", "b"] {
        let subscribing = remote.subscribe(Scope::Chat(chat_id(chat)), StartAt::Start);
        let (stream, ()) = tokio::join!(subscribing, grant_by_chat(&mut server));
        let mut stream = stream.unwrap();
        readers.push(tokio::spawn(async move { (within(stream.next()).await, stream) }));
    }
    let (calm, lied_to) = (readers.remove(1), readers.remove(0));
    drop(server);
    let mut server = exchange.serve().await;
    grant_by_chat(&mut server).await;
    grant_by_chat(&mut server).await;
    server.say(told_in("a", "b")).await;
    let (end, mut stream) = lied_to.await.unwrap();
    assert_eq!(end, Some(Notice::Ended(EndReason::Damaged)));
    assert_eq!(within(stream.next()).await, None);
    assert_eq!(remote.rejected(), 1);
    assert_eq!(server.hear().await.unwrap()["params"], json!({ "subscriptionId": "a" }));
    server.say(told_in("b", "b")).await;
    let (first, _stream) = calm.await.unwrap();
    assert!(matches!(first, Some(Notice::Recorded { event, .. }) if event.chat_id == chat_id("b")));
}

// REQ-13: another world under the same address
#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_as_another_world_ends_everything_typed() {
    for answer in [initialized("other", 1), initialized("w", 2)] {
        let foreign = u64::from(answer["result"]["worldId"] == "other");
        let (remote, mut server, mut exchange) = connected(options()).await;
        let mut stream = watch(&remote, &mut server, of_a(), StartAt::Start).await;
        drop(server);
        let waiting = send(&remote, close());
        let (mut server, _) = exchange.put_through().await;
        server.say(answer).await;
        assert_eq!(within(stream.next()).await, Some(Notice::Ended(EndReason::Damaged)));
        assert_eq!(kind(waiting.await.unwrap()), FaultKind::Protocol);
        let late = within(remote.subscribe(of_a(), StartAt::Start)).await;
        assert_eq!(late.err().unwrap().code(), "protocol");
        assert_eq!(remote.rejected(), foreign);
        // It has been told nothing, and is not asked again.
        assert!(server.hear().await.is_none());
        assert!(within(exchange.0.recv()).await.is_none());
    }
}

//! With which code a socket is closed, and that it cancels nothing.

use polychat_core::Reply;
use polychat_testkit::fake_world::FakeWorld;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame, FrameHeader,
    coding::{CloseCode, Data, OpCode},
};

use super::*;
use crate::http::events::numbered;

fn quiet() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

// issue 6: close codes
#[tokio::test(start_paused = true)]
async fn a_client_that_closes_or_asks_for_the_end_is_answered_with_1000() {
    let world = quiet();
    let server = serving(world.clone(), HttpOptions::default());
    let mut leaving = server.greeted().await;
    subscribe(&mut leaving, 1, "a").await;
    let inside = world.next_subscription().await;
    let bye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    leaving.send(Message::Close(Some(bye))).await;
    assert_eq!(leaving.closed().await, 1000);
    inside.unsubscribed().await;

    let mut asking = server.greeted().await;
    assert_eq!(asking.asked(1, "shutdown", json!({})).await["result"], json!({}));
    assert_eq!(asking.closed().await, 1000);
}

// issue 6: what does not belong is told by a code, and costs its own connection only
#[tokio::test(start_paused = true)]
async fn what_is_no_message_ends_the_socket_with_a_code_that_says_why() {
    let mut options = HttpOptions::default();
    options.socket.wire.command_bytes_max = 10_000;
    let server = serving(quiet(), options);
    let mut other = server.greeted().await;
    let long = "x".repeat(20_000);
    // Larger than all that fits into the pipe, so it is still being sent when the answer comes.
    let endless = "x".repeat(1_000_000);
    let half = || {
        let header = FrameHeader { is_final: false, ..FrameHeader::default() };
        Message::Frame(Frame::from_payload(header, long.clone().into()))
    };
    for (name, message, code) in [
        ("binary", Message::binary(vec![1, 2, 3]), 1003),
        ("long", Message::text(long.clone()), 1009),
        ("endless", Message::text(endless), 1009),
        ("long in pieces", half(), 1009),
        ("no UTF-8", text_of(b"\xff\xfe".to_vec()), 1007),
        ("reserved", reserved(), 1002),
    ] {
        let socket = server.greeted().await;
        let (mut sink, stream) = socket.socket.split();
        let sending = tokio::spawn(async move { sink.send(message).await });
        let mut stream = stream;
        let closed = loop {
            match within(stream.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{name}: {other:?}"),
            }
        };
        assert_eq!(closed, code, "{name}");
        sending.abort();
    }
    assert_eq!(other.asked(1, "ping", json!({})).await["result"], json!({}));
}

// issue 6: a connection that ends with bytes unread is reset, and takes the close code with it
#[tokio::test]
async fn over_tcp_the_code_arrives_while_the_client_is_still_sending_what_is_too_long() {
    let mut options = HttpOptions::default();
    options.socket.wire.command_bytes_max = 10_000;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = door(quiet(), options);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let io = tokio::net::TcpStream::connect(address).await.unwrap();
    let (socket, _) = client_async(ADDRESS, io).await.unwrap();
    let (mut sink, mut stream) = socket.split();
    let sending = tokio::spawn(async move {
        let _ = sink.send(Message::text("x".repeat(64 * 1024 * 1024))).await;
        sink
    });
    // Time goes on here, because nobody would wait for the network otherwise.
    match timeout(Duration::from_secs(30), stream.next()).await.expect("waited in vain") {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1009),
        other => panic!("{other:?}"),
    }
    sending.abort();
}

fn text_of(bytes: Vec<u8>) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
}

/// A frame with an opcode that nobody has given a meaning.
fn reserved() -> Message {
    Message::Frame(Frame::message(vec![], OpCode::Data(Data::Reserved(3)), true))
}

// issue 6: the server's end; what runs is answered before it
#[tokio::test(start_paused = true)]
async fn when_the_server_is_about_to_stop_what_runs_is_answered_and_then_the_socket_closed() {
    let release = Arc::new(Notify::new());
    let waits = Arc::clone(&release);
    let world = Arc::new(FakeWorld::answering(move |_| {
        let waits = Arc::clone(&waits);
        async move {
            waits.notified().await;
            Ok(Reply::Done)
        }
    }));
    let options = HttpOptions::default();
    let closing = options.closing.clone();
    let server = serving(world.clone(), options);
    let (mut idle, mut busy) = (server.greeted().await, server.greeted().await);
    subscribe(&mut idle, 1, "a").await;
    let inside = world.next_subscription().await;
    busy.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    while world.commands().is_empty() {
        tokio::task::yield_now().await;
    }
    closing.cancel();
    assert_eq!(idle.closed().await, 1001);
    inside.unsubscribed().await;
    release.notify_one();
    assert_eq!(busy.hear().await["id"], 1);
    assert_eq!(busy.closed().await, 1001);
    // Whoever comes now hears it at once.
    assert_eq!(server.socket().await.closed().await, 1001);
}

// issue 6: a command that never ends does not keep the server from ending
#[tokio::test(start_paused = true)]
async fn what_runs_has_a_bounded_time_to_be_answered() {
    let world = Arc::new(FakeWorld::answering(|_| std::future::pending()));
    let options = HttpOptions::default();
    let (closing, patience) = (options.closing.clone(), options.socket.ending_duration_max);
    let server = serving(world.clone(), options);
    let mut busy = server.greeted().await;
    busy.ask(1, "chat/close", json!({ "chatId": "a" })).await;
    while world.commands().is_empty() {
        tokio::task::yield_now().await;
    }
    closing.cancel();
    let began = tokio::time::Instant::now();
    assert_eq!(busy.closed().await, 1001);
    assert_eq!(began.elapsed().as_secs(), patience.as_secs());
}

// issue 6: nor does a client that reads nothing
#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_does_not_keep_the_server_from_ending() {
    let world = quiet();
    let options = HttpOptions::default();
    let (closing, patience) = (options.closing.clone(), options.socket.ending_duration_max);
    let server = serving(world.clone(), options);
    let mut stalled = server.greeted().await;
    subscribe(&mut stalled, 1, "a").await;
    let inside = world.next_subscription().await;
    let mut told = 0;
    let moment = Duration::from_millis(1);
    while timeout(moment, inside.send(numbered("a", told + 1))).await.is_ok() {
        told += 1;
    }
    closing.cancel();
    let began = tokio::time::Instant::now();
    within(inside.unsubscribed()).await;
    assert_eq!(began.elapsed(), patience);
}

// issue 6: a connection that breaks cancels nothing
#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_unsubscribes_and_lets_its_requests_go_on() {
    let release = Arc::new(Notify::new());
    let done = Arc::new(Notify::new());
    let (waits, tells) = (Arc::clone(&release), Arc::clone(&done));
    let world = Arc::new(FakeWorld::answering(move |_| {
        let (waits, tells) = (Arc::clone(&waits), Arc::clone(&tells));
        async move {
            waits.notified().await;
            tells.notify_one();
            Ok(Reply::Done)
        }
    }));
    let server = serving(world.clone(), HttpOptions::default());
    let mut socket = server.greeted().await;
    subscribe(&mut socket, 1, "a").await;
    let inside = world.next_subscription().await;
    socket.ask(2, "chat/close", json!({ "chatId": "a" })).await;
    while world.commands().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(socket);
    within(inside.unsubscribed()).await;
    release.notify_one();
    within(done.notified()).await;
}

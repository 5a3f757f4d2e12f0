//! Streams and sockets: each has a place, and none ends without a word.

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::duplex, sync::Semaphore, time::Instant};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, protocol::frame::coding::CloseCode},
};

use super::{ALL, Fronted, READ, WORK, asking, by, connection, empty, piece, problem};
use crate::{config::ServeLimits, serve::listener::Serving};

// law 7, issue 6: streams per token
#[tokio::test(start_paused = true)]
async fn a_token_has_so_many_streams_and_each_place_comes_back_when_its_stream_goes() {
    let limits = ServeLimits { streams_per_token_max: 2, ..Default::default() };
    let front = Fronted::within(limits).await;
    front.world("home").open_chat("a").await.unwrap();
    let path = "/v1/worlds/home/chats/a/events";
    let open = |token: &'static str| front.begin(empty(by(token, asking(Method::GET, path))));
    let first = open(ALL).await;
    let second = front.begin(empty(by(ALL, asking(Method::GET, "/v1/worlds/home/events")))).await;
    for stream in [&first, &second] {
        assert_eq!(stream.status(), StatusCode::OK);
    }
    let refused = front.get(ALL, path).await;
    assert_eq!(refused.problem(), problem(429, "subscribers_full"));
    assert_eq!(refused.json()["max"], 2);
    // Others have places of their own, and what is no stream needs none.
    assert_eq!(open(READ).await.status(), StatusCode::OK);
    assert_eq!(front.get(ALL, "/v1/worlds/home/chats/a").await.status, StatusCode::OK);
    drop(second);
    let third = open(ALL).await;
    assert_eq!(third.status(), StatusCode::OK);
    // A place is no longer held by a stream that has ended, even if nobody reads on.
    let mut body = first.into_body();
    assert!(piece(&mut body).await.starts_with("retry: "));
    drop((body, third));
    let ended = front.get(ALL, &format!("{path}?until=idle")).await;
    assert!(ended.text.contains("chat.created"), "{ended:?}");
    for _ in 0..3 {
        let ended = front.get(ALL, &format!("{path}?until=idle")).await;
        assert_eq!(ended.status, StatusCode::OK);
    }
}

// law 7, issue 6: nobody's waiting takes all connections
#[tokio::test(start_paused = true)]
async fn a_token_waits_for_so_many_outcomes_and_one_more_is_told_that_it_is_accepted() {
    let limits = ServeLimits { waits_per_token_max: 1, ..Default::default() };
    let front = Fronted::within(limits).await;
    let chats =
        [front.world("home").open_chat("a").await, front.world("home").open_chat("b").await];
    let [first, second] = chats.map(Result::unwrap);
    let ask = |chat: &str| {
        let path = format!("/v1/worlds/home/chats/{chat}/prompts?wait=outcome");
        let hang = json!({ "promptId": "p", "parts": [{ "type": "text", "text": "/hang" }] });
        let front = &front;
        async move { front.ask(ALL, Method::POST, &path, Some(hang)).await }
    };
    let mut waiting = Box::pin(ask("a"));
    let more = tokio::select! {
        biased;
        answer = &mut waiting => panic!("nothing has ended: {answer:?}"),
        more = ask("b") => more,
    };
    assert_eq!((more.status, &more.json()["type"]), (StatusCode::ACCEPTED, &json!("accepted")));
    // The place comes back with the answer.
    first.cancel().await.unwrap();
    assert_eq!(waiting.await.json()["outcome"]["kind"], "cancelled");
    second.cancel().await.unwrap();
    assert_eq!(ask("b").await.json()["outcome"]["kind"], "cancelled");
}

// issue 6: shutdown as designed
#[tokio::test(start_paused = true)]
async fn when_the_server_closes_its_streams_say_so_and_end() {
    let front = Fronted::new().await;
    front.world("home").open_chat("a").await.unwrap();
    let path = "/v1/worlds/home/chats/a/events";
    let stream = front.begin(empty(by(ALL, asking(Method::GET, path)))).await;
    front.options.closing.cancel();
    let body = axum::body::to_bytes(stream.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(body.into()).unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: ended\n") && last.contains("\"closing\""), "{text}");
}

type Socket = WebSocketStream<tokio::io::DuplexStream>;

/// A WebSocket to this world, or the status that it was refused with.
async fn socket(front: &Fronted, token: &str, world: &str) -> Result<Socket, u16> {
    socket_of(&serving(front), token, world).await
}

fn serving(front: &Fronted) -> Serving {
    let limits = ServeLimits::default();
    Serving::new(front.router.clone(), &limits, front.options.closing.clone())
}

async fn socket_of(serving: &Serving, token: &str, world: &str) -> Result<Socket, u16> {
    let (ours, theirs) = duplex(64 * 1024);
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    serving.begin(connection(), theirs, permit);
    let request = asking(Method::GET, &format!("ws://localhost:7777/v1/worlds/{world}/socket"));
    let request = by(token, request)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    match client_async(request.body(()).unwrap(), ours).await {
        Ok((mut socket, _)) => {
            let client = json!({ "protocolVersion": 1, "client": { "name": "test" } });
            assert_eq!(asked(&mut socket, "initialize", client).await["result"]["worldId"], world);
            Ok(socket)
        }
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// What is answered to this.
async fn asked(socket: &mut Socket, method: &str, params: Value) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    socket.send(Message::text(request.to_string())).await.unwrap();
    loop {
        let message = socket.next().await.unwrap().unwrap();
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        if message["id"] == 1 {
            return message;
        }
    }
}

// issue 6: a limited token stays limited over a socket
#[tokio::test(start_paused = true)]
async fn a_socket_lets_its_caller_do_what_the_token_is_good_for_and_nothing_else() {
    let front = Fronted::new().await;
    front.world("home").open_chat("a").await.unwrap();
    for (token, world) in [("wrong", "home"), (WORK, "home"), (WORK, "none")] {
        let status = if token == WORK { 404 } else { 401 };
        assert_eq!(socket(&front, token, world).await.map(drop), Err(status), "{token} {world}");
    }
    let code = |answer: &Value| answer["error"]["data"]["code"].clone();
    let create = || json!({ "chatId": "b" });
    // Models and tools are asked for chats of all worlds, so whoever brings one reads all.
    let offer = || json!({ "models": [{ "name": "theirs" }], "tools": [] });
    let mut reader = socket(&front, READ, "home").await.unwrap();
    assert_eq!(code(&asked(&mut reader, "chat/create", create()).await), "forbidden");
    assert_eq!(code(&asked(&mut reader, "host/register", offer()).await), "unsupported");
    assert!(
        asked(&mut reader, "chat/list", json!({ "limit": 9 })).await["result"]["chats"].is_array()
    );
    let mut worker = socket(&front, WORK, "work").await.unwrap();
    assert_eq!(code(&asked(&mut worker, "host/register", offer()).await), "unsupported");
    assert_eq!(asked(&mut worker, "chat/create", create()).await["result"]["chatId"], "b");
    let mut whole = socket(&front, ALL, "home").await.unwrap();
    assert_eq!(asked(&mut whole, "host/register", offer()).await["result"], json!({}));
}

// law 7, issue 6: streams per token, prompts per token
#[tokio::test(start_paused = true)]
async fn a_socket_has_a_place_and_a_rate_like_everything_else() {
    let limits =
        ServeLimits { streams_per_token_max: 1, prompts_per_minute_max: 1, ..Default::default() };
    let front = Fronted::within(limits).await;
    front.world("home").open_chat("a").await.unwrap();
    let mut first = socket(&front, ALL, "home").await.unwrap();
    assert_eq!(socket(&front, ALL, "home").await.map(drop), Err(429));
    let prompt = |id: &str| json!({ "chatId": "a", "promptId": id, "parts": [{ "type": "text", "text": "hello" }] });
    assert!(asked(&mut first, "prompt/send", prompt("p1")).await["result"].is_object());
    let refused = asked(&mut first, "prompt/send", prompt("p2")).await;
    assert_eq!(refused["error"]["data"]["code"], "rate_limited");
    assert_eq!(refused["error"]["data"]["retryAfterMs"], 60_000);
    first.close(None).await.unwrap();
    while let Some(Ok(_)) = first.next().await {}
    // The place comes back once the socket's task has ended.
    let events = || empty(by(ALL, asking(Method::GET, "/v1/worlds/home/events")));
    for _ in 0..1_000 {
        if front.begin(events()).await.status() == StatusCode::OK {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the place is still taken");
}

// issue 6: shutdown as designed
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_waits_until_its_sockets_were_told_and_no_longer() {
    let front = Fronted::new().await;
    let serving = serving(&front);
    let mut silent = socket_of(&serving, ALL, "home").await.unwrap();
    // Nobody reads at the other end: the socket has its time to, and then it is closed.
    let begun = Instant::now();
    serving.drain(Duration::from_secs(60)).await;
    assert!(begun.elapsed() > Duration::ZERO, "it has not waited");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let closed = loop {
        if let Message::Close(frame) = silent.next().await.unwrap().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(closed.code, CloseCode::Away);
}

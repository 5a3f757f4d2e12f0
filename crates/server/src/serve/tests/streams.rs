//! Streams and sockets: each has a place, and none ends without a word.

use axum::http::{Method, StatusCode};

use super::{ALL, Fronted, READ, asking, by, empty, piece, problem};
use crate::config::ServeLimits;

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

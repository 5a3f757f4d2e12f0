//! What a client may do wrong: a typed answer, and the connection goes on.

use std::sync::Arc;

use polychat_core::{Command, Refusal, Reply};
use polychat_testkit::{fake_world::FakeWorld, samples::chat_id};
use polychat_transport::ipc::{Closed, ConnectionError, Framing, ServeOptions};
use proptest::prelude::*;
use serde_json::json;

use super::by_hand::{connect, connect_with, server};

fn world() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

// REQ-13, law 6
#[tokio::test]
async fn whatever_cannot_be_read_is_answered_and_counted_and_the_connection_goes_on() {
    let (world, mut options) = (world(), ServeOptions::default());
    options.wire.command_bytes_max = 4_000;
    let server = server(world.clone(), options);
    let (mut client, _end) = connect(&server).await;
    let close = |params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"chat/close","params":{params}}}"#)
            .into_bytes()
    };
    let deep = close(&format!(r#"{{"chatId":{}{}}}"#, "[".repeat(500), "]".repeat(500)));
    let wrongs: Vec<(Vec<u8>, i64, Option<&str>)> = vec![
        (b"nonsense".into(), -32_700, Some("not_json")),
        (b"{\"a\":\"\xff\"}".into(), -32_700, Some("not_json")),
        (vec![b'x'; 9_000], -32_600, Some("too_large")),
        (close(&format!(r#"{{"chatId":"{}"}}"#, "a".repeat(9_000))), -32_600, Some("too_large")),
        (b"[]".into(), -32_600, Some("invalid_request")),
        (br#"{"jsonrpc":"2.0","id":1,"method":"chat/explode"}"#.into(), -32_601, Some("unknown_method")),
        (deep, -32_602, Some("invalid_input")),
        (close("{}"), -32_602, Some("invalid_input")),
        (close("[]"), -32_602, Some("invalid_input")),
        (close(r#"{"chatId":7}"#), -32_602, Some("invalid_input")),
        (close(r#"{"chatId":".."}"#), -32_602, Some("invalid_input")),
        (close(r#"{"chatId":"a","more":1}"#), -32_602, Some("invalid_input")),
        (close(&format!(r#"{{"chatId":"{}"}}"#, "a".repeat(4_000))), -32_000, Some("too_large")),
        (br#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#.into(), -32_600, Some("invalid_request")),
        (br#"{"jsonrpc":"2.0","id":1,"method":"events/unsubscribe"}"#.into(), -32_602, Some("invalid_input")),
        (br#"{"jsonrpc":"2.0","id":1,"method":"events/subscribe","params":{"scope":"chat","start":"now"}}"#.into(), -32_602, Some("invalid_input")),
    ];
    for (n, (wrong, code, facts)) in (1..).zip(&wrongs) {
        let shown = String::from_utf8_lossy(wrong).chars().take(90).collect::<String>();
        client.write(wrong).await;
        client.write(b"\n").await;
        let answer = client.hear().await.unwrap();
        assert_eq!(answer["error"]["code"], json!(code), "{shown}: {answer}");
        let named = shown.contains(r#""id":1,"#).then_some(1);
        assert_eq!(answer["id"], json!(named), "{shown}: {answer}");
        assert_eq!(answer["error"]["data"]["code"].as_str(), *facts, "{shown}: {answer}");
        assert_eq!(server.rejected(), n, "{shown}");
        assert_eq!(client.asked(2, "ping", json!({})).await["result"], json!({}));
    }
    let answer = client.asked(3, "chat/close", json!({ "chatId": "a" })).await;
    assert_eq!(answer["result"]["type"], "done");
    assert_eq!(world.commands(), [Command::CloseChat { chat: chat_id("a") }]);
}

#[tokio::test]
async fn notifications_that_mean_nothing_here_are_counted_and_do_nothing() {
    let world = world();
    let server = server(world.clone(), ServeOptions::default());
    let (mut client, _end) = connect(&server).await;
    client.tell("chat/close", json!({ "chatId": "a" })).await;
    client.tell("$/cancelRequest", json!({ "id": [] })).await;
    client.tell("$/anything", json!({})).await;
    client.tell("$/cancelRequest", json!({ "id": 99 })).await;
    client.tell("events/more", json!({ "subscriptionId": "s99", "events": 1 })).await;
    client.say(json!({ "jsonrpc": "2.0", "id": 5, "result": {} })).await;
    client.asked(1, "ping", json!({})).await;
    assert_eq!((world.commands(), server.rejected()), (vec![], 3));
}

#[tokio::test]
async fn initialize_comes_first_and_names_world_version_and_bounds() {
    let server = server(world(), ServeOptions::default());
    let (mut client, _end) = connect_with(&server, 4_096);
    let early = client.asked(1, "world/get", json!({})).await;
    assert_eq!(early["error"]["code"], json!(-32_002));
    let other = json!({ "protocolVersion": 9, "client": { "name": "test" } });
    let refused = client.asked(2, "initialize", other).await;
    assert_eq!(refused["error"]["data"]["code"], "unsupported");
    let answer = client.initialize(json!({})).await["result"].clone();
    assert_eq!(answer["worldId"], "w");
    assert_eq!(answer["protocolVersion"], json!(1));
    assert_eq!(answer["limits"]["requestsInFlightMax"], json!(1_024));
}

#[tokio::test]
async fn a_refusal_carries_its_code_its_facts_and_when_to_try_again() {
    let refusal = Refusal::Overloaded { scope: "world".into(), max: 3 };
    let world = Arc::new(FakeWorld::always(Err(refusal.into())));
    let (mut client, _end) = connect(&server(world, ServeOptions::default())).await;
    let answer = client.asked(1, "world/get", json!({})).await;
    assert_eq!(answer["error"]["code"], json!(-32_000));
    let data = &answer["error"]["data"];
    assert_eq!(
        (&data["code"], &data["max"], &data["retryable"], &data["retryAfterMs"]),
        (&json!("overloaded"), &json!(3), &json!(true), &json!(50))
    );
}

#[tokio::test]
async fn lost_frames_end_the_connection_with_a_typed_reason() {
    let mut options = ServeOptions::default();
    options.framing = Framing::ContentLength;
    let (mut client, end) = connect_with(&server(world(), options), 4_096);
    client.write(b"nonsense\r\n\r\n").await;
    assert!(matches!(end.await.unwrap(), Err(ConnectionError::FramesLost { .. })));
}

#[tokio::test]
async fn a_client_that_goes_away_is_an_end_in_order() {
    let (client, end) = connect(&server(world(), ServeOptions::default())).await;
    drop(client);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
}

/// Bytes that look like messages often enough to get past the first check.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        br#"{"jsonrpc":"2.0","#,
        br#""id":1,"#,
        br#""id":"1","#,
        br#""method":"events/subscribe","#,
        br#""method":"$/cancelRequest","#,
        br#""method":"chat/close","#,
        br#""params":{"chatId":"a"}}"#,
        br#""params":{"scope":"world","start":"now"}}"#,
        br#""result":{}}"#,
        b"[[[[",
        b"}\n",
        b"\n",
        b"\xff",
        b"\0",
    ];
    let word = prop_oneof![
        4 => proptest::sample::select(words).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

proptest! {
    // law 6: whatever came before, the next request is answered
    #[test]
    fn no_bytes_make_a_connection_panic_hang_or_end(noise in noise()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = server(world(), ServeOptions::default());
            let (mut client, _end) = connect(&server).await;
            client.write(&noise).await;
            client.write(b"\n").await;
            client.ask(77, "ping", json!({})).await;
            while client.hear().await.expect("the connection goes on")["id"] != json!(77) {}
        });
    }
}

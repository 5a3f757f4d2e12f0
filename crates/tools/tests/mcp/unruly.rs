//! Servers that misbehave: whatever they do stays bounded, and with the calls that it concerns.

use std::time::Duration;

use polychat_core::FailureKind;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    fake::{Fake, text_result, tool},
    support::{Call, alone, call, limits, names, prepare},
};

// Law 7: whatever a server writes that is no message is dropped
#[tokio::test]
async fn garbage_between_messages_disturbs_nothing() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.write("Welcome to my server!\n\n   \n\u{feff}\n{\"half\": \n").await;
    peer.welcome().await;
    peer.write("{}\n[]\nnull\n{\"jsonrpc\":\"2.0\"}\n\u{0}\u{1}\n").await;
    peer.list(json!([tool("work")])).await;
    preparing.await.unwrap();

    let calling = call(&mcp, "s_work");
    let request = peer.expect("tools/call").await;
    for line in [
        "npm notice: a new version is there",
        r#"{"jsonrpc":"2.0","method":"notifications/unheard_of","params":{"a":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":"half"}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#,
        r#"{"jsonrpc":"2.0","id":4711,"result":{}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"what?"}}"#,
    ] {
        peer.write(&format!("{line}\r\n")).await;
    }
    peer.say(&request, "undisturbed").await;
    assert_eq!(calling.text().await, "undisturbed");
    assert_eq!(fake.opened(), 1);
}

// Law 6, law 7: an answer without bounds ends the call that it answers, and no other
#[tokio::test]
async fn an_answer_that_is_too_large_fails_only_its_own_call() {
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    limits.message_bytes_max = 10_000;
    let mcp = alone(server.limits(limits));
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let (flooded, calm) = (call(&mcp, "s_work"), call(&mcp, "s_work"));
    let first = peer.expect("tools/call").await;
    let second = peer.expect("tools/call").await;
    let large = text_result(&"\"id\":1,}".repeat(100_000));
    // The id after the result, as most servers write it, and nothing after it but the other answer.
    let text = format!("{{\"result\":{large},\"jsonrpc\":\"2.0\",\"id\":{}}}\n", first["id"]);
    peer.write(&text).await;
    peer.say(&second, "calm").await;
    let failure = flooded.failure().await;
    assert_eq!(failure.kind, FailureKind::ToolFailed);
    assert_eq!(&*failure.message, "the answer is larger than 10000 bytes");
    assert_eq!(calm.text().await, "calm");
    assert_eq!(fake.opened(), 1);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_still_ends_its_call() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let nonsense: [fn(&Value) -> Value; 4] = [
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": { "content": "text" } }),
        |id| json!({ "jsonrpc": "2.0", "id": id, "result": 5 }),
        |id| json!({ "jsonrpc": "2.0", "id": id, "error": "failed" }),
        |id| json!({ "id": id, "result": { "content": [{ "type": "hologram" }] } }),
    ];
    // What is no JSON that anybody reads: nested too deeply, cut off, not UTF-8.
    let unreadable: [fn(&Value) -> Vec<u8>; 3] = [
        |id| {
            let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[],"x":{deep}}}}}"#).into()
        },
        |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"#).into(),
        |id| {
            let text = format!(r#"{{"result":{{"x":"?"}},"jsonrpc":"2.0","id":{id}}}"#);
            text.bytes().map(|byte| if byte == b'?' { 0xFF } else { byte }).collect()
        },
    ];
    for answer in nonsense {
        let calling = call(&mcp, "s_work");
        let request = peer.expect("tools/call").await;
        peer.send(answer(&request["id"])).await;
        let failure = calling.failure().await;
        assert_eq!(failure.kind, FailureKind::ToolFailed, "{failure}");
    }
    for answer in unreadable {
        let calling = call(&mcp, "s_work");
        let request = peer.expect("tools/call").await;
        peer.write_bytes(&answer(&request["id"])).await;
        peer.write("\n").await;
        assert_eq!(&*calling.failure().await.message, "the answer makes no sense");
    }
    assert_eq!(fake.opened(), 1);
}

// The server was told that nothing can be done for it
#[tokio::test]
async fn signs_of_life_are_answered_and_everything_else_is_refused() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let ask = |id: u64, method: &str| json!({ "jsonrpc": "2.0", "id": id, "method": method });
    peer.send(ask(1, "ping")).await;
    assert_eq!(peer.next().await.unwrap()["result"], json!({}));
    for (id, method) in [(2, "roots/list"), (3, "sampling/createMessage"), (4, "what/ever")] {
        let mut request = ask(id, method);
        request["params"] = json!({ "messages": [], "maxTokens": 1 });
        peer.send(request).await;
        let refused = peer.next().await.unwrap();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(id), &json!(-32601)));
    }
}

// Law 7: requests of a server that reads no answers do not pile up
#[tokio::test]
async fn a_server_that_asks_without_end_and_reads_nothing_gets_a_few_answers() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    // A call whose progress shows that all pings before it were read, answered or not.
    let calling = call(&mcp, "s_work");
    let request = peer.expect("tools/call").await;
    // More than the pipe holds: once it has begun, nothing else can be written.
    let large = Call::start(&mcp, "s_work", json!({ "x": "y".repeat(200_000) }));
    peer.until_readable().await;
    for id in 0..1_000 {
        peer.send(json!({ "jsonrpc": "2.0", "id": format!("ping-{id}"), "method": "ping" })).await;
    }
    peer.progress(&request, 1).await;
    calling.heard.until(1).await;

    let big = peer.expect("tools/call").await;
    peer.say(&big, "big").await;
    peer.say(&request, "small").await;
    assert_eq!((large.text().await, calling.text().await), ("big".into(), "small".into()));
    drop(mcp);
    let mut answered = 0;
    while let Some(message) = peer.next().await {
        assert!(message["id"].as_str().unwrap().starts_with("ping-"), "{message}");
        answered += 1;
    }
    assert!((1..=16).contains(&answered), "{answered} of 1000 were answered");
}

// A server that does not read is given up, so that it cannot hold its callers for ever
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_is_given_up_after_a_while() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let began = Instant::now();
    let large = Call::start(&mcp, "s_work", json!({ "x": "y".repeat(200_000) }));
    let small = call(&mcp, "s_work");
    let (large, small) = (large.failure().await, small.failure().await);
    assert!(large.retryable && small.retryable, "{large} {small}");
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    assert!(mcp.status()[0].reason.contains("does not read"), "{:?}", mcp.status());
    drop(peer);
    assert_eq!(names(&mcp), ["s_work"]);
}

// Law 7: progress is bounded, whatever it says
#[tokio::test]
async fn a_flood_of_progress_reaches_its_own_call_and_delays_no_other() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let (flooded, calm) = (call(&mcp, "s_work"), call(&mcp, "s_work"));
    let first = peer.expect("tools/call").await;
    let second = peer.expect("tools/call").await;
    for step in 0..5_000 {
        peer.progress(&first, step).await;
    }
    peer.progress(&second, 1).await;
    peer.say(&second, "calm").await;
    let heard = calm.heard.clone();
    assert_eq!((calm.text().await, heard.steps()), ("calm".into(), vec![1]));
    assert_eq!(flooded.heard.steps(), (0..5_000).collect::<Vec<_>>());
    flooded.give_up().await;
}

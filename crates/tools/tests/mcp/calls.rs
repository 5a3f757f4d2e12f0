//! Calls: each its own progress, result and end, on one connection.

use std::{any::Any, sync::Arc};

use polychat_core::{
    FailureKind, Metadata,
    ports::{HostContext, ToolInput},
};
use serde_json::json;

use crate::{
    fake::{Fake, text_result, token, tool},
    support::{Call, alone, call, limits, prepare},
};

// REQ-4, issue 3: shared by chats without mixing them, each call its own progress token
#[tokio::test]
async fn two_calls_at_once_each_hear_their_own_progress_and_result() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let a = Call::start(&mcp, "s_work", json!({ "for": "a" }));
    let for_a = peer.expect("tools/call").await;
    let b = Call::start(&mcp, "s_work", json!({ "for": "b" }));
    let for_b = peer.expect("tools/call").await;
    assert_eq!(for_a["params"]["arguments"], json!({ "for": "a" }));
    assert_eq!(for_b["params"]["arguments"], json!({ "for": "b" }));
    assert_ne!(token(&for_a), token(&for_b));

    peer.progress(&for_b, 1).await;
    peer.progress(&for_a, 7).await;
    peer.progress(&for_b, 2).await;
    // Answered in the other order.
    peer.say(&for_b, "to b").await;
    peer.progress(&for_a, 8).await;
    peer.say(&for_a, "to a").await;

    let (heard_a, heard_b) = (a.heard.clone(), b.heard.clone());
    assert_eq!((a.text().await, b.text().await), ("to a".into(), "to b".into()));
    assert_eq!((heard_a.steps(), heard_b.steps()), (vec![7, 8], vec![1, 2]));
    assert_eq!(heard_a.progress()[0], json!({ "progress": 7, "total": 10 }));
    assert_eq!(fake.opened(), 1);
}

// REQ-4: what was said before the result is shown before it
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_result_never_overtakes_the_progress_before_it() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    for _ in 0..50 {
        let work = call(&mcp, "s_work");
        let request = peer.expect("tools/call").await;
        let mut lines = String::new();
        for step in 0..20 {
            let params = json!({ "progressToken": token(&request), "progress": step });
            let method = "notifications/progress";
            let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            lines.push_str(&format!("{message}\n"));
        }
        let result = text_result("done");
        let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        peer.write(&format!("{lines}{answer}\n")).await;
        let heard = work.heard.clone();
        work.text().await;
        assert_eq!(heard.steps(), (0..20).collect::<Vec<_>>());
    }
}

// Issue 3: cancel ends the call with the right outcome, at the server too
#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled_and_heard_of_no_more() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let given_up = call(&mcp, "s_work");
    let first = peer.expect("tools/call").await;
    let other = call(&mcp, "s_work");
    let second = peer.expect("tools/call").await;
    peer.progress(&first, 1).await;
    given_up.heard.until(1).await;
    let heard = given_up.give_up().await;

    let cancelled = peer.expect("notifications/cancelled").await;
    assert_eq!(cancelled["params"]["requestId"], first["id"]);

    // A server that has not noticed yet goes on; what it says goes nowhere, least of all to others.
    peer.progress(&first, 2).await;
    peer.say(&first, "too late").await;
    peer.progress(&second, 5).await;
    peer.say(&second, "mine").await;
    let heard_by_other = other.heard.clone();
    assert_eq!(other.text().await, "mine");
    assert_eq!((heard.steps(), heard_by_other.steps()), (vec![1], vec![5]));

    // A call that was answered is not cancelled: the next that the server hears is a call.
    let next = call(&mcp, "s_work");
    let request = peer.expect("tools/call").await;
    peer.say(&request, "still here").await;
    assert_eq!(next.text().await, "still here");
}

// Law 3, issue 3: host context reaches tools untouched; a server is told none of it
#[tokio::test]
async fn a_server_is_sent_the_arguments_and_nothing_of_the_host_context() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let stored = |secret: &str| {
        let mut object = serde_json::Map::new();
        object.insert("tenant".into(), secret.into());
        Metadata::new(object)
    };
    let mut context = HostContext::default();
    context.chat = stored("canary-of-the-chat");
    context.prompt = stored("canary-of-the-prompt");
    context.handle = Some(Arc::new("canary-of-the-handle") as Arc<dyn Any + Send + Sync>);
    context.resolved = Some(Arc::new("canary-resolved") as Arc<dyn Any + Send + Sync>);
    let work = Call::start_with(&mcp, "s_work", ToolInput::new(json!({ "x": 1 }), context));

    let mut request = peer.expect("tools/call").await;
    peer.say(&request, "ok").await;
    work.text().await;
    assert!(!request.to_string().contains("canary"), "{request}");
    // Nothing else either: this is all that is in it.
    request["id"].take();
    request["params"]["_meta"]["progressToken"].take();
    let all = json!({
        "jsonrpc": "2.0", "id": null, "method": "tools/call",
        "params": { "name": "work", "arguments": { "x": 1 }, "_meta": { "progressToken": null } },
    });
    assert_eq!(request, all);
}

// Issue 3: what is wrong goes back to the model as an error that it can mend
#[tokio::test]
async fn what_a_server_refuses_is_a_failure_that_the_model_hears() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    for (code, kind) in [
        (-32602, FailureKind::InvalidArguments),
        (-32603, FailureKind::ToolFailed),
        (-32000, FailureKind::ToolFailed),
    ] {
        let refused = call(&mcp, "s_work");
        let request = peer.expect("tools/call").await;
        peer.refuse(&request, code, "no such city").await;
        let failure = refused.failure().await;
        assert_eq!((failure.kind, &*failure.message), (kind, "no such city"));
    }

    let failed = call(&mcp, "s_work");
    let request = peer.expect("tools/call").await;
    let mut result = text_result("the disk is full");
    result["isError"] = true.into();
    peer.answer(&request, result).await;
    let failure = failed.failure().await;
    assert_eq!((failure.kind, &*failure.message), (FailureKind::ToolFailed, "the disk is full"));
}

// Issue 3: arguments are validated against the schema before the tool runs
#[tokio::test]
async fn arguments_that_do_not_fit_never_reach_the_server() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let schema = json!({ "type": "object", "required": ["city"] });
    let mut peer = fake.start(json!([{ "name": "weather", "inputSchema": schema }])).await;
    preparing.await.unwrap();

    let failure = call(&mcp, "s_weather").failure().await;
    assert_eq!(failure.kind, FailureKind::InvalidArguments);
    assert!(failure.message.contains("city"), "{failure}");
    let good = Call::start(&mcp, "s_weather", json!({ "city": "Bergen" }));
    let request = peer.expect("tools/call").await;
    peer.say(&request, "rain").await;
    assert_eq!(good.text().await, "rain");
}

// Law 7: calls beyond the bound wait, and none is lost
#[tokio::test]
async fn calls_beyond_the_bound_wait_for_a_place() {
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    limits.calls_in_flight_max = 2;
    let mcp = alone(server.limits(limits));
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let calls: Vec<_> = (0..3).map(|n| Call::start(&mcp, "s_work", json!({ "n": n }))).collect();
    let first = peer.expect("tools/call").await;
    let second = peer.expect("tools/call").await;
    // The third is not sent before one of them is answered.
    peer.send(json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" })).await;
    assert_eq!(peer.next().await.unwrap()["id"], "p");
    peer.say(&second, "second").await;
    let third = peer.expect("tools/call").await;
    peer.say(&third, "third").await;
    peer.say(&first, "first").await;
    let mut texts = Vec::new();
    for call in calls {
        texts.push(call.text().await);
    }
    assert_eq!(texts, ["first", "second", "third"]);
}

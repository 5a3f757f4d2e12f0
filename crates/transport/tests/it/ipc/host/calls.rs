//! Calls that go to a host and come back.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, future::join_all};
use polychat_core::{
    FailureKind, Part,
    event::FinishReason,
    message::Usage,
    ports::{ModelDelta, ModelErrorKind},
    tool::ToolCall,
};
use serde_json::{Value, json};

use super::{super::by_hand::within, Shown, kind, one_host};

fn text(text: &str) -> ModelDelta {
    ModelDelta::Text(text.into())
}

// law 3
#[tokio::test]
async fn a_tool_is_called_in_its_host_and_shows_and_answers_as_one_that_is_here() {
    let (mut host, registry, server, _end) = one_host().await;
    let shown = Arc::<Shown>::default();
    let call = registry.call(json!({ "sides": 6 }), &shown);
    let (id, method, params) = host.requested().await;
    let call_id = params["callId"].clone();
    assert_eq!(method, "tool/call");
    assert_eq!(
        params,
        json!({ "callId": call_id, "name": "dice", "arguments": { "sides": 6 },
            "context": { "chat": { "tenant": "north" }, "prompt": {} } })
    );
    host.tell("tool/output", json!({ "callId": call_id, "text": "rolls" })).await;
    let progress = json!({ "callId": call_id, "progress": { "progress": 1 } });
    let taken = host.asked(2, "tool/progress", progress).await;
    assert_eq!(taken["result"], json!({}));
    host.answer(&id, json!({ "parts": [{ "type": "text", "text": "four" }] })).await;
    assert_eq!(within(call).await.unwrap().unwrap(), "four");
    assert_eq!(*shown.output.lock().unwrap(), "rolls");
    assert_eq!(*shown.progress.lock().unwrap(), [json!({ "progress": 1 })]);
    assert_eq!(server.rejected(), 0);
}

#[tokio::test]
async fn an_error_of_a_tool_is_what_the_model_hears() {
    let (mut host, registry, _server, _end) = one_host().await;
    for (data, retryable) in
        [(Value::Null, false), (json!({ "retryable": true }), true), (json!("a stack"), false)]
    {
        let call = registry.call(json!({}), &Arc::default());
        let (id, _, _) = host.requested().await;
        host.fail(&id, json!({ "code": -32_000, "message": "out of dice", "data": data })).await;
        let failure = within(call).await.unwrap().unwrap_err();
        assert_eq!((failure.kind, &*failure.message), (FailureKind::ToolFailed, "out of dice"));
        assert_eq!(failure.retryable, retryable, "{data}");
    }
}

#[tokio::test]
async fn a_models_answer_comes_piece_by_piece_and_ends_with_what_it_cost() {
    let (mut host, registry, server, _end) = one_host().await;
    let mut answer = registry.ask("be brief");
    assert!(answer.next().now_or_never().is_none());
    let (id, method, params) = host.requested().await;
    let call = params["callId"].clone();
    assert_eq!((method.as_str(), &params["model"]), ("model/stream", &json!("mine")));
    assert_eq!((&params["system"], &params["messages"]), (&json!("be brief"), &json!([])));
    let opaque = json!({ "type": "opaque", "provider": "x", "data": { "signature": 1 } });
    let tool_call = json!({ "name": "dice", "arguments": { "sides": 6 }, "providerCallId": "c1" });
    for delta in [
        json!({ "type": "reasoning", "text": "hm" }),
        json!({ "type": "text", "text": "hel" }),
        json!({ "type": "text", "text": "lo" }),
        json!({ "type": "opaque", "part": opaque }),
        json!({ "type": "toolCall", "call": tool_call }),
        json!({ "type": "usage", "usage": { "inputTokens": 3, "outputTokens": 4 } }),
    ] {
        host.tell("model/delta", json!({ "callId": call, "delta": delta })).await;
    }
    host.answer(&id, json!({ "finish": "toolCalls" })).await;
    host.is_heard().await;
    let deltas: Vec<_> = within(answer.map(Result::unwrap).collect()).await;
    let opaque: Part = serde_json::from_value(opaque).unwrap();
    let tool_call: ToolCall = serde_json::from_value(tool_call).unwrap();
    let expected: Vec<ModelDelta> = vec![
        ModelDelta::Reasoning("hm".into()),
        // Nobody took them in between, so they are one piece.
        text("hello"),
        ModelDelta::Opaque(opaque),
        ModelDelta::ToolCall(tool_call),
        ModelDelta::Usage(Usage::new(3, 4)),
        ModelDelta::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!((deltas, server.rejected()), (expected, 0));
}

#[tokio::test]
async fn what_a_model_fails_with_says_whether_and_when_to_try_again() {
    let (mut host, registry, _server, _end) = one_host().await;
    for (data, expected) in [
        (Value::Null, (ModelErrorKind::Unavailable, false, None)),
        (json!({ "kind": "refused" }), (ModelErrorKind::Refused, false, None)),
        (json!({ "retryable": true }), (ModelErrorKind::Unavailable, true, None)),
        (
            json!({ "kind": "rate_limited", "retryAfterMs": 250 }),
            (ModelErrorKind::RateLimited, true, Some(Duration::from_millis(250))),
        ),
        (json!({ "kind": "invalid_response" }), (ModelErrorKind::InvalidResponse, false, None)),
        (json!({ "kind": "of its own" }), (ModelErrorKind::Unavailable, false, None)),
    ] {
        let mut answer = registry.ask("");
        assert!(answer.next().now_or_never().is_none());
        let (id, _, params) = host.requested().await;
        host.delta(&params["callId"], "so far").await;
        host.fail(&id, json!({ "code": 1, "message": "no", "data": data })).await;
        assert_eq!(within(answer.next()).await.unwrap().unwrap(), text("so far"));
        let error = within(answer.next()).await.unwrap().unwrap_err();
        assert_eq!((error.kind, error.retryable, error.retry_after), expected, "{data}");
        assert!(answer.next().await.is_none());
    }
}

// REQ-1, REQ-3: a hundred at once, answered in any order, each its own
#[tokio::test]
async fn calls_of_many_chats_run_at_once_and_what_is_said_reaches_its_own() {
    let (mut host, registry, server, _end) = one_host().await;
    let answers = (0..100).map(|n| {
        let answer = registry.ask(&n.to_string());
        tokio::spawn(answer.map(Result::unwrap).collect::<Vec<_>>())
    });
    let answers: Vec<_> = answers.collect();
    let mut calls = Vec::new();
    for _ in 0..100 {
        calls.push(host.requested().await);
    }
    for round in ["a", "b"] {
        for (_, _, params) in calls.iter().rev() {
            let said = format!("{}{round} ", params["system"].as_str().unwrap());
            host.delta(&params["callId"], &said).await;
        }
    }
    for (id, _, _) in &calls {
        host.answer(id, json!({})).await;
    }
    for (n, deltas) in within(join_all(answers)).await.into_iter().enumerate() {
        let said: String = deltas
            .unwrap()
            .into_iter()
            .map(|delta| match delta {
                ModelDelta::Text(text) => text,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(said, format!("{n}a {n}b "));
    }
    assert_eq!(server.rejected(), 0);
}

// A turn that is stopped drops its call
#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_in_the_host_and_no_other_is() {
    let (mut host, registry, server, _end) = one_host().await;
    let mut first = registry.ask("first");
    assert!(first.next().now_or_never().is_none());
    let (first_id, _, first_params) = host.requested().await;
    let second = registry.call(json!({}), &Arc::default());
    let (second_id, _, _) = host.requested().await;
    drop(first);
    let told = host.hear().await.unwrap();
    assert_eq!(
        (&told["method"], &told["params"]),
        (&json!("$/cancelRequest"), &json!({ "id": first_id }))
    );
    // What was on its way is no mistake of the host; where it asks, it hears that it is over.
    host.delta(&first_params["callId"], "late").await;
    let late =
        json!({ "callId": first_params["callId"], "delta": { "type": "text", "text": "x" } });
    let refused = host.asked(2, "model/delta", late).await;
    assert_eq!(refused["error"]["data"]["code"], "unknown_call");
    host.fail(&first_id, json!({ "code": -32_800, "message": "cancelled" })).await;
    host.answer(&second_id, json!({ "parts": [] })).await;
    assert_eq!(kind(within(second).await.unwrap()), Ok(String::new()));
    assert_eq!(server.rejected(), 0);
    // From its answer on it knows.
    host.delta(&first_params["callId"], "very late").await;
    host.is_heard().await;
    assert_eq!(server.rejected(), 1);
}

#[tokio::test]
async fn a_call_that_has_ended_is_not_cancelled() {
    let (mut host, registry, _server, _end) = one_host().await;
    let mut answer = registry.ask("");
    assert!(answer.next().now_or_never().is_none());
    let (id, _, _) = host.requested().await;
    host.answer(&id, json!({})).await;
    assert!(within(answer.next()).await.is_none());
    drop(answer);
    // Nothing comes before the answer to the ping.
    host.is_heard().await;
}

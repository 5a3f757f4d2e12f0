//! What one connection holds of its host's calls, and what happens beyond.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use polychat_core::{
    FailureKind,
    ports::{ModelDelta, ModelErrorKind, ModelStream},
};
use polychat_transport::ipc::ServeOptions;
use serde_json::json;

use super::{
    super::by_hand::{connect_with, within},
    host, hosting, kind, offer,
};

fn begins(answer: &mut ModelStream) -> Option<ModelErrorKind> {
    let first = answer.next().now_or_never()?;
    Some(first.unwrap().unwrap_err().kind)
}

// law 7
#[tokio::test]
async fn calls_beyond_the_bound_fail_for_now_and_are_taken_again_once_one_has_ended() {
    let mut options = ServeOptions::default();
    options.calls.calls_max = 2;
    let (server, registry) = hosting(options);
    let (mut host, _end) = host(&server).await;
    let (mut first, mut second) = (registry.ask(""), registry.ask(""));
    assert_eq!((begins(&mut first), begins(&mut second)), (None, None));
    let (id, _, _) = host.requested().await;
    host.requested().await;
    let error = registry.ask("").next().await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::Unavailable, true));
    let refused = within(registry.call(json!({}), &Arc::default())).await.unwrap().unwrap_err();
    assert_eq!((refused.kind, refused.retryable), (FailureKind::ToolFailed, true));
    // One that is given up makes room once the host is told; one that ends, too.
    drop(second);
    assert_eq!(host.hear().await.unwrap()["method"], "$/cancelRequest");
    let mut third = registry.ask("");
    assert_eq!(begins(&mut third), None);
    host.requested().await;
    host.answer(&id, json!({})).await;
    assert!(within(first.next()).await.is_none());
    assert_eq!(begins(&mut registry.ask("")), None);
}

// law 7: nobody takes the deltas, and the host says more and more
#[tokio::test]
async fn an_answer_of_which_too_much_waits_fails_and_the_next_one_does_not() {
    let mut options = ServeOptions::default();
    options.calls.call_bytes_max = 1_000;
    let (server, registry) = hosting(options);
    let (mut host, _end) = host(&server).await;
    for piece in ["x".repeat(400), "x".repeat(2_000)] {
        let mut answer = registry.ask("");
        assert_eq!(begins(&mut answer), None);
        let (id, _, params) = host.requested().await;
        for _ in 0..3 {
            host.delta(&params["callId"], &piece).await;
        }
        assert_eq!(host.hear().await.unwrap()["params"], json!({ "id": id }));
        let mut bytes = 0;
        let error = loop {
            match within(answer.next()).await.unwrap() {
                Ok(ModelDelta::Text(text)) => bytes += text.len(),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, ModelErrorKind::InvalidResponse);
        assert!(bytes <= 1_000);
    }
    // What is taken makes room: any number of bytes may pass.
    let mut answer = registry.ask("");
    assert_eq!(begins(&mut answer), None);
    let (_, _, params) = host.requested().await;
    for _ in 0..20 {
        host.delta(&params["callId"], &"x".repeat(400)).await;
        let taken = within(answer.next()).await.unwrap().unwrap();
        assert_eq!(taken, ModelDelta::Text("x".repeat(400)));
    }
}

// law 7: many that are small are large, too
#[tokio::test]
async fn deltas_that_say_nothing_are_bounded_as_well() {
    let mut options = ServeOptions::default();
    options.calls.call_bytes_max = 1_000;
    let (server, registry) = hosting(options);
    let (mut host, _end) = host(&server).await;
    let mut answer = registry.ask("");
    assert_eq!(begins(&mut answer), None);
    let (_, _, params) = host.requested().await;
    for n in 0..20 {
        let kind = if n % 2 == 0 { "text" } else { "reasoning" };
        let delta = json!({ "type": kind, "text": "" });
        host.tell("model/delta", json!({ "callId": params["callId"], "delta": delta })).await;
    }
    assert_eq!(host.hear().await.unwrap()["method"], "$/cancelRequest");
}

// law 7
#[tokio::test]
async fn a_result_that_is_too_large_or_holds_too_many_values_fails_its_own_call() {
    let mut options = ServeOptions::default();
    options.calls.call_bytes_max = 1_000;
    options.wire.command_values_max = 100;
    let (server, registry) = hosting(options);
    let (mut host, _end) = host(&server).await;
    let call = || registry.call(json!({}), &Arc::default());
    for result in [
        json!({ "parts": [{ "type": "text", "text": "x".repeat(1_000) }] }),
        json!({ "parts": [{ "type": "opaque", "provider": "x", "data": vec![0; 200] }] }),
    ] {
        let running = call();
        let (id, _, _) = host.requested().await;
        host.answer(&id, result).await;
        assert_eq!(kind(within(running).await.unwrap()), Err(FailureKind::ToolFailed));
    }
    let running = call();
    let (id, _, _) = host.requested().await;
    host.answer(&id, json!({ "parts": [{ "type": "text", "text": "x".repeat(900) }] })).await;
    assert_eq!(within(running).await.unwrap().unwrap().len(), 900);
}

// law 7: nobody waits for what was skipped, and no other call is mistaken for it
#[tokio::test]
async fn an_answer_longer_than_a_frame_may_be_fails_its_own_call_at_once() {
    let mut options = ServeOptions::default();
    options.wire.command_bytes_max = 4_000;
    let (server, registry) = hosting(options);
    let (mut host, _end) = host(&server).await;
    let other = registry.call(json!({}), &Arc::default());
    let (other_id, _, _) = host.requested().await;
    let call = registry.call(json!({}), &Arc::default());
    let (id, _, _) = host.requested().await;
    let long = || json!({ "parts": [{ "type": "text", "text": "x".repeat(9_000) }] });
    host.answer(&id, long()).await;
    assert_eq!(kind(within(call).await.unwrap()), Err(FailureKind::ToolFailed));
    assert_eq!(server.rejected(), 1);
    let mut answer = registry.ask("");
    assert_eq!(begins(&mut answer), None);
    let (id, _, _) = host.requested().await;
    let error = json!({ "code": 1, "message": "x".repeat(9_000) });
    let fails = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    host.write(format!("{fails}\n").as_bytes()).await;
    let error = within(answer.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::InvalidResponse);
    assert_eq!(server.rejected(), 2);
    // A piece that is missing would be a hole, so it ends what it is a piece of.
    let mut answer = registry.ask("");
    assert_eq!(begins(&mut answer), None);
    let (id, _, params) = host.requested().await;
    host.delta(&params["callId"], &"x".repeat(9_000)).await;
    let told = [host.hear().await.unwrap(), host.hear().await.unwrap()];
    assert_eq!(
        told.each_ref().map(|it| &it["error"]["data"]["code"]),
        [&json!("too_large"), &json!(null)]
    );
    assert_eq!(told[1]["params"], json!({ "id": id }));
    let error = within(answer.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::InvalidResponse);
    // It answers nothing that was asked, so the host is told.
    host.answer(&json!(99), long()).await;
    let told = host.hear().await.unwrap();
    assert_eq!((&told["id"], &told["error"]["data"]["code"]), (&json!(null), &json!("too_large")));
    host.answer(&other_id, json!({ "parts": [] })).await;
    assert_eq!(kind(within(other).await.unwrap()), Ok(String::new()));
}

// law 7, law 4: a host that does not read delays its own calls, and holds a bounded part of them
#[tokio::test]
async fn requests_that_wait_for_a_host_that_does_not_read_are_bounded_and_others_go_on() {
    let mut options = ServeOptions::default();
    options.calls.bytes_waiting_max = 200_000;
    let (server, registry) = hosting(options);
    let (mut slow, _end) = connect_with(&server, 1_024);
    slow.initialize(json!({})).await;
    assert_eq!(slow.asked(1, "host/register", offer()).await["result"], json!({}));
    let slow_model = registry.model();
    // Each is larger than what a connection holds ready to be written.
    let long = "x".repeat(90_000);
    let ask = |system: &str| {
        let mut request = polychat_core::ports::ModelRequest::new(vec![]);
        request.system = system.into();
        slow_model.stream(request)
    };
    let mut waiting: Vec<ModelStream> = Vec::new();
    let mut refused = 0;
    for n in 0..10 {
        let mut answer = ask(&format!("{n} {long}"));
        match begins(&mut answer) {
            None => waiting.push(answer),
            Some(ModelErrorKind::Unavailable) => refused += 1,
            Some(other) => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    }
    assert!((2..=4).contains(&waiting.len()), "{} wait", waiting.len());
    assert_eq!(refused + waiting.len(), 10);
    let too_large = ask(&"x".repeat(300_000)).next().await.unwrap().unwrap_err();
    assert_eq!((too_large.kind, too_large.retryable), (ModelErrorKind::Refused, false));
    // Another host is served meanwhile.
    let (mut quick, _end) = host(&server).await;
    let call = registry.call(json!({}), &Arc::default());
    let (id, _, _) = quick.requested().await;
    quick.answer(&id, json!({ "parts": [] })).await;
    assert_eq!(kind(within(call).await.unwrap()), Ok(String::new()));
    // One that is given up before it was written is never written.
    let given_up = waiting.len() - 1;
    drop(waiting.pop());
    for n in 0..waiting.len() {
        let (_, _, params) = slow.requested().await;
        assert!(params["system"].as_str().unwrap().starts_with(&format!("{n} ")));
    }
    assert_ne!(given_up, 0);
    slow.is_heard().await;
}

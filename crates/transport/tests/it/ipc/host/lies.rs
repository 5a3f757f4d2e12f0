//! Hosts that say what is wrong, late, or somebody else's.

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use polychat_core::{
    FailureKind,
    ports::{ModelDelta, ModelErrorKind, ModelStream},
};
use serde_json::{Value, json};

use super::{
    super::by_hand::{ByHand, within},
    Shown, host, hosting, kind, one_host,
};

/// Begins an answer in the host: the answer, the request's id, the call's id.
async fn asked(host: &mut ByHand, answer: ModelStream) -> (ModelStream, Value, Value) {
    let mut answer = answer;
    assert!(answer.next().now_or_never().is_none());
    let (id, _, params) = host.requested().await;
    (answer, id, params["callId"].clone())
}

/// What is left of an answer: its text, and the kind of its error.
async fn rest(mut answer: ModelStream) -> (String, Option<ModelErrorKind>) {
    let mut text = String::new();
    while let Some(delta) = within(answer.next()).await {
        match delta {
            Ok(ModelDelta::Text(more)) => text.push_str(&more),
            Ok(_) => {}
            Err(error) => return (text, Some(error.kind)),
        }
    }
    (text, None)
}

// law 3, law 6: a call is known on its own connection only
#[tokio::test]
async fn a_host_reaches_no_call_of_another_whatever_ids_it_uses() {
    let (server, registry) = hosting(Default::default());
    let (mut honest, _end) = host(&server).await;
    let (answer, id, call) = asked(&mut honest, registry.ask("")).await;
    let shown = Arc::<Shown>::default();
    let running = registry.call(json!({}), &shown);
    let (tool_id, _, tool_params) = honest.requested().await;

    // The liar has a call of the same number, which is not what it names.
    let (mut liar, _end) = host(&server).await;
    let (of_liar, own_id, _) = asked(&mut liar, registry.ask("")).await;
    liar.delta(&call, "foreign").await;
    liar.tell("tool/output", json!({ "callId": tool_params["callId"], "text": "x" })).await;
    liar.answer(&tool_id, json!({ "parts": [] })).await;
    let delta = json!({ "callId": call, "delta": { "type": "text", "text": "foreign" } });
    let refused = liar.asked(2, "model/delta", delta).await;
    assert_eq!(refused["error"]["data"]["code"], "unknown_call");
    assert_eq!(server.rejected(), 4);
    // What it answers is its own, although the other host's request has the same id.
    assert_eq!(own_id, id);
    liar.answer(&own_id, json!({})).await;
    assert_eq!(rest(of_liar).await, (String::new(), None));

    honest.delta(&call, "own").await;
    honest.answer(&id, json!({})).await;
    assert_eq!(rest(answer).await, ("own".to_owned(), None));
    honest.answer(&tool_id, json!({ "parts": [{ "type": "text", "text": "four" }] })).await;
    assert_eq!(kind(within(running).await.unwrap()), Ok("four".into()));
    assert_eq!(*shown.output.lock().unwrap(), "");
}

#[tokio::test]
async fn the_ids_of_calls_are_never_the_same_and_say_nothing() {
    let (server, registry) = hosting(Default::default());
    let mut ids = Vec::new();
    for _host in 0..2 {
        let (mut host, _end) = host(&server).await;
        for _ in 0..20 {
            let (_answer, _, call) = asked(&mut host, registry.ask("a secret")).await;
            // The cancel of the answer that is dropped here.
            drop(_answer);
            host.hear().await.unwrap();
            let call = call.as_str().unwrap().to_owned();
            assert!(!ids.contains(&call) && call.len() < 64, "{call}");
            ids.push(call);
        }
    }
    // The same calls of two hosts are told apart by more than their number.
    assert_ne!(ids[0], ids[20]);
}

// law 5: a call ends once
#[tokio::test]
async fn what_comes_after_the_end_of_a_call_is_counted_and_changes_nothing() {
    let (mut host, registry, server, _end) = one_host().await;
    let (answer, id, call) = asked(&mut host, registry.ask("")).await;
    let (other, other_id, other_call) = asked(&mut host, registry.ask("")).await;
    host.delta(&call, "all").await;
    host.answer(&id, json!({})).await;
    host.delta(&call, " and more").await;
    host.answer(&id, json!({ "finish": "length" })).await;
    host.fail(&id, json!({ "code": 1, "message": "no" })).await;
    host.tell("tool/output", json!({ "callId": call, "text": "x" })).await;
    host.tell("model/delta", json!({ "callId": "99-0", "delta": {} })).await;
    host.tell("model/delta", json!({ "callId": "nonsense", "delta": {} })).await;
    host.tell("model/delta", json!({ "delta": {} })).await;
    host.is_heard().await;
    assert_eq!(server.rejected(), 7);
    assert_eq!(rest(answer).await, ("all".to_owned(), None));
    host.delta(&other_call, "still here").await;
    host.answer(&other_id, json!({})).await;
    assert_eq!(rest(other).await, ("still here".to_owned(), None));
}

// law 6
#[tokio::test]
async fn a_delta_that_cannot_be_read_ends_its_own_call_and_nothing_else() {
    let (mut host, registry, server, _end) = one_host().await;
    let (other, other_id, other_call) = asked(&mut host, registry.ask("")).await;
    let wrongs = [
        json!(null),
        json!({}),
        json!({ "type": "text" }),
        json!({ "type": "text", "text": 5 }),
        json!({ "type": "shout", "text": "x" }),
        json!({ "type": "toolCall", "call": { "name": [] } }),
        json!({ "type": "opaque", "part": { "type": "text", "text": "unseen" } }),
        json!({ "type": "usage", "usage": { "inputTokens": -1 } }),
    ];
    for (n, wrong) in (1..).zip(wrongs) {
        let (answer, id, call) = asked(&mut host, registry.ask("")).await;
        host.delta(&call, "so far").await;
        host.tell("model/delta", json!({ "callId": call, "delta": wrong })).await;
        // The host is told that nobody waits any more, and its answer is expected.
        let told = host.hear().await.unwrap();
        assert_eq!(told["params"], json!({ "id": id }), "{wrong}");
        host.answer(&id, json!({})).await;
        host.is_heard().await;
        let expected = ("so far".to_owned(), Some(ModelErrorKind::InvalidResponse));
        assert_eq!(rest(answer).await, expected, "{wrong}");
        assert_eq!(server.rejected(), n, "{wrong}");
    }
    host.delta(&other_call, "fine").await;
    host.answer(&other_id, json!({})).await;
    assert_eq!(rest(other).await, ("fine".to_owned(), None));
}

#[tokio::test]
async fn a_result_of_the_wrong_shape_fails_its_own_call() {
    let (mut host, registry, server, _end) = one_host().await;
    for wrong in [json!(null), json!([]), json!("all"), json!({ "finish": "maybe" })] {
        let (answer, id, _) = asked(&mut host, registry.ask("")).await;
        host.answer(&id, wrong.clone()).await;
        assert_eq!(rest(answer).await.1, Some(ModelErrorKind::InvalidResponse), "{wrong}");
    }
    for wrong in [json!(null), json!({}), json!({ "parts": "four" }), json!({ "parts": [{}] })] {
        let call = registry.call(json!({}), &Arc::default());
        let (id, _, _) = host.requested().await;
        host.answer(&id, wrong.clone()).await;
        let failed = kind(within(call).await.unwrap());
        assert_eq!(failed, Err(FailureKind::ToolFailed), "{wrong}");
    }
    let call = registry.call(json!({}), &Arc::default());
    let (id, _, _) = host.requested().await;
    host.fail(&id, json!("no")).await;
    assert_eq!(kind(within(call).await.unwrap()), Err(FailureKind::ToolFailed));
    assert_eq!(server.rejected(), 0);
}

#[tokio::test]
async fn what_is_said_of_a_call_of_another_sort_is_refused_and_the_call_goes_on() {
    let (mut host, registry, server, _end) = one_host().await;
    let shown = Arc::<Shown>::default();
    let call = registry.call(json!({}), &shown);
    let (id, _, params) = host.requested().await;
    host.delta(&params["callId"], "a tool that thinks it is a model").await;
    host.is_heard().await;
    assert_eq!(server.rejected(), 1);
    host.answer(&id, json!({ "parts": [{ "type": "text", "text": "four" }] })).await;
    assert_eq!(kind(within(call).await.unwrap()), Ok("four".into()));
}

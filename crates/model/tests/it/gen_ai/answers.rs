//! What comes back, as deltas.

use futures_util::StreamExt;
use polychat_core::{
    event::FinishReason,
    message::Usage,
    ports::{Model, ModelDelta},
    tool::ToolCall,
};
use polychat_testkit::openai_server::{Behaviour, Frame};
use serde_json::json;

use super::{answer, ask, model, start};
use crate::history::{poll_once, take};

fn text(text: &str) -> ModelDelta {
    ModelDelta::Text(text.to_owned())
}

#[tokio::test]
async fn text_comes_piece_by_piece_with_usage_and_the_reason_at_the_end() {
    // REQ-3
    let server = start().await;
    let taken = answer(&server, "hello there world").await;
    let expected = [
        text("hello "),
        text("there "),
        text("world"),
        ModelDelta::Usage(Usage::new(3, 3)),
        ModelDelta::Finish(FinishReason::Stop),
    ];
    assert_eq!(taken.deltas, expected);
    assert!(taken.error.is_none());
}

#[tokio::test]
async fn a_piece_is_handed_on_before_the_next_one_comes() {
    let server = start().await;
    server.then(Behaviour::stall_after("hel"));
    let mut stream = model(&server).stream(ask("hello"));
    assert_eq!(stream.next().await.unwrap().unwrap(), text("hel"));
    assert!(poll_once(&mut stream).await.is_pending());
}

#[tokio::test]
async fn reasoning_is_told_apart_from_text() {
    let server = start().await;
    server.then(Behaviour::Stream(vec![
        Frame::Reasoning("let me ".to_owned()),
        Frame::Reasoning("think".to_owned()),
        Frame::Text("done".to_owned()),
        Frame::Finish("stop".to_owned()),
        Frame::Done,
    ]));
    let taken = answer(&server, "think").await;
    assert_eq!((taken.reasoning().as_str(), taken.text().as_str()), ("let me think", "done"));
    assert!(taken.error.is_none());
    // Only an answer that asks for tools is still going on.
    assert!(!taken.deltas.iter().any(|delta| matches!(delta, ModelDelta::Opaque(_))), "{taken:?}");
}

#[tokio::test]
async fn tool_calls_come_whole_although_they_were_sent_in_pieces() {
    // REQ-4
    let server = start().await;
    server.then(Behaviour::Stream(vec![
        Frame::Text("I look.".to_owned()),
        Frame::tool_call(0, "call_a", "weather", "{\"city\":"),
        Frame::tool_call(1, "call_b", "clock", ""),
        Frame::tool_arguments(0, "\"Rome\"}"),
        Frame::Finish("tool_calls".to_owned()),
        Frame::Done,
    ]));
    let taken = answer(&server, "weather?").await;
    let call = |name: &str, arguments, id: &str| {
        ModelDelta::ToolCall(ToolCall {
            name: name.into(),
            arguments,
            provider_call_id: Some(id.into()),
        })
    };
    let expected = [
        text("I look."),
        call("weather", json!({"city": "Rome"}), "call_a"),
        call("clock", json!({}), "call_b"),
        ModelDelta::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(taken.deltas, expected);
}

#[tokio::test]
async fn arguments_that_are_no_json_are_handed_on_as_the_model_gave_them() {
    let server = start().await;
    server.then(Behaviour::Stream(vec![
        Frame::tool_call(0, "call_a", "weather", "{\"city\":"),
        Frame::Finish("tool_calls".to_owned()),
        Frame::Done,
    ]));
    let taken = answer(&server, "weather?").await;
    let Some(ModelDelta::ToolCall(call)) = taken.deltas.first() else { panic!("{taken:?}") };
    assert_eq!(call.arguments, json!("{\"city\":"));
}

#[tokio::test]
async fn the_reason_of_the_end_is_told() {
    let server = start().await;
    let table = [
        ("stop", FinishReason::Stop),
        ("length", FinishReason::Length),
        ("content_filter", FinishReason::Filtered),
        ("tool_calls", FinishReason::ToolCalls),
        ("something new", FinishReason::Stop),
    ];
    for (reason, expected) in table {
        server.then(Behaviour::Stream(vec![
            Frame::Text("x".to_owned()),
            Frame::Finish(reason.to_owned()),
            Frame::Done,
        ]));
        let taken = answer(&server, "hello").await;
        assert_eq!(taken.deltas.last(), Some(&ModelDelta::Finish(expected)), "{reason}");
    }
}

#[tokio::test]
async fn dropping_the_stream_closes_the_request() {
    // REQ-12: a cancel reaches the provider.
    let server = start().await;
    server.then(Behaviour::stall_after("hel"));
    let mut stream = model(&server).stream(ask("hello"));
    stream.next().await.unwrap().unwrap();
    assert_eq!(server.answers_open(), 1);
    drop(stream);
    server.answers_open_reach(0).await;
}

#[tokio::test]
async fn a_request_that_is_dropped_before_its_answer_begins_is_closed_too() {
    let server = start().await;
    server.then(Behaviour::Silence);
    let mut stream = model(&server).stream(ask("hello"));
    tokio::select! {
        item = stream.next() => panic!("nobody answered, and yet: {item:?}"),
        () = server.answers_open_reach(1) => {}
    }
    drop(stream);
    server.answers_open_reach(0).await;
}

#[tokio::test]
async fn answers_of_one_model_at_the_same_time_do_not_mix() {
    // REQ-5, REQ-15
    let server = start().await;
    let model = model(&server);
    for n in 0..20 {
        let words = format!("{n} {n} {n} {n}");
        server.when(&n.to_string(), Behaviour::words(&words));
    }
    let answers = (0..20).map(|n: i32| {
        let model = model.clone();
        async move { (n, take(&model, ask(&n.to_string())).await.text()) }
    });
    for (n, text) in futures_util::future::join_all(answers).await {
        assert_eq!(text, format!("{n} {n} {n} {n}"));
    }
}

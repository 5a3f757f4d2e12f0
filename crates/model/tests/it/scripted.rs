//! `ScriptedModel`: the test holds the pen.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::{FutureExt, StreamExt, future::join_all};
use polychat_core::{
    event::FinishReason,
    message::Usage,
    ports::{Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest},
    tool::ToolCall,
};
use polychat_model::{ScriptedModel, Step};
use serde_json::json;

use crate::history::{History, poll_once, take};

fn ask(text: &str) -> ModelRequest {
    History::default().user(text).request()
}

#[tokio::test]
async fn a_delta_comes_when_it_is_released_and_not_before() {
    let (model, script) = ScriptedModel::new();
    let mut stream = model.stream(ask("hello"));
    let call = script.next_call().await;
    assert_eq!(call.last_user_text(), "hello");
    assert_eq!(call.request().messages.len(), 1);

    assert!(poll_once(&mut stream).await.is_pending());
    let tool = ToolCall { name: "t".into(), arguments: json!({}), provider_call_id: None };
    call.text("hel").reasoning("hm").tool_call(tool.clone()).usage(1, 2);
    call.reason(FinishReason::Length).finish();
    let deltas: Vec<_> = stream.map(Result::unwrap).collect().await;
    let expected = [
        ModelDelta::Text("hel".to_owned()),
        ModelDelta::Reasoning("hm".to_owned()),
        ModelDelta::ToolCall(tool),
        ModelDelta::Usage(Usage::new(1, 2)),
        ModelDelta::Finish(FinishReason::Length),
    ];
    assert_eq!(deltas, expected);
}

#[tokio::test]
async fn a_waiting_reader_is_woken_by_a_release() {
    let (model, script) = ScriptedModel::new();
    let reader = tokio::spawn(async move { take(&model, ask("hello")).await });
    let call = script.next_call().await;
    call.drained().await;
    call.text("hi");
    call.drained().await;
    call.finish();
    assert_eq!(reader.await.unwrap().text(), "hi");
}

#[tokio::test]
async fn drained_means_that_the_reader_came_back_for_more() {
    let (model, script) = ScriptedModel::new();
    let mut stream = model.stream(ask("hello"));
    let call = script.next_call().await;
    call.text("one");
    assert!(call.drained().now_or_never().is_none(), "nothing was taken yet");
    stream.next().await.unwrap().unwrap();
    assert!(call.drained().now_or_never().is_none(), "taken, but perhaps not worked on");
    assert!(poll_once(&mut stream).await.is_pending());
    assert!(call.drained().now_or_never().is_some(), "it came back");
    call.text("two");
    assert!(call.drained().now_or_never().is_none(), "there is more now");
}

#[tokio::test]
async fn a_dropped_stream_is_seen_and_told_from_an_ended_one() {
    // law 5: a test must be able to see that a cancel reached the model.
    let (model, script) = ScriptedModel::new();
    let mut stream = model.stream(ask("hello"));
    let call = script.next_call().await;
    call.text("hel");
    stream.next().await.unwrap().unwrap();
    assert!(!call.is_dropped());
    assert!(call.dropped().now_or_never().is_none());
    drop(stream);
    call.dropped().await;
    call.drained().await;
    assert!(call.is_dropped() && call.is_cancelled());
    // Releasing to nobody is harmless.
    call.text("lo").finish();

    let mut stream = model.stream(ask("again"));
    let call = script.next_call().await;
    call.finish();
    assert!(stream.next().await.is_none());
    drop(stream);
    assert!(call.is_dropped() && !call.is_cancelled());
}

#[tokio::test]
async fn an_error_ends_the_answer_and_what_follows_is_never_seen() {
    let (model, script) = ScriptedModel::new();
    let reader = tokio::spawn(async move { take(&model, ask("hello")).await });
    let call = script.next_call().await;
    call.text("hel").fail(ModelError::new(ModelErrorKind::RateLimited, "slow down"));
    call.text("lo").finish();
    let taken = reader.await.unwrap();
    assert_eq!(taken.text(), "hel");
    assert_eq!(taken.error.unwrap().kind, ModelErrorKind::RateLimited);
    assert!(!call.is_cancelled(), "the reader saw the end");
}

#[tokio::test]
async fn a_panic_happens_in_whoever_polls_and_counts_as_an_end() {
    let (model, script) = ScriptedModel::new();
    let mut stream = model.stream(ask("hello"));
    let call = script.next_call().await;
    call.panic("boom");
    let panic = AssertUnwindSafe(stream.next()).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "boom");
    assert!(stream.next().await.is_none());
    drop(stream);
    assert!(call.is_dropped() && !call.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_forgotten_hangs() {
    let (model, script) = ScriptedModel::new();
    let mut stream = model.stream(ask("hello"));
    drop(script.next_call().await);
    let day = std::time::Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, stream.next()).await.is_err());
}

#[tokio::test]
async fn a_call_is_found_by_what_its_chat_was_asked() {
    // REQ-1: many chats share one model.
    let (model, script) = ScriptedModel::new();
    let waiting = tokio::spawn({
        let script = script.clone();
        async move { script.call_for("b").await.last_user_text() }
    });
    tokio::task::yield_now().await;
    let streams = ["a", "b", "c"].map(|text| model.stream(ask(text)));
    assert_eq!(waiting.await.unwrap(), "b");
    assert_eq!(script.call_for("c").await.last_user_text(), "c");
    assert_eq!(script.next_call().await.last_user_text(), "a");
    assert!(script.try_next_call().is_none(), "each call is handed out once");
    assert_eq!((script.calls_seen(), script.calls_open()), (3, 3));
    drop(streams);
    assert_eq!((script.calls_seen(), script.calls_open()), (3, 0));
}

#[tokio::test]
async fn a_search_that_is_given_up_takes_no_call() {
    let (model, script) = ScriptedModel::new();
    assert!(script.next_call().now_or_never().is_none());
    assert!(script.call_for("other").now_or_never().is_none());
    let _stream = model.stream(ask("hello"));
    assert!(script.call_for("other").now_or_never().is_none());
    assert!(script.try_next_call().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiters_and_many_calls_all_meet() {
    let (model, script) = ScriptedModel::new();
    let waiters = join_all((0..100).map(|n| {
        let script = script.clone();
        tokio::spawn(async move { script.call_for(&n.to_string()).await.finish() })
    }));
    let readers = join_all((0..100).map(|n: i32| {
        let model = model.clone();
        tokio::spawn(async move { take(&model, ask(&n.to_string())).await.error.is_none() })
    }));
    let (waiters, readers) = tokio::join!(waiters, readers);
    assert!(waiters.iter().all(Result::is_ok));
    assert!(readers.into_iter().all(Result::unwrap));
    assert_eq!((script.calls_seen(), script.calls_open()), (100, 0));
}

#[tokio::test]
async fn the_automatic_mode_answers_each_request_with_its_own_steps() {
    let model = ScriptedModel::answering(|request| {
        let said = request.messages.last().unwrap().text();
        vec![Step::text(said), Step::Yield, Step::text("!"), Step::Finish, Step::text("never")]
    });
    let (a, b) = tokio::join!(take(&model, ask("a")), take(&model, ask("b")));
    assert_eq!((a.text().as_str(), b.text().as_str()), ("a!", "b!"));
}

#[tokio::test]
async fn the_automatic_mode_fails_as_it_is_told() {
    let error = ModelError::new(ModelErrorKind::Refused, "no");
    let model =
        ScriptedModel::answering(move |_| vec![Step::Error(error.clone()), Step::text("never")]);
    let taken = take(&model, ask("a")).await;
    assert_eq!(taken.deltas, []);
    assert_eq!(taken.error.unwrap().kind, ModelErrorKind::Refused);

    let model = ScriptedModel::answering(|_| vec![Step::Panic("boom".to_owned())]);
    let mut stream = model.stream(ask("a"));
    assert!(AssertUnwindSafe(stream.next()).catch_unwind().await.is_err());

    let model = ScriptedModel::answering(|_| vec![Step::Hang, Step::text("never")]);
    assert!(model.stream(ask("a")).next().now_or_never().is_none());
}

#[tokio::test]
async fn the_function_of_the_automatic_mode_runs_inside_the_stream() {
    // `Model::stream` must not block or panic; the stream may.
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let model = ScriptedModel::answering(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        panic!("in the function")
    });
    let mut stream = model.stream(ask("a"));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert!(AssertUnwindSafe(stream.next()).catch_unwind().await.is_err());
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

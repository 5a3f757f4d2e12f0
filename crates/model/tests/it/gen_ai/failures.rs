//! What goes wrong: kinds, retryable or not, and how long to wait.

use std::time::Duration;

use polychat_core::ports::{ModelError, ModelErrorKind};
use polychat_model::GenAiModel;
use polychat_testkit::openai_server::{Behaviour, Frame};
use serde_json::json;

use super::{answer, ask, builder, start};
use crate::history::take;

use ModelErrorKind::{InvalidResponse, RateLimited, Refused, Unavailable};

fn verdict(error: &ModelError) -> (ModelErrorKind, bool, Option<u64>) {
    (error.kind, error.retryable, error.retry_after.map(|pause| pause.as_secs()))
}

#[tokio::test]
async fn a_status_says_whether_and_when_to_try_again() {
    let server = start().await;
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:50:37 GMT";
    let table = [
        (Behaviour::rate_limited("2"), (RateLimited, true, Some(2))),
        (Behaviour::rate_limited(later).header("date", date), (RateLimited, true, Some(60))),
        (Behaviour::rate_limited("soon"), (RateLimited, true, None)),
        (Behaviour::status(429, "x"), (RateLimited, true, None)),
        (Behaviour::status(503, "x").header("retry-after", "9"), (Unavailable, true, Some(9))),
        (Behaviour::status(500, "x"), (Unavailable, true, None)),
        (Behaviour::status(408, "x"), (Unavailable, true, None)),
        (Behaviour::status(400, "x").header("retry-after", "9"), (Refused, false, None)),
        (Behaviour::status(401, "x"), (Refused, false, None)),
        (Behaviour::status(404, "x"), (Refused, false, None)),
    ];
    for (behaviour, expected) in table {
        let shown = format!("{behaviour:?}");
        server.then(behaviour);
        let taken = answer(&server, "hello").await;
        assert_eq!(taken.deltas, [], "{shown}");
        assert_eq!(verdict(&taken.error.unwrap()), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_because_the_key_belongs_to_the_server_that_was_named() {
    let (server, other) = (start().await, start().await);
    let location = format!("{}/chat/completions", other.base_url());
    server.then(Behaviour::status(307, "x").header("location", &location));
    let error = answer(&server, "hello").await.error.unwrap();
    assert_eq!(verdict(&error), (Refused, false, None));
    assert!(other.received().is_empty(), "neither the key nor the history goes elsewhere");
}

#[tokio::test]
async fn what_the_provider_says_about_an_error_is_told_and_shortened() {
    let server = start().await;
    server.then(Behaviour::status(400, &format!("too long {}", "x".repeat(100_000))));
    let error = answer(&server, "hello").await.error.unwrap();
    assert!(error.message.starts_with("status 400: too long x"), "{}", error.message);
    assert!(error.message.len() < 1_000, "{} bytes", error.message.len());
}

#[tokio::test]
async fn an_error_page_is_not_quoted() {
    let server = start().await;
    let body = "<html>a proxy's page</html>".to_owned();
    server.then(Behaviour::Status { status: 502, headers: vec![], body });
    let error = answer(&server, "hello").await.error.unwrap();
    assert_eq!(&*error.message, "status 502");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_worth_another_try() {
    let server = start().await;
    let model = builder(&server).connect_duration_max(Duration::from_secs(5)).build().unwrap();
    let port = server.base_url();
    drop(server);
    let error = loop {
        // The port closes as soon as the aborted task is dropped.
        if let Some(error) = take(&model, ask("hello")).await.error {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(verdict(&error), (Unavailable, true, None));
    let all = format!("{error} {error:?}");
    assert!(!all.contains(&port), "an address may hold a key: {all}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_unavailable_over_https() {
    // It also shows that TLS works without anybody having installed a provider of cryptography.
    let server = start().await;
    let url = server.base_url().replace("http:", "https:");
    let model = GenAiModel::builder("m").base_url(url).build().unwrap();
    let error = take(&model, ask("hello")).await.error.unwrap();
    assert_eq!(verdict(&error), (Unavailable, true, None));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_keeps_its_text() {
    // law 5: a broken answer is no completed message.
    let server = start().await;
    let finish = || Frame::Finish("stop".to_owned());
    let word = || Frame::Text("hel".to_owned());
    let table = [
        ("cut", vec![word(), Frame::Cut]),
        ("an orderly end without an end mark", vec![word()]),
        ("cut after the reason, before the end mark", vec![word(), finish(), Frame::Cut]),
        ("inside of an event", vec![word(), Frame::Raw("data: {\"choices\":[{\"del".to_owned())]),
        ("cut inside of an event", vec![word(), Frame::Raw("data: {".to_owned()), Frame::Cut]),
    ];
    for (how, frames) in table {
        server.then(Behaviour::Stream(frames));
        let taken = answer(&server, "hello").await;
        assert_eq!(taken.text(), "hel", "{how}");
        let error = taken.error.expect(how);
        assert_eq!(verdict(&error), (Unavailable, true, None), "{how}: {error}");
    }
}

#[tokio::test]
async fn an_answer_without_text_is_complete_when_it_ends_properly() {
    let server = start().await;
    server.then(Behaviour::Stream(vec![Frame::Finish("stop".to_owned()), Frame::Done]));
    let taken = answer(&server, "hello").await;
    assert_eq!((taken.text().as_str(), taken.error.is_none()), ("", true));
}

#[tokio::test]
async fn nonsense_is_an_invalid_response() {
    let server = start().await;
    let raw = |raw: &str| Behaviour::Stream(vec![Frame::Raw(raw.to_owned())]);
    let table = [
        ("an html page", Behaviour::Html("<html>log in first</html>".to_owned())),
        ("an event that is no json", raw("data: what?\n\n")),
        ("no event at all", raw("hello\n\n")),
        ("an empty body", Behaviour::Stream(vec![])),
    ];
    for (what, behaviour) in table {
        server.then(behaviour);
        let taken = answer(&server, "hello").await;
        assert_eq!(taken.deltas, [], "{what}");
        let error = taken.error.expect(what);
        assert_eq!(verdict(&error), (InvalidResponse, false, None), "{what}: {error}");
    }
}

#[tokio::test]
async fn comments_and_unknown_fields_between_events_are_passed_over() {
    let server = start().await;
    server.then(Behaviour::Stream(vec![
        Frame::Raw(": ping\n\n".to_owned()),
        Frame::Text("hi".to_owned()),
        Frame::Raw("id: 7\nretry: 10\n\n".to_owned()),
        Frame::Raw("data: {\"object\":\"something.else\"}\n\n".to_owned()),
        Frame::Finish("stop".to_owned()),
        Frame::Done,
    ]));
    let taken = answer(&server, "hello").await;
    assert_eq!((taken.text().as_str(), taken.error.is_none()), ("hi", true));
}

#[tokio::test]
async fn an_error_inside_of_the_answer_ends_it() {
    let server = start().await;
    let table = [
        (json!({"message": "full", "type": "server_error"}), (Unavailable, true, None)),
        (json!({"message": "bad", "type": "invalid_request_error"}), (Refused, false, None)),
    ];
    for (event, expected) in table {
        let frames = vec![Frame::Text("hel".to_owned()), Frame::Error(event), Frame::Done];
        server.then(Behaviour::Stream(frames));
        let taken = answer(&server, "hello").await;
        assert_eq!(taken.text(), "hel");
        assert_eq!(verdict(&taken.error.unwrap()), expected);
    }
}

#[tokio::test]
async fn a_reasoning_effort_that_nobody_knows_is_refused_before_anything_is_sent() {
    let server = start().await;
    let mut request = ask("hello");
    request.params.reasoning_effort = Some("furious".into());
    let error = take(&builder(&server).build().unwrap(), request).await.error.unwrap();
    assert_eq!(verdict(&error), (Refused, false, None));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_refused_without_being_shown() {
    let server = start().await;
    let key = polychat_model::Secret::new("two\nlines");
    let model = GenAiModel::builder("m").base_url(server.base_url()).key(key).build().unwrap();
    let error = take(&model, ask("hello")).await.error.unwrap();
    assert_eq!(verdict(&error), (Refused, false, None));
    assert!(!format!("{error:?}").contains("lines"), "{error:?}");
}

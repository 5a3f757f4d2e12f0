//! Refusals and faults as problem details.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use polychat_core::{CommandError, Refusal};
use polychat_testkit::{
    fake_world::FakeWorld,
    transport_suite::errors::{every_fault, every_refusal},
};
use polychat_transport::{
    http::HttpOptions,
    wire::{WireLimits, decode_error, encode_error},
};
use serde_json::Value;

use super::{ask, door};

fn every_error() -> Vec<CommandError> {
    let refusals = every_refusal().into_iter().map(CommandError::from);
    refusals.chain(every_fault().into_iter().map(CommandError::from)).collect()
}

async fn problem_of(error: &CommandError) -> super::Answer {
    let world = Arc::new(FakeWorld::always(Err(error.clone())));
    let router = door(world, HttpOptions::default());
    ask(&router, Method::GET, "/chats/a", None).await
}

// issue 6: problem details with the stable code
#[tokio::test]
async fn every_refusal_and_fault_is_a_problem_that_says_all_that_other_transports_say() {
    for error in every_error() {
        let answer = problem_of(&error).await;
        assert!(answer.status.is_client_error() || answer.status.is_server_error());
        assert_eq!(answer.problem().1, error.code());
        let problem = answer.json();
        let wire: Value = serde_json::from_slice(&encode_error(&error)).unwrap();
        for (name, fact) in wire.as_object().unwrap() {
            assert_eq!(&problem[name], fact, "{name} of {}", error.code());
        }
        assert_eq!(problem["detail"], wire["message"]);
        let read = decode_error(&answer.body, &WireLimits::default()).unwrap();
        assert_eq!(read.code(), error.code());
        assert_eq!(read.retryable(), error.retryable());
    }
}

// issue 6: what may be tried again says so by its status too
#[tokio::test]
async fn whoever_is_to_come_back_later_is_told_when() {
    for error in every_error() {
        let answer = problem_of(&error).await;
        let after = answer.header(header::RETRY_AFTER);
        match error.retry_after() {
            // Whole seconds, and never none at all.
            Some(_) => assert!(after.parse::<u64>().unwrap() >= 1, "{}", error.code()),
            None => assert_eq!(after, "", "{}", error.code()),
        }
    }
    let overloaded = Refusal::Overloaded { scope: "chat".into(), max: 64 };
    assert_eq!(problem_of(&overloaded.into()).await.status, StatusCode::TOO_MANY_REQUESTS);
}

// issue 6: a foreign world is like one that is not there, whatever is asked of it
#[tokio::test]
async fn a_world_that_is_not_the_callers_is_answered_like_one_that_does_not_exist() {
    let world = Arc::new(FakeWorld::always(Ok(polychat_core::Reply::Done)));
    let router = door(world.clone(), HttpOptions::default());
    let mut answers = Vec::new();
    for name in ["theirs", "nobodys"] {
        for path in ["", "/chats", "/chats/a", "/chats/a/log", "/export"] {
            let request = axum::http::Request::get(format!("/v1/worlds/{name}{path}"));
            let answer = super::send(&router, request.body(axum::body::Body::empty()).unwrap());
            answers.push(answer.await);
        }
    }
    for answer in &answers {
        assert_eq!(answer.problem(), (404, "unsupported".into()));
        assert_eq!(answer.body, answers[0].body);
    }
    assert_eq!(world.commands(), []);
}

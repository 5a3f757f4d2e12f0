//! The key goes to the server, and nowhere else.

use polychat_model::{BuildError, GenAiModel, Secret};
use polychat_testkit::openai_server::{Behaviour, Frame};
use serde_json::json;
use tracing::Level;

use super::{KEY, answer, ask, builder, model, start};
use crate::{history::take, log::Log};

#[tokio::test]
async fn the_key_is_sent_as_a_bearer_token() {
    let server = start().await;
    answer(&server, "hello").await;
    let authorization = server.received().remove(0).authorization;
    assert_eq!(authorization, Some(format!("Bearer {KEY}")));
}

#[tokio::test]
async fn a_server_of_ones_own_is_sent_no_key_when_there_is_none() {
    let server = start().await;
    let model = GenAiModel::builder("m").base_url(server.base_url()).build().unwrap();
    assert_eq!(take(&model, ask("hello")).await.text(), "hello");
    assert_eq!(server.received().remove(0).authorization, None);
}

#[tokio::test]
async fn a_key_that_the_provider_repeats_is_struck_out_of_the_error() {
    let server = start().await;
    let said = format!("incorrect key {KEY} given");
    let inside = Frame::Error(json!({ "message": said, "type": "server_error" }));
    let long = format!("{}{KEY}", "x".repeat(495));
    let table = [
        Behaviour::status(401, &said),
        Behaviour::status(500, &said),
        Behaviour::Stream(vec![inside]),
        // Half of it would stand at the end, were it cut before it is struck out.
        Behaviour::status(401, &long),
    ];
    for behaviour in table {
        let shown = format!("{behaviour:?}");
        server.then(behaviour);
        let error = answer(&server, "hello").await.error.unwrap();
        let all = format!("{error} {error:?}");
        assert!(!all.contains("sk-12"), "{shown}: {all}");
        assert!(all.contains("secret") || all.contains("xxx"), "{shown}: {all}");
    }
}

#[tokio::test]
async fn no_debug_shows_the_key() {
    let server = start().await;
    let all = format!("{:?} {:?} {:?}", builder(&server), model(&server), Secret::new(KEY));
    assert!(!all.contains("sk-12"), "{all}");
}

#[test]
fn a_provider_of_the_cloud_without_a_key_is_refused_by_the_name_of_the_variable() {
    // The variable is one that no machine sets for anything else.
    let built = GenAiModel::builder("m").provider("runcrate").build();
    let Err(BuildError::MissingKey(missing)) = built else { panic!("{built:?}") };
    assert!(missing.variable.contains("RUNCRATE"), "{missing}");
}

#[tokio::test]
async fn no_log_holds_the_key_or_what_a_provider_quotes_of_a_conversation() {
    // NFR-1, NFR-4: contents of messages only at `trace`, and then only our own.
    let log = Log::default();
    let _guard = log.listen(Level::DEBUG);
    tracing::debug!("the log works");

    let server = start().await;
    server.then(Behaviour::status(400, "bad: canary-of-a-conversation"));
    server.then(Behaviour::Stream(vec![Frame::Error(json!({"message": "canary-inside"}))]));
    server.then(Behaviour::Stream(vec![Frame::Raw("data: canary-nonsense\n\n".to_owned())]));
    for _ in 0..3 {
        assert!(answer(&server, "canary-prompt").await.error.is_some());
    }
    let text = log.text();
    assert!(text.contains("the log works"));
    assert!(!text.contains("canary") && !text.contains("sk-12"), "{text}");
}

//! What is sent: exactly what the provider needs, and nothing else.

use std::sync::Arc;

use polychat_core::{
    AgentName, Failure, FailureKind, Metadata, Part,
    content::BlobSource,
    message::Role,
    tool::{ToolCall, ToolSpec},
};
use polychat_model::GenAiModel;
use serde_json::{Value, json};

use super::{ask, model, start};
use crate::history::{History, take};

async fn messages_of(history: &History) -> Value {
    let server = start().await;
    take(&model(&server), history.request()).await;
    server.received().remove(0).body["messages"].take()
}

fn call(name: &str, id: Option<&str>) -> ToolCall {
    ToolCall { name: name.into(), arguments: json!({"x": 1}), provider_call_id: id.map(Into::into) }
}

#[tokio::test]
async fn history_parameters_and_tools_are_sent() {
    // REQ-2
    let server = start().await;
    let mut request = History::default().user("hi").assistant("hello").user("what now?").request();
    request.system = "Be brief.".into();
    request.params.temperature = Some(0.5);
    request.params.output_tokens_max = Some(64);
    request.params.reasoning_effort = Some("low".into());
    let schema = json!({"type": "object", "properties": {}});
    request.tools = Arc::from([Arc::new(ToolSpec::new("clock", "tells the time", schema.clone()))]);
    take(&model(&server), request).await;

    let body = server.received().remove(0).body;
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "what now?"},
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(body["temperature"], json!(0.5));
    assert_eq!(body["max_tokens"], json!(64));
    assert_eq!(body["reasoning_effort"], json!("low"));
    assert_eq!(body["stream"], json!(true));
    assert_eq!(body["tools"][0]["function"]["name"], json!("clock"));
    assert_eq!(body["tools"][0]["function"]["description"], json!("tells the time"));
    assert_eq!(body["tools"][0]["function"]["parameters"], schema);
}

#[tokio::test]
async fn a_name_that_looks_like_more_than_a_name_is_sent_unchanged() {
    let server = start().await;
    for name in ["llama3.2", "qwen-max", "some-model-high", "org::model", "org/model:7b"] {
        let model = GenAiModel::builder(name).base_url(server.base_url()).build().unwrap();
        take(&model, ask("hello")).await;
        let body = server.received().pop().unwrap().body;
        assert_eq!(body["model"], json!(name));
        assert_eq!(body.get("reasoning_effort"), None, "nobody asked for one: {name}");
    }
}

#[tokio::test]
async fn a_call_is_sent_with_its_result_under_the_providers_own_id() {
    // REQ-4
    let history = History::default()
        .user("time?")
        .calls("I look.", &[call("clock", Some("call_abc")), call("zone", None)])
        .tool(0, "noon")
        .tool(1, "utc");
    let messages = messages_of(&history).await;
    let calls = &messages[1]["tool_calls"];
    assert_eq!(messages[1]["content"], json!("I look."));
    assert_eq!(calls[0]["id"], json!("call_abc"));
    assert_eq!(calls[0]["function"]["arguments"], json!("{\"x\":1}"));
    assert_eq!(messages[2]["tool_call_id"], json!("call_abc"));
    assert_eq!(messages[2]["content"], json!("noon"));
    let made = calls[1]["id"].as_str().unwrap();
    assert!(made.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{made}");
    assert_eq!(messages[3]["tool_call_id"], json!(made));
}

#[tokio::test]
async fn loose_ends_of_broken_turns_are_left_out() {
    let broken = || Failure::new(FailureKind::Cancelled, "stopped");
    let history = History::default()
        .user("one")
        .assistant("")
        .failed(broken())
        .user("two")
        .assistant("half an ans")
        .failed(broken())
        .user("three")
        .calls("", &[call("never_run", Some("call_1"))])
        .user("four");
    let expected = json!([
        {"role": "user", "content": "one\n\ntwo"},
        {"role": "assistant", "content": "half an ans"},
        {"role": "user", "content": "three\n\nfour"},
    ]);
    assert_eq!(messages_of(&history).await, expected);
}

// Templates of Gemma, Mistral and others refuse everything else, and with it every later prompt of a
// chat whose answer was once stopped before its first word.
#[tokio::test]
async fn user_and_agent_take_turns_whatever_was_stopped_sent_in_a_row_or_said_by_others() {
    let picture = Part::Blob {
        media_type: "image/png".into(),
        source: BlobSource::Uri { uri: "https://example.org/a.png".into() },
    };
    let history = History::default()
        .user("look")
        .push(Role::User { prompt_id: None }, &[picture])
        .assistant("I am Bob.")
        .by("bob")
        .user("and you?")
        .assistant("Ada.")
        .user("")
        .user("bye");
    let mut request = history.request();
    request.agent = Some(AgentName::new("ada").unwrap());
    let server = start().await;
    take(&model(&server), request).await;
    let messages = server.received().remove(0).body["messages"].take();
    let roles: Vec<_> = messages.as_array().unwrap().iter().map(|said| &said["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    let kinds = ["text", "image_url", "text", "text"];
    let parts = messages[0]["content"].as_array().unwrap();
    assert_eq!(parts.iter().map(|part| &part["type"]).collect::<Vec<_>>(), kinds);
    assert_eq!(parts[2]["text"], json!("bob: I am Bob."));
    assert_eq!(messages[2]["content"], json!("bye"));
}

#[tokio::test]
async fn a_result_without_its_call_is_left_out_and_a_failed_one_says_why() {
    let failure = Failure::new(FailureKind::Denied, "not allowed");
    let history = History::default()
        .user("go")
        .calls("", &[call("rm", Some("call_1"))])
        .tool(0, "")
        .failed(failure)
        .tool(7, "of no call")
        .user("so?");
    let messages = messages_of(&history).await;
    assert_eq!(messages[2]["content"], json!("error: not allowed"));
    let text = messages.to_string();
    assert!(!text.contains("of no call"), "{text}");
    assert_eq!(messages.as_array().unwrap().len(), 4, "{text}");
}

#[tokio::test]
async fn what_another_provider_wants_back_is_not_for_this_one() {
    let opaque = |provider: &str| Part::Opaque {
        provider: provider.into(),
        data: json!({"ReasoningContent": format!("kept for {provider}")}),
    };
    let parts = [Part::text("hello"), opaque("anthropic"), opaque("openai")];
    let history = History::default().user("hi").parts(&parts, &[]).user("go on");
    let messages = messages_of(&history).await.to_string();
    assert!(messages.contains("kept for openai"), "{messages}");
    assert!(!messages.contains("kept for anthropic"), "{messages}");
}

#[tokio::test]
async fn a_picture_is_sent_as_one() {
    let blob = |source| Part::Blob { media_type: "image/png".into(), source };
    let inside = blob(BlobSource::Base64 { data: "QUJD".into() });
    let outside = blob(BlobSource::Uri { uri: "http://pictures/1.png".into() });
    let parts = [Part::text("what is this?"), inside, outside];
    let history = History::default().push(Role::User { prompt_id: None }, &parts);
    let messages = messages_of(&history).await;
    let content = &messages[0]["content"];
    assert_eq!(content[0]["text"], json!("what is this?"));
    assert_eq!(content[1]["image_url"]["url"], json!("data:image/png;base64,QUJD"));
    assert_eq!(content[2]["image_url"]["url"], json!("http://pictures/1.png"));
}

#[tokio::test]
async fn what_the_embedder_attached_never_leaves() {
    // law 3
    let attached = |word: &str| {
        let Value::Object(object) = json!({ "note": word }) else { unreachable!() };
        Metadata::new(object)
    };
    let failed = Failure::new(FailureKind::Cancelled, "canary-failure");
    let history = History::default()
        .user("one")
        .metadata(attached("canary-message"))
        .assistant("half")
        .failed(failed)
        .user("two");
    let mut request = history.request();
    request.context.chat = attached("canary-chat");
    request.context.prompt = attached("canary-prompt");
    request.context.handle = Some(Arc::new("canary-handle"));
    let server = start().await;
    take(&model(&server), request).await;
    let sent = server.received().remove(0).text;
    assert!(sent.contains("half"), "the history is sent");
    assert!(!sent.contains("canary"), "{sent}");
    assert!(!sent.contains("never sent back"), "reasoning stays: {sent}");
}

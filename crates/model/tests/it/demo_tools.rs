//! `DemoModel`: how it asks for tools, tells what they answered, and hands turns on.

use std::{sync::Arc, time::Duration};

use polychat_core::{
    AgentName, Failure, FailureKind, Part,
    event::FinishReason,
    ports::{ModelDelta, ModelRequest},
    rules::TITLE_INSTRUCTIONS,
    tool::{ToolCall, ToolSpec},
};
use polychat_model::DemoModel;
use serde_json::{Value, json};

use crate::history::{History, Taken, take};

fn quick() -> DemoModel {
    DemoModel::new().pace(Duration::ZERO)
}

fn offering(history: &History, tools: &[&str]) -> ModelRequest {
    let mut request = history.request();
    let spec = |name: &&str| Arc::new(ToolSpec::new(*name, "", json!({})));
    request.tools = tools.iter().map(spec).collect();
    request
}

async fn asked(text: &str, tools: &[&str]) -> Taken {
    take(&quick(), offering(&History::default().user(text), tools)).await
}

fn call(name: &str, arguments: Value) -> ToolCall {
    ToolCall { name: name.into(), arguments, provider_call_id: None }
}

async fn say(history: &History) -> String {
    take(&quick(), history.request()).await.text()
}

#[tokio::test]
async fn it_asks_for_a_tool_and_tells_what_the_tool_answered() {
    let user = History::default().user("/tool add {\"a\":1}");
    let taken = take(&quick(), offering(&user, &["add"])).await;
    assert_eq!(taken.text(), "I ask the tool add. ");
    assert_eq!(taken.calls(), [call("add", json!({"a": 1}))]);
    assert_eq!(taken.deltas.last(), Some(&ModelDelta::Finish(FinishReason::ToolCalls)));
    assert_eq!(say(&user.answered(&taken).tool(0, "three")).await, "add answered \"three\".");
}

#[tokio::test]
async fn it_asks_for_several_at_once_and_tells_of_each_in_the_order_of_the_calls() {
    // REQ-4
    let user = History::default().user("/tool a {\"x\": 1}; /tool b\n/tool c no json; /tool d");
    let taken = take(&quick(), offering(&user, &["a", "b", "c", "d"])).await;
    assert_eq!(taken.text(), "I ask the tools a, b, c, d. ");
    let calls =
        [("a", json!({"x": 1})), ("b", json!({})), ("c", json!("no json")), ("d", json!({}))];
    assert_eq!(taken.calls(), calls.map(|(name, arguments)| call(name, arguments)));

    let failed = |kind, message| Failure::new(kind, message);
    let history = user
        .answered(&taken)
        .tool(0, "one")
        .tool_parts(1, &[])
        .failed(failed(FailureKind::Denied, "not today"))
        .tool_parts(2, &[])
        .failed(failed(FailureKind::InvalidArguments, "that is\n  a string"))
        .tool(3, &"long ".repeat(100));
    let told = say(&history).await;
    let beginning = "a answered \"one\". b was not allowed: \"not today\". c failed \
                     (invalid_arguments): \"that is a string\". d answered \"long long ";
    assert!(told.starts_with(beginning), "{told}");
    assert!(told.ends_with("…\".") && told.len() < 400, "{told}");
}

#[tokio::test]
async fn it_asks_only_for_what_it_was_offered_and_says_what_it_was_not() {
    let table: &[(&str, &[&str], &str, &[&str])] = &[
        ("/tool clock", &[], "I have no tools, so no clock.", &[]),
        ("/tool clock", &["add", "wait"], "I have no tool clock; I have add, wait.", &[]),
        (
            "/tool clock; /tool add",
            &["add"],
            "I have no tool clock; I have add. I ask the tool add. ",
            &["add"],
        ),
        ("/ask Why?", &["add"], "I have no tool ask_user; I have add.", &[]),
    ];
    for (text, offered, said, calls) in table {
        let taken = asked(text, offered).await;
        assert_eq!(taken.text(), *said, "{text}");
        let names: Vec<_> = taken.calls().into_iter().map(|call| call.name.to_string()).collect();
        assert_eq!(names, *calls, "{text}");
    }
    let many: Vec<String> = (0..1_000).map(|n| format!("tool_{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let taken = asked("/tool clock", &many).await;
    assert!(taken.text().ends_with("….") && taken.text().len() < 300, "{}", taken.text());
}

#[tokio::test]
async fn a_question_is_put_to_the_user_and_the_answer_told() {
    let user = History::default().user("/ask Tea or coffee? | tea | coffee");
    let taken = take(&quick(), offering(&user, &["ask_user"])).await;
    assert_eq!(taken.text(), "I ask you. ");
    let arguments = json!({"question": "Tea or coffee?", "options": ["tea", "coffee"]});
    assert_eq!(taken.calls(), [call("ask_user", arguments)]);

    let history = user.answered(&taken);
    assert_eq!(say(&history.clone().tool(0, "tea")).await, "You answered \"tea\".");
    let failure = Failure::new(FailureKind::Denied, "none of your business");
    let said = say(&history.tool_parts(0, &[]).failed(failure)).await;
    assert_eq!(said, "You did not answer: \"none of your business\".");
}

#[tokio::test]
async fn who_joins_after_the_results_hears_both() {
    let user = History::default().user("/tool clock");
    let taken = take(&quick(), offering(&user, &["clock"])).await;
    let history = user.answered(&taken).tool(0, "noon").user("my name is Ada");
    let said = say(&history).await;
    assert!(said.starts_with("clock answered \"noon\". Nice to meet you, Ada."), "{said}");
    // What was told once is not told again.
    let history = history.assistant(&said).user("what is my name?");
    assert_eq!(say(&history).await, "Your name is Ada.");
}

#[tokio::test]
async fn it_hands_a_turn_on_and_takes_one_over() {
    let said = say(&History::default().user("/handoff bob what is my name?")).await;
    assert_eq!(said, "@bob what is my name?");
    let history = History::default()
        .user("call me Ada")
        .assistant("hi")
        .user("/handoff bob")
        .assistant(&said);
    assert_eq!(say(&history).await, "Your name is Ada.", "bob answers what he was asked");

    let said = say(&History::default().user("/handoff bob")).await;
    assert_eq!(said, "@bob please take over.");
    let history = History::default().user("/handoff bob").assistant(&said);
    assert_eq!(say(&history).await, "Hello. This is message 1 you sent in this chat.");

    // On and on: each takes his own part off.
    let said = say(&History::default().user("/handoff bob /handoff eve hello")).await;
    let history = History::default().user("/handoff bob /handoff eve hello").assistant(&said);
    assert_eq!(say(&history).await, "@eve hello");
}

#[tokio::test]
async fn whom_a_message_addresses_does_not_matter_and_others_do_not_answer_for_it() {
    let history = History::default().user("@all my name is Ada").assistant("I am Bob.").by("bob");
    let mut request = history.request();
    request.agent = Some(AgentName::new("eve").unwrap());
    assert_eq!(
        take(&quick(), request).await.text(),
        "Nice to meet you, Ada. This is message 1 you sent in this chat."
    );
}

#[tokio::test]
async fn a_title_is_made_of_the_first_words_of_the_user() {
    let table = [
        ("my name is Ada", "My name is Ada"),
        ("what is the weather like in Rome today?", "What is the weather like in"),
        ("\n /long 3 \n\nand more", "Long 3"),
        ("\"ärger\"", "Ärger"),
        ("!?", ""),
    ];
    for (written, expected) in table {
        let text = format!("The user wrote:\n\n{}\n\nThe answer began:\n\nHello", written.trim());
        let mut request = History::default().user(&text).request();
        request.system = TITLE_INSTRUCTIONS.into();
        assert_eq!(take(&quick(), request).await.text(), expected, "{written:?}");
    }
}

#[tokio::test]
async fn what_a_tool_brings_without_words_is_told_without_any() {
    let user = History::default().user("/tool draw");
    let taken = take(&quick(), offering(&user, &["draw"])).await;
    let source = polychat_core::content::BlobSource::Uri { uri: "http://pictures/1.png".into() };
    let picture = Part::Blob { media_type: "image/png".into(), source };
    let said = say(&user.answered(&taken).tool_parts(0, &[picture])).await;
    assert_eq!(said, "draw answered without a word.");
}

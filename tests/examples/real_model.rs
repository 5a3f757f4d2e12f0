//! `concurrent_chats` with `--base-url`: a real driver against a server that can be told to stall.

use polychat_testkit::openai_server::{Behaviour, Frame, OpenAiServer};

use crate::program::{Talk, example, soon};

const CHATS: [(&str, &str); 4] = [("a", "amber"), ("b", "birch"), ("c", "cedar"), ("d", "dahlia")];
const VARIABLE: &str = "POLYCHAT_EXAMPLE_KEY";
const KEY: &str = "sk-canary-7c1e5a";

fn talk_with(server: &OpenAiServer, more: &[&str]) -> Talk {
    let url = server.base_url();
    let mut args = vec!["--base-url", &url, "--model", "test-model"];
    args.extend(more);
    let mut command = example("concurrent_chats", &args);
    command.env(VARIABLE, KEY).env("RUST_LOG", "trace");
    Talk::with(command)
}

// REQ-2, REQ-15
#[tokio::test]
async fn four_chats_are_answered_by_a_server_at_the_same_moment_each_from_its_own_history() {
    let server = OpenAiServer::start().await.unwrap();
    let mut talk = talk_with(&server, &["--key-env", VARIABLE]);
    for (chat, secret) in CHATS {
        let text = format!("my word is {secret}");
        server.when(&text, Behaviour::stall_after(&format!("I hear {secret}. And ")));
        talk.say(&format!("{chat}: {text}")).await;
    }
    soon(server.answers_open_reach(4)).await;
    for (chat, secret) in CHATS {
        talk.hear(&format!("{chat}: I hear {secret}.")).await;
        talk.say(&format!("{chat}: /cancel")).await;
        talk.hear(&format!("{chat}: [cancelled]")).await;
    }
    // A cancelled turn closes its request.
    soon(server.answers_open_reach(0)).await;
    for (chat, _) in CHATS {
        talk.say(&format!("{chat}: and in {chat} now?")).await;
    }
    let printed = talk.end().await;

    printed.assert_plain(&CHATS.map(|(chat, _)| chat));
    for (chat, secret) in CHATS {
        assert_eq!(printed.said(chat), format!("I hear {secret}. And and in {chat} now?"));
        let row = printed.row(chat);
        assert_eq!((row["turns"], row["cancelled"], row["completed"]), (2, 1, 1));
    }
    let received = server.received();
    assert_eq!(received.len(), 8);
    for request in &received {
        let secrets = CHATS.iter().filter(|(_, secret)| request.text.contains(secret)).count();
        assert_eq!(secrets, 1, "{}", request.text);
        assert_eq!(request.authorization.as_deref(), Some(format!("Bearer {KEY}").as_str()));
    }
    assert!(!printed.out.contains(KEY) && !printed.err.contains(KEY));
}

// REQ-11
#[tokio::test]
async fn a_server_that_refuses_one_chat_fails_its_turn_and_the_key_is_struck_from_what_it_says() {
    let server = OpenAiServer::start().await.unwrap();
    server.when("leak", Behaviour::status(401, &format!("the key {KEY} is wrong")));
    let mut talk = talk_with(&server, &["--provider", "openai", "--key-env", VARIABLE]);
    talk.say("a: leak").await;
    talk.say("b: an ordinary question").await;
    talk.hear("b: an ordinary question").await;
    let printed = talk.end().await;
    assert_eq!((printed.row("a")["failed"], printed.row("b")["completed"]), (1, 1));
    let failed = printed.of("a")[0];
    assert!(
        failed.starts_with("[failed: model_refused") && failed.contains("[secret]"),
        "{failed}"
    );
    assert!(!printed.out.contains(KEY) && !printed.err.contains(KEY));
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = OpenAiServer::start().await.unwrap();
    let mut talk = talk_with(&server, &[]);
    talk.say("a: hello").await;
    talk.hear("a: hello").await;
    assert_eq!(talk.end().await.row("a")["completed"], 1);
    assert_eq!(server.received()[0].authorization, None);
}

// REQ-4, issue 3
#[tokio::test]
async fn a_real_model_gets_tools_when_it_is_given_them_and_hears_what_became_of_its_calls() {
    let server = OpenAiServer::start().await.unwrap();
    let calls = vec![
        Frame::tool_call(0, "call-a", "ring", "{\"times\":2}"),
        Frame::tool_call(1, "call-b", "no_such_tool", "{}"),
        Frame::Finish("tool_calls".to_owned()),
        Frame::Done,
    ];
    server.then(Behaviour::Stream(calls));
    let mut talk = talk_with(&server, &["--tools", "--pace", "0"]);
    talk.say("a: ring twice").await;
    talk.hear("a: [no_such_tool #2 failed: unknown_tool").await;
    talk.hear("a: [waiting for you: ring #1").await;
    talk.say("a: /allow").await;
    talk.hear("a: [ring #1 answered: rang 2 times]").await;
    talk.hear("a: ring twice").await;
    assert_eq!(talk.end().await.row("a")["tool calls"], 2);

    let received = server.received();
    assert_eq!(received.len(), 2);
    let offered = received[0].body["tools"].as_array().unwrap();
    let names: Vec<_> = offered.iter().map(|tool| tool["function"]["name"].as_str()).collect();
    assert!(names.contains(&Some("ring")) && names.contains(&Some("clock")), "{names:?}");
    let heard = received[1].body["messages"].as_array().unwrap();
    let results: Vec<_> = heard.iter().filter(|message| message["role"] == "tool").collect();
    assert_eq!(results.len(), 2);
    assert_eq!(
        (&results[0]["tool_call_id"], &results[1]["tool_call_id"]),
        (&"call-a".into(), &"call-b".into())
    );
    assert!(results[0]["content"].to_string().contains("rang 2 times"));
}

#[tokio::test]
async fn without_being_asked_for_no_tools_are_sent() {
    let server = OpenAiServer::start().await.unwrap();
    let mut talk = talk_with(&server, &[]);
    talk.say("a: hello").await;
    talk.hear("a: hello").await;
    talk.end().await;
    assert_eq!(server.received()[0].body.get("tools"), None);
}

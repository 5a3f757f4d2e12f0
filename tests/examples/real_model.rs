//! `concurrent_chats` with `--base-url`: a real driver against a server that can be told to stall.

use polychat_testkit::openai_server::{Behaviour, OpenAiServer};

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

//! Each command has its route, and each reply comes back as it is.

use std::sync::{Arc, Mutex};

use axum::http::Method;
use polychat_core::{Command, Reply, command::Accepted};
use polychat_testkit::{fake_world::FakeWorld, samples, transport_suite::replies::every_reply};
use polychat_transport::{
    guard::Expected,
    http::HttpOptions,
    wire::{WireCommand, WireLimits, decode_reply},
};
use serde_json::{Map, Value, json};

use super::{Answer, ask, door};

/// A command as a request: the table that is promised to clients.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// Percent-encodes all that is no letter and no digit.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Takes a parameter out: the path says it.
fn take(params: &mut Map<String, Value>, name: &str) -> String {
    encoded(params.remove(name).unwrap().as_str().unwrap())
}

fn query(params: &Map<String, Value>) -> String {
    let pair = |(name, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", encoded(&value))
    };
    format!("?{}", params.iter().map(pair).collect::<Vec<_>>().join("&"))
}

pub(super) fn asked(command: Command) -> Asked {
    let wire = serde_json::to_value(WireCommand::try_from(command).unwrap()).unwrap();
    let name = wire["method"].as_str().unwrap();
    let mut rest = wire["params"].as_object().cloned().unwrap_or_default();
    let p = &mut rest;
    let of_chat = |p: &mut Map<_, _>, end: &str| format!("/chats/{}{end}", take(p, "chatId"));
    let of_prompt = |p: &mut Map<_, _>| {
        let chat = take(p, "chatId");
        format!("/chats/{chat}/prompts/{}", take(p, "promptId"))
    };
    let (method, path) = match name {
        "world/get" => (Method::GET, String::new()),
        "world/update" => (Method::PATCH, "/settings".into()),
        "agent/put" => {
            let agent = p["agent"].as_object_mut().unwrap();
            (Method::PUT, format!("/agents/{}", take(agent, "name")))
        }
        "agent/remove" => (Method::DELETE, format!("/agents/{}", take(p, "agent"))),
        "chat/create" => (Method::POST, "/chats".into()),
        "chat/import" => (Method::POST, "/chats/import".into()),
        "chat/fork" => (Method::POST, format!("/chats/{}/fork", take(p, "from"))),
        "chat/list" => (Method::GET, "/chats".into()),
        "chat/snapshot" => (Method::GET, of_chat(p, "")),
        "chat/update" => (Method::PATCH, of_chat(p, "")),
        "chat/delete" => (Method::DELETE, of_chat(p, "")),
        "chat/close" => (Method::POST, of_chat(p, "/close")),
        "chat/reopen" => (Method::POST, of_chat(p, "/reopen")),
        "prompt/send" => (Method::POST, of_chat(p, "/prompts")),
        "prompt/list" => (Method::GET, of_chat(p, "/prompts")),
        "prompt/outcome" => (Method::GET, of_prompt(p)),
        "prompt/edit" => (Method::PATCH, of_prompt(p)),
        "prompt/withdraw" => (Method::DELETE, of_prompt(p)),
        "turn/cancel" => (Method::POST, of_chat(p, "/cancel")),
        "history/revise" => (Method::POST, of_chat(p, "/revise")),
        "approval/decide" => {
            let chat = take(p, "chatId");
            (Method::POST, format!("/chats/{chat}/approvals/{}", take(p, "toolCallId")))
        }
        "messages/list" => (Method::GET, of_chat(p, "/messages")),
        "log/read" => (Method::GET, of_chat(p, "/log")),
        "search" => (Method::GET, "/search".into()),
        other => panic!("{other} has no route"),
    };
    if method == Method::GET {
        let path = if rest.is_empty() { path } else { format!("{path}{}", query(&rest)) };
        return Asked { method, path, body: None };
    }
    // What says nothing need not be sent, and a delete takes nothing.
    let body = (!rest.is_empty()).then_some(Value::Object(rest));
    Asked { method, path, body }
}

/// A world that answers each command by what the list says of it.
pub(super) fn answering(replies: Vec<(Command, Reply)>) -> Arc<FakeWorld> {
    let answers = Mutex::new(replies);
    Arc::new(FakeWorld::answering(move |command| {
        let mut answers = answers.lock().unwrap();
        let at = answers.iter().position(|(asked, _)| *asked == command);
        let reply = at.map_or_else(|| fitting(&command), |at| answers.remove(at).1);
        std::future::ready(Ok(reply))
    }))
}

/// A reply of the kind that the command asks for.
fn fitting(command: &Command) -> Reply {
    let kind = Expected::of(command).kind();
    let mut reply = every_reply().into_iter().map(|(_, reply)| reply).find(|it| it.name() == kind);
    if let (Some(Reply::Accepted(Accepted { prompt_id, .. })), Command::Revise { prompt, .. }) =
        (&mut reply, command)
    {
        prompt_id.clone_from(prompt);
    }
    reply.unwrap()
}

async fn asked_of(world: &Arc<FakeWorld>, command: Command) -> Answer {
    let Asked { method, path, body } = asked(command);
    let router = door(world.clone(), HttpOptions::default());
    ask(&router, method, &path, body.as_ref()).await
}

// issue 6: the whole door
#[tokio::test]
async fn every_command_has_a_route_and_arrives_as_it_was_asked() {
    let world = answering(Vec::new());
    for command in samples::every_command() {
        let answer = asked_of(&world, command.clone()).await;
        assert!(answer.status.is_success(), "{command:?}: {answer:?}");
        assert_eq!(world.commands().last(), Some(&command));
    }
    assert_eq!(world.commands(), samples::every_command(), "one request, one command");
}

// issue 6
#[tokio::test]
async fn every_reply_comes_back_as_it_was_given_and_under_its_own_status() {
    for (command, reply) in every_reply() {
        let world = answering(vec![(command.clone(), reply.clone())]);
        let answer = asked_of(&world, command.clone()).await;
        let expected = Expected::of(&command);
        let read = decode_reply(&answer.body, &expected, &WireLimits::default());
        assert_eq!(read, Ok(reply), "{command:?}");
        let status = match expected.kind() {
            "chat" => 201,
            "accepted" => 202,
            _ => 200,
        };
        assert_eq!(answer.status, status, "{command:?}");
        assert_eq!(answer.header(axum::http::header::CONTENT_TYPE), "application/json");
        assert_eq!(answer.header(axum::http::header::CACHE_CONTROL), "no-store");
    }
}

// constraint 1: existing ids of any form
#[tokio::test]
async fn an_id_of_any_form_but_with_a_slash_reaches_the_world_as_it_is_and_is_decoded_once() {
    let world = answering(Vec::new());
    for id in
        ["import", "a b", "größe", "%2e%2e", "..a", "a?b#c&d=e", "a;b:c@d", "~", "💬", "\\..\\"]
    {
        let chat = samples::chat_id(id);
        for command in [
            Command::Snapshot { chat: chat.clone() },
            Command::DeleteChat { chat: chat.clone() },
            Command::ListPrompts { chat: chat.clone() },
            Command::WithdrawPrompt { chat, prompt: samples::prompt_id(id) },
        ] {
            assert_eq!(asked_of(&world, command.clone()).await.status, 200, "{id}");
            assert_eq!(world.commands().last(), Some(&command));
        }
    }
}

// issue 6: paged by cursors
#[tokio::test]
async fn a_page_of_a_log_says_where_the_next_one_begins_unless_it_is_the_last() {
    for (kept, next) in [(2, json!(2)), (usize::MAX, Value::Null), (0, Value::Null)] {
        let world = FakeWorld::answering(move |command| {
            let Reply::Log(mut page) = fitting(&command) else { panic!("not asked for") };
            page.events.truncate(kept);
            std::future::ready(Ok(Reply::Log(page)))
        });
        let router = door(Arc::new(world), HttpOptions::default());
        let answer = ask(&router, Method::GET, "/chats/a/log", None).await;
        assert_eq!(answer.json()["next"], next, "{kept}");
    }
}

// issue 6: a page whose size nobody asked for has one all the same
#[tokio::test]
async fn pages_have_a_size_and_a_beginning_of_their_own() {
    let world = answering(Vec::new());
    let router = door(world.clone(), HttpOptions::default());
    for path in ["/chats", "/chats/a/messages", "/chats/a/log", "/search?text=tea"] {
        assert_eq!(ask(&router, Method::GET, path, None).await.status, 200, "{path}");
    }
    for command in world.commands() {
        let (after, limit) = match command {
            Command::ListChats { page, .. } | Command::ListMessages { page, .. } => {
                (page.after.is_some(), page.limit)
            }
            Command::ReadLog { after, limit, .. } => (after.get() > 0, limit),
            Command::Search { query } => (query.page.after.is_some(), query.page.limit),
            other => panic!("{other:?}"),
        };
        assert_eq!((after, limit), (false, 100));
    }
}

// issue 6
#[tokio::test]
async fn agents_and_approvals_are_read_off_the_world_and_the_chat() {
    let router = door(answering(Vec::new()), HttpOptions::default());
    let agents = ask(&router, Method::GET, "/agents", None).await.json();
    assert_eq!(
        (&agents["type"], &agents["agents"][0]["name"]),
        (&json!("agents"), &json!("guide"))
    );
    assert!(agents["defaultAgent"].is_string(), "{agents}");
    let approvals = ask(&router, Method::GET, "/chats/a/approvals", None).await.json();
    assert_eq!(approvals["type"], "approvals");
    assert_eq!(approvals["approvals"][0]["toolCallId"], "5.0");
    assert_eq!(approvals["approvals"][0]["chatId"], "a");
}

// issue 6
#[tokio::test]
async fn an_agent_may_repeat_its_name_but_has_no_other_than_the_path_says() {
    let world = answering(Vec::new());
    let router = door(world.clone(), HttpOptions::default());
    let put = |name: &str| json!({ "agent": { "name": name, "model": "demo" } });
    assert_eq!(ask(&router, Method::PUT, "/agents/a", Some(&put("a"))).await.status, 200);
    let refused = ask(&router, Method::PUT, "/agents/a", Some(&put("b"))).await;
    assert_eq!(refused.problem(), (400, "invalid_input".into()));
    assert_eq!(refused.json()["what"], "agent.name");
    assert_eq!(world.commands().len(), 1);
}

// issue 6: whoever names no prompt gets a name, and each time another one
#[tokio::test]
async fn a_prompt_without_a_name_gets_one_of_its_own() {
    let world = Arc::new(FakeWorld::answering(|command| {
        let (Command::SendPrompt { prompt, .. } | Command::Revise { prompt, .. }) = command else {
            panic!("not asked for")
        };
        let accepted = Accepted { prompt_id: prompt, accepted_seq: samples::seq(2) };
        std::future::ready(Ok(Reply::Accepted(accepted)))
    }));
    let router = door(world, HttpOptions::default());
    let mut names = std::collections::BTreeSet::new();
    let hello = json!({ "parts": [{ "type": "text", "text": "hello" }] });
    let again = json!({ "target": { "kind": "turn", "turnId": 3 } });
    for (path, body) in [("prompts", &hello), ("prompts", &hello), ("revise", &again)] {
        let path = format!("/chats/a/{path}");
        let answer = ask(&router, Method::POST, &path, Some(body)).await;
        assert_eq!(answer.status, 202);
        assert!(names.insert(answer.json()["promptId"].as_str().unwrap().to_owned()));
    }
    assert_eq!(names.len(), 3);
}

// issue 6: a world that answers another question is not believed
#[tokio::test]
async fn an_answer_of_another_kind_is_a_fault_and_no_answer() {
    let router = door(Arc::new(FakeWorld::always(Ok(Reply::Done))), HttpOptions::default());
    let hello = json!({ "parts": [{ "type": "text", "text": "hello" }] });
    for (method, path, body) in [
        (Method::POST, "/chats/a/prompts", Some(&hello)),
        (Method::GET, "/chats/a/log", None),
        (Method::GET, "/chats/a/approvals", None),
        (Method::GET, "/agents", None),
    ] {
        let answer = ask(&router, method, path, body).await;
        assert_eq!(answer.problem(), (502, "protocol".into()), "{path}");
    }
}

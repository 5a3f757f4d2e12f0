//! A caller behind a policy is told nothing of what is not theirs, by no route.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use polychat::{Access, ChatId, NewChat, Refusal, ScopePolicy, transport::http::HttpOptions};
use serde_json::{Value, json};

use super::{ask, door, door_with};
use crate::support::{House, house};

/// Whoever may do everything in chats that begin with `ada`, and see no others.
struct Ada;

impl ScopePolicy for Ada {
    fn chat(&self, chat: &ChatId) -> Access {
        if chat.as_str().starts_with("ada") { Access::Write } else { Access::None }
    }

    fn admit(&self, _: &mut NewChat) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Every route of a chat, with a body that it takes.
fn every_route() -> Vec<(Method, &'static str, Option<Value>)> {
    let hello = json!({ "promptId": "p", "parts": [{ "type": "text", "text": "hello" }] });
    let revise = json!({ "promptId": "q", "target": { "kind": "turn", "turnId": 3 } });
    vec![
        (Method::GET, "", None),
        (Method::PATCH, "", Some(json!({ "title": "mine" }))),
        (Method::DELETE, "", None),
        (Method::POST, "/close", None),
        (Method::POST, "/reopen", None),
        (Method::POST, "/fork", Some(json!({ "at": 2, "chat": { "chatId": "ada-2" } }))),
        (Method::POST, "/cancel", None),
        (Method::POST, "/revise", Some(revise)),
        (Method::GET, "/prompts", None),
        (Method::POST, "/prompts", Some(hello.clone())),
        (Method::POST, "/prompts?wait=outcome", Some(hello)),
        (Method::GET, "/prompts/p", None),
        (Method::PATCH, "/prompts/p", Some(json!({}))),
        (Method::DELETE, "/prompts/p", None),
        (Method::GET, "/approvals", None),
        (Method::POST, "/approvals/4.0", Some(json!({ "decision": { "kind": "allowOnce" } }))),
        (Method::GET, "/messages", None),
        (Method::GET, "/log", None),
        (Method::GET, "/export", None),
        (Method::GET, "/events", None),
        (Method::GET, "/events?until=idle", None),
    ]
}

async fn shared_house() -> House {
    let house = house().open().await;
    let theirs = house.chat("bob-1").await;
    house.turn(&theirs, "bobs secret", "well kept").await;
    house.chat("ada-1").await;
    house
}

// issue 6: errors do not reveal that a chat exists
#[tokio::test(start_paused = true)]
async fn what_may_not_be_seen_is_answered_exactly_like_what_does_not_exist() {
    let house = shared_house().await;
    let ada = house.local.scoped(Arc::new(Ada));
    let mut options = HttpOptions::default();
    options.exporter = Some(Arc::new(polychat::Exports));
    let router = door_with(&ada, options);
    for (method, end, body) in every_route() {
        let mut answers = Vec::new();
        for chat in ["bob-1", "bob-9"] {
            let path = format!("/chats/{chat}{end}");
            let answer = ask(&router, method.clone(), &path, body.as_ref()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            assert_eq!(answer.json()["code"], "unknown_chat", "{method} {path}");
            answers.push(answer.text().replace(chat, "it"));
        }
        assert_eq!(answers[0], answers[1], "{method} {end}");
    }
    for chat in ["bob-1", "bob-9"] {
        let make = json!({ "chatId": chat });
        let answer = ask(&router, Method::POST, "/chats", Some(&make)).await;
        assert_eq!(answer.json()["code"], "forbidden", "{chat}");
    }
    // None of it has done anything.
    let log = ask(&door(&house.local), Method::GET, "/chats/bob-1/log", None).await.json();
    assert_eq!(log["head"], 6);
}

// issue 6: two users in one world see nothing of each other
#[tokio::test(start_paused = true)]
async fn lists_and_exports_hold_only_what_may_be_seen() {
    let house = shared_house().await;
    let mut options = HttpOptions::default();
    options.exporter = Some(Arc::new(polychat::Exports));
    let router = door_with(&house.local.scoped(Arc::new(Ada)), options);
    // Bob's chat comes behind in the list: the next page is empty, and the last.
    let list = ask(&router, Method::GET, "/chats?limit=1", None).await.json();
    assert_eq!(list["next"], "ada-1");
    let list = ask(&router, Method::GET, "/chats?limit=1&after=ada-1", None).await.json();
    assert_eq!(list, json!({ "type": "chats", "chats": [] }));
    let export = ask(&router, Method::GET, "/export", None).await;
    assert_eq!(export.status, StatusCode::OK);
    assert!(export.text().contains("ada-1"));
    for answer in [ask(&router, Method::GET, "/chats", None).await, export] {
        assert!(!answer.text().contains("bob") && !answer.text().contains("kept"), "{answer:?}");
    }
    for path in ["", "/agents"] {
        assert_eq!(ask(&router, Method::GET, path, None).await.json()["code"], "forbidden");
    }
}

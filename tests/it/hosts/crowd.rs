//! A hundred chats at once through one host.

use polychat::{Hosts, Message, PromptHandle, PromptOutcome, command::NewChat};
use serde_json::json;

use super::{by_hand::Host, serve, theirs, world_of_hosts};
use crate::support::{WORLD, assert_sound, chat_id, outcome, within};

const CHATS: usize = 100;

fn secret(n: usize) -> String {
    format!("chat-secret-{n}-")
}

/// The chat of this number has its own answer, and its own throw.
async fn is_served(n: usize, prompt: &PromptHandle) {
    assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
    assert_eq!(within(prompt.answer()).await.unwrap(), format!("{n} is served"));
    assert_sound(prompt.chat()).await;
    let said: Vec<String> = within(prompt.chat().snapshot())
        .await
        .unwrap()
        .messages
        .iter()
        .filter(|message| !message.is_user() && !message.is_assistant())
        .map(|message: &std::sync::Arc<Message>| message.text())
        .collect();
    assert_eq!(said, [format!("thrown for {n}")]);
}

// REQ-1, REQ-2, REQ-3, REQ-4, REQ-15, law 3
#[tokio::test(start_paused = true)]
async fn a_hundred_chats_use_a_hosts_model_and_tool_at_once_and_none_is_named_to_it() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let mut host = Host::registered(&serve(&house, &hosts)).await;
    let mut prompts = Vec::new();
    for n in 0..CHATS {
        let mut chat = NewChat::with_id(chat_id(&secret(n)));
        chat.agent = Some(theirs());
        chat.context = [("folder", n)].into();
        let chat = house.world.create_chat(chat).await.unwrap();
        prompts.push(chat.prompt(format!("I am {n}")).await.unwrap());
    }
    // Nothing is answered before all have asked: they run at the same time.
    let mut asked = Vec::new();
    for _ in 0..CHATS {
        asked.push(host.asked().await);
    }
    for question in asked.iter().rev() {
        assert_eq!(
            (question.method.as_str(), &question.params["model"]),
            ("model/stream", &json!("mine"))
        );
        assert_eq!(question.params["messages"].as_array().unwrap().len(), 1);
        let n: usize = question.last_text().strip_prefix("I am ").unwrap().parse().unwrap();
        assert_eq!(question.params["context"]["chat"], json!({ "folder": n }));
        let call =
            json!({ "type": "toolCall", "call": { "name": "dice", "arguments": { "of": n } } });
        host.tell("model/delta", question, "delta", call).await;
        host.answer(question, json!({ "finish": "toolCalls" })).await;
    }
    let mut calls = Vec::new();
    for _ in 0..CHATS {
        calls.push(host.asked().await);
    }
    for call in &calls {
        assert_eq!(call.method, "tool/call");
        let n = &call.params["arguments"]["of"];
        assert_eq!(call.params["context"]["chat"], json!({ "folder": n }));
        host.tell("tool/output", call, "text", json!(format!("rolling for {n}"))).await;
        let part = json!({ "type": "text", "text": format!("thrown for {n}") });
        host.answer(call, json!({ "parts": [part] })).await;
    }
    let mut asked = Vec::new();
    for _ in 0..CHATS {
        asked.push(host.asked().await);
    }
    for question in &asked {
        let n = question.last_text().strip_prefix("thrown for ").unwrap().to_owned();
        assert_eq!(question.params["messages"][0]["parts"][0]["text"], json!(format!("I am {n}")));
        host.says(question, &format!("{n} is ")).await;
        host.says(question, "served").await;
        host.answer(question, json!({})).await;
    }
    for (n, prompt) in prompts.iter().enumerate() {
        is_served(n, prompt).await;
    }
    // Law 3: neither the chats nor the world have a name in what the host was told.
    for line in &host.heard[2..] {
        for name in ["chat-secret-", WORLD, "chatId", "worldId", "handle", "resolved"] {
            assert!(!line.contains(name), "{name}: {line}");
        }
    }
    for call in &calls {
        let mut params: Vec<_> = call.params.as_object().unwrap().keys().collect();
        params.sort();
        assert_eq!(params, ["arguments", "callId", "context", "name"]);
    }
}

//! Hosts that go in the middle of work, and come back.

use polychat::{
    Chat, FailureKind, Hosts, PromptHandle, PromptOutcome,
    diagnostic::{DiagnosticKind, ToolSourceState},
};
use serde_json::json;

use super::{
    by_hand::{Asked, Host},
    chat_of_theirs, serve, world_of_hosts,
};
use crate::support::{
    WorldWatcher, assert_sound, failure, messages, outcome, settle, watch, within,
};

/// Chats whose turns the host has begun to answer, with what it was asked.
async fn in_the_middle(
    house: &crate::support::House,
    host: &mut Host,
    chats: usize,
) -> Vec<(Chat, PromptHandle, Asked)> {
    let mut running = Vec::new();
    for n in 0..chats {
        let chat = chat_of_theirs(house, &format!("c{n}")).await;
        let prompt = chat.prompt("go on").await.unwrap();
        let asked = host.asked().await;
        host.says(&asked, &format!("half of {n}")).await;
        watch(&chat).await.until_text(&format!("half of {n}")).await;
        running.push((chat, prompt, asked));
    }
    running
}

// issue 5, REQ-11, law 5, law 6
#[tokio::test(start_paused = true)]
async fn when_a_host_dies_mid_stream_its_turns_end_as_host_gone_and_others_do_not_notice() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let mut feed = WorldWatcher::new(&house.world).await;
    let server = serve(&house, &hosts);
    let mut host = Host::registered(&server).await;
    let own = house.chat("own").await;
    let (of_own, call) = house.begin(&own, "hello").await;
    call.text("half ");
    let running = in_the_middle(&house, &mut host, 20).await;
    let with_tool = chat_of_theirs(&house, "tool").await;
    let of_tool = with_tool.prompt("throw").await.unwrap();
    let asked = host.asked().await;
    let dice = json!({ "type": "toolCall", "call": { "name": "dice", "arguments": {} } });
    host.tell("model/delta", &asked, "delta", dice).await;
    host.answer(&asked, json!({})).await;
    assert_eq!(host.asked().await.method, "tool/call");

    drop(host);
    for (n, (chat, prompt, _)) in running.iter().enumerate() {
        let failed = failure(prompt).await;
        assert_eq!((failed.kind, failed.retryable), (FailureKind::HostGone, true));
        assert_eq!(
            messages(chat).await,
            ["user: go on".to_owned(), format!("assistant: half of {n}")]
        );
        assert_sound(chat).await;
    }
    // The tool's call ends, the model is asked what to make of it, and has gone as well.
    assert_eq!(failure(&of_tool).await.kind, FailureKind::HostGone);
    assert_sound(&with_tool).await;
    let told = loop {
        let told = feed.until_diagnostic("tool_source").await;
        if let DiagnosticKind::ToolSource { state: ToolSourceState::Failed, source, .. } = told.kind
        {
            break source;
        }
    };
    assert_eq!(&*told, "an app");

    call.text("and whole").finish();
    assert_eq!(outcome(&of_own).await, PromptOutcome::Completed);
    assert_eq!(messages(&own).await, ["user: hello", "assistant: half and whole"]);
}

#[tokio::test(start_paused = true)]
async fn a_prompt_to_a_host_that_is_away_fails_typed_and_the_same_chat_goes_on_when_it_is_back() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let server = serve(&house, &hosts);
    let chat = chat_of_theirs(&house, "a").await;
    // It never was there: no model of this name is configured.
    let early = chat.prompt("first").await.unwrap();
    assert_eq!(failure(&early).await.kind, FailureKind::NotConfigured);
    drop(Host::registered(&server).await);
    settle().await;
    let away = chat.prompt("second").await.unwrap();
    assert_eq!(failure(&away).await.kind, FailureKind::HostGone);
    // It comes back while the same prompt is tried again.
    let prompt = chat.prompt("third").await.unwrap();
    settle().await;
    let mut host = Host::registered(&server).await;
    let asked = host.asked().await;
    assert_eq!(asked.last_text(), "third");
    host.says(&asked, "here").await;
    host.answer(&asked, json!({})).await;
    assert_eq!(within(prompt.answer()).await.unwrap(), "here");
    assert_sound(&chat).await;
}

// REQ-12: a turn that is stopped stops its call in the host, and no other
#[tokio::test(start_paused = true)]
async fn a_turn_that_is_cancelled_cancels_its_call_in_the_host_and_no_other() {
    let hosts = Hosts::new();
    let house = world_of_hosts(&hosts).open().await;
    let mut host = Host::registered(&serve(&house, &hosts)).await;
    let running = in_the_middle(&house, &mut host, 2).await;
    let (stopped, stopped_prompt, stopped_call) = &running[0];
    stopped.cancel().await.unwrap();
    assert_eq!(outcome(stopped_prompt).await, PromptOutcome::Cancelled);
    let told = host.hear().await;
    assert_eq!(
        (&told["method"], &told["params"]["id"]),
        (&json!("$/cancelRequest"), &stopped_call.id)
    );
    host.says(stopped_call, "too late").await;
    let (going_on, prompt, call) = &running[1];
    host.says(call, " and all").await;
    host.answer(call, json!({})).await;
    assert_eq!(outcome(prompt).await, PromptOutcome::Completed);
    assert_eq!(messages(going_on).await, ["user: go on", "assistant: half of 1 and all"]);
    assert_eq!(messages(stopped).await, ["user: go on", "assistant: half of 0"]);
}

//! What one connection wants changed in one chat: in order, but for what ends work by its name.

use std::sync::Arc;

use polychat_core::{
    Command, Reply,
    command::CancelTarget,
    event::{PromptBody, PromptMode},
    tool::ApprovalDecision,
};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, prompt_id, tool_call_id, turn_id},
};
use polychat_transport::{ipc::ServeOptions, wire::encode_command};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::by_hand::{ByHand, connect, server};

/// A world whose store takes a prompt only when it gets a permit.
fn slow() -> (Arc<FakeWorld>, Arc<Semaphore>) {
    let release = Arc::new(Semaphore::new(0));
    let gate = Arc::clone(&release);
    let world = FakeWorld::answering(move |command| {
        let gate = Arc::clone(&gate);
        async move {
            if let Command::SendPrompt { .. } = command {
                gate.acquire().await.unwrap().forget();
            }
            Ok(Reply::Done)
        }
    });
    (Arc::new(world), release)
}

fn send(id: &str) -> Command {
    Command::SendPrompt {
        chat: chat_id("a"),
        prompt: prompt_id(id),
        mode: PromptMode::Queue,
        body: PromptBody::text("x"),
    }
}

fn withdraw(id: &str) -> Command {
    Command::WithdrawPrompt { chat: chat_id("a"), prompt: prompt_id(id) }
}

fn cancel(target: CancelTarget) -> Command {
    Command::CancelTurn { chat: chat_id("a"), target }
}

async fn ask(client: &mut ByHand, id: usize, command: &Command) {
    let mut request: Value =
        serde_json::from_slice(&encode_command(command.clone()).unwrap()).unwrap();
    request["jsonrpc"] = json!("2.0");
    request["id"] = json!(id);
    client.say(request).await;
}

// REQ-11, law 4: a slow store is no reason why a turn goes on that was cancelled
#[tokio::test]
async fn what_ends_work_by_its_name_waits_for_no_prompt_that_waits_before_it() {
    let (world, release) = slow();
    let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
    let prompts: Vec<_> = (1..=3).map(|n| send(&format!("p{n}"))).collect();
    for (id, prompt) in (1..).zip(&prompts) {
        ask(&mut client, id, prompt).await;
    }
    let call = tool_call_id(3, 0);
    let decision = ApprovalDecision::AllowOnce;
    let passing = [
        cancel(CancelTarget::Turn(turn_id(2))),
        Command::DecideApproval { chat: chat_id("a"), call, decision },
        withdraw("p0"),
        Command::DeleteChat { chat: chat_id("a") },
    ];
    for (id, command) in (11..).zip(&passing) {
        ask(&mut client, id, command).await;
        assert_eq!(client.hear().await.unwrap()["id"], json!(id));
    }
    release.add_permits(3);
    for id in 1..=3 {
        assert_eq!(client.hear().await.unwrap()["id"], json!(id));
    }
    let [first, rest @ ..] = &prompts[..] else { panic!("three") };
    let expected: Vec<_> = [first].into_iter().chain(&passing).chain(rest).cloned().collect();
    assert_eq!(world.commands(), expected);
}

// constraint: message order within each chat is preserved
#[tokio::test]
async fn what_is_meant_for_a_prompt_before_it_does_not_overtake_it() {
    let meant_for_it = [withdraw("p2"), cancel(CancelTarget::Running)];
    for command in meant_for_it {
        let (world, release) = slow();
        let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
        let commands = [send("p1"), send("p2"), command];
        for (id, command) in (1..).zip(&commands) {
            ask(&mut client, id, command).await;
        }
        assert_eq!(client.asked(9, "ping", json!({})).await["result"], json!({}));
        release.add_permits(2);
        for id in 1..=3 {
            assert_eq!(client.hear().await.unwrap()["id"], json!(id));
        }
        assert_eq!(world.commands(), commands);
    }
}

// REQ-12: who gives up a place lets nobody begin too early
#[tokio::test]
async fn a_cancelled_request_that_waits_lets_those_behind_it_wait_on() {
    let (world, release) = slow();
    let (mut client, _end) = connect(&server(world.clone(), ServeOptions::default())).await;
    for (id, command) in (1..).zip(["p1", "p2", "p3"].map(send)) {
        ask(&mut client, id, &command).await;
    }
    client.tell("$/cancelRequest", json!({ "id": 2 })).await;
    assert_eq!(client.hear().await.unwrap()["error"]["code"], json!(-32_800));
    assert_eq!(world.commands(), [send("p1")]);
    release.add_permits(2);
    for id in [1, 3] {
        assert_eq!(client.hear().await.unwrap()["id"], json!(id));
    }
    assert_eq!(world.commands(), ["p1", "p3"].map(send));
}

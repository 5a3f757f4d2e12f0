//! What is asked of one chat over one connection, without waiting for answers.

use polychat::{Event, Hosts};
use serde_json::json;

use super::{by_hand::Host, serve, world_of_hosts};
use crate::support::log;

const CHATS: usize = 30;
const PROMPTS: usize = 6;

/// Sends prompts to passive chats without waiting, and looks in which order they were accepted.
async fn prompts_are_accepted_in_order(pipe_bytes: usize) {
    let hosts = Hosts::new();
    let before = world_of_hosts(&hosts).open().await;
    for n in 0..CHATS {
        before.chat(&format!("c{n}")).await;
    }
    before.local.shutdown().await;
    // In this life no chat has an actor yet: the first prompt revives it, and others come meanwhile.
    let house = before.reopened().await;
    let mut client = Host::connect(&serve(&house, &hosts), pipe_bytes).await;
    let mut lines = String::new();
    for prompt in 0..PROMPTS {
        for chat in 0..CHATS {
            let params = json!({ "chatId": format!("c{chat}"), "promptId": format!("p{prompt}"),
                "parts": [{ "type": "text", "text": "hello" }] });
            let id = chat * PROMPTS + prompt;
            let request =
                json!({ "jsonrpc": "2.0", "id": id, "method": "prompt/send", "params": params });
            lines.push_str(&format!("{request}\n"));
        }
    }
    let answers = client.pipelined(lines, CHATS * PROMPTS).await;
    assert!(answers.iter().all(|answer| answer["error"].is_null()), "{answers:?}");
    let expected: Vec<String> = (0..PROMPTS).map(|n| format!("p{n}")).collect();
    for n in 0..CHATS {
        let chat = house.world.chat(format!("c{n}")).unwrap();
        let accepted = |event: &Event| match event {
            Event::PromptAccepted { prompt_id, .. } => Some(prompt_id.as_str().to_owned()),
            _ => None,
        };
        let log = log(&chat).await;
        let found: Vec<_> = log.iter().filter_map(|recorded| accepted(&recorded.event)).collect();
        assert_eq!(found, expected, "c{n}");
    }
}

// constraint: message order within each chat is preserved; here tasks run in any order
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn prompts_that_do_not_wait_for_each_other_are_accepted_in_the_order_of_the_pipe() {
    for pipe_bytes in [64, 700, 64 * 1024] {
        prompts_are_accepted_in_order(pipe_bytes).await;
    }
}

//! Prompt ids: the same id with the same body is answered alike, for ever.

use polychat_core::{
    command::PromptChange,
    event::{PromptBody, PromptMode::Queue},
};
use serde_json::{Map, json};

use super::harness::{Chat, agent, prompt_id};

#[test]
fn the_same_id_and_body_is_answered_alike_while_waiting_running_ended_and_withdrawn() {
    let mut chat = Chat::running();
    assert_eq!(chat.queue("p1"), "again 2");
    chat.queue("p2");
    assert_eq!(chat.queue("p2"), "again 5");
    chat.withdraw("p2");
    assert_eq!(chat.queue("p2"), "again 5");
    chat.says(4, "yes");
    assert_eq!(chat.queue("p1"), "again 2");
    chat.close();
    assert_eq!(chat.queue("p1"), "again 2");
}

#[test]
fn another_mode_is_no_other_body() {
    let mut chat = Chat::running();
    assert_eq!(chat.interrupt("p1"), "again 2");
    assert_eq!(chat.status(), "running");
}

#[test]
fn the_same_id_with_another_body_is_a_conflict_whatever_differs() {
    let mut chat = Chat::running();
    chat.agents.agents.insert(super::harness::agent_name("b"), agent("b").into());
    let object = || Map::from_iter([("k".to_owned(), json!(1))]);
    let base = PromptBody::text("hi");
    let bodies = [
        PromptBody::text("ho"),
        PromptBody { metadata: object().into(), ..base.clone() },
        PromptBody { context: object().into(), ..base.clone() },
        PromptBody { agent: Some(super::harness::agent_name("b")), ..base.clone() },
    ];
    for body in bodies {
        assert_eq!(chat.send_body("p1", Queue, body), "refused conflict");
    }
    assert_eq!(chat.send_body("p1", Queue, base), "again 2");
}

#[test]
fn an_edited_prompt_is_still_known_by_its_original_body() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.edit("p2", PromptChange::default().parts(vec![polychat_core::Part::text("new")]));
    assert_eq!(chat.queue("p2"), "again 5");
    assert_eq!(chat.send("p2", Queue, "new"), "refused conflict");
}

#[test]
fn a_refused_id_is_not_remembered() {
    let mut chat = Chat::new();
    assert_eq!(chat.send("p1", Queue, ""), "refused invalid_input");
    assert_eq!(
        chat.send("p1", Queue, "something else"),
        "prompt.accepted p1, turn.started 3 [p1], message.start 4 step 1"
    );
}

#[test]
fn no_metadata_and_an_empty_object_are_the_same_body() {
    // A caller on the wire may send `{}`, and the resent prompt come from a caller that sends none.
    let body: PromptBody =
        serde_json::from_value(json!({"parts": [{"type": "text", "text": "hi"}], "metadata": {}}))
            .unwrap();
    let mut chat = Chat::running();
    assert_eq!(chat.send_body("p1", Queue, body), "again 2");
}

#[test]
fn a_body_is_the_same_after_a_restart_also_with_awkward_numbers() {
    // law 5: a float that JSON does not give back exactly would turn a resend into a conflict.
    let number = 31.245_270_191_439_438_f64;
    let object = Map::from_iter([("k".to_owned(), json!(number))]);
    let body = || PromptBody { metadata: object.clone().into(), ..PromptBody::text("hi") };
    let mut chat = Chat::new();
    chat.send_body("p1", Queue, body());
    let stored = serde_json::to_string(&chat.log).unwrap();
    let log: Vec<_> = serde_json::from_str(&stored).unwrap();
    assert_eq!(Chat::of_log(&log).send_body("p1", Queue, body()), "again 2");
}

#[test]
fn an_unknown_agent_and_an_empty_prompt_are_refused() {
    let mut chat = Chat::new();
    let body =
        PromptBody { agent: Some(super::harness::agent_name("nobody")), ..PromptBody::text("hi") };
    assert_eq!(chat.send_body("p1", Queue, body), "refused unknown_agent");
    assert_eq!(chat.send_body("p1", Queue, PromptBody::default()), "refused invalid_input");
    assert_eq!(chat.log.len(), 1);
    assert!(chat.state.prompt(&prompt_id("p1")).is_err());
}

#[test]
fn where_a_prompt_stands_can_be_looked_up_at_any_time() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!((chat.outcome("p1"), chat.outcome("p2")), ("running 3".into(), "queued".into()));
    chat.may_run_next = false;
    chat.says(4, "yes");
    assert_eq!((chat.outcome("p1"), chat.outcome("p2")), ("completed".into(), "queued".into()));
}

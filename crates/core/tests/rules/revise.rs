//! Revise and retry: one append, the history is cut, the queue stays behind.

use super::harness::Chat;

fn after_one_turn() -> Chat {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat
}

#[test]
fn a_revision_of_the_running_turn_is_one_append_and_the_queue_stays_behind_it() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(
        chat.shows("half").revise(2, "p3", "better"),
        "message.error 4 \"half\" cancelled, turn.ended 3 cancelled, history.truncated 2, \
         prompt.accepted p3, turn.started 10 [p3], message.start 11 step 1"
    );
    assert_eq!((chat.history().as_str(), chat.waiting().as_str()), ("user: better", "p2"));
    assert_eq!((chat.outcome("p1"), chat.request()), ("cancelled".into(), "user: better".into()));
}

#[test]
fn a_revision_cuts_everything_from_the_message_on() {
    let mut chat = after_one_turn();
    chat.queue("p2");
    chat.says(9, "no");
    assert_eq!(chat.history(), "user: hi | assistant: yes | user: hi | assistant: no");
    assert!(chat.revise(7, "p3", "second").starts_with("history.truncated 7, prompt.accepted p3"));
    assert_eq!(chat.history(), "user: hi | assistant: yes | user: second");
}

#[test]
fn a_revision_sent_again_is_answered_alike_and_with_another_text_is_a_conflict() {
    let mut chat = after_one_turn();
    chat.revise(2, "p2", "better");
    assert_eq!(chat.revise(2, "p2", "better"), "again 8");
    assert_eq!(chat.revise(2, "p2", "best"), "refused conflict");
    assert_eq!(chat.revise(2, "p3", "best"), "refused unknown_message");
}

#[test]
fn only_a_user_message_of_the_history_can_be_revised() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(chat.revise(4, "p3", "x"), "refused unknown_message");
    assert_eq!(chat.revise(5, "p3", "x"), "refused unknown_message", "p2 waits: edit it");
    assert_eq!(chat.revise(99, "p3", "x"), "refused unknown_message");
    chat.says(4, "yes");
    assert_eq!(chat.revise(4, "p3", "x"), "refused unknown_message");
}

#[test]
fn a_revision_without_a_place_waits_before_the_queue() {
    let mut chat = after_one_turn().without_place();
    chat.queue("p2");
    assert_eq!(chat.revise(2, "p3", "better"), "history.truncated 2, prompt.accepted p3");
    assert_eq!((chat.waiting().as_str(), chat.history().as_str()), ("p3 p2", ""));
}

#[test]
fn a_retry_runs_the_first_prompt_of_a_failed_turn_again() {
    let mut chat = Chat::running();
    chat.breaks(4, "ha");
    assert_eq!(
        chat.retry(3, "p2"),
        "history.truncated 2, prompt.accepted p2, turn.started 9 [p2], message.start 10 step 1"
    );
    assert_eq!(chat.request(), "user: hi");
    assert_eq!(chat.retry(3, "p2"), "again 8");
    assert_eq!(chat.retry(3, "p3"), "refused unknown_turn");
    assert_eq!(chat.retry(99, "p3"), "refused unknown_turn");
}

#[test]
fn a_retry_takes_agent_and_context_of_the_prompt_along() {
    use polychat_core::{Event, event::PromptBody};
    let mut chat = Chat::new();
    let context = serde_json::Map::from_iter([("user".to_owned(), serde_json::json!("ada"))]);
    let body = PromptBody {
        agent: Some(super::harness::agent_name("guide")),
        context: context.clone().into(),
        metadata: context.into(),
        ..PromptBody::text("hi")
    };
    chat.send_body("p1", polychat_core::event::PromptMode::Queue, body.clone());
    chat.breaks(4, "");
    chat.retry(3, "p2");
    let again = chat.log.iter().rev().find_map(|recorded| match &recorded.event {
        Event::PromptAccepted { body, .. } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(again, Some(body));
    assert!(!chat.state.step().unwrap().prompt_context.is_empty());
}

#[test]
fn a_retry_under_an_id_that_another_prompt_has_is_no_success() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.send("p2", polychat_core::event::PromptMode::Queue, "something else");
    chat.breaks(9, "");
    assert_eq!(chat.retry(3, "p2"), "refused conflict");
    // A turn that never was cannot have been retried by a prompt from before it.
    assert_eq!(chat.retry(99, "p2"), "refused unknown_turn");
    assert_eq!(chat.history().matches("user").count(), 2);
}

#[test]
fn a_closed_chat_is_not_revised() {
    let mut chat = after_one_turn();
    chat.close();
    assert_eq!(chat.revise(2, "p2", "better"), "refused chat_closed");
    assert_eq!(chat.retry(3, "p2"), "refused chat_closed");
}

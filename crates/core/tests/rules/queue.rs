//! The order of waiting prompts, and how steering joins a turn.

use polychat_core::{command::PromptChange, event::PromptMode};

use super::harness::Chat;

#[test]
fn queued_prompts_run_one_after_the_other_in_order() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.queue("p3");
    assert_eq!(
        chat.says(4, "yes"),
        "message.end 4 \"yes\", turn.ended 3 completed, turn.started 9 [p2], \
         message.start 10 step 1"
    );
    assert_eq!(
        chat.says(10, "no"),
        "message.end 10 \"no\", turn.ended 9 completed, turn.started 13 [p3], \
         message.start 14 step 1"
    );
    assert_eq!(chat.says(14, "ok"), "message.end 14 \"ok\", turn.ended 13 completed");
    assert_eq!(chat.status(), "idle");
}

#[test]
fn the_next_prompt_waits_when_other_chats_wait_for_a_place() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.may_run_next = false;
    assert_eq!(chat.says(4, "yes"), "message.end 4 \"yes\", turn.ended 3 completed");
    assert_eq!((chat.status(), chat.waiting().as_str()), ("running", "p2"));
    assert!(chat.state.wants_to_run());
    assert_eq!(chat.admitted(), "turn.started 8 [p2], message.start 9 step 1");
}

#[test]
fn a_steer_joins_the_running_turn_at_the_step_after_its_tools() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    assert_eq!(chat.steer("s1"), "prompt.accepted s1");
    assert_eq!(chat.queue("p2"), "prompt.accepted p2");
    assert_eq!(chat.steer("s2"), "prompt.accepted s2");
    assert_eq!(
        chat.tool_done("4.0", "data"),
        "tool.result 4.0 \"data\", prompt.joined s1 3, prompt.joined s2 3, message.start 13 step 2"
    );
    assert_eq!(chat.request(), "user: hi | assistant:  | tool 4.0: data | user: hi | user: hi");
    assert_eq!(chat.waiting(), "p2");
    chat.may_run_next = false;
    chat.says(13, "ok");
    assert_eq!((chat.outcome("s1"), chat.outcome("s2")), ("completed".into(), "completed".into()));
}

#[test]
fn a_steer_that_no_step_follows_goes_to_the_head_of_the_queue() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.steer("s1");
    chat.steer("s2");
    assert_eq!(chat.waiting(), "s1 s2 p2");
    assert_eq!(
        chat.says(4, "yes"),
        "message.end 4 \"yes\", turn.ended 3 completed, turn.started 10 [s1], \
         message.start 11 step 1"
    );
    assert_eq!(chat.waiting(), "s2 p2");
}

#[test]
fn a_joined_prompt_shares_the_failure_of_its_turn() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    chat.steer("s");
    chat.tool_done("4.0", "data");
    assert_eq!(chat.outcome("s"), "running 3");
    chat.breaks(10, "");
    assert_eq!((chat.outcome("p1"), chat.outcome("s")), ("failed".into(), "failed".into()));
}

#[test]
fn an_edit_changes_the_text_and_keeps_the_place() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.queue("p3");
    let change = || PromptChange::default().parts(vec![polychat_core::Part::text("new")]);
    assert_eq!(chat.edit("p2", change()), "prompt.edited p2 \"new\"");
    assert_eq!(chat.edit("p2", change()), "nothing");
    assert_eq!(chat.waiting(), "p2 p3");
    chat.says(4, "yes");
    assert!(chat.history().ends_with("user: new"), "{}", chat.history());
}

#[test]
fn a_change_to_steer_goes_behind_older_steers_and_a_change_to_queue_to_the_end() {
    let mut chat = Chat::running();
    for prompt in ["p2", "p3", "p4"] {
        chat.queue(prompt);
    }
    chat.steer("s");
    assert_eq!(chat.edit_mode("p3", PromptMode::Steer), "prompt.edited p3 steer");
    assert_eq!(chat.waiting(), "s p3 p2 p4");
    assert_eq!(chat.edit_mode("s", PromptMode::Queue), "prompt.edited s queue");
    assert_eq!(chat.waiting(), "p3 p2 p4 s");
    assert_eq!(chat.edit_mode("s", PromptMode::Queue), "nothing");
}

#[test]
fn a_change_to_interrupt_acts_as_if_just_sent_so() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.queue("p3");
    assert_eq!(
        chat.edit_mode("p3", PromptMode::Interrupt),
        "message.error 4 \"\" cancelled, turn.ended 3 cancelled, prompt.edited p3 interrupt, \
         turn.started 10 [p3], message.start 11 step 1"
    );
    assert_eq!(chat.waiting(), "p2");
}

#[test]
fn an_older_interrupt_that_waits_can_be_made_to_interrupt_again() {
    let mut chat = Chat::placeless();
    chat.interrupt("i1");
    chat.interrupt("i2");
    assert_eq!(chat.edit_mode("i2", PromptMode::Interrupt), "nothing");
    chat.admitted();
    let mut chat = chat.with_place();
    assert_eq!(chat.outcome("i2"), "running 5");
    assert_eq!(
        chat.edit_mode("i1", PromptMode::Interrupt),
        "message.error 6 \"\" cancelled, turn.ended 5 cancelled, prompt.edited i1 interrupt, \
         turn.started 10 [i1], message.start 11 step 1"
    );
}

#[test]
fn a_change_to_interrupt_without_a_place_waits_at_the_head() {
    let mut chat = Chat::awaiting().without_place();
    chat.queue("p2");
    chat.queue("p3");
    assert_eq!(
        chat.edit_mode("p3", PromptMode::Interrupt),
        "approval.resolved 4.0 unanswered, tool.error 4.0 cancelled, turn.ended 3 cancelled, \
         prompt.edited p3 interrupt"
    );
    assert_eq!(chat.waiting(), "p3 p2");
}

#[test]
fn only_a_waiting_prompt_can_be_edited_and_none_into_reject() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(chat.edit_mode("p1", PromptMode::Steer), "refused prompt_not_waiting");
    assert_eq!(chat.edit_mode("p9", PromptMode::Steer), "refused unknown_prompt");
    assert_eq!(chat.edit_mode("p2", PromptMode::Reject), "refused invalid_input");
    assert_eq!(chat.edit("p2", PromptChange::default()), "nothing");
    let empty = PromptChange::default().parts(Vec::new());
    assert_eq!(chat.edit("p2", empty), "refused invalid_input");
}

#[test]
fn a_withdrawn_prompt_leaves_the_queue_once_and_for_all() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.queue("p3");
    assert_eq!(chat.withdraw("p2"), "prompt.withdrawn p2 requested");
    assert_eq!((chat.waiting().as_str(), chat.outcome("p2").as_str()), ("p3", "withdrawn"));
    assert_eq!(chat.withdraw("p2"), "nothing");
    assert_eq!(chat.withdraw("p1"), "refused prompt_not_waiting");
    assert_eq!(chat.withdraw("p9"), "refused unknown_prompt");
}

//! Cancel: the running turn or a named one; its text is kept and the queue goes on.

use super::harness::Chat;

#[test]
fn cancel_ends_the_running_turn_keeps_its_text_and_runs_the_next_prompt() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(
        chat.shows("half an").cancel(),
        "message.error 4 \"half an\" cancelled, turn.ended 3 cancelled, turn.started 8 [p2], \
         message.start 9 step 1"
    );
    assert_eq!(chat.sealed, [super::harness::message(4)]);
    assert_eq!(chat.history(), "user: hi | assistant: half an !cancelled | user: hi");
}

#[test]
fn a_named_turn_is_cancelled_only_while_it_is_the_running_one() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert!(chat.cancel_turn(3).contains("turn.ended 3 cancelled, turn.started 8 [p2]"));
    // Sent again, it must not hit the successor.
    assert_eq!(chat.cancel_turn(3), "refused turn_not_running");
    assert!(chat.sealed.is_empty());
    assert_eq!(chat.outcome("p2"), "running 8");
}

#[test]
fn an_idle_chat_has_nothing_to_cancel() {
    let mut chat = Chat::new();
    assert_eq!(chat.cancel(), "refused nothing_running");
    assert_eq!(chat.cancel_turn(3), "refused turn_not_running");
    let mut chat = Chat::placeless();
    assert_eq!(chat.cancel(), "refused nothing_running");
    assert_eq!(chat.waiting(), "p1");
}

#[test]
fn cancel_ends_running_waiting_and_asked_calls_alike() {
    let mut chat = Chat::running();
    chat.limits.tool_calls_parallel_max = 1;
    chat.asks(4, &["read", "write", "look", "nothing"]);
    assert_eq!(
        chat.cancel(),
        "tool.error 4.0 cancelled, approval.resolved 4.1 unanswered, tool.error 4.1 cancelled, \
         tool.error 4.2 cancelled, turn.ended 3 cancelled"
    );
    assert_eq!(chat.status(), "idle");
}

#[test]
fn cancel_of_a_turn_that_rests_between_steps_ends_it() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    let mut chat = chat.without_place();
    assert_eq!(chat.tool_done("4.0", "data"), "tool.result 4.0 \"data\"");
    assert_eq!(chat.cancel(), "turn.ended 3 cancelled");
}

#[test]
fn reports_of_a_cancelled_turn_decide_nothing() {
    let mut chat = Chat::running();
    chat.cancel();
    assert_eq!(chat.says(4, "late"), "nothing");
    assert_eq!(chat.breaks(4, "late"), "nothing");
    assert_eq!(chat.checkpoint(4, "late"), "nothing");
    assert_eq!(chat.turn_failed(3), "nothing");
    assert_eq!(chat.tool_done("4.0", "late"), "nothing");
    assert_eq!(chat.history(), "user: hi | assistant:  !cancelled");
}

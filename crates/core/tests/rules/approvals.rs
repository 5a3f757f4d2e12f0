//! Approvals belong to the call and the turn, and end with it.

use polychat_core::tool::ApprovalDecision::{AllowForChat, AllowOnce, Answer, Deny};
use serde_json::json;

use super::harness::Chat;

#[test]
fn a_turn_that_waits_for_a_person_is_awaiting_and_may_rest() {
    let chat = Chat::awaiting();
    assert_eq!(chat.status(), "awaiting");
    assert!(chat.state.may_rest() && !chat.state.wants_to_run() && !chat.state.is_working());
    let pending = chat.state.approvals();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].tool_call_id.to_string(), "4.0");
}

#[test]
fn allowed_once_the_call_runs_and_the_next_one_asks_again() {
    let mut chat = Chat::awaiting();
    assert_eq!(chat.allow("4.0"), "approval.resolved 4.0 once, tool.start 4.0 write");
    chat.tool_done("4.0", "written");
    assert!(chat.asks(10, &["write"]).contains("approval.requested 10.0 permission"));
}

#[test]
fn allowed_for_the_chat_later_calls_of_the_tool_run_in_later_turns_too() {
    let mut chat = Chat::awaiting();
    chat.resolve("4.0", AllowForChat);
    chat.tool_done("4.0", "written");
    assert!(chat.asks(10, &["write"]).contains("tool.start 10.0 write"));
    chat.cancel();
    chat.queue("p2");
    assert!(chat.asks(17, &["write"]).contains("tool.start 17.0 write"));
}

#[test]
fn a_denied_call_ends_without_a_start_and_the_model_hears_why() {
    let mut chat = Chat::awaiting();
    assert_eq!(
        chat.resolve("4.0", Deny { reason: "not today".into() }),
        "approval.resolved 4.0 denied, tool.error 4.0 denied, message.start 9 step 2"
    );
    let heard = chat.state.messages().last().unwrap().failure.clone().unwrap();
    assert_eq!(&*heard.message, "not today");
}

#[test]
fn a_question_is_answered_and_never_run() {
    let mut chat = Chat::running();
    chat.asks(4, &["ask"]);
    assert_eq!(chat.status(), "awaiting");
    assert_eq!(
        chat.resolve("4.0", Answer { data: json!("blue") }),
        "approval.resolved 4.0 answered, tool.start 4.0 ask, tool.result 4.0 \"blue\", \
         message.start 10 step 2"
    );
    assert_eq!(chat.effects, "model 10", "no tool is called");
}

#[test]
fn a_question_may_be_declined() {
    let mut chat = Chat::running();
    chat.asks(4, &["ask"]);
    let declined = chat.resolve("4.0", Deny { reason: "no".into() });
    assert!(declined.contains("tool.error 4.0 denied, message.start"));
}

#[test]
fn a_decision_must_fit_what_was_asked() {
    let mut chat = Chat::running();
    chat.asks(4, &["ask", "write"]);
    assert_eq!(chat.resolve("4.0", AllowOnce), "refused decision_mismatch");
    assert_eq!(chat.resolve("4.0", AllowForChat), "refused decision_mismatch");
    assert_eq!(chat.resolve("4.1", Answer { data: json!(1) }), "refused decision_mismatch");
    assert_eq!(chat.status(), "awaiting");
}

#[test]
fn what_was_asked_is_what_the_log_says_whatever_became_of_the_tool() {
    // law 2: the tool of the question is gone, but the question stands in the log.
    let mut chat = Chat::running();
    chat.asks(4, &["ask"]);
    chat.tools.0.clear();
    let kinds: Vec<_> = chat.state.approvals().iter().map(|p| p.kind).collect();
    assert_eq!(kinds, [polychat_core::event::ApprovalKind::Question]);
    assert!(chat.resolve("4.0", Answer { data: json!("blue") }).contains("tool.result 4.0"));
}

#[test]
fn a_call_is_decided_once() {
    let mut chat = Chat::awaiting();
    chat.allow("4.0");
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
    chat.tool_done("4.0", "written");
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
}

#[test]
fn approvals_of_ended_turns_other_messages_and_unasked_calls_are_refused() {
    let mut chat = Chat::awaiting();
    for other in ["4.1", "4.9", "3.0", "99.0"] {
        assert_eq!(chat.allow(other), "refused approval_not_pending");
    }
    chat.cancel();
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
    chat.queue("p2");
    chat.asks(12, &["write"]);
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
    assert!(chat.allow("12.0").contains("tool.start 12.0"));
}

#[test]
fn the_approval_of_a_revised_turn_does_not_come_back() {
    let mut chat = Chat::awaiting();
    chat.revise(2, "p2", "other");
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
    assert!(chat.state.approvals().is_empty());
}

#[test]
fn calls_beside_one_that_waits_run_meanwhile_and_the_step_waits_for_all() {
    let mut chat = Chat::running();
    assert_eq!(
        chat.asks(4, &["write", "read"]),
        "message.end 4 \"\" [write, read], approval.requested 4.0 permission, tool.start 4.1 read"
    );
    assert_eq!(chat.status(), "running");
    assert_eq!(chat.tool_done("4.1", "data"), "tool.result 4.1 \"data\"");
    assert_eq!(chat.status(), "awaiting");
    chat.allow("4.0");
    assert!(chat.tool_done("4.0", "written").ends_with("message.start 12 step 2"));
}

#[test]
fn an_approved_call_waits_for_a_place() {
    let mut chat = Chat::awaiting().without_place();
    assert_eq!(chat.allow("4.0"), "approval.resolved 4.0 once");
    assert!(chat.state.wants_to_run());
    assert_eq!(chat.status(), "running");
    assert_eq!(chat.admitted(), "tool.start 4.0 write");
}

//! Approvals belong to the call and the turn, and end with it.

use std::sync::Arc;

use polychat_core::{
    ChatId, Timestamp, ToolCallId,
    command::NewChat,
    tool::{
        ApprovalDecision::{AllowForChat, AllowOnce, Answer, Deny},
        ToolKind, ToolSpec,
    },
};
use serde_json::json;

use super::harness::{Chat, message};

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

#[test]
fn allowing_a_tool_for_the_chat_lets_all_its_calls_run_that_wait_and_no_others() {
    let mut chat = Chat::running();
    chat.asks(4, &["write", "careful", "ask", "write", "read"]);
    assert_eq!(
        chat.resolve("4.3", AllowForChat),
        "approval.resolved 4.0 for chat, approval.resolved 4.3 for chat, tool.start 4.0 write, \
         tool.start 4.3 write"
    );
    assert_eq!(chat.effects, "tool 4.0 write, tool 4.3 write");
    assert_eq!(chat.allow("4.0"), "refused approval_not_pending");
    let waiting: Vec<_> = chat.state.approvals().iter().map(|it| it.name.to_string()).collect();
    assert_eq!(waiting, ["careful", "ask"]);
}

#[test]
fn what_was_allowed_together_runs_side_by_side_only_as_far_as_the_limit() {
    let mut chat = Chat::running();
    chat.limits.tool_calls_parallel_max = 1;
    chat.asks(4, &["write", "write", "write"]);
    assert_eq!(
        chat.resolve("4.1", AllowForChat),
        "approval.resolved 4.0 for chat, approval.resolved 4.1 for chat, \
         approval.resolved 4.2 for chat, tool.start 4.0 write"
    );
    assert_eq!(chat.status(), "running");
    assert!(chat.tool_done("4.0", "a").ends_with("tool.start 4.1 write"));
    assert!(chat.tool_done("4.1", "b").ends_with("tool.start 4.2 write"));
    assert!(chat.tool_done("4.2", "c").ends_with("step 2"));
}

#[test]
fn a_call_that_was_decided_before_keeps_its_own_decision() {
    let mut chat = Chat::running();
    chat.asks(4, &["write", "write", "write"]);
    chat.resolve("4.0", Deny { reason: "no".into() });
    chat.allow("4.1");
    assert_eq!(
        chat.resolve("4.2", AllowForChat),
        "approval.resolved 4.2 for chat, tool.start 4.2 write"
    );
}

#[test]
fn a_call_is_judged_again_when_it_is_allowed_late() {
    let allowed = |change: fn(&mut ToolSpec)| {
        let mut chat = Chat::running();
        chat.asks(4, &["write", "write"]);
        let mut spec = (*chat.tools.0["write"]).clone();
        change(&mut spec);
        chat.tools.0.insert("write".into(), Arc::new(spec));
        chat.resolve("4.0", AllowForChat)
    };
    let both = "approval.resolved 4.0 for chat, approval.resolved 4.1 for chat";
    assert_eq!(
        allowed(|spec| spec.schema = json!(false)),
        format!(
            "{both}, tool.error 4.0 invalid_arguments, tool.error 4.1 invalid_arguments, \
             message.start 12 step 2"
        )
    );
    // A question is asked, never run, also when it was a tool before.
    assert_eq!(
        allowed(|spec| spec.kind = ToolKind::Question),
        format!(
            "{both}, tool.error 4.0 unknown_tool, tool.error 4.1 unknown_tool, \
             message.start 12 step 2"
        )
    );
    assert!(allowed(|spec| spec.needs_approval = true).ends_with("tool.start 4.1 write"));
}

// REQ-4: a call is named by its place in its own chat's log; the same name elsewhere is another.
#[test]
fn a_decision_about_another_chats_call_is_refused() {
    let (awaiting, mut other) = (Chat::awaiting(), Chat::running());
    let id = awaiting.state.approvals()[0].tool_call_id;
    let decided = other.resolve(&id.to_string(), AllowOnce);
    assert_eq!(decided, "refused approval_not_pending");
    let absent = ToolCallId { message: message(4), index: u16::MAX };
    assert_eq!(other.resolve(&absent.to_string(), AllowOnce), "refused approval_not_pending");
    assert_eq!(awaiting.status(), "awaiting");
}

// Law 5: what waits ends with its turn, however that ends.
#[test]
fn whatever_ends_the_turn_ends_what_waits_in_it() {
    type End = fn(&mut Chat) -> String;
    let ends: [(&str, End, &str, &str); 6] = [
        ("cancel", Chat::cancel, "cancelled", "turn.ended 3 cancelled"),
        ("interrupt", |chat| chat.interrupt("p2"), "cancelled", "turn.ended 3 cancelled, prompt"),
        ("revise", |chat| chat.revise(2, "p2", "other"), "cancelled", "history.truncated 2"),
        ("close", Chat::close, "cancelled", "turn.ended 3 cancelled, chat.closed"),
        ("delete", Chat::delete, "cancelled", "turn.ended 3 cancelled, chat.deleted"),
        ("deadline", |chat| chat.turn_failed(3), "deadline", "turn.ended 3 failed deadline"),
    ];
    for (name, end, failure, then) in ends {
        let mut chat = Chat::running();
        chat.asks(4, &["write", "ask"]);
        assert_eq!(chat.state.approvals().len(), 2);
        let events = end(&mut chat);
        let ended = format!(
            "approval.resolved 4.0 unanswered, tool.error 4.0 {failure}, \
             approval.resolved 4.1 unanswered, tool.error 4.1 {failure}, turn.ended 3 "
        );
        assert!(events.starts_with(&ended) && events.contains(then), "{name}: {events}");
        assert!(chat.state.approvals().is_empty(), "{name}");
        let late = chat.allow("4.0");
        let refused = ["refused approval_not_pending", "refused chat_deleted"];
        assert!(refused.contains(&late.as_str()), "{name}: {late}");
    }
}

#[test]
fn a_steer_waits_for_the_decision_and_joins_at_the_next_step() {
    let mut chat = Chat::awaiting();
    assert_eq!(chat.steer("s"), "prompt.accepted s");
    assert_eq!((chat.status(), chat.waiting().as_str()), ("awaiting", "s"));
    assert_eq!(chat.allow("4.0"), "approval.resolved 4.0 once, tool.start 4.0 write");
    assert_eq!(
        chat.tool_done("4.0", "written"),
        "tool.result 4.0 \"written\", prompt.joined s 3, message.start 12 step 2"
    );
    assert_eq!(chat.request(), "user: hi | assistant:  | tool 4.0: written | user: hi");
}

#[test]
fn an_interrupt_does_not_wait_for_the_decision() {
    let mut chat = Chat::awaiting();
    chat.queue("p2");
    assert_eq!(
        chat.interrupt("p3"),
        "approval.resolved 4.0 unanswered, tool.error 4.0 cancelled, turn.ended 3 cancelled, \
         prompt.accepted p3, turn.started 12 [p3], message.start 13 step 1"
    );
    assert_eq!(chat.waiting(), "p2");
}

#[test]
fn a_denial_without_a_place_is_heard_once_there_is_one() {
    let mut chat = Chat::awaiting().without_place();
    let denied = chat.resolve("4.0", Deny { reason: "no".into() });
    assert_eq!(denied, "approval.resolved 4.0 denied, tool.error 4.0 denied");
    assert!(chat.state.wants_to_run());
    assert_eq!(chat.admitted(), "message.start 9 step 2");
}

#[test]
fn what_was_allowed_for_the_chat_is_known_after_a_restart_and_not_in_a_fork() {
    let mut chat = Chat::awaiting();
    chat.resolve("4.0", AllowForChat);
    chat.tool_done("4.0", "written");
    chat.says(10, "done");
    let mut again = Chat::of_log(&chat.log);
    again.queue("p2");
    assert!(again.asks(15, &["write"]).contains("tool.start 15.0 write"));

    let id = ChatId::new("a").unwrap();
    let fork = chat.state.fork(message(10), &id, NewChat::new(), Timestamp(9), &chat.limits);
    let mut fork = Chat::of_log(&fork.unwrap().events);
    fork.queue("p2");
    let open = fork.state.open_message().unwrap().0.get();
    assert!(fork.asks(open, &["write"]).contains("permission"), "a fork asks anew");
}

#[test]
fn an_answer_that_is_no_text_reaches_the_model_as_json() {
    let mut chat = Chat::running();
    chat.asks(4, &["ask"]);
    let answered = chat.resolve("4.0", Answer { data: json!({"colour": ["blue"]}) });
    assert!(answered.contains(r#"tool.result 4.0 "{\"colour\":[\"blue\"]}""#), "{answered}");
}

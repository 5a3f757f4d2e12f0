//! Tool calls: judged, run side by side, answered in the order of the calls.

use polychat_core::{
    FailureKind,
    tool::{ToolCall, ToolSelection},
};
use serde_json::json;

use super::harness::{Chat, agent, call};

#[test]
fn a_tool_that_only_reads_runs_and_its_answer_goes_into_the_next_step() {
    let mut chat = Chat::running();
    assert_eq!(
        chat.shows("let me see").done_with(4, vec![call("read")]),
        "message.end 4 \"let me see\" [read], tool.start 4.0 read"
    );
    assert_eq!(chat.effects, "tool 4.0 read");
    assert!(chat.state.is_call_running(super::harness::call_id("4.0")));
    assert_eq!(chat.tool_done("4.0", "data"), "tool.result 4.0 \"data\", message.start 8 step 2");
    assert_eq!(chat.effects, "model 8");
    assert!(!chat.state.is_call_running(super::harness::call_id("4.0")));
    assert_eq!(chat.request(), "user: hi | assistant: let me see | tool 4.0: data");
}

#[test]
fn a_failed_tool_goes_back_to_the_model() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    assert_eq!(chat.tool_failed("4.0"), "tool.error 4.0 tool_failed, message.start 8 step 2");
    assert_eq!(chat.request(), "user: hi | assistant:  | tool 4.0:  !tool_failed");
}

#[test]
fn a_call_that_cannot_run_ends_without_a_start_and_the_turn_goes_on() {
    let mut chat = Chat::running();
    let nonsense = ToolCall { arguments: json!(7), ..call("read") };
    assert_eq!(
        chat.shows("").done_with(4, vec![call("nothing"), nonsense]),
        "message.end 4 \"\" [nothing, read], tool.error 4.0 unknown_tool, \
         tool.error 4.1 invalid_arguments, message.start 8 step 2"
    );
}

#[test]
fn an_agent_has_only_the_tools_it_was_given() {
    for (tools, outcome) in [
        (ToolSelection::None, "tool.error 4.0 unknown_tool"),
        (ToolSelection::Only(vec!["look".into()]), "tool.error 4.0 unknown_tool"),
        (ToolSelection::Only(vec!["read".into()]), "tool.start 4.0 read"),
        (ToolSelection::All, "tool.start 4.0 read"),
    ] {
        let mut chat = Chat::new();
        chat.agents = polychat_core::AgentTable::new(agent("guide").tools(tools));
        chat.queue("p1");
        let events = chat.asks(4, &["read"]);
        assert!(events.contains(outcome), "{events}");
    }
}

#[test]
fn results_stand_in_the_order_of_the_calls_whichever_came_first() {
    let mut chat = Chat::running();
    chat.asks(4, &["read", "look", "read", "nothing"]);
    chat.tool_done("4.2", "c");
    chat.tool_done("4.0", "a");
    chat.tool_failed("4.1");
    assert_eq!(
        chat.request(),
        "user: hi | assistant:  | tool 4.0: a | tool 4.1:  !tool_failed | tool 4.2: c | \
         tool 4.3:  !unknown_tool"
    );
}

#[test]
fn without_a_place_calls_wait_and_go_on_when_admitted() {
    let mut chat = Chat::running().without_place();
    assert_eq!(chat.asks(4, &["read"]), "message.end 4 \"\" [read]");
    assert!(chat.state.wants_to_run());
    assert_eq!(chat.status(), "running");
    assert_eq!(chat.admitted(), "tool.start 4.0 read");
    assert_eq!(chat.tool_done("4.0", "data"), "tool.result 4.0 \"data\"");
    assert!(chat.state.wants_to_run() && !chat.state.is_working());
    assert_eq!(chat.admitted(), "message.start 8 step 2");
}

#[test]
fn a_tool_that_vanished_while_a_person_thought_fails_as_unknown() {
    let mut chat = Chat::awaiting();
    chat.tools.0.remove("write");
    assert_eq!(
        chat.allow("4.0"),
        "approval.resolved 4.0 once, tool.error 4.0 unknown_tool, message.start 9 step 2"
    );
}

#[test]
fn what_the_model_hears_of_a_failure_is_kept_whole() {
    let mut chat = Chat::running();
    chat.asks(4, &["nothing"]);
    let failure = chat.state.messages().last().unwrap().failure.clone().unwrap();
    assert_eq!((failure.kind, failure.retryable), (FailureKind::UnknownTool, false));
    assert_eq!(&*failure.message, "no such tool");
}

// A running turn keeps what it started with.
#[test]
fn an_agent_that_is_changed_or_removed_goes_on_as_it_began_until_its_turn_ends() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    chat.agents = polychat_core::AgentTable::new(agent("guide").system("new instructions"));
    chat.tool_done("4.0", "data");
    assert_eq!(&*chat.state.step().unwrap().config.system, "");
    chat.shows("done").done_with(8, vec![]);
    chat.queue("p2");
    assert_eq!(&*chat.state.step().unwrap().config.system, "new instructions");
}

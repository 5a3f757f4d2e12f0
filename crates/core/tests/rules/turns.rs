//! How turns go from step to step and end, and late reports of what has ended.

use polychat_core::{Event, TurnOutcome, command::ChatChange};

use super::harness::{Chat, agent, agent_name};

#[test]
fn a_turn_completes_with_its_message() {
    let mut chat = Chat::running();
    assert_eq!(chat.says(4, "yes"), "message.end 4 \"yes\", turn.ended 3 completed");
    assert_eq!(chat.history(), "user: hi | assistant: yes");
    assert_eq!((chat.outcome("p1").as_str(), chat.status()), ("completed", "idle"));
    assert!(chat.state.may_rest());
}

#[test]
fn a_message_that_breaks_off_fails_its_turn_and_keeps_its_text() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(
        chat.breaks(4, "half"),
        "message.error 4 \"half\" model_unavailable, turn.ended 3 failed model_unavailable, \
         turn.started 8 [p2], message.start 9 step 1"
    );
    assert_eq!(chat.request(), "user: hi | assistant: half !model_unavailable | user: hi");
}

#[test]
fn a_turn_that_fails_as_a_whole_keeps_the_text_of_its_open_message() {
    let mut chat = Chat::running();
    assert_eq!(
        chat.shows("half").turn_failed(3),
        "message.error 4 \"half\" deadline, turn.ended 3 failed deadline"
    );
    let Event::TurnEnded { outcome: TurnOutcome::Failed { failure }, .. } = chat.last() else {
        panic!("{:?}", chat.last())
    };
    assert_eq!(&*failure.message, "too long");
}

#[test]
fn a_turn_that_fails_while_tools_run_ends_each_call() {
    let mut chat = Chat::running();
    chat.asks(4, &["read", "write"]);
    assert_eq!(
        chat.turn_failed(3),
        "tool.error 4.0 deadline, approval.resolved 4.1 unanswered, tool.error 4.1 deadline, \
         turn.ended 3 failed deadline"
    );
}

#[test]
fn late_reports_of_ended_messages_calls_and_turns_decide_nothing() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    assert_eq!(chat.says(4, "late"), "nothing");
    assert_eq!(chat.breaks(4, "late"), "nothing");
    assert_eq!(chat.checkpoint(4, "late"), "nothing");
    chat.tool_done("4.0", "data");
    for late in ["4.0", "4.1", "8.0", "99.7"] {
        assert_eq!(chat.tool_done(late, "late"), "nothing");
        assert_eq!(chat.tool_failed(late), "nothing");
    }
    chat.says(8, "ok");
    chat.queue("p2");
    // The successor runs: nothing that names its predecessor may touch it.
    assert_eq!(chat.turn_failed(3), "nothing");
    assert_eq!(chat.says(8, "late"), "nothing");
    assert_eq!(chat.outcome("p2"), "running 12");
}

#[test]
fn a_checkpoint_saves_text_of_the_open_message_only() {
    let mut chat = Chat::running();
    assert_eq!(chat.checkpoint(4, "one "), "message.checkpoint 4 \"one \"");
    assert_eq!(chat.checkpoint(4, "two"), "message.checkpoint 4 \"two\"");
    assert_eq!(chat.state.saved_bytes(), (7, 0));
    assert_eq!(chat.checkpoint(5, "other"), "nothing");
    assert_eq!(chat.checkpoint(4, ""), "nothing");
    assert!(chat.sealed.is_empty());
    assert_eq!(&*chat.state.open(None).unwrap().text, "one two");
}

#[test]
fn a_message_is_sealed_once_and_only_by_the_decision_that_ends_it() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert!(chat.sealed.is_empty());
    chat.says(4, "yes");
    assert_eq!(chat.sealed, [super::harness::message(4)]);
    chat.says(4, "again");
    assert!(chat.sealed.is_empty());
}

#[test]
fn a_removed_agent_ends_its_turn_and_then_gives_way_to_the_default_one() {
    let mut chat = Chat::new();
    chat.agents.agents.insert(agent_name("b"), agent("b").into());
    chat.update(ChatChange::default().agent(agent_name("b")));
    assert!(chat.queue("p1").contains("turn.started 4 [p1] b"));
    chat.asks(5, &["read"]);
    chat.agents.agents.remove("b");
    chat.tool_done("5.0", "data");
    let Event::MessageStart { agent, .. } = chat.last() else { panic!("{:?}", chat.last()) };
    assert_eq!(agent.name.as_str(), "b", "a running turn keeps what it started with");
    assert_eq!(chat.state.open(None).unwrap().author.as_str(), "b");
    chat.says(9, "ok");
    let last = chat.state.messages().last().unwrap();
    let polychat_core::message::Role::Assistant { author: Some(author), .. } = &last.role else {
        panic!("{last:?}")
    };
    assert_eq!(author.as_str(), "b");
    assert!(chat.queue("p2").contains("turn.started 13 [p2],"), "the default agent, not b");
}

#[test]
fn a_turn_counts_text_and_reasoning_of_its_earlier_messages() {
    let mut chat = Chat::running();
    chat.shown = Some(polychat_core::rules::Shown { text: "abc".into(), reasoning: "de".into() });
    chat.done_with(4, vec![super::harness::call("read")]);
    chat.tool_done("4.0", "data");
    assert_eq!(chat.state.step().unwrap().output_bytes, 5);
}

#[test]
fn deciding_changes_nothing_so_a_failed_append_leaves_nothing_to_undo() {
    use polychat_core::rules::{ChatCommand, Input};
    let mut chat = Chat::running();
    let before = chat.state.clone();
    chat.decide(Input::Command(ChatCommand::Delete)).unwrap();
    assert_eq!(chat.state, before);
    assert_eq!(chat.says(4, "yes"), "message.end 4 \"yes\", turn.ended 3 completed");
}

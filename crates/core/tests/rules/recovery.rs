//! Recovery and shutdown: what began ends once, what waits goes on waiting, nothing runs again.

use polychat_core::event::PromptMode::Queue;

use super::harness::Chat;

/// The same chat in a new process, whose feed knows what `shown` says.
fn restarted(chat: &Chat, shown: Option<&str>) -> Chat {
    let mut again = Chat::of_log(&chat.log);
    again.shown = None;
    if let Some(text) = shown {
        again.shows(text);
    }
    again
}

#[test]
fn an_idle_chat_has_nothing_to_recover() {
    assert_eq!(restarted(&Chat::new(), None).recover(), "nothing");
}

#[test]
fn an_open_message_ends_interrupted_with_what_was_saved_when_the_feed_is_lost() {
    let mut chat = Chat::running();
    chat.checkpoint(4, "one ");
    chat.checkpoint(4, "two");
    assert_eq!(
        restarted(&chat, None).recover(),
        "message.error 4 \"one two\" interrupted, turn.ended 3 interrupted"
    );
}

#[test]
fn an_open_message_ends_with_all_that_was_shown_when_the_feed_outlived_the_actor() {
    let mut chat = Chat::running();
    chat.checkpoint(4, "one ");
    let mut again = restarted(&chat, Some("one two three"));
    assert_eq!(
        again.recover(),
        "message.error 4 \"one two three\" interrupted, turn.ended 3 interrupted"
    );
    assert_eq!((again.outcome("p1").as_str(), again.status()), ("interrupted", "idle"));
    assert_eq!(again.recover(), "nothing", "recovering twice records nothing new");
}

#[test]
fn running_tools_end_with_an_unknown_outcome_and_are_not_run_again() {
    let mut chat = Chat::running();
    chat.limits.tool_calls_parallel_max = 1;
    chat.asks(4, &["read", "look", "write"]);
    let mut again = restarted(&chat, None);
    assert_eq!(
        again.recover(),
        "tool.error 4.0 unknown_outcome, tool.error 4.1 interrupted, \
         approval.resolved 4.2 unanswered, tool.error 4.2 interrupted, turn.ended 3 interrupted"
    );
    assert_eq!(again.effects, "");
}

#[test]
fn a_turn_that_waits_for_a_person_goes_on_waiting() {
    let mut again = restarted(&Chat::awaiting(), None);
    assert_eq!(again.recover(), "nothing");
    assert_eq!(again.status(), "awaiting");
    assert_eq!(again.allow("4.0"), "approval.resolved 4.0 once, tool.start 4.0 write");
}

#[test]
fn a_call_that_was_approved_and_not_started_goes_on() {
    let mut chat = Chat::awaiting().without_place();
    chat.allow("4.0");
    assert_eq!(restarted(&chat, None).recover(), "tool.start 4.0 write");
    let mut again = restarted(&chat, None).without_place();
    assert_eq!(again.recover(), "nothing");
    assert!(again.state.wants_to_run());
    assert_eq!(again.admitted(), "tool.start 4.0 write");
}

#[test]
fn a_turn_between_two_steps_goes_on_with_the_next_one() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    let mut chat = chat.without_place();
    chat.tool_done("4.0", "data");
    assert_eq!(restarted(&chat, None).recover(), "message.start 8 step 2");
}

#[test]
fn queued_prompts_run_after_the_interrupted_turn() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.steer("s");
    assert_eq!(
        restarted(&chat, None).recover(),
        "message.error 4 \"\" interrupted, turn.ended 3 interrupted, turn.started 9 [s], \
         message.start 10 step 1"
    );
    let mut again = restarted(&Chat::placeless(), None);
    assert_eq!(again.recover(), "turn.started 3 [p1], message.start 4 step 1");
    let mut again = restarted(&Chat::placeless(), None).without_place();
    assert_eq!(again.recover(), "nothing");
    assert!(again.state.wants_to_run());
}

#[test]
fn a_closed_chat_recovers_to_a_closed_chat() {
    let mut chat = Chat::running();
    chat.close();
    let mut again = restarted(&chat, None);
    assert_eq!((again.recover().as_str(), again.status()), ("nothing", "closed"));
}

#[test]
fn a_shutdown_interrupts_what_runs_and_keeps_what_waits() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(
        chat.shows("half").shutdown(),
        "message.error 4 \"half\" interrupted, turn.ended 3 interrupted"
    );
    assert_eq!(chat.waiting(), "p2", "the queue runs in the next life");
    assert!(restarted(&chat, None).recover().starts_with("turn.started 8 [p2]"));
}

#[test]
fn a_shutdown_with_tools_running_leaves_their_outcome_unknown() {
    let mut chat = Chat::running();
    chat.asks(4, &["read"]);
    assert_eq!(chat.shutdown(), "tool.error 4.0 unknown_outcome, turn.ended 3 interrupted");
}

#[test]
fn a_turn_that_waits_for_a_person_survives_a_shutdown() {
    let mut chat = Chat::awaiting();
    assert_eq!(chat.shutdown(), "nothing");
    assert_eq!(chat.status(), "awaiting");
    assert_eq!(Chat::new().shutdown(), "nothing");
    assert_eq!(Chat::placeless().shutdown(), "nothing");
}

#[test]
fn a_prompt_is_known_after_a_restart() {
    let mut again = restarted(&Chat::running(), None);
    again.recover();
    assert_eq!(again.queue("p1"), "again 2");
    assert_eq!(again.send("p1", Queue, "other"), "refused conflict");
}

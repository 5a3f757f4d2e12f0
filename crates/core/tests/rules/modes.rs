//! What the four modes do in every state of a chat.

use polychat_core::event::PromptMode::{Interrupt, Queue, Reject, Steer};

use super::harness::{Chat, prompt_id};

#[test]
fn an_idle_chat_runs_a_prompt_of_any_mode_at_once() {
    for mode in [Queue, Steer, Interrupt, Reject] {
        let mut chat = Chat::new();
        assert_eq!(
            chat.send("p1", mode, "hi"),
            "prompt.accepted p1, turn.started 3 [p1], message.start 4 step 1"
        );
        assert_eq!((chat.effects.as_str(), chat.status()), ("model 4", "running"));
    }
}

#[test]
fn an_idle_chat_without_a_place_takes_a_prompt_of_any_mode_and_waits() {
    for mode in [Queue, Steer, Interrupt, Reject] {
        let mut chat = Chat::new().without_place();
        assert_eq!(chat.send("p1", mode, "hi"), "prompt.accepted p1");
        assert_eq!((chat.effects.as_str(), chat.status()), ("", "running"));
        assert!(chat.state.wants_to_run() && !chat.state.may_rest());
        assert_eq!(chat.admitted(), "turn.started 3 [p1], message.start 4 step 1");
    }
}

#[test]
fn a_busy_chat_queues_queue_and_steer_and_refuses_reject() {
    for (mut chat, status) in [
        (Chat::running(), "running"),
        (Chat::awaiting(), "awaiting"),
        (Chat::awaiting().without_place(), "awaiting"),
        (Chat::placeless(), "running"),
    ] {
        assert_eq!(chat.send("r", Reject, "hi"), "refused chat_busy");
        assert_eq!(chat.outcome("r"), "unknown_prompt");
        assert_eq!(chat.send("q", Queue, "hi"), "prompt.accepted q");
        assert_eq!(chat.send("s", Steer, "hi"), "prompt.accepted s");
        assert!(chat.waiting().ends_with('q'));
        assert!(chat.sealed.is_empty(), "only the end of a message seals it");
        assert_eq!(chat.status(), status);
    }
}

#[test]
fn an_interrupt_ends_the_running_turn_and_runs_next_before_the_queue() {
    let mut chat = Chat::running();
    chat.queue("p2");
    assert_eq!(
        chat.shows("half an").interrupt("p3"),
        "message.error 4 \"half an\" cancelled, turn.ended 3 cancelled, prompt.accepted p3, \
         turn.started 9 [p3], message.start 10 step 1"
    );
    assert_eq!(chat.waiting(), "p2");
    assert_eq!((chat.outcome("p1"), chat.outcome("p3")), ("cancelled".into(), "running 9".into()));
}

#[test]
fn an_interrupt_of_a_turn_that_waits_for_a_person_ends_its_approval() {
    let mut chat = Chat::awaiting();
    assert_eq!(
        chat.interrupt("p2"),
        "approval.resolved 4.0 unanswered, tool.error 4.0 cancelled, turn.ended 3 cancelled, \
         prompt.accepted p2, turn.started 11 [p2], message.start 12 step 1"
    );
}

#[test]
fn an_interrupt_without_a_place_ends_the_turn_and_waits_at_the_head() {
    let mut chat = Chat::awaiting().without_place();
    chat.queue("p2");
    assert_eq!(
        chat.interrupt("p3"),
        "approval.resolved 4.0 unanswered, tool.error 4.0 cancelled, turn.ended 3 cancelled, \
         prompt.accepted p3"
    );
    assert_eq!((chat.waiting().as_str(), chat.status()), ("p3 p2", "running"));
}

#[test]
fn a_newer_interrupt_goes_before_an_older_one_that_waits() {
    let mut chat = Chat::placeless();
    assert_eq!(chat.interrupt("i1"), "prompt.accepted i1");
    assert_eq!(chat.interrupt("i2"), "prompt.accepted i2");
    assert_eq!(chat.waiting(), "i2 i1 p1");
    assert_eq!(chat.admitted(), "turn.started 5 [i2], message.start 6 step 1");
}

#[test]
fn a_prompt_that_finds_a_free_place_does_not_overtake_those_that_wait() {
    let mut chat = Chat::placeless().with_place();
    assert_eq!(chat.queue("p2"), "prompt.accepted p2, turn.started 4 [p1], message.start 5 step 1");
    assert_eq!(chat.waiting(), "p2");
}

#[test]
fn a_steer_overtakes_waiting_prompts_but_no_interrupt() {
    let mut chat = Chat::placeless();
    chat.interrupt("i");
    let mut chat = chat.with_place();
    assert_eq!(chat.steer("s"), "prompt.accepted s, turn.started 5 [i], message.start 6 step 1");
    assert_eq!(chat.waiting(), "s p1");
}

#[test]
fn an_accepted_prompt_is_answered_with_the_place_of_its_acceptance() {
    let mut chat = Chat::running();
    let accepted = {
        use polychat_core::{event::PromptBody, rules::*};
        let (prompt, mode) = (prompt_id("p2"), Interrupt);
        let body = PromptBody::text("hi");
        let decision = chat.decide(Input::Command(ChatCommand::Send { prompt, mode, body }));
        decision.unwrap().accepted.unwrap()
    };
    // message.error and turn.ended go before it.
    assert_eq!((accepted.prompt_id.as_str(), accepted.accepted_seq.get()), ("p2", 7));
}

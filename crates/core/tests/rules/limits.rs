//! Law 7: everything is bounded, exceeding a bound is a typed refusal, and what was accepted ends.

use polychat_core::{
    Limits, Part,
    command::{ChatChange, PromptChange},
    event::{PromptBody, PromptMode::Queue},
    tool::ApprovalDecision,
};
use serde_json::{Map, json};

use super::harness::Chat;

fn with_limits(mut chat: Chat, change: impl FnOnce(&mut Limits)) -> Chat {
    change(&mut chat.limits);
    chat
}

#[test]
fn a_full_queue_refuses_what_would_wait_but_not_what_runs_now() {
    let mut chat = with_limits(Chat::running(), |limits| limits.prompts_queued_max = 1);
    chat.queue("p2");
    assert_eq!(chat.queue("p3"), "refused queue_full");
    assert_eq!(chat.steer("p3"), "refused queue_full");
    assert_eq!(chat.queue("p2"), "again 5");
    assert!(chat.interrupt("p3").contains("turn.started 9 [p3]"));
    let mut chat = chat.without_place();
    assert_eq!(chat.interrupt("p4"), "refused queue_full");
    assert_eq!(chat.outcome("p3"), "running 9");
}

#[test]
fn a_revision_that_has_to_wait_finds_no_room_in_a_full_queue() {
    let mut chat = with_limits(Chat::running(), |limits| limits.prompts_queued_max = 1);
    chat.queue("p2");
    let mut chat = chat.without_place();
    assert_eq!(chat.revise(2, "p3", "other"), "refused queue_full");
    let mut chat = chat.with_place();
    assert!(chat.revise(2, "p3", "other").contains("turn.started"));
}

#[test]
fn what_is_too_large_is_refused_wherever_it_comes_in() {
    let mut chat = with_limits(Chat::running(), |limits| {
        limits.prompt_bytes_max = 4;
        limits.metadata_bytes_max = 8;
        limits.title_bytes_max = 4;
    });
    chat.queue("p2");
    let object = || Map::from_iter([("key".to_owned(), json!("long enough"))]);
    let refused = "refused too_large";
    assert_eq!(chat.send("p3", Queue, "hello"), refused);
    assert_eq!(chat.revise(2, "p3", "hello"), refused);
    let parts = vec![Part::text("hel"), Part::text("lo")];
    assert_eq!(chat.edit("p2", PromptChange::default().parts(parts)), refused);
    let body = PromptBody { metadata: object().into(), ..PromptBody::text("hi") };
    assert_eq!(chat.send_body("p3", Queue, body), refused);
    let body = PromptBody { context: object().into(), ..PromptBody::text("hi") };
    assert_eq!(chat.send_body("p3", Queue, body), refused);
    assert_eq!(chat.update(ChatChange::default().title("hello")), refused);
    assert_eq!(chat.update(ChatChange::default().metadata(object())), refused);
}

#[test]
fn what_a_person_says_about_a_call_is_bounded_like_a_prompt() {
    let mut chat = with_limits(Chat::awaiting(), |limits| limits.prompt_bytes_max = 4);
    let deny = |reason: &str| ApprovalDecision::Deny { reason: reason.into() };
    assert_eq!(chat.resolve("4.0", deny("never")), "refused too_large");
    assert!(chat.resolve("4.0", deny("no")).starts_with("approval.resolved 4.0 denied"));
    let mut chat = Chat::running();
    chat.asks(4, &["ask"]);
    chat.limits.prompt_bytes_max = 4;
    let answer = |text: &str| ApprovalDecision::Answer { data: json!(text) };
    assert_eq!(chat.resolve("4.0", answer("hello")), "refused too_large");
    assert!(chat.resolve("4.0", answer("hi")).starts_with("approval.resolved 4.0 answered"));
}

#[test]
fn a_full_chat_refuses_everything_that_would_add_to_its_log() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.limits.log_events_max = 60;
    let refused = "refused chat_full";
    assert_eq!(chat.queue("p3"), refused);
    assert_eq!(chat.interrupt("p3"), refused);
    assert_eq!(chat.revise(2, "p3", "other"), refused);
    assert_eq!(chat.retry(3, "p3"), refused);
    let change = PromptChange::default().parts(vec![Part::text("new")]);
    assert_eq!(chat.edit("p2", change), refused);
    assert_eq!(chat.update(ChatChange::default().title("new")), refused);
    assert_eq!(chat.outcome("p1"), "running 3");
}

#[test]
fn closing_and_reopening_a_full_chat_does_not_go_on_for_ever() {
    let mut chat = Chat::new();
    chat.limits.log_events_max = 100;
    for _ in 0..200 {
        chat.close();
        chat.reopen();
    }
    assert!(chat.log.len() <= 100, "{} events", chat.log.len());
    assert_eq!(chat.reopen(), "refused chat_full");
}

#[test]
fn what_a_full_chat_has_accepted_still_ends() {
    let mut chat = Chat::new();
    chat.limits.log_events_max = 150;
    let accepted = (0..200).take_while(|n| chat.queue(&format!("p{n}")) != "refused chat_full");
    let accepted = accepted.count();
    assert!((5..200).contains(&accepted), "{accepted}");
    while let Some(open) = chat.state.open_message() {
        chat.says(open.0.get(), "yes");
    }
    assert_eq!((chat.status(), chat.waiting().as_str()), ("idle", ""));
    assert_eq!(chat.count("turn.ended"), accepted);
    assert_eq!(chat.delete(), "chat.deleted");
    assert!(chat.log.len() <= 150, "{} events", chat.log.len());
}

#[test]
fn a_turn_that_would_outgrow_the_log_fails_instead() {
    let mut chat = Chat::running();
    chat.limits.log_events_max = 400;
    chat.limits.steps_max = 10_000;
    for _ in 0..20 {
        let Some(open) = chat.state.open_message() else { break };
        chat.checkpoint(open.0.get(), "text");
        chat.asks(open.0.get(), &["read"; 20]);
        for index in 0..20 {
            chat.tool_done(&format!("{open}.{index}"), "data");
        }
    }
    assert_eq!(chat.outcome("p1"), "failed");
    assert!((200..=400).contains(&chat.log.len()), "{} events", chat.log.len());
}

#[test]
fn room_stays_for_every_open_call_to_end() {
    let mut chat = Chat::running();
    (chat.limits.log_events_max, chat.limits.tool_calls_per_step_max) = (430, 100);
    chat.asks(4, &["write"; 100]);
    let _ = (0..200).find(|n| chat.queue(&format!("q{n}")) == "refused chat_full").unwrap();
    chat.cancel();
    for _ in 0..200 {
        let Some(open) = chat.state.open_message() else { break };
        chat.says(open.0.get(), "yes");
    }
    assert_eq!(chat.status(), "idle");
    assert!(chat.log.len() <= 430, "{} events", chat.log.len());
}

#[test]
fn room_stays_for_every_call_that_one_decision_lets_run() {
    let mut chat = Chat::running();
    (chat.limits.log_events_max, chat.limits.tool_calls_per_step_max) = (480, 100);
    chat.asks(4, &["write"; 100]);
    let _ = (0..200).find(|n| chat.queue(&format!("q{n}")) == "refused chat_full").unwrap();
    let allowed = chat.resolve("4.50", ApprovalDecision::AllowForChat);
    assert_eq!(allowed.matches("for chat").count(), 100);
    for index in 0..100 {
        chat.tool_done(&format!("4.{index}"), "done");
    }
    for _ in 0..200 {
        let Some(open) = chat.state.open_message() else { break };
        chat.says(open.0.get(), "yes");
    }
    assert_eq!((chat.status(), chat.count("tool.result")), ("idle", 100));
    assert!(chat.log.len() <= 480, "{} events", chat.log.len());
}

#[test]
fn checkpoints_of_a_full_chat_are_left_out_and_the_end_still_has_the_text() {
    let mut chat = Chat::running();
    chat.limits.log_events_max = 50;
    let refused = (0..100).find(|_| chat.checkpoint(4, "x") == "nothing");
    assert!(refused.is_some());
    assert!(chat.log.len() < 50);
    assert_eq!(chat.says(4, "all of it"), "message.end 4 \"all of it\", turn.ended 3 completed");
}

#[test]
fn a_turn_fails_beyond_its_steps_and_the_queue_goes_on() {
    let mut chat = Chat::running();
    chat.limits.steps_max = 2;
    chat.queue("p2");
    chat.steer("s");
    chat.asks(4, &["read"]);
    chat.tool_done("4.0", "data");
    chat.asks(11, &["read"]);
    chat.steer("s2");
    assert_eq!(
        chat.tool_done("11.0", "data"),
        "tool.result 11.0 \"data\", turn.ended 3 failed steps_limit, turn.started 17 [s2], \
         message.start 18 step 1"
    );
    assert_eq!((chat.outcome("p1"), chat.outcome("s")), ("failed".into(), "failed".into()));
    assert_eq!(chat.waiting(), "p2");
}

#[test]
fn a_message_that_asks_for_too_many_calls_fails_its_turn_and_keeps_its_text() {
    let mut chat = Chat::running();
    chat.limits.tool_calls_per_step_max = 1;
    let calls = vec![super::harness::call("read"), super::harness::call("read")];
    assert_eq!(
        chat.shows("let me").done_with(4, calls),
        "message.error 4 \"let me\" invalid_response, turn.ended 3 failed invalid_response"
    );
}

#[test]
fn no_more_calls_run_at_once_than_allowed() {
    let mut chat = Chat::running();
    chat.limits.tool_calls_parallel_max = 2;
    assert_eq!(
        chat.asks(4, &["read", "look", "read", "look"]),
        "message.end 4 \"\" [read, look, read, look], tool.start 4.0 read, tool.start 4.1 look"
    );
    assert_eq!(chat.effects, "tool 4.0 read, tool 4.1 look");
    assert_eq!(chat.tool_done("4.1", "b"), "tool.result 4.1 \"b\", tool.start 4.2 read");
    assert_eq!(chat.tool_failed("4.0"), "tool.error 4.0 tool_failed, tool.start 4.3 look");
    assert_eq!(chat.tool_done("4.3", "d"), "tool.result 4.3 \"d\"");
    assert_eq!(chat.tool_done("4.2", "c"), "tool.result 4.2 \"c\", message.start 14 step 2");
}

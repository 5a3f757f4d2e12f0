//! A log that contradicts itself, or is another chat's, is an error and never a panic.

use std::sync::Arc;

use polychat_core::{
    ChatId, Event, Recorded, Timestamp, TurnOutcome,
    event::{PromptBody, WithdrawReason},
    message::Omitted,
    outcome::Failure,
    rules::ChatState,
    tool::ToolOutput,
};

use super::harness::{Chat, agent, agent_name, call, call_id, chat_id, message, prompt_id, turn};

/// The reason why `event` cannot follow this chat's log; panics if it can.
#[track_caller]
fn cannot_follow(chat: &Chat, event: Event) -> String {
    let seq = chat.state.head().next();
    let recorded = Recorded { chat_id: chat_id(), seq, at: Timestamp(9), event };
    let mut state = chat.state.clone();
    let error = state.apply(&recorded).unwrap_err();
    assert_eq!((error.seq, error.claimed), (seq, None));
    error.reason.to_string()
}

fn started(prompts: &[&str]) -> Event {
    let prompt_ids = prompts.iter().map(|id| prompt_id(id)).collect();
    Event::TurnStarted { prompt_ids, agent: agent_name("guide"), then: Vec::new() }
}

fn ended(n: u64) -> Event {
    Event::TurnEnded { turn_id: turn(n), outcome: TurnOutcome::Completed }
}

fn accepted(id: &str) -> Event {
    Event::PromptAccepted {
        prompt_id: prompt_id(id),
        mode: Default::default(),
        body: PromptBody::text("hi"),
    }
}

fn message_end(n: u64, calls: usize) -> Event {
    Event::MessageEnd {
        message_id: message(n),
        text: "".into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls: vec![call("read"); calls],
        finish: Default::default(),
        usage: Default::default(),
    }
}

fn message_start(n: u64, step: u32) -> Event {
    let (agent, omitted) = (Arc::new(agent("guide")), Omitted::default());
    Event::MessageStart { turn_id: turn(n), step, agent, omitted }
}

#[test]
fn a_record_of_another_chat_is_named_as_such() {
    // REQ-13
    let chat = Chat::new();
    let foreign = Recorded { chat_id: ChatId::new("b").unwrap(), ..(*chat.log[0]).clone() };
    let error = ChatState::replay(&chat_id(), [&foreign]).unwrap_err();
    assert_eq!(error.claimed, Some(ChatId::new("b").unwrap()));
}

#[test]
fn a_gap_a_repetition_and_a_missing_beginning_are_found() {
    let chat = Chat::running();
    let log: Vec<&Recorded> = chat.log.iter().map(|recorded| &**recorded).collect();
    let replay = |log: &[&Recorded]| ChatState::replay(&chat_id(), log.iter().copied());
    assert_eq!(replay(&[log[0], log[2]]).unwrap_err().seq.get(), 2);
    assert_eq!(replay(&[log[0], log[1], log[1]]).unwrap_err().seq.get(), 3);
    assert_eq!(replay(&[log[1]]).unwrap_err().seq.get(), 1);
    assert_eq!(replay(&[]).unwrap().head().get(), 0);
    assert_eq!(ChatState::of_empty_log(&chat_id()), replay(&[]).unwrap());
}

#[test]
fn lives_follow_one_another() {
    let (idle, running) = (Chat::new(), Chat::running());
    cannot_follow(&idle, idle.log[0].event.clone());
    cannot_follow(&idle, Event::ChatReopened {});
    cannot_follow(&running, Event::ChatClosed {});
    cannot_follow(&running, Event::ChatDeleted {});
    cannot_follow(&Chat::placeless(), Event::ChatClosed {});
    let mut closed = Chat::new();
    closed.close();
    cannot_follow(&closed, Event::ChatClosed {});
    cannot_follow(&closed, accepted("p"));
    closed.delete();
    assert_eq!(cannot_follow(&closed, Event::ChatReopened {}), "a record after chat.deleted");
}

#[test]
fn prompts_and_turns_that_contradict_the_log_are_found() {
    let (idle, running) = (Chat::new(), Chat::running());
    cannot_follow(&running, accepted("p1"));
    let reason = WithdrawReason::Requested;
    cannot_follow(&running, Event::PromptWithdrawn { prompt_id: prompt_id("p1"), reason });
    let (parts, mode) = (None, None);
    cannot_follow(&idle, Event::PromptEdited { prompt_id: prompt_id("p1"), parts, mode });
    cannot_follow(&idle, Event::PromptJoined { prompt_id: prompt_id("p1"), turn_id: turn(3) });
    cannot_follow(&idle, started(&["p1"]));
    cannot_follow(&idle, started(&[]));
    cannot_follow(&running, started(&["p1"]));
    cannot_follow(&running, ended(3));
    cannot_follow(&running, ended(4));
    cannot_follow(&idle, ended(3));
    let (from, to) = (agent_name("guide"), agent_name("b"));
    cannot_follow(&idle, Event::TurnHandedOff { turn_id: turn(3), from, to });
    cannot_follow(&running, Event::HistoryTruncated { from: message(2) });
    cannot_follow(&idle, Event::HistoryTruncated { from: message(2) });
}

#[test]
fn messages_that_contradict_the_log_are_found() {
    let (idle, running) = (Chat::new(), Chat::running());
    cannot_follow(&idle, message_start(3, 1));
    cannot_follow(&running, message_start(3, 2));
    cannot_follow(&idle, message_end(4, 0));
    cannot_follow(&running, message_end(3, 0));
    cannot_follow(&running, message_end(4, 70_000));
    let checkpoint = |n| Event::MessageCheckpoint {
        message_id: message(n),
        text: "x".into(),
        reasoning: "".into(),
    };
    cannot_follow(&idle, checkpoint(4));
    cannot_follow(&running, checkpoint(5));
    cannot_follow(&Chat::awaiting(), message_end(4, 0));
}

#[test]
fn calls_that_contradict_the_log_are_found() {
    let awaiting = Chat::awaiting();
    let mut running = Chat::running();
    running.asks(4, &["read"]);
    let start = |id| Event::ToolStart { tool_call_id: call_id(id), name: "read".into() };
    let result =
        |id| Event::ToolResult { tool_call_id: call_id(id), output: ToolOutput::default() };
    let failure = || Failure::new(polychat_core::FailureKind::ToolFailed, "");
    let error = |id| Event::ToolError { tool_call_id: call_id(id), failure: failure() };
    for (chat, event) in [
        (&awaiting, start("4.0")),
        (&awaiting, result("4.0")),
        (&awaiting, error("4.0")),
        (&running, start("4.0")),
        (&running, start("4.1")),
        (&running, start("5.0")),
        (&running, result("4.1")),
        (&running, Event::ApprovalResolved { tool_call_id: call_id("4.0"), decision: None }),
        (&Chat::new(), start("4.0")),
        (&Chat::running(), start("4.0")),
    ] {
        cannot_follow(chat, event);
    }
}

//! How a log begins: forks and imports are complete in their first append.

use polychat_core::{
    ChatId, Event, Metadata, Timestamp,
    command::{ChatChange, NewChat},
    event::{ImportedMessage, Origin, TitleProvenance},
    rules::{self, ChatState, Decision, ImportedEntry},
    tool::ToolOutput,
};

use super::harness::{Chat, agent_name, call, message, render, render_messages};

fn fork(chat: &Chat, at: u64) -> Result<Decision, String> {
    let new = NewChat::new();
    let at = message(at);
    chat.state
        .fork(at, &ChatId::new("b").unwrap(), new, Timestamp(9), &chat.limits)
        .map_err(|refusal| refusal.code().to_owned())
}

fn state_of(decision: &Decision) -> ChatState {
    ChatState::replay(&ChatId::new("b").unwrap(), decision.events.iter().map(|e| &**e)).unwrap()
}

#[test]
fn a_fork_takes_the_messages_up_to_the_one_named() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.queue("p2");
    chat.says(9, "no");
    let decision = fork(&chat, 4).unwrap();
    assert_eq!(
        render(&decision.events),
        "chat.created, message.imported user \"hi\", message.imported assistant \"yes\""
    );
    assert!(decision.effects.is_empty());
    let state = state_of(&decision);
    assert_eq!(render_messages(state.messages()), "user: hi | assistant: yes");
    assert!(state.messages().iter().all(|message| message.turn_id.is_none()));
    let origin = Origin::Fork { chat_id: chat.state.chat_id().clone(), message_id: message(4) };
    assert_eq!(state.summary().origin, Some(origin));
    assert_eq!(fork(&chat, 9).unwrap().events.len(), 5);
}

#[test]
fn a_fork_takes_nothing_of_a_running_turn_and_no_waiting_prompt() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.queue("p2");
    chat.queue("p3");
    let waiting = chat.log.last().unwrap().seq.get();
    for running in [7, 9, waiting, 99] {
        assert_eq!(fork(&chat, running).unwrap_err(), "unknown_message");
    }
    let state = state_of(&fork(&chat, 4).unwrap());
    assert_eq!((state.waiting_prompts().len(), state.turn()), (0, None));
    assert_eq!(state.status().kind.as_str(), "idle");
    assert!(state.prompt(&super::harness::prompt_id("p1")).is_err());
}

#[test]
fn a_fork_does_not_see_what_a_revision_cut() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.revise(2, "p2", "other");
    chat.says(10, "new");
    assert_eq!(fork(&chat, 4).unwrap_err(), "unknown_message");
    let state = state_of(&fork(&chat, 10).unwrap());
    assert_eq!(render_messages(state.messages()), "user: other | assistant: new");
}

#[test]
fn calls_and_results_come_along_in_pairs_also_in_a_fork_of_a_fork() {
    let mut chat = Chat::running();
    chat.asks(4, &["read", "nothing"]);
    chat.tool_done("4.0", "data");
    chat.says(9, "ok");
    for at in [4, 6, 8] {
        let state = state_of(&fork(&chat, at).unwrap());
        assert_eq!(
            render_messages(state.messages()),
            "user: hi | assistant:  | tool 3.0: data | tool 3.1:  !unknown_tool",
            "forked at {at}"
        );
    }
    let first = state_of(&fork(&chat, 9).unwrap());
    let last = first.messages().last().unwrap().id;
    let id = ChatId::new("c").unwrap();
    let again = first.fork(last, &id, NewChat::new(), Timestamp(9), &chat.limits).unwrap();
    let second = ChatState::replay(&id, again.events.iter().map(|e| &**e)).unwrap();
    assert_eq!(render_messages(second.messages()), render_messages(first.messages()));
}

#[test]
fn a_fork_inherits_title_agent_and_context_unless_told_otherwise() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    assert_eq!(state_of(&fork(&chat, 4).unwrap()).summary().provenance, TitleProvenance::Default);
    chat.update(ChatChange::default().title("Tea").agent(agent_name("guide")));
    let summary = state_of(&fork(&chat, 4).unwrap()).summary();
    assert_eq!((&*summary.title, summary.provenance), ("Tea", TitleProvenance::Manual));
    assert_eq!(summary.agent, Some(agent_name("guide")));
    let id = ChatId::new("b").unwrap();
    let new = NewChat::new().title("Coffee");
    let decision = chat.state.fork(message(4), &id, new, Timestamp(9), &chat.limits).unwrap();
    assert_eq!(&*state_of(&decision).summary().title, "Coffee");
}

#[test]
fn a_fork_keeps_a_title_that_a_model_proposed_as_such() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    let event = Event::ChatUpdated {
        title: Some("Tea".into()),
        provenance: Some(TitleProvenance::Auto),
        metadata: None,
        archived: None,
        agent: None,
    };
    let last = chat.log.last().unwrap();
    let recorded = polychat_core::Recorded { seq: last.seq.next(), event, ..(**last).clone() };
    chat.state.apply(&recorded).unwrap();
    let summary = state_of(&fork(&chat, 4).unwrap()).summary();
    assert_eq!((&*summary.title, summary.provenance), ("Tea", TitleProvenance::Auto));
}

#[test]
fn a_chat_that_is_not_there_has_no_fork() {
    let mut chat = Chat::running();
    chat.says(4, "yes");
    chat.delete();
    assert_eq!(fork(&chat, 4).unwrap_err(), "chat_deleted");
    assert_eq!(fork(&Chat::of_log(&[]), 4).unwrap_err(), "unknown_chat");
}

fn entry(message: ImportedMessage) -> ImportedEntry {
    ImportedEntry { message, written_at: Timestamp(5), metadata: Metadata::NONE }
}

fn import(history: Vec<ImportedEntry>, chat: &Chat) -> Result<Decision, String> {
    let id = ChatId::new("b").unwrap();
    rules::import(&id, NewChat::new(), "agent-world".into(), history, Timestamp(9), &chat.limits)
        .map_err(|refusal| refusal.code().to_owned())
}

#[test]
fn imported_history_is_one_append_and_opens_nothing() {
    let parts = |text: &str| vec![polychat_core::Part::text(text)];
    let history = || {
        vec![
            entry(ImportedMessage::User { parts: parts("hi") }),
            entry(ImportedMessage::Assistant {
                author: None,
                parts: parts("let me see"),
                tool_calls: vec![call("read")],
            }),
            entry(ImportedMessage::Tool {
                index: 0,
                output: ToolOutput { parts: parts("data"), cut_bytes: 0, unshown_bytes: 0 },
                failure: None,
            }),
        ]
    };
    let chat = Chat::new();
    let state = state_of(&import(history(), &chat).unwrap());
    assert_eq!(
        render_messages(state.messages()),
        "user: hi | assistant: let me see | tool 3.0: data"
    );
    let at: Vec<_> = state.messages().iter().map(|message| message.at.0).collect();
    assert_eq!(at, [5, 5, 5]);
    assert_eq!(state.summary().origin, Some(Origin::Import { source: "agent-world".into() }));
    let orphan = history().split_off(2);
    assert_eq!(import(orphan, &chat).unwrap_err(), "invalid_input");
    let mut small = Chat::new();
    small.limits.log_events_max = 3;
    assert_eq!(import(history(), &small).unwrap_err(), "chat_full");
}

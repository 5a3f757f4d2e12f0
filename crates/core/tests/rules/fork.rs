//! How a log begins: forks and imports are complete in their first append.

use polychat_core::{
    ChatId, Event, Refusal, Timestamp,
    command::{ChatChange, ImportedChat, ImportedEntry, NewChat},
    event::{ImportedMessage, Origin, TitleProvenance},
    message::{Role, Usage},
    rules::{self, ChatState, Decision},
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
    assert_eq!(summary.last_outcome, None, "no turn has ended in it");
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
    ImportedEntry::new(message, Timestamp(5))
}

fn import(history: Vec<ImportedEntry>, chat: &Chat) -> Result<Decision, String> {
    let id = ChatId::new("b").unwrap();
    let mut imported = ImportedChat::new(NewChat::new(), "agent-world");
    imported.history = history;
    rules::import(&id, imported, Timestamp(9), &chat.limits)
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
                reasoning: "hm".into(),
                tool_calls: vec![call("read")],
                usage: Usage::new(3, 4),
                failure: None,
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
    assert_eq!(
        state.summary().origin,
        Some(Origin::Import { source: "agent-world".into(), created_at: None, updated_at: None })
    );
    let orphan = history().split_off(2);
    assert_eq!(import(orphan, &chat).unwrap_err(), "invalid_input");
    let mut small = Chat::new();
    small.limits.log_events_max = 3;
    assert_eq!(import(history(), &small).unwrap_err(), "chat_full");
}

// law 6: a time that no calendar has would be some reader's trouble later, in whatever shows it
#[test]
fn a_time_that_no_calendar_has_is_not_brought_in() {
    let id = ChatId::new("b").unwrap();
    let limits = Chat::new().limits;
    let last = 253_402_300_799_999;
    let import = |created_at, updated_at, written_at| {
        let mut imported = ImportedChat::new(NewChat::new(), "x");
        (imported.created_at, imported.updated_at) = (Some(created_at), Some(updated_at));
        let message = ImportedMessage::User { parts: vec![polychat_core::Part::text("hi")] };
        imported.history = vec![ImportedEntry::new(message, written_at)];
        rules::import(&id, imported, Timestamp(9), &limits)
    };
    let (fine, beyond) = (Timestamp(last), Timestamp(last + 1));
    assert!(import(fine, fine, fine).is_ok());
    for (imported, what) in [
        (import(beyond, fine, fine), "createdAt"),
        (import(fine, beyond, fine), "updatedAt"),
        (import(fine, fine, beyond), "writtenAt"),
    ] {
        let refused = imported.unwrap_err();
        assert!(matches!(&refused, Refusal::InvalidInput { what: it, .. } if **it == *what));
    }
}

// issue 4: what is brought in keeps the times, the names and the place in lists that it had
#[test]
fn an_imported_chat_is_what_it_was_there() {
    let said = ImportedMessage::User { parts: vec![polychat_core::Part::text("hi")] };
    let mut entry = ImportedEntry::new(said, Timestamp(5));
    entry.source_id = Some("msg-7".into());
    let mut imported = ImportedChat::new(NewChat::new().title("Old plans"), "my old app");
    imported.provenance = Some(TitleProvenance::Auto);
    imported.archived = true;
    (imported.created_at, imported.updated_at) = (Some(Timestamp(4)), Some(Timestamp(6)));
    imported.history = vec![entry];
    let (id, limits) = (ChatId::new("a").unwrap(), Default::default());
    let decision = rules::import(&id, imported, Timestamp(90), &limits).unwrap();
    let mut state = ChatState::replay(&id, decision.events.iter().map(|e| &**e)).unwrap();
    let empty = ChatState::of_empty_log(&id);
    let summary = state.summary();
    assert_eq!(empty.summary_after(&decision.events), summary);
    assert_eq!((summary.created_at, summary.updated_at), (Timestamp(4), Timestamp(6)));
    assert_eq!((summary.archived, summary.provenance), (true, TitleProvenance::Auto));
    assert_eq!(state.messages()[0].source_id.as_deref(), Some("msg-7"));

    // A fork takes the names along; what happens here moves the time.
    let chat = Chat::of_log(&decision.events);
    let copy = state_of(&fork(&chat, 2).unwrap());
    assert_eq!(copy.messages()[0].source_id.as_deref(), Some("msg-7"));
    let closed = polychat_core::Recorded {
        chat_id: id,
        seq: state.head().next(),
        at: Timestamp(100),
        event: Event::ChatClosed {},
    };
    state.apply(&closed).unwrap();
    assert_eq!(state.summary().created_at, Timestamp(4));
    assert_eq!(state.summary().updated_at, Timestamp(100));
}

// law 7
#[test]
fn an_import_is_refused_when_it_is_larger_than_allowed() {
    let said = || ImportedMessage::User { parts: vec![polychat_core::Part::text("0123456789")] };
    let entries = || vec![entry(said()), entry(said())];
    let mut chat = Chat::new();
    chat.limits.import_bytes_max = 20;
    assert!(import(entries(), &chat).is_ok());
    chat.limits.import_bytes_max = 19;
    assert_eq!(import(entries(), &chat).unwrap_err(), "too_large");
}

// law 5: no result stands there without its call
#[test]
fn an_imported_result_names_a_call_of_the_answer_before_it() {
    let result = |index| {
        entry(ImportedMessage::Tool { index, output: ToolOutput::text("data"), failure: None })
    };
    let asks = |tool_calls| {
        entry(ImportedMessage::Assistant {
            author: None,
            parts: Vec::new(),
            reasoning: "".into(),
            tool_calls,
            usage: Usage::default(),
            failure: None,
        })
    };
    let chat = Chat::new();
    assert!(import(vec![asks(vec![call("read")]), result(0)], &chat).is_ok());
    for wrong in [
        vec![asks(vec![call("read")]), result(1)],
        vec![asks(vec![call("read")]), asks(Vec::new()), result(0)],
    ] {
        assert_eq!(import(wrong, &chat).unwrap_err(), "invalid_input");
    }
}

// issue 3, issue 4: a fork shows what its source shows
#[test]
fn a_fork_keeps_what_was_thought_and_what_it_cost() {
    let history = vec![entry(ImportedMessage::Assistant {
        author: None,
        parts: Vec::new(),
        reasoning: "hm".into(),
        tool_calls: Vec::new(),
        usage: Usage::new(3, 4),
        failure: None,
    })];
    let mut imported = ImportedChat::new(NewChat::new(), "elsewhere");
    imported.history = history;
    let (id, limits) = (ChatId::new("a").unwrap(), Default::default());
    let chat = Chat::of_log(&rules::import(&id, imported, Timestamp(9), &limits).unwrap().events);
    let copy = state_of(&fork(&chat, 2).unwrap());
    let Role::Assistant { reasoning, usage, .. } = &copy.messages()[0].role else { panic!() };
    assert_eq!((&**reasoning, *usage), ("hm", Usage::new(3, 4)));
}

//! Close, reopen, delete, update.

use polychat_core::{
    Event, Metadata,
    command::ChatChange,
    event::{PromptMode::Queue, TitleProvenance},
    rules::{ChatCommand, Input},
};
use serde_json::{Map, json};

use super::harness::{Chat, agent, agent_name};

#[test]
fn close_is_one_append_that_ends_the_turn_and_withdraws_the_queue() {
    let mut chat = Chat::running();
    chat.queue("p2");
    chat.steer("s");
    assert_eq!(
        chat.shows("half").close(),
        "message.error 4 \"half\" cancelled, turn.ended 3 cancelled, prompt.withdrawn s closed, \
         prompt.withdrawn p2 closed, chat.closed"
    );
    assert_eq!((chat.status(), chat.outcome("p2").as_str()), ("closed", "withdrawn"));
    assert!(!chat.state.wants_to_run());
}

#[test]
fn a_closed_chat_refuses_prompts_until_it_is_reopened() {
    let mut chat = Chat::new();
    assert_eq!(chat.close(), "chat.closed");
    assert_eq!(chat.close(), "nothing");
    assert_eq!(chat.send("p1", Queue, "hi"), "refused chat_closed");
    assert_eq!((chat.admitted(), chat.recover()), ("nothing".into(), "nothing".into()));
    assert_eq!(chat.reopen(), "chat.reopened");
    assert_eq!(chat.reopen(), "nothing");
    assert!(chat.queue("p1").starts_with("prompt.accepted p1"));
}

#[test]
fn delete_is_one_append_and_the_log_goes_after_it() {
    let mut chat = Chat::awaiting();
    chat.queue("p2");
    assert_eq!(
        chat.delete(),
        "approval.resolved 4.0 unanswered, tool.error 4.0 cancelled, turn.ended 3 cancelled, \
         prompt.withdrawn p2 deleted, chat.deleted"
    );
    assert_eq!(chat.effects, "remove");
    assert!(chat.state.is_deleted());
}

#[test]
fn a_log_that_ends_in_chat_deleted_finishes_the_job_and_refuses_the_rest() {
    let mut chat = Chat::running();
    chat.delete();
    for input in [Input::Command(ChatCommand::Delete), Input::Recover] {
        assert_eq!(chat.input(input), "nothing");
        assert_eq!(chat.effects, "remove");
    }
    assert_eq!(chat.queue("p1"), "refused chat_deleted");
    assert_eq!(chat.cancel(), "refused chat_deleted");
    assert_eq!(chat.reopen(), "refused chat_deleted");
    for late in [chat.says(4, "late"), chat.admitted(), chat.shutdown(), chat.turn_failed(3)] {
        assert_eq!(late, "nothing");
    }
    assert_eq!(chat.effects, "");
}

#[test]
fn a_closed_chat_can_be_deleted() {
    let mut chat = Chat::new();
    chat.close();
    assert_eq!(chat.delete(), "chat.deleted");
}

#[test]
fn a_chat_without_a_log_is_unknown() {
    let mut chat = Chat::of_log(&[]);
    assert_eq!(chat.queue("p1"), "refused unknown_chat");
    assert_eq!(chat.delete(), "refused unknown_chat");
}

#[test]
fn an_update_records_only_what_changes() {
    let mut chat = Chat::running();
    let change = || ChatChange::default().title("Tea").archived(true).agent(agent_name("guide"));
    assert_eq!(
        chat.update(change()),
        "chat.updated title=\"Tea\" by Manual archived=true agent=guide"
    );
    assert_eq!(chat.update(change()), "nothing");
    assert_eq!(chat.update(change().archived(false)), "chat.updated archived=false");
    assert_eq!(
        chat.update(ChatChange::default().agent(agent_name("nobody"))),
        "refused unknown_agent"
    );
    assert_eq!(chat.status(), "running", "archiving only hides");
}

#[test]
fn metadata_can_be_cleared_and_stays_cleared_after_a_restart() {
    let mut chat = Chat::new();
    let object = Map::from_iter([("k".to_owned(), json!(1))]);
    chat.update(ChatChange::default().metadata(object));
    assert_eq!(
        chat.update(ChatChange::default().metadata(Metadata::NONE)),
        "chat.updated metadata={}"
    );
    let stored = serde_json::to_string(&chat.log).unwrap();
    let log: Vec<_> = serde_json::from_str(&stored).unwrap();
    assert_eq!(Chat::of_log(&log).state, chat.state);
    assert!(chat.state.summary().metadata.is_empty());
}

#[test]
fn a_title_remembers_who_gave_it() {
    let mut chat = Chat::new();
    let provenance = |chat: &Chat| chat.state.summary().provenance;
    assert_eq!(provenance(&chat), TitleProvenance::Default);
    chat.update(ChatChange::default().title("Tea"));
    assert_eq!(provenance(&chat), TitleProvenance::Manual);
    chat.update(ChatChange::default().archived(true));
    assert_eq!(provenance(&chat), TitleProvenance::Manual);
    assert_eq!(
        chat.update(ChatChange::default().title("")),
        "chat.updated title=\"\" by Default",
        "a title that was taken away is nobody's"
    );
}

#[test]
fn a_new_default_agent_answers_from_the_next_turn_on() {
    let mut chat = Chat::running();
    chat.agents.agents.insert(agent_name("b"), agent("b").into());
    chat.update(ChatChange::default().agent(agent_name("b")));
    chat.asks(4, &["read"]);
    chat.tool_done("4.0", "data");
    let Event::MessageStart { agent, .. } = chat.last() else { panic!("{:?}", chat.last()) };
    assert_eq!(agent.name.as_str(), "guide");
    chat.queue("p2");
    assert!(chat.says(9, "ok").contains("turn.started 13 [p2] b"));
}

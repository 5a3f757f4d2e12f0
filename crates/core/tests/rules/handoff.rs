//! Who answers: names, mentions, and turns that are handed on.

use polychat_core::{
    AgentTable, Event,
    command::ChatChange,
    event::{PromptBody, PromptMode::Queue},
};

use super::harness::{Chat, agent, agent_name};

fn world_of(names: &[&str]) -> AgentTable {
    let mut table = AgentTable::new(agent("guide"));
    for name in names {
        table.agents.insert(agent_name(name), agent(name).into());
    }
    table.settings.mentions = true;
    table
}

fn chat_of(names: &[&str]) -> Chat {
    let mut chat = Chat::new();
    chat.agents = world_of(names);
    chat
}

#[test]
fn a_prompts_own_agent_goes_before_a_mention_before_the_chats_before_the_worlds() {
    let mut chat = chat_of(&["a", "b", "c"]);
    assert!(chat.queue("p1").contains("turn.started 3 [p1],"));
    chat.cancel();
    chat.update(ChatChange::default().agent(agent_name("a")));
    assert!(chat.queue("p2").contains("[p2] a"));
    chat.cancel();
    assert!(chat.send("p3", Queue, "@b: hi").contains("[p3] b"));
    chat.cancel();
    let body = PromptBody { agent: Some(agent_name("c")), ..PromptBody::text("@b: hi") };
    assert!(chat.send_body("p4", Queue, body).contains("[p4] c"));
}

#[test]
fn a_mention_means_nothing_where_the_world_does_not_allow_it() {
    let mut chat = chat_of(&["b"]);
    chat.agents.settings.mentions = false;
    assert!(chat.send("p1", Queue, "@b: hi").contains("turn.started 3 [p1],"));
    assert_eq!(chat.says(4, "@b: you"), "message.end 4 \"@b: you\", turn.ended 3 completed");
}

#[test]
fn a_reply_that_addresses_another_agent_hands_the_turn_on() {
    let mut chat = chat_of(&["b"]);
    chat.queue("p1");
    chat.steer("s");
    assert_eq!(
        chat.says(4, "@b: you"),
        "message.end 4 \"@b: you\", turn.handed_off 3 guide->b, prompt.joined s 3, \
         message.start 9 step 2"
    );
    let Event::MessageStart { agent, .. } = chat.last() else { panic!("{:?}", chat.last()) };
    assert_eq!(agent.name.as_str(), "b");
    assert_eq!(chat.says(9, "done"), "message.end 9 \"done\", turn.ended 3 completed");
}

#[test]
fn an_agent_does_not_hand_on_to_itself_or_to_nobody() {
    let mut chat = chat_of(&["b"]);
    chat.queue("p1");
    assert!(chat.says(4, "@guide: me").ends_with("turn.ended 3 completed"));
    chat.queue("p2");
    assert!(chat.says(9, "@nobody: you").ends_with("turn.ended 8 completed"));
}

#[test]
fn a_turn_is_handed_on_only_so_often() {
    let mut chat = chat_of(&["b"]);
    chat.agents.settings.handoffs_max = 2;
    chat.queue("p1");
    assert!(chat.says(4, "@b: you").contains("guide->b"));
    assert!(chat.says(7, "@guide: you").contains("b->guide"));
    assert_eq!(chat.says(10, "@b: you"), "message.end 10 \"@b: you\", turn.ended 3 completed");
    chat.queue("p2");
    assert!(chat.says(15, "@b: you").contains("guide->b"), "each turn counts for itself");
}

#[test]
fn a_handoff_without_a_place_goes_on_when_admitted() {
    let mut chat = chat_of(&["b"]);
    chat.queue("p1");
    let mut chat = chat.without_place();
    assert_eq!(chat.says(4, "@b: you"), "message.end 4 \"@b: you\", turn.handed_off 3 guide->b");
    assert!(chat.state.wants_to_run());
    assert_eq!(chat.admitted(), "message.start 7 step 2");
    let Event::MessageStart { agent, .. } = chat.last() else { panic!("{:?}", chat.last()) };
    assert_eq!(agent.name.as_str(), "b");
}

#[test]
fn a_mention_begins_a_paragraph_and_is_an_agents_name() {
    use polychat_core::rules::mentioned;
    let table = world_of(&["b", "b2", "Ünï"]);
    let cases = [
        ("@b hi", Some("b")),
        ("  @b: hi", Some("b")),
        ("@b", Some("b")),
        ("@b, @b2", Some("b")),
        ("@b2!", Some("b2")),
        ("@Ünï?", Some("Ünï")),
        ("hello\n\n@b hi", Some("b")),
        ("hello\n@b hi", None),
        ("hello @b", None),
        ("@B hi", None),
        ("@ b", None),
        ("@nobody\n\n@b", Some("b")),
        ("@", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(mentioned(text, &table).map(|name| name.as_str()), expected, "{text:?}");
    }
}

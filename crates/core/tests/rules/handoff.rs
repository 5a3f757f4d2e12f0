//! Who answers: names, mentions, and turns that are handed on.

use polychat_core::{
    AgentTable, Event,
    command::ChatChange,
    event::{PromptBody, PromptMode::Queue},
    tool::{ApprovalDecision::AllowOnce, PolicyMode, ToolPolicy, ToolSelection},
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
fn where_handing_on_is_allowed_no_times_a_reply_ends_the_turn() {
    let mut chat = chat_of(&["b"]);
    chat.agents.settings.handoffs_max = 0;
    chat.queue("p1");
    assert!(chat.says(4, "@b: you").ends_with("turn.ended 3 completed"));
}

#[test]
fn every_message_says_who_wrote_it_and_its_start_with_what() {
    let mut chat = chat_of(&["b"]);
    chat.agents.agents.insert(agent_name("b"), agent("b").system("of b").into());
    chat.queue("p1");
    chat.says(4, "@b: you");
    chat.breaks(7, "half");
    assert_eq!(chat.authors(), "guide b");
    let starts = chat.log.iter().filter_map(|recorded| match &recorded.event {
        Event::MessageStart { agent, .. } => Some(format!("{} {:?}", agent.name, &*agent.system)),
        _ => None,
    });
    assert_eq!(starts.collect::<Vec<_>>(), ["guide \"\"", "b \"of b\""]);
}

// "Agents can change while chats run: running turns keep what they started with."
#[test]
fn an_agent_that_gets_the_turn_back_goes_on_as_it_began() {
    let mut chat = chat_of(&["b"]);
    let system = |chat: &Chat| chat.state.step().unwrap().config.system.to_string();
    let change = |chat: &mut Chat, to: &str| {
        for name in ["guide", "b"] {
            let changed = agent(name).system(format!("{to} {name}"));
            chat.agents.agents.insert(agent_name(name), changed.into());
        }
    };
    chat.queue("p1");
    change(&mut chat, "second");
    chat.says(4, "@b: you");
    assert_eq!(system(&chat), "second b", "what it begins with is what it is at its first step");
    change(&mut chat, "third");
    chat.says(7, "@guide: back to you");
    assert_eq!(system(&chat), "", "as it began the turn");
    // Also in another process, where only the log is known.
    let mut resting = Chat::of_log(&chat.log[..9]);
    assert!(matches!(resting.last(), Event::TurnHandedOff { .. }));
    resting.agents = chat.agents.clone();
    assert_eq!(resting.recover(), "message.start 10 step 3");
    assert_eq!(system(&resting), "");
    chat.says(10, "@b: and back");
    assert_eq!(system(&chat), "second b");
    chat.says(13, "done");
    chat.queue("p2");
    assert_eq!(system(&chat), "third guide", "the next turn begins with what there is then");
}

#[test]
fn who_goes_after_being_handed_the_turn_is_stood_in_for_by_the_default_agent() {
    let mut chat = chat_of(&["b"]);
    chat.queue("p1");
    let mut chat = chat.without_place();
    chat.says(4, "@b: you");
    chat.agents.agents.remove("b");
    let mut chat = chat.with_place();
    assert_eq!(chat.admitted(), "message.start 7 step 2");
    // It writes under its own name, and does not hand on to itself.
    assert!(chat.says(7, "@guide: me").ends_with("turn.ended 3 completed"));
    assert_eq!(chat.authors(), "guide guide");
}

#[test]
fn calls_are_judged_by_the_agent_that_asked_for_them() {
    let mut chat = chat_of(&[]);
    let mut auto = ToolPolicy::default();
    auto.mode = PolicyMode::Auto;
    let mut asking = ToolPolicy::default();
    asking.mode = PolicyMode::Ask;
    let only = |name: &str| ToolSelection::Only(vec![name.into()]);
    let guide = agent("guide").tools(only("read")).policy(auto);
    let b = agent("b").tools(only("write")).policy(asking);
    chat.agents.agents.insert(agent_name("guide"), guide.into());
    chat.agents.agents.insert(agent_name("b"), b.into());
    chat.queue("p1");
    assert_eq!(
        chat.asks(4, &["write", "read"]),
        "message.end 4 \"\" [write, read], tool.error 4.0 unknown_tool, tool.start 4.1 read"
    );
    chat.tool_done("4.1", "data");
    chat.says(9, "@b: you");
    // What `b` is by now does not matter to a turn in which it has begun.
    chat.agents.agents.insert(agent_name("b"), agent("b").tools(ToolSelection::None).into());
    assert_eq!(
        chat.asks(12, &["read", "write"]),
        "message.end 12 \"\" [read, write], tool.error 12.0 unknown_tool, \
         approval.requested 12.1 permission"
    );
    chat.agents.agents.remove("b");
    assert!(chat.resolve("12.1", AllowOnce).ends_with("tool.start 12.1 write"));
    chat.tool_done("12.1", "written");
    assert_eq!(chat.state.step().unwrap().config.tools, only("write"));
}

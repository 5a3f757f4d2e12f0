//! A prompt to all agents of a world: each answers once, in the order of the names, in one turn.

use polychat_core::{
    AgentTable, Event,
    event::{PromptBody, PromptMode::Queue},
    world::AGENTS_MAX,
};

use super::harness::{Chat, agent, agent_name};

/// A world of `guide` and these, in which `@all` asks everybody.
pub(crate) fn world_of(names: &[&str]) -> AgentTable {
    let mut table = AgentTable::new(agent("guide"));
    for name in names {
        table.agents.insert(agent_name(name), agent(name).into());
    }
    table.settings.broadcast = true;
    table
}

/// A chat of agents `a`, `b` and `guide` that were all asked: turn 3, message 4.
fn asked() -> Chat {
    let mut chat = Chat::new();
    chat.agents = world_of(&["b", "a"]);
    assert_eq!(
        chat.send("p1", Queue, "@all: well?"),
        "prompt.accepted p1, turn.started 3 [p1] a then [b, guide], message.start 4 step 1"
    );
    chat
}

/// The same chat in another process, over the same world.
fn replayed(chat: &Chat) -> Chat {
    let mut again = Chat::of_log(&chat.log);
    again.agents = chat.agents.clone();
    again
}

#[test]
fn each_agent_answers_once_in_the_order_of_the_names_and_then_the_turn_ends() {
    let mut chat = asked();
    assert_eq!(
        chat.says(4, "one"),
        "message.end 4 \"one\", turn.handed_off 3 a->b, message.start 7 step 2"
    );
    assert_eq!(chat.request(), "user: @all: well? | assistant: one");
    assert_eq!(
        chat.says(7, "two"),
        "message.end 7 \"two\", turn.handed_off 3 b->guide, message.start 10 step 3"
    );
    assert_eq!(chat.says(10, "three"), "message.end 10 \"three\", turn.ended 3 completed");
    assert_eq!(chat.authors(), "a b guide");
    assert_eq!(chat.outcome("p1"), "completed");
}

#[test]
fn it_is_off_by_default_and_does_not_hang_on_mentions() {
    for (broadcast, mentions, answers) in [
        (false, false, "turn.started 3 [p1],"),
        (false, true, "turn.started 3 [p1],"),
        (true, false, "turn.started 3 [p1] a then [b, guide],"),
        (true, true, "turn.started 3 [p1] a then [b, guide],"),
    ] {
        let mut chat = Chat::new();
        chat.agents = world_of(&["a", "b"]);
        (chat.agents.settings.broadcast, chat.agents.settings.mentions) = (broadcast, mentions);
        let events = chat.send("p1", Queue, "@all: well?");
        assert!(events.contains(answers), "{broadcast} {mentions}: {events}");
    }
    let mut chat = Chat::new();
    chat.agents = world_of(&["b"]);
    assert!(chat.send("p1", Queue, "@b: well?").contains("turn.started 3 [p1],"));
}

#[test]
fn the_agent_that_a_prompt_names_goes_before_whomever_its_text_addresses() {
    let mut chat = Chat::new();
    chat.agents = world_of(&["a", "b"]);
    let body = PromptBody { agent: Some(agent_name("b")), ..PromptBody::text("@all: well?") };
    let events = chat.send_body("p1", Queue, body);
    assert!(events.contains("turn.started 3 [p1] b, message.start"), "{events}");
    assert!(chat.says(4, "just me").ends_with("turn.ended 3 completed"));
    // Named and gone before its turn began: whoever usually answers stands in, not everybody.
    let mut chat = chat.without_place();
    let body = PromptBody { agent: Some(agent_name("b")), ..PromptBody::text("@all: well?") };
    chat.send_body("p2", Queue, body);
    chat.agents.agents.remove("b");
    assert_eq!(chat.admitted(), "turn.started 8 [p2], message.start 9 step 1");
}

#[test]
fn an_agent_that_is_really_named_all_is_the_one_whom_it_means() {
    let mut chat = Chat::new();
    chat.agents = world_of(&["a", "all"]);
    chat.agents.settings.mentions = true;
    let events = chat.send("p1", Queue, "@all: well?");
    assert!(events.contains("turn.started 3 [p1] all, message.start"), "{events}");
    chat.cancel();
    chat.agents.settings.mentions = false;
    assert!(chat.send("p2", Queue, "@all: well?").contains("[p2], message.start"));
}

#[test]
fn with_one_agent_everybody_is_that_one() {
    let mut chat = Chat::new();
    chat.agents = world_of(&[]);
    assert!(chat.send("p1", Queue, "@all: well?").contains("turn.started 3 [p1], message.start"));
    assert!(chat.says(4, "me").ends_with("turn.ended 3 completed"));
}

#[test]
fn while_somebody_is_still_to_answer_no_reply_re_routes_and_the_last_one_may() {
    let mut chat = asked();
    chat.agents.settings.mentions = true;
    chat.agents.settings.handoffs_max = 1;
    assert!(chat.says(4, "@guide: you first").contains("turn.handed_off 3 a->b"));
    assert!(chat.says(7, "@a: go on").contains("turn.handed_off 3 b->guide"));
    // The two before were asked by the prompt: they count for nothing.
    assert!(chat.says(10, "@a: go on").contains("turn.handed_off 3 guide->a, message.start 13"));
    assert!(chat.says(13, "@b: you").ends_with("turn.ended 3 completed"));
    assert_eq!(chat.authors(), "a b guide a");
}

#[test]
fn an_answer_on_the_way_to_a_tool_hands_nothing_on() {
    let mut chat = asked();
    assert!(chat.asks(4, &["read"]).ends_with("tool.start 4.0 read"));
    assert_eq!(chat.tool_done("4.0", "data"), "tool.result 4.0 \"data\", message.start 8 step 2");
    assert!(chat.says(8, "one").contains("turn.handed_off 3 a->b, message.start 11 step 3"));
    assert_eq!(chat.authors(), "a a");
}

#[test]
fn who_is_gone_when_its_turn_comes_is_skipped_and_who_came_is_not_asked() {
    let mut chat = asked();
    chat.agents.agents.remove("b");
    chat.agents.agents.insert(agent_name("c"), agent("c").into());
    assert!(chat.says(4, "one").contains("turn.handed_off 3 a->guide, message.start 7 step 2"));
    assert!(chat.says(7, "two").ends_with("turn.ended 3 completed"));
    assert_eq!(chat.authors(), "a guide");
}

#[test]
fn who_was_skipped_is_not_asked_later_and_who_was_asked_is_not_asked_again() {
    let mut chat = asked();
    let b = chat.agents.agents.remove("b").unwrap();
    chat.says(4, "one");
    chat.agents.agents.insert(agent_name("b"), b);
    chat.agents.settings.mentions = true;
    chat.agents.settings.handoffs_max = 2;
    assert!(chat.says(7, "@a: and you?").contains("turn.handed_off 3 guide->a, message.start 10"));
    // From now on these are handoffs like any other, whomever the prompt had asked.
    assert!(chat.says(10, "@guide: you").contains("turn.handed_off 3 a->guide"));
    assert!(chat.says(13, "@b: you").ends_with("turn.ended 3 completed"));
}

#[test]
fn when_all_the_others_are_gone_the_reply_was_the_last_one() {
    let mut chat = Chat::new();
    chat.agents = world_of(&["x", "y"]);
    chat.agents.settings.mentions = true;
    assert!(chat.send("p1", Queue, "@all: well?").contains("[p1] then [x, y], message.start"));
    chat.agents = world_of(&["new"]);
    chat.agents.settings.mentions = true;
    assert!(chat.says(4, "@new: you").contains("turn.handed_off 3 guide->new"));
    assert!(chat.says(7, "done").ends_with("turn.ended 3 completed"));
}

#[test]
fn who_was_handed_the_turn_and_goes_before_its_step_is_stood_in_for() {
    let mut chat = asked().without_place();
    assert_eq!(chat.says(4, "one"), "message.end 4 \"one\", turn.handed_off 3 a->b");
    chat.agents.agents.remove("b");
    let mut chat = chat.with_place();
    assert_eq!(chat.admitted(), "message.start 7 step 2");
    // `guide` has answered now, in the place of `b`: it is not asked a second time.
    assert!(chat.says(7, "two").ends_with("turn.ended 3 completed"));
    assert_eq!(chat.authors(), "a guide");
}

// "Agents can change while chats run: running turns keep what they started with."
#[test]
fn settings_that_change_meanwhile_do_not_change_who_was_asked() {
    let mut chat = asked();
    chat.agents.settings.broadcast = false;
    assert!(chat.says(4, "one").contains("a->b"));
    assert!(chat.says(7, "two").contains("b->guide"));
}

#[test]
fn who_is_still_to_answer_is_known_after_a_restart() {
    // law 2
    let mut chat = asked().without_place();
    chat.says(4, "one");
    let mut again = replayed(&chat);
    assert_eq!(again.recover(), "message.start 7 step 2", "nothing was running: it goes on");
    assert!(again.says(7, "two").contains("turn.handed_off 3 b->guide"));
    // What ran when the process was lost is not run again, and nobody else is asked.
    assert!(replayed(&again).recover().ends_with("turn.ended 3 interrupted"));
}

#[test]
fn a_steer_joins_before_the_next_answer_and_everybody_left_reads_it() {
    let mut chat = asked();
    chat.send("s", polychat_core::event::PromptMode::Steer, "@all: shorter");
    assert_eq!(
        chat.says(4, "one"),
        "message.end 4 \"one\", turn.handed_off 3 a->b, prompt.joined s 3, message.start 9 step 2"
    );
    assert!(chat.says(9, "two").contains("turn.handed_off 3 b->guide"));
    assert!(
        chat.says(12, "three").ends_with("turn.ended 3 completed"),
        "a joined @all asks nobody"
    );
    assert_eq!(chat.outcome("s"), "completed");
}

#[test]
fn a_failure_or_a_cancel_ends_the_turn_for_everybody() {
    let mut chat = asked();
    assert!(chat.breaks(4, "half").ends_with("turn.ended 3 failed model_unavailable"));
    let mut chat = asked();
    assert!(chat.cancel().ends_with("turn.ended 3 cancelled"));
    assert_eq!(chat.queue("p2").matches("then").count(), 0, "the next turn owes nothing");
}

#[test]
fn a_retry_asks_those_whom_the_world_has_then() {
    let mut chat = asked();
    chat.says(4, "one");
    chat.agents.agents.remove("a");
    assert!(chat.retry(3, "p2").contains("[p2] b then [guide]"));
}

#[test]
fn all_of_them_together_have_the_steps_of_one_turn() {
    let mut chat = asked();
    chat.limits.steps_max = 2;
    chat.says(4, "one");
    assert_eq!(
        chat.says(7, "two"),
        "message.end 7 \"two\", turn.handed_off 3 b->guide, turn.ended 3 failed steps_limit"
    );
}

// Law 7.
#[test]
fn no_more_are_asked_than_a_world_may_have_agents() {
    let mut chat = Chat::new();
    let names: Vec<_> = (0..AGENTS_MAX + 7).map(|n| format!("n{n}")).collect();
    chat.agents = world_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    chat.send("p1", Queue, "@all");
    let started = chat.log.iter().find_map(|recorded| match &recorded.event {
        Event::TurnStarted { then, .. } => Some(then.len()),
        _ => None,
    });
    assert_eq!(started, Some(AGENTS_MAX - 1));
}

// Law 7: what is accepted still ends properly.
#[test]
fn a_broadcast_that_would_outgrow_the_log_fails_within_its_bound() {
    let most = (40..140).step_by(9).map(|max| {
        let mut chat = Chat::new();
        let names: Vec<_> = (0..30).map(|n| format!("n{n}")).collect();
        chat.agents = world_of(&names.iter().map(String::as_str).collect::<Vec<_>>());
        chat.limits.log_events_max = max;
        let mut waiting = 0;
        while chat.send(&format!("p{waiting}"), Queue, "@all") != "refused chat_full" {
            waiting += 1;
        }
        while let Some(open) = chat.state.open_message() {
            chat.says(open.0.get(), "yes");
        }
        assert_eq!((chat.status(), chat.count("turn.ended")), ("idle", waiting), "of {max}");
        assert_eq!(chat.delete(), "chat.deleted");
        assert!(chat.log.len() as u64 <= max, "{} of {max} events", chat.log.len());
        chat.count("turn.handed_off")
    });
    assert!(most.max().unwrap() > 10);
}

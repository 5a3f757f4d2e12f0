//! Turns that several agents answer, one after another; and agents that change meanwhile (issue 3).

use std::{sync::Arc, time::Duration};

use polychat::{
    AgentConfig, AgentName, Chat, Event, FailureKind, ModelName, PromptOutcome,
    agent::WorldSettings,
    message::Role,
    tool::{ApprovalDecision::AllowOnce, ToolSelection},
};
use polychat_model::Call as ModelCall;
use polychat_testkit::faulty_store::{Call, Fault};

use crate::{
    at_both_doors,
    support::{
        House, activity, answers, asked, assert_sound, code, count, failure, log, outcome, pass,
        pending, settle, watch, within, world_of_tools,
    },
};

fn name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

fn agent(who: &str) -> AgentConfig {
    AgentConfig::new(name(who), ModelName::new("assistant").unwrap()).system(format!("I am {who}."))
}

/// Adds a poet and a sage to the world, and lets it route by what stands in texts.
async fn company(house: &House) {
    house.world.put_agent(agent("poet")).await.unwrap();
    house.world.put_agent(agent("sage")).await.unwrap();
    let mut settings = WorldSettings::default();
    (settings.mentions, settings.broadcast) = (true, true);
    house.world.update(settings).await.unwrap();
}

/// The model's next call, which is made for this agent.
async fn called(house: &House, who: &str) -> ModelCall {
    let call = within(house.script.next_call()).await;
    assert_eq!(call.request().agent, Some(name(who)));
    call
}

/// Who wrote the messages of a chat, users and tools left out.
async fn authors(chat: &Chat) -> Vec<String> {
    let author = |message: &polychat::message::SharedMessage| match &message.role {
        Role::Assistant { author, .. } => author.as_ref().map(ToString::to_string),
        _ => None,
    };
    within(chat.snapshot()).await.unwrap().messages.iter().filter_map(author).collect()
}

at_both_doors! {
    /// Issue 3: `@name` in prompts and in agents' replies, which hand the turn on.
    async fn a_reply_hands_the_turn_on_and_every_message_says_who_wrote_it(house in world_of_tools()) {
        company(&house).await;
        let chat = house.chat("a").await;
        let mut seen = watch(&chat).await;
        let prompt = chat.prompt("@poet tea?").await.unwrap();
        let poet = called(&house, "poet").await;
        assert_eq!(&*poet.request().system, "I am poet.");
        poet.text("Roses are red.\n\n@sage what else?").finish();
        let sage = called(&house, "sage").await;
        assert_eq!(&*sage.request().system, "I am sage.");
        let told: Vec<_> = sage.request().messages.iter().map(|it| it.text()).collect();
        assert_eq!(told, ["@poet tea?", "Roses are red.\n\n@sage what else?"]);
        sage.text("Violets.").finish();
        assert_eq!(seen.until_outcome(&prompt).await, PromptOutcome::Completed);
        assert_eq!(authors(&chat).await, ["poet", "sage"]);
        let names = seen.names();
        assert_eq!(names.iter().filter(|name| **name == "turn.started").count(), 1, "one turn");
        let handed_on = seen.notices.iter().find_map(|notice| match notice {
            polychat::Notice::Recorded { event, .. } => match &event.event {
                Event::TurnHandedOff { from, to, .. } => Some((from.clone(), to.clone())),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(handed_on, Some((name("poet"), name("sage"))));
        assert_eq!(within(prompt.answer()).await.unwrap(), "Violets.");
        assert_sound(&chat).await;
    }

    /// Issue 3: up to `handoffs_max` in this turn of this chat.
    async fn a_turn_is_handed_on_only_so_often(house in world_of_tools()) {
        company(&house).await;
        let (a, b) = (house.chat("a").await, house.chat("b").await);
        let most = WorldSettings::default().handoffs_max as usize;
        for chat in [&a, &b, &a] {
            let prompt = chat.prompt("@poet begin").await.unwrap();
            for n in 0..=most {
                let (who, next) = if n % 2 == 0 { ("poet", "sage") } else { ("sage", "poet") };
                called(&house, who).await.text(format!("@{next} go on")).finish();
            }
            assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
            house.no_further_call().await;
        }
        for chat in [&a, &b] {
            assert_sound(chat).await;
        }
    }

    /// Issue 3: a broadcast to all agents, in the order of their names, within one turn.
    async fn everybody_answers_a_broadcast_within_one_turn(house in world_of_tools()) {
        company(&house).await;
        let chat = house.chat("a").await;
        let prompt = chat.prompt("@all tea?").await.unwrap();
        let waits = chat.prompt("and then").await.unwrap();
        let mut heard = Vec::new();
        for who in ["assistant", "poet", "sage"] {
            let call = called(&house, who).await;
            assert_eq!(call.request().messages.len(), 1 + heard.len(), "each hears those before");
            // Nobody re-routes a turn in which others are still to answer.
            heard.push(call.text(format!("{who} says\n\n@poet hm")).request().clone());
            call.finish();
        }
        // Now that everybody has answered, a reply may hand the turn on.
        called(&house, "poet").await.text("enough").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        called(&house, "assistant").await.text("then").finish();
        assert_eq!(outcome(&waits).await, PromptOutcome::Completed);
        assert_eq!(authors(&chat).await, ["assistant", "poet", "sage", "poet", "assistant"]);
        let log = activity(&chat).await;
        assert_eq!((count(&log, "turn"), count(&log, "ended completed")), (2, 2));
        assert_sound(&chat).await;
    }

    /// Issue 3: agents can change while chats run: running turns keep what they started with.
    async fn a_running_turn_keeps_the_agent_it_started_with(house in world_of_tools()) {
        let old = agent("worker").tools(ToolSelection::All);
        house.world.put_agent(old.clone()).await.unwrap();
        for how in ["changed", "removed"] {
            let chat = house.chat(how).await;
            let prompt = chat.prompt(how).agent(name("worker")).await.unwrap();
            let model = called(&house, "worker").await;
            let changing = agent("worker").system("I am new.").tools(ToolSelection::None);
            match how {
                "changed" => house.world.put_agent(changing).await.unwrap(),
                _ => house.world.remove_agent(name("worker")).await.unwrap(),
            }
            model.tool_call(asked("look", how)).tool_call(asked("act", how)).finish();
            house.running(how).await.result("done");
            settle().await;
            chat.decide(pending(&chat).await[0].tool_call_id, AllowOnce).await.unwrap();
            house.running(how).await.result("done");
            let model = called(&house, "worker").await;
            assert_eq!(&*model.request().system, "I am worker.", "{how}");
            assert_eq!(model.request().tools.len(), 3, "{how}");
            assert_eq!(answers(model.request()), ["done", "done"]);
            model.text("done").finish();
            assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
            for recorded in log(&chat).await {
                if let Event::MessageStart { agent, .. } = &recorded.event {
                    assert_eq!(**agent, old, "the configuration used is recorded");
                }
            }
            // The next turn begins with what there is now.
            let next = chat.prompt("next").agent(name("worker")).await;
            match how {
                "changed" => {
                    let model = called(&house, "worker").await;
                    assert_eq!(&*model.request().system, "I am new.");
                    assert!(model.request().tools.is_empty());
                    model.finish();
                    outcome(&next.unwrap()).await;
                    house.world.put_agent(old.clone()).await.unwrap();
                }
                _ => assert_eq!(code(next), "unknown_agent"),
            }
            assert_sound(&chat).await;
        }
    }
}

// issue 3: off by default, because pasted text must not re-route
#[tokio::test(start_paused = true)]
async fn text_routes_nothing_unless_the_world_says_so() {
    let house = world_of_tools().open().await;
    house.world.put_agent(agent("poet")).await.unwrap();
    let chat = house.chat("a").await;
    for text in ["@poet hi", "@all hi", "hi\n\n@poet hi"] {
        let prompt = chat.prompt(text).await.unwrap();
        called(&house, "assistant").await.text("@poet go on").finish();
        assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
        house.no_further_call().await;
    }
    assert_sound(&chat).await;
}

// law 2: what routes one chat's turn does not route another's
#[tokio::test(start_paused = true)]
async fn turns_of_many_chats_are_handed_on_each_by_itself() {
    let house = world_of_tools().open().await;
    company(&house).await;
    let (a, b) = (house.chat("a").await, house.chat("b").await);
    let in_a = a.prompt("@poet to a").await.unwrap();
    let poet = called(&house, "poet").await;
    let in_b = b.prompt("@sage to b").await.unwrap();
    let sage = called(&house, "sage").await;
    poet.text("@sage here").finish();
    called(&house, "sage").await.text("done in a").finish();
    assert_eq!(outcome(&in_a).await, PromptOutcome::Completed);
    sage.text("@poet here").finish();
    called(&house, "poet").await.text("done in b").finish();
    assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
    assert_eq!(
        (authors(&a).await, authors(&b).await),
        (vec!["poet".to_owned(), "sage".to_owned()], vec!["sage".to_owned(), "poet".to_owned()])
    );
}

// issue 3: each agent has the tools that it was given, also within one turn
#[tokio::test(start_paused = true)]
async fn an_agent_that_is_handed_the_turn_has_its_own_tools_and_policy() {
    let house = world_of_tools().open().await;
    company(&house).await;
    let only = ToolSelection::Only(vec!["act".into()]);
    let mut free = polychat::tool::ToolPolicy::default();
    free.mode = polychat::tool::PolicyMode::Auto;
    house.world.put_agent(agent("sage").tools(only).policy(free)).await.unwrap();
    let chat = house.chat("a").await;
    let prompt = chat.prompt("@poet begin").await.unwrap();
    let poet = called(&house, "poet").await;
    assert!(poet.request().tools.is_empty());
    poet.tool_call(asked("act", "x")).finish();
    let poet = called(&house, "poet").await;
    assert!(answers(poet.request())[0].starts_with("unknown_tool: "));
    poet.text("@sage can you?").finish();
    let sage = called(&house, "sage").await;
    assert_eq!(sage.request().tools.len(), 1);
    sage.tool_call(asked("act", "y")).finish();
    house.running("y").await.result("acted, unasked");
    let sage = called(&house, "sage").await;
    assert_eq!(answers(sage.request())[1], "acted, unasked");
    sage.text("yes").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    assert_sound(&chat).await;
}

// issue 3: … and keeps them while its call waits for a person, through another life
#[tokio::test(start_paused = true)]
async fn a_turn_that_was_handed_on_and_waits_goes_on_as_the_same_agent_in_another_life() {
    let house = world_of_tools().open().await;
    company(&house).await;
    house.world.put_agent(agent("sage").tools(ToolSelection::All)).await.unwrap();
    let chat = house.chat("a").await;
    chat.prompt("@poet begin").await.unwrap();
    called(&house, "poet").await.text("@sage act").finish();
    called(&house, "sage").await.tool_call(asked("act", "x")).finish();
    settle().await;
    house.world.remove_agent(name("sage")).await.unwrap();
    house.world.remove_agent(name("poet")).await.unwrap();
    within(house.local.shutdown()).await;
    let second = house.reopened().await;
    let chat = second.world.chat("a").unwrap();
    chat.decide(pending(&chat).await[0].tool_call_id, AllowOnce).await.unwrap();
    second.running("x").await.result("done");
    let sage = called(&second, "sage").await;
    assert_eq!((&*sage.request().system, sage.request().tools.len()), ("I am sage.", 3));
    sage.text("done").finish();
    settle().await;
    assert_eq!(authors(&chat).await, ["poet", "sage", "sage"]);
    assert_sound(&chat).await;
}

// issue 3: agents that come and go during a broadcast
#[tokio::test(start_paused = true)]
async fn who_is_gone_when_a_broadcast_reaches_them_is_passed_over_and_newcomers_are_not_asked() {
    let house = world_of_tools().open().await;
    company(&house).await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("@all tea?").await.unwrap();
    let first = called(&house, "assistant").await;
    house.world.remove_agent(name("poet")).await.unwrap();
    house.world.put_agent(agent("newcomer")).await.unwrap();
    house.world.put_agent(agent("sage").system("I am wiser.")).await.unwrap();
    first.text("yes").finish();
    let sage = called(&house, "sage").await;
    assert_eq!(&*sage.request().system, "I am wiser.", "it had not begun to answer");
    sage.text("yes").finish();
    assert_eq!(outcome(&prompt).await, PromptOutcome::Completed);
    house.no_further_call().await;
    assert_sound(&chat).await;
}

// law 5: a broadcast that ends in the middle is over
#[tokio::test(start_paused = true)]
async fn a_broadcast_that_is_stopped_or_fails_asks_nobody_else() {
    for how in ["cancel", "fail", "crash", "shutdown"] {
        let house = world_of_tools().open().await;
        company(&house).await;
        let chat = house.chat("a").await;
        let prompt = chat.prompt("@all tea?").await.unwrap();
        called(&house, "assistant").await.text("yes").finish();
        let poet = called(&house, "poet").await;
        poet.text("ros").drained().await;
        match how {
            "cancel" => chat.cancel().await.unwrap(),
            "fail" => {
                let error = polychat::ModelErrorKind::Refused;
                poet.fail(polychat::ModelError::new(error, "no"));
                assert_eq!(failure(&prompt).await.kind, FailureKind::ModelRefused);
            }
            "crash" => {
                house.faults.for_chat(chat.id()).next(Call::Append, 1, Fault::Panic);
                assert_eq!(code(chat.rename("crash").await), "chat_restarted");
            }
            _ => within(house.local.shutdown()).await,
        }
        let house = if how == "shutdown" { house.reopened().await } else { house };
        let chat = house.world.chat("a").unwrap();
        house.no_further_call().await;
        let ended = activity(&chat).await;
        let word = match how {
            "cancel" => "ended cancelled",
            "fail" => "ended failed",
            _ => "ended interrupted",
        };
        assert_eq!(ended.last().unwrap(), word, "{how}");
        assert_eq!(authors(&chat).await, ["assistant", "poet"], "{how}");
        assert_sound(&chat).await;
    }
}

// law 7: steps of all agents together
#[tokio::test(start_paused = true)]
async fn the_steps_of_a_broadcast_count_together() {
    let house = world_of_tools().limits(|limits| limits.steps_max = 2).open().await;
    company(&house).await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("@all tea?").await.unwrap();
    called(&house, "assistant").await.text("yes").finish();
    called(&house, "poet").await.text("yes").finish();
    assert_eq!(failure(&prompt).await.kind, FailureKind::StepsLimit);
    house.no_further_call().await;
    assert_sound(&chat).await;
}

// law 7: the time of a turn is one for all its agents
#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_turn_does_not_begin_anew_when_it_is_handed_on() {
    let second = Duration::from_secs(1);
    let house =
        world_of_tools().limits(|limits| limits.turn_duration_max = 10 * second).open().await;
    company(&house).await;
    let chat = house.chat("a").await;
    let prompt = chat.prompt("@all tea?").await.unwrap();
    let first = called(&house, "assistant").await;
    pass(7 * second).await;
    first.text("yes").finish();
    let poet = Arc::new(called(&house, "poet").await);
    pass(4 * second).await;
    assert!(poet.is_cancelled());
    assert_eq!(failure(&prompt).await.kind, FailureKind::Deadline);
    house.no_further_call().await;
}

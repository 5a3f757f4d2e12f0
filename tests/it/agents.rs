//! The world's own log: agents and settings, through faults and a restart; and agents in turns.
//!
//! | file | shows |
//! |---|---|
//! | here | agents and settings as the world's own log |
//! | `turns` | turns that several agents answer, and agents that change meanwhile |

mod turns;

use std::time::Duration;

use polychat::{AgentConfig, AgentName, ModelName, agent::WorldSettings, command::NewChat};
use polychat_testkit::faulty_store::{Call, Fault};

use crate::{
    at_both_doors,
    support::{chat_id, code, house, settle, within},
};

fn agent(name: &str) -> AgentConfig {
    AgentConfig::new(AgentName::new(name).unwrap(), ModelName::new("assistant").unwrap())
}

async fn agents(world: &polychat::World) -> Vec<String> {
    let info = within(world.info()).await.unwrap();
    info.agents.iter().map(|agent| agent.name.to_string()).collect()
}

at_both_doors! {
    /// design: world settings and agents are a log of their own
    async fn agents_and_settings_can_be_changed_and_are_seen_by_everybody(house) {
        assert_eq!(agents(&house.world).await, ["assistant"]);
        house.world.put_agent(agent("poet")).await.unwrap();
        house.world.put_agent(agent("poet").system("In verse.")).await.unwrap();
        assert_eq!(agents(&house.world).await, ["assistant", "poet"]);
        let mut settings = WorldSettings::default();
        settings.context_bytes_max = 1_000;
        house.world.update(settings.clone()).await.unwrap();
        assert_eq!(within(house.world.info()).await.unwrap().settings, settings);
        let default = AgentName::new("assistant").unwrap();
        assert_eq!(code(house.world.remove_agent(default).await), "agent_in_use");
        let poet = AgentName::new("poet").unwrap();
        house.world.remove_agent(poet.clone()).await.unwrap();
        assert_eq!(code(house.world.remove_agent(poet).await), "unknown_agent");
        assert_eq!(agents(&house.world).await, ["assistant"]);
    }
}

// design: … in the same store
#[tokio::test(start_paused = true)]
async fn agents_and_settings_outlive_the_world() {
    let first = house().open().await;
    first.world.put_agent(agent("poet").system("In verse.")).await.unwrap();
    first.local.shutdown().await;
    let second = first.reopened().await;
    assert_eq!(agents(&second.world).await, ["assistant", "poet"]);
    let new = NewChat::with_id(chat_id("a")).agent(AgentName::new("poet").unwrap());
    let chat = second.world.create_chat(new).await.unwrap();
    chat.prompt("hello").await.unwrap();
    assert_eq!(&*second.call_for("hello").await.request().system, "In verse.");
}

// law 1: a change is in force once it is stored, and only then
#[tokio::test(start_paused = true)]
async fn a_change_of_the_world_that_could_not_be_stored_is_not_in_force() {
    for (fault, landed) in
        [(Fault::Unavailable, false), (Fault::RequestLost, false), (Fault::AnswerLost, true)]
    {
        let house = house().open().await;
        house.faults.next(Call::Append, 1, fault.clone());
        assert_eq!(code(house.world.put_agent(agent("poet")).await), "store_unavailable");
        assert_eq!(agents(&house.world).await, ["assistant"], "{fault:?}");
        // What really became of it shows with the next change.
        house.world.put_agent(agent("sage")).await.unwrap();
        let expected: &[&str] =
            if landed { &["assistant", "poet", "sage"] } else { &["assistant", "sage"] };
        assert_eq!(agents(&house.world).await, expected, "{fault:?}");
    }
}

// law 7: append_duration_max
#[tokio::test(start_paused = true)]
async fn a_change_of_the_world_does_not_wait_for_ever_for_its_store() {
    let house = house().open().await;
    let gate = house.faults.hang_next(Call::Append, 1);
    let result =
        tokio::time::timeout(Duration::from_secs(60), house.world.put_agent(agent("poet")));
    assert_eq!(code(result.await.expect("it is bounded")), "store_unavailable");
    gate.open();
    house.world.put_agent(agent("sage")).await.unwrap();
    assert_eq!(agents(&house.world).await, ["assistant", "sage"]);
}

// law 6: somebody who gives up waiting does no harm to the next
#[tokio::test(start_paused = true)]
async fn a_change_whose_caller_has_gone_leaves_the_world_usable() {
    let house = house().open().await;
    let gate = polychat_testkit::faulty_store::Gate::closed();
    house.faults.next(Call::Append, 1, Fault::HangAfter(gate.clone()));
    let changing = tokio::spawn({
        let world = house.world.clone();
        async move { world.put_agent(agent("poet")).await }
    });
    gate.arrived(1).await;
    changing.abort();
    settle().await;
    house.world.put_agent(agent("sage")).await.unwrap();
    assert_eq!(agents(&house.world).await, ["assistant", "poet", "sage"], "it had landed");
}

// law 7: also the world's own log is bounded
#[tokio::test(start_paused = true)]
async fn a_world_whose_log_is_full_refuses_further_changes_and_goes_on() {
    let house = house().limits(|limits| limits.log_events_max = 100).open().await;
    let mut taken = 0;
    let refusal = loop {
        match house.world.put_agent(agent("poet")).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken <= 100, "it has a bound");
    };
    assert_eq!(refusal.code(), "log_full");
    assert_eq!(taken, 99, "world.created is the first of a hundred");
    let chat = house.chat("a").await;
    house.turn(&chat, "hello", "hi").await;
}

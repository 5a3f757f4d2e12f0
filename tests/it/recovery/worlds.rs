//! The world's own log, and stores that are away while a world opens.

use std::time::Duration;

use polychat::{
    AgentConfig, AgentName, ModelName, StatusKind, agent::WorldSettings, tool::ApprovalDecision,
};
use polychat_testkit::faulty_store::{Call, Fault, Gate};
use tokio::time::Instant;

use super::lives::Lives;
use crate::support::{
    Ground, House, WorldWatcher, asked, house, pending, settle, within, world_of_tools,
};

fn agent(name: &str) -> AgentConfig {
    AgentConfig::new(AgentName::new(name).unwrap(), ModelName::new("assistant").unwrap())
}

// design: world settings and agents are a log of their own in the same store
#[test]
fn agents_and_settings_are_there_after_the_process_was_lost() {
    for ground in Ground::all() {
        let mut settings = WorldSettings::default();
        settings.context_bytes_max = 1_000;
        let mut before = None;
        let mut lives = Lives::begin(&ground, house(), async |house: &House| {
            house.world.put_agent(agent("poet").system("In prose.")).await.unwrap();
            house.world.put_agent(agent("poet").system("In verse.")).await.unwrap();
            house.world.put_agent(agent("clerk")).await.unwrap();
            house.world.remove_agent(AgentName::new("clerk").unwrap()).await.unwrap();
            house.world.update(settings.clone()).await.unwrap();
            before = Some(within(house.world.info()).await.unwrap());
        });
        for _ in 0..2 {
            let after = lives.go_on(async |house: &House| house.world.info().await.unwrap());
            assert_eq!(Some(after), before);
        }
    }
}

// law 5: a change whose answer was lost with the process was made, or was not
#[test]
fn a_change_of_the_world_whose_answer_was_lost_is_there_if_it_was_stored() {
    for (fault, there) in [(Fault::AnswerLost, true), (Fault::RequestLost, false)] {
        let mut lives = Lives::begin(&Ground::file(), house(), async |house: &House| {
            house.faults.next(Call::Append, 1, fault.clone());
            assert!(house.world.put_agent(agent("poet")).await.is_err());
        });
        lives.go_on(async |house: &House| {
            let info = within(house.world.info()).await.unwrap();
            let known = info.agents.iter().any(|agent| agent.name.as_str() == "poet");
            assert_eq!(known, there, "{fault:?}");
            house.world.put_agent(agent("poet")).await.unwrap();
        });
    }
}

// law 7: a store that does not answer is waited for as long as is allowed
#[tokio::test(start_paused = true)]
async fn a_world_whose_store_hangs_says_so_in_time_and_can_be_opened_once_it_works() {
    let first = house().open().await;
    within(first.local.shutdown()).await;
    let builder = first.builder();
    for (call, before) in [(Call::Open, true), (Call::Open, false), (Call::Read, true)] {
        let gate = Gate::closed();
        let fault = if before { Fault::HangBefore(gate) } else { Fault::HangAfter(gate) };
        first.faults.next(call, 1, fault);
        let began = Instant::now();
        let opened = within(builder.clone().open()).await;
        let error = opened.err().expect("a store that hangs").to_string();
        assert!(error.contains("took too long"), "{error}");
        assert!(began.elapsed() <= Duration::from_secs(30), "{:?}", began.elapsed());
    }
    first.faults.next(Call::Append, 1, Fault::HangAfter(Gate::closed()));
    let more = builder.clone().add_agent(agent("poet"));
    assert!(within(more.clone().open()).await.is_err());
    let world = within(more.open()).await.unwrap();
    let agents = within(world.info()).await.unwrap().agents;
    assert_eq!(agents.iter().filter(|agent| agent.name.as_str() == "poet").count(), 1);
}

// NFR-3: a status that was read before the chat came to life is not told after that
#[tokio::test(start_paused = true)]
async fn what_a_world_reads_while_it_opens_does_not_overtake_what_its_chats_say() {
    let first = world_of_tools().open().await;
    let chat = first.chat("a").await;
    first.begin_calls(&chat, "hello", [asked("act", "z")]).await;
    settle().await;
    within(first.local.shutdown()).await;
    let gate = Gate::closed();
    first.faults.next(Call::List, 1, Fault::HangAfter(gate.clone()));
    let second = first.reopened().await;
    gate.arrived(1).await;
    // The list says that the chat waits for a person, and is on its way.
    let chat = second.world.chat("a").unwrap();
    let mut feed = WorldWatcher::new(&second.world).await;
    let waiting = pending(&chat).await[0].tool_call_id;
    chat.decide(waiting, ApprovalDecision::Deny { reason: "no".into() }).await.unwrap();
    second.call_for("hello").await.finish();
    feed.until_status(&chat, StatusKind::Idle).await;
    gate.open();
    settle().await;
    let later = crate::support::statuses(&feed.drain().await);
    assert_eq!(later, Vec::<String>::new());
}

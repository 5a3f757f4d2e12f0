//! The world's own log: settings and agents.

use polychat_core::{
    AgentTable,
    agent::WorldSettings,
    world::{AGENT_BYTES_MAX, AGENTS_MAX, WorldChange, WorldEvent},
};

use super::harness::{agent, agent_name};

fn created() -> WorldEvent {
    WorldEvent::WorldCreated { agent: agent("guide").into(), settings: WorldSettings::default() }
}

#[test]
fn a_table_is_what_its_log_says() {
    let mut settings = WorldSettings::default();
    settings.mentions = true;
    let log = [
        created(),
        WorldEvent::AgentPut { agent: agent("b").into() },
        WorldEvent::AgentPut { agent: agent("c").into() },
        WorldEvent::AgentPut { agent: agent("b").system("new").into() },
        WorldEvent::AgentRemoved { agent: agent_name("c") },
        WorldEvent::WorldUpdated { settings: settings.clone() },
    ];
    let table = AgentTable::replay(&log).unwrap();
    let names: Vec<_> = table.agents.keys().map(ToString::to_string).collect();
    assert_eq!((names, table.default_agent.as_str()), (vec!["b".into(), "guide".into()], "guide"));
    assert_eq!(&*table.get(&agent_name("b")).unwrap().system, "new");
    assert_eq!(table.settings, settings);
}

#[test]
fn a_log_without_a_beginning_is_no_world() {
    assert_eq!(AgentTable::replay(&[]), None);
    assert_eq!(AgentTable::replay(&[WorldEvent::AgentRemoved { agent: agent_name("b") }]), None);
}

#[test]
fn agents_are_put_replaced_and_removed_but_not_the_default_one() {
    let table = AgentTable::replay(&[created()]).unwrap();
    let put = table.decide(WorldChange::Put(agent("b"))).unwrap();
    let table = AgentTable::apply(Some(table), &put).unwrap();
    assert!(table.get(&agent_name("b")).is_some());
    let code = |change| table.decide(change).unwrap_err().code();
    assert_eq!(code(WorldChange::Remove(agent_name("guide"))), "agent_in_use");
    assert_eq!(code(WorldChange::Remove(agent_name("nobody"))), "unknown_agent");
    let removed = table.decide(WorldChange::Remove(agent_name("b"))).unwrap();
    assert!(AgentTable::apply(Some(table), &removed).unwrap().get(&agent_name("b")).is_none());
}

#[test]
fn a_world_has_a_bounded_number_of_bounded_agents() {
    // law 7
    let mut table = AgentTable::new(agent("guide"));
    for n in 1..AGENTS_MAX {
        let name = format!("a{n}");
        table.agents.insert(agent_name(&name), agent(&name).into());
    }
    let code = |change| table.decide(change).map_err(|refusal| refusal.code());
    assert_eq!(code(WorldChange::Put(agent("one more"))), Err("too_large"));
    assert!(code(WorldChange::Put(agent("a1").system("replaced"))).is_ok());
    let long = "x".repeat(AGENT_BYTES_MAX);
    assert_eq!(code(WorldChange::Put(agent("a1").system(long.clone()))), Err("too_large"));
    let mut settings = WorldSettings::default();
    settings.policy.tools.insert(long.into(), Default::default());
    assert_eq!(code(WorldChange::Settings(settings)), Err("too_large"));
}

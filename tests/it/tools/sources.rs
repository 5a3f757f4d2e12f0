//! Where tools come from: what operators hear of it, and toolboxes that are slow to make them ready.

use std::{sync::Arc, time::Duration};

use polychat::{
    FailureKind, Notice, PromptOutcome,
    diagnostic::{DiagnosticKind, ToolSourceState},
    notice::WorldNotice,
    ports::{Tool, Toolbox},
    tool::{NoTools, ToolCatalog, ToolSelection},
};
use polychat_testkit::faulty_store::Gate;
use tokio::time::Instant;

use crate::{
    at_both_doors,
    support::{
        WorldWatcher, asked, assert_sound, failure, house, outcome, settle, within, world_of_tools,
    },
};

at_both_doors! {
    /// Issue 3: health of a source of tools as a diagnostic.
    async fn operators_hear_how_the_sources_of_tools_are_doing(house in world_of_tools()) {
        let mut feed = WorldWatcher::new(&house.world).await;
        for (state, reason) in [
            (ToolSourceState::Starting, ""),
            (ToolSourceState::Failed, "it ended with 1"),
            (ToolSourceState::Ready, ""),
        ] {
            house.tools.source_changed("files", state, reason);
            let told = feed.until_diagnostic("tool_source").await;
            let (source, reason) = ("files".into(), reason.into());
            assert_eq!(told.kind, DiagnosticKind::ToolSource { source, state, reason });
            assert_eq!(told.chat_id, None, "it is the world's, no chat's");
        }
    }

    /// law 7: the reason is bounded, and so is what is kept for who does not read.
    async fn a_source_that_changes_without_end_costs_no_more_than_the_ring(
        house in world_of_tools().limits(|limits| limits.diagnostics_max = 10)
    ) {
        let mut feed = WorldWatcher::new(&house.world).await;
        for n in 0..1_000 {
            let reason = format!("{n} {}", "ß".repeat(100_000));
            house.tools.source_changed("files", ToolSourceState::Failed, &reason);
        }
        feed.drain().await;
        let reasons: Vec<_> = feed.notices.iter().filter_map(|notice| match notice {
            Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => match &diagnostic.kind {
                DiagnosticKind::ToolSource { reason, .. } => Some(reason.clone()),
                _ => None,
            },
            _ => None,
        }).collect();
        assert!(reasons.len() <= 11, "{}", reasons.len());
        assert!(reasons.last().unwrap().starts_with("999 "));
        assert!(reasons.iter().all(|reason| reason.len() <= 1_024));
    }
}

// a toolbox may outlive its worlds, and serve several
#[tokio::test(start_paused = true)]
async fn a_toolbox_that_outlives_its_world_tells_nobody_and_harms_nobody() {
    let first = world_of_tools().open().await;
    within(first.local.shutdown()).await;
    let second = first.reopened().await;
    drop(first);
    let mut feed = WorldWatcher::new(&second.world).await;
    second.tools.source_changed("files", ToolSourceState::Ready, "");
    feed.until_diagnostic("tool_source").await;
    let script = second.tools.clone();
    within(second.local.shutdown()).await;
    drop(second);
    script.source_changed("files", ToolSourceState::Failed, "nobody hears this");
}

// law 6: a toolbox that takes its time costs the turns that wait for it, and no others
#[tokio::test(start_paused = true)]
async fn a_turn_waits_for_its_tools_to_be_ready_as_long_as_for_any_progress() {
    let house = world_of_tools().open().await;
    let plain = polychat::AgentName::new("plain").unwrap();
    let model = polychat::ModelName::new("assistant").unwrap();
    house.world.put_agent(polychat::AgentConfig::new(plain.clone(), model)).await.unwrap();
    let gate = Gate::closed();
    house.tools.hold_prepare(gate.clone());
    let (a, b, c) = (house.chat("a").await, house.chat("b").await, house.chat("c").await);
    let began = Instant::now();
    let in_a = a.prompt("to a").await.unwrap();
    let in_c = c.prompt("to c").await.unwrap();
    gate.arrived(2).await;
    // An agent without tools needs none to be ready.
    let in_b = b.prompt("to b").agent(plain).await.unwrap();
    house.answer("to b", "fine").await;
    assert_eq!(outcome(&in_b).await, PromptOutcome::Completed);
    c.cancel().await.unwrap();
    assert_eq!(outcome(&in_c).await, PromptOutcome::Cancelled);
    assert_eq!(failure(&in_a).await.kind, FailureKind::NoProgress);
    assert_eq!(began.elapsed().as_secs(), 120);
    gate.open();
    house.turn(&a, "again", "fine").await;
    assert_eq!(house.script.calls_seen(), 2);
    assert_sound(&a).await;
    assert_sound(&c).await;
}

// issue 3: started on first use
#[tokio::test(start_paused = true)]
async fn tools_are_made_ready_for_whoever_may_use_them_and_before_each_model_call() {
    let house = world_of_tools().open().await;
    let chat = house.chat("a").await;
    assert!(house.tools.prepared().is_empty(), "a world that nobody uses starts nothing");
    house.begin_calls(&chat, "hello", [asked("look", "x")]).await;
    assert_eq!(house.tools.prepared(), [ToolSelection::All]);
    house.running("x").await.result("done");
    house.answer("hello", "well").await;
    settle().await;
    assert_eq!(house.tools.prepared().len(), 2);
}

/// Cannot even be asked to make its tools ready.
struct Broken;

#[async_trait::async_trait]
impl Toolbox for Broken {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        NoTools.catalog()
    }

    fn get(&self, _: &str) -> Option<Arc<dyn Tool>> {
        None
    }

    async fn prepare(&self, _: &ToolSelection) {
        panic!("planned: in prepare")
    }
}

// law 6: … and one that panics fails the turn, not the chat
#[tokio::test(start_paused = true)]
async fn a_toolbox_that_panics_when_it_makes_ready_fails_the_turn() {
    let name = polychat::AgentName::new("assistant").unwrap();
    let model = polychat::ModelName::new("assistant").unwrap();
    let agent = polychat::AgentConfig::new(name, model).tools(ToolSelection::All);
    let house = house().tools(Broken).agent(agent).open().await;
    let chat = house.chat("a").await;
    let mut feed = WorldWatcher::new(&house.world).await;
    for n in 0..5 {
        let prompt = chat.prompt(format!("hello {n}")).await.unwrap();
        assert_eq!(failure(&prompt).await.kind, FailureKind::Panicked);
    }
    assert_eq!(house.script.calls_seen(), 0);
    tokio::time::sleep(Duration::from_millis(1)).await;
    feed.drain().await;
    assert!(!feed.diagnostics().iter().any(|it| it.contains("restarted")));
    assert_sound(&chat).await;
}

//! Which calls run, ask, or are denied: the whole table.

use std::sync::Arc;

use polychat_core::{
    AgentTable,
    tool::{
        ApprovalDecision::AllowForChat,
        PolicyMode::{self, Ask, Auto, Read},
        ToolKind, ToolPolicy, ToolSpec, Verdict,
    },
};
use serde_json::json;

use super::harness::{Chat, agent};

const MODES: [PolicyMode; 3] = [Read, Ask, Auto];

/// Kind, whether it always asks, and what becomes of a call under `read`, `ask` and `auto`.
const TABLE: [(ToolKind, bool, [&str; 3]); 6] = [
    (ToolKind::Read, false, ["run", "run", "run"]),
    (ToolKind::Act, false, ["denied", "permission", "run"]),
    (ToolKind::Question, false, ["question", "question", "question"]),
    (ToolKind::Read, true, ["permission", "permission", "permission"]),
    (ToolKind::Act, true, ["denied", "permission", "permission"]),
    (ToolKind::Question, true, ["question", "question", "question"]),
];

fn spec(kind: ToolKind, always_asks: bool) -> ToolSpec {
    let spec = ToolSpec::new("t", "a tool", json!({})).kind(kind);
    if always_asks { spec.needs_approval() } else { spec }
}

/// A policy that means `mode` for the tool: for all tools, or for this one against all others.
fn policies(mode: PolicyMode) -> Vec<ToolPolicy> {
    let for_all = |mode| {
        let mut policy = ToolPolicy::default();
        policy.mode = mode;
        policy
    };
    let against = |other| {
        let mut policy = for_all(other);
        policy.tools.insert("t".into(), mode);
        policy.tools.insert("other".into(), other);
        policy
    };
    [for_all(mode)].into_iter().chain(MODES.map(against)).collect()
}

/// What becomes of a call of the tool, as the events say.
fn outcome(events: &str) -> &'static str {
    ["tool.start", "tool.error 4.0 denied", "4.0 permission", "4.0 question"]
        .into_iter()
        .zip(["run", "denied", "permission", "question"])
        .find_map(|(sign, outcome)| events.contains(sign).then_some(outcome))
        .unwrap_or("something else")
}

/// A chat in which the tool is of this sort, and which is about to answer as message 4.
fn chat(spec: &ToolSpec, table: AgentTable) -> Chat {
    let mut chat = Chat::new();
    chat.tools.0.insert("t".into(), Arc::new(spec.clone()));
    chat.agents = table;
    chat.queue("p1");
    chat
}

#[test]
fn what_becomes_of_a_call_follows_from_kind_need_and_mode() {
    for (kind, always_asks, outcomes) in TABLE {
        let spec = spec(kind, always_asks);
        for (mode, expected) in MODES.into_iter().zip(outcomes) {
            for policy in policies(mode) {
                let verdict = match expected {
                    "run" => Verdict::Allow,
                    "denied" => Verdict::Deny,
                    _ => Verdict::Ask,
                };
                assert_eq!(policy.verdict(&spec), verdict, "{spec:?} {policy:?}");
                let mut table = AgentTable::new(agent("guide"));
                table.settings.policy = policy.clone();
                let events = chat(&spec, table).asks(4, &["t"]);
                assert_eq!(outcome(&events), expected, "{spec:?} {policy:?}: {events}");
            }
        }
    }
}

#[test]
fn an_agents_own_policy_is_the_only_one_that_counts_for_it() {
    for (kind, always_asks, outcomes) in TABLE {
        let spec = spec(kind, always_asks);
        for (mode, expected) in MODES.into_iter().zip(outcomes) {
            for (own, of_world) in policies(mode).into_iter().zip(MODES) {
                let mut table = AgentTable::new(agent("guide").policy(own));
                table.settings.policy.mode = of_world;
                table.settings.policy.tools.insert("t".into(), of_world);
                let events = chat(&spec, table).asks(4, &["t"]);
                assert_eq!(outcome(&events), expected, "{spec:?} {mode:?}: {events}");
            }
        }
    }
}

#[test]
fn what_a_person_allowed_for_the_chat_runs_wherever_it_would_ask_for_permission() {
    for (kind, always_asks, outcomes) in TABLE {
        for (mode, without) in MODES.into_iter().zip(outcomes) {
            let acting = spec(ToolKind::Act, false);
            let mut chat = chat(&acting, AgentTable::new(agent("guide")));
            chat.asks(4, &["t"]);
            chat.resolve("4.0", AllowForChat);
            chat.tool_done("4.0", "done");
            chat.tools.0.insert("t".into(), Arc::new(spec(kind, always_asks)));
            chat.agents.settings.policy.mode = mode;
            let events = chat.asks(10, &["t"]).replace("10.0", "4.0");
            let expected = if without == "permission" { "run" } else { without };
            assert_eq!(outcome(&events), expected, "{kind:?} {always_asks} {mode:?}: {events}");
        }
    }
}

#[test]
fn a_world_that_changes_its_policy_means_turns_that_run_too() {
    let mut chat = Chat::running();
    chat.agents.settings.policy.mode = Read;
    assert!(chat.asks(4, &["write"]).contains("tool.error 4.0 denied"));
}

//! The canary run with one MCP server for all chats, which we did not write: npm
//! `@modelcontextprotocol/server-everything`, tool `echo`.
//!
//! Needs `node` and the package, see [`require::mcp_everything`]; without them it is skipped,
//! visibly. What the server itself keeps is its own matter; what leaves the house for it is searched
//! in the arguments that models ask with.

use std::{sync::Arc, time::Duration};

use polychat::{
    ports::ModelDelta,
    tool::PolicyMode,
    tools::mcp::{Mcp, McpLimits, McpServer},
};
use polychat_testkit::{require, tools::asks};
use serde_json::json;

use super::{
    Found, Leaks, Shared,
    crowd::Crowd,
    records::{Records, observed_runtime},
    run,
    secrets::{Kind, Secret},
    tools::Plant,
};
use crate::state_machine::{silence_planned_panics, wanted};

/// Two calls of the server's tool at once, each with the chat's secret.
fn echoes(owner: usize, heard: usize) -> Vec<ModelDelta> {
    let call = |n: usize| {
        let message = format!("{heard}.{n}: {}", Secret::of(owner, Kind::Said));
        ModelDelta::ToolCall(asks("every_echo", json!({ "message": message })))
    };
    vec![call(1), call(2)]
}

// REQ-4, NFR-1; issue 3: chats that share an MCP server
#[test]
fn no_secret_crosses_from_chat_to_chat_through_a_server_that_we_did_not_write() {
    let Some(script) = require::mcp_everything() else { return };
    silence_planned_panics();
    let chats = usize::try_from(wanted("POLYCHAT_CANARY_MCP_CHATS", 50)).unwrap();
    const TURNS: usize = 4;
    let mut limits = McpLimits::default();
    // Node takes its time to start on a busy machine.
    limits.start_duration_max = Duration::from_secs(120);
    let server = McpServer::stdio("every", "node").arg(script).arg("stdio").allow(["echo"]);
    let mcp = Mcp::new([server.limits(limits)]).unwrap();
    let shared = Shared {
        tools: Arc::new(mcp.clone()),
        wants: echoes,
        policy: PolicyMode::Auto,
        plant: Plant::Nothing,
        calls: Crowd::new(0),
        leaks: Leaks::default(),
    };
    let records = Arc::new(Records::default());
    let found = observed_runtime(&records, async |records| {
        let found = run(chats, TURNS, shared, records).await;
        mcp.stop().await;
        found
    });
    let Found { answers_at_once, events, at_home, results, .. } = found;
    println!(
        "{chats} chats, {answers_at_once} answers at once, {events} events, {results} results"
    );
    assert_eq!(found.leaks, [], "leaks");
    assert_eq!(found.records.leaks(), [], "leaks in records");
    assert_eq!(results, chats * TURNS, "two calls in every second turn");
    assert!(at_home >= chats * TURNS * 6, "{at_home}");
}

//! What of a server's tools models are told.

use polychat_core::{
    ports::Toolbox,
    tool::{ToolKind, ToolSpec},
};
use polychat_tools::{
    is_tool_name,
    mcp::{Mcp, McpConfigError, McpServer},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

use crate::{
    fake::{Fake, tool},
    support::{alone, call, limits, names, prepare},
};

/// The specs of a server that lists these tools.
async fn specs(configure: impl FnOnce(McpServer) -> McpServer, tools: Value) -> Vec<Arc<ToolSpec>> {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(configure(server));
    let preparing = prepare(&mcp);
    let _peer = fake.start(tools).await;
    preparing.await.unwrap();
    mcp.catalog().specs()
}

fn named(specs: &[Arc<ToolSpec>]) -> Vec<&str> {
    specs.iter().map(|spec| &*spec.name).collect()
}

// Issue 3: prefixed names, allow lists
#[tokio::test]
async fn only_allowed_tools_are_there_under_the_prefix_and_in_a_stable_order() {
    let tools = json!([tool("c"), tool("b"), tool("a"), tool("d")]);
    let all = specs(|server| server, tools.clone()).await;
    assert_eq!(named(&all), ["s_a", "s_b", "s_c", "s_d"]);
    let some = |server: McpServer| server.allow(["a", "b", "z"]).deny(["b"]).prefix("mine");
    assert_eq!(named(&specs(some, tools).await), ["mine_a"]);
}

// Issue 3: a name means one tool, and providers take it
#[tokio::test]
async fn names_that_do_not_fit_are_made_to_and_call_the_right_tool() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let long = "x".repeat(200);
    let tools = json!([tool("a.b"), tool("a_b"), tool("a b"), tool(&long), tool("a_b"), tool("")]);
    let mut peer = fake.start(tools).await;
    preparing.await.unwrap();
    let names = names(&mcp);
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| is_tool_name(name)), "{names:?}");
    let mut called = Vec::new();
    for name in &names {
        let calling = call(&mcp, name);
        let request = peer.expect("tools/call").await;
        called.push(request["params"]["name"].as_str().unwrap().to_owned());
        peer.say(&request, "ok").await;
        calling.text().await;
    }
    called.sort();
    assert_eq!(called, ["a b", "a.b", "a_b", &long]);
    let left_out = mcp.status().remove(0).left_out;
    assert_eq!(left_out.len(), 2, "{left_out:?}");
    assert!(left_out[0].contains("another tool has its name"), "{left_out:?}");
}

// Issue 3: annotations are untrusted unless the embedder says otherwise
#[tokio::test]
async fn a_tool_only_reads_if_it_says_so_and_is_believed() {
    let mut reads = tool("reads");
    reads["annotations"] = json!({ "readOnlyHint": true });
    let mut acts = tool("acts");
    acts["annotations"] = json!({ "readOnlyHint": false });
    let tools = json!([reads, acts, tool("silent")]);
    let kinds = |specs: &[Arc<ToolSpec>]| specs.iter().map(|it| it.kind).collect::<Vec<_>>();
    let doubted = specs(|server| server, tools.clone()).await;
    assert_eq!(kinds(&doubted), [ToolKind::Act; 3]);
    let believed = specs(McpServer::trust_annotations, tools).await;
    assert_eq!(named(&believed), ["s_acts", "s_reads", "s_silent"]);
    assert_eq!(kinds(&believed), [ToolKind::Act, ToolKind::Read, ToolKind::Act]);
}

#[tokio::test]
async fn what_is_configured_for_a_server_holds_for_each_of_its_tools() {
    let configure = |server: McpServer| {
        server.needs_approval().duration_max(Duration::from_secs(3)).result_bytes_max(77)
    };
    let specs = specs(configure, json!([tool("a")])).await;
    let spec = &specs[0];
    assert!(spec.needs_approval);
    assert_eq!((spec.duration_max_ms, spec.result_bytes_max), (Some(3_000), Some(77)));
    // Before the server was asked, too.
    let (server, _fake) = Fake::server("s");
    let spec = alone(configure(server)).get("s_a").unwrap().spec();
    assert!(spec.needs_approval);
    assert_eq!((spec.duration_max_ms, spec.result_bytes_max), (Some(3_000), Some(77)));
}

// Law 7, law 6: one bad tool does not make a provider refuse the requests of all chats
#[tokio::test]
async fn tools_that_cannot_be_used_are_left_out_and_told() {
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    (limits.schema_bytes_max, limits.description_bytes_max) = (1_000, 10);
    let mcp = alone(server.limits(limits));
    let preparing = prepare(&mcp);
    let with_schema = |name: &str, schema: Value| json!({ "name": name, "inputSchema": schema });
    let mut wordy = tool("wordy");
    wordy["description"] = "ä".repeat(100).into();
    let titled =
        json!({ "name": "titled", "title": "A title", "inputSchema": { "type": "object" } });
    let _peer = fake
        .start(json!([
            with_schema("large", json!({ "type": "object", "description": "x".repeat(1_000) })),
            with_schema("no-object", json!({ "type": "string" })),
            with_schema("none", json!({})),
            with_schema("broken", json!({ "type": "object", "properties": 5 })),
            with_schema("remote", json!({ "type": "object", "$ref": "http://127.0.0.1:9/s.json" })),
            wordy,
            titled,
        ]))
        .await;
    preparing.await.unwrap();
    assert_eq!(names(&mcp), ["s_titled", "s_wordy"]);
    let specs = mcp.catalog().specs();
    assert_eq!((&*specs[0].description, &*specs[1].description), ("A title", "äääää"));
    let left_out = mcp.status().remove(0).left_out;
    let begins: Vec<_> = left_out.iter().map(|it| it.split(':').next().unwrap()).collect();
    assert_eq!(begins, ["large", "no-object", "none", "broken", "remote"]);
}

// Law 7: pages and tools have an end
#[tokio::test]
async fn a_list_without_end_is_read_only_as_far_as_its_bound() {
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    limits.tools_max = 5;
    let mcp = alone(server.limits(limits));
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.welcome().await;
    for page in 0..3 {
        let request = peer.expect("tools/list").await;
        let tools = [2 * page, 2 * page + 1].map(|n| tool(&format!("t{n}")));
        let next = format!("page {page}");
        peer.answer(&request, json!({ "tools": tools, "nextCursor": next })).await;
    }
    preparing.await.unwrap();
    assert_eq!(names(&mcp), ["s_t0", "s_t1", "s_t2", "s_t3", "s_t4"]);
    let left_out = mcp.status().remove(0).left_out;
    assert!(left_out.iter().all(|it| it.contains("more than 5 tools")), "{left_out:?}");
    assert_eq!(left_out.len(), 2, "{left_out:?}");

    // Pages that bring nothing are no pages.
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.welcome().await;
    let request = peer.expect("tools/list").await;
    peer.answer(&request, json!({ "tools": [], "nextCursor": "again" })).await;
    preparing.await.unwrap();
    assert!(names(&mcp).is_empty());
}

#[tokio::test]
async fn servers_that_cannot_stand_together_are_refused() {
    let refused = |servers: [McpServer; 2]| Mcp::new(servers).unwrap_err();
    let same = refused([McpServer::stdio("a", "x"), McpServer::stdio("a", "y")]);
    assert_eq!(same, McpConfigError::DuplicateName { name: "a".into() });
    let overlap = refused([McpServer::stdio("git", "x"), McpServer::stdio("git_hub", "y")]);
    assert!(matches!(overlap, McpConfigError::OverlappingPrefixes { .. }), "{overlap}");
    assert!(Mcp::new([]).unwrap().catalog().specs().is_empty());
}

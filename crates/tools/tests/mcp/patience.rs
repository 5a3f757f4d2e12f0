//! How long anybody waits for a server that hangs, is stopped, or never stops talking.

use std::time::Duration;

use polychat_core::{
    FailureKind,
    diagnostic::ToolSourceState::{Failed, Ready, Starting},
    ports::Toolbox,
};
use polychat_tools::mcp::McpState;
use serde_json::json;
use tokio::{
    task::yield_now,
    time::{Instant, advance},
};

use crate::{
    fake::{Fake, Peer, tool},
    support::{Watcher, alone, call, call_of, limits, names, prepare, prepare_all},
};

/// Waits until all that the server has sent was read.
async fn is_read(peer: &mut Peer) {
    peer.send(json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" })).await;
    assert_eq!(peer.next().await.unwrap()["id"], "p");
}

// Issue 3: a server that hangs at its start holds up one model call, and not each
#[tokio::test(start_paused = true)]
async fn only_the_first_start_of_a_server_is_waited_for() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let watcher = Watcher::of(&mcp);
    let began = Instant::now();
    prepare_all(&mcp).await;
    assert_eq!(began.elapsed(), limits().start_duration_max);
    // The pause is at least as long as the start took.
    advance(Duration::from_millis(4_999)).await;
    prepare_all(&mcp).await;
    yield_now().await;
    assert_eq!(fake.opened(), 1);
    advance(Duration::from_millis(1)).await;
    let began = Instant::now();
    prepare_all(&mcp).await;
    prepare_all(&mcp).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(watcher.states(), [Starting, Failed, Starting]);
    // It goes on meanwhile, and what comes of it counts.
    drop(fake.accept().await);
    let _peer = fake.start(json!([tool("work")])).await;
    watcher.until(4).await;
    assert_eq!(names(&mcp), ["s_work"]);
    assert_eq!(fake.opened(), 2);
}

// Issue 3: nobody is asked about a tool that nobody has seen and that cannot be called
#[tokio::test(start_paused = true)]
async fn a_call_of_a_server_that_has_failed_is_refused_before_a_person_is_asked() {
    let (server, fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    drop(fake);
    let idle = mcp.catalog();
    prepare_all(&mcp).await;
    let work = call_of("s_work", json!({}));
    assert!(idle.check(&work).is_ok());
    let refused = mcp.catalog().check(&work).unwrap_err();
    assert_eq!((refused.kind, refused.retryable), (FailureKind::ToolFailed, true));
    assert!(refused.message.contains("is not available"), "{refused}");
    let unknown = mcp.catalog().check(&call_of("t_work", json!({}))).unwrap_err();
    assert_eq!(unknown.kind, FailureKind::UnknownTool);
}

// Nothing is left behind: stopping ends a start too, and for all who wait for it
#[tokio::test]
async fn stopping_a_server_that_is_being_started_stops_it() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    let calling = call(&mcp, "s_work");
    let mut peer = fake.accept().await;
    peer.expect("initialize").await;
    mcp.stop().await;
    assert_eq!(mcp.status()[0].state, McpState::Idle);
    assert_eq!(peer.next().await, None);
    preparing.await.unwrap();
    let failure = calling.failure().await;
    assert!(failure.message.contains("it was stopped"), "{failure}");
    assert_eq!((fake.opened(), watcher.states()), (1, vec![Starting]));

    // Also while it says what it has; and it starts again when it is needed.
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.welcome().await;
    peer.expect("tools/list").await;
    mcp.stop().await;
    preparing.await.unwrap();
    while peer.next().await.is_some() {}
    let preparing = prepare(&mcp);
    let _peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    assert_eq!(names(&mcp), ["s_work"]);
    assert_eq!(watcher.states(), [Starting, Starting, Starting, Ready]);
}

// Issue 3: a server that hangs without ending is started again
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_to_three_calls_and_a_ping_is_started_again() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    for _ in 0..3 {
        let calling = call(&mcp, "s_work");
        peer.expect("tools/call").await;
        calling.give_up().await;
        peer.expect("notifications/cancelled").await;
    }
    peer.expect("ping").await;
    let waiting = call(&mcp, "s_work");
    peer.expect("tools/call").await;
    let began = Instant::now();
    assert!(waiting.failure().await.message.contains("it does not answer"));
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    watcher.until(3).await;
    assert_eq!(watcher.states(), [Starting, Ready, Failed]);

    let next = call(&mcp, "s_work");
    let mut peer = fake.start(json!([tool("work")])).await;
    let request = peer.expect("tools/call").await;
    peer.say(&request, "again").await;
    assert_eq!(next.text().await, "again");
}

// REQ-12: people who are in a hurry take a server from nobody
#[tokio::test(start_paused = true)]
async fn a_server_that_is_slow_but_there_is_kept() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let slow = call(&mcp, "s_work");
    let request = peer.expect("tools/call").await;
    for round in 0..12 {
        let calling = call(&mcp, "s_work");
        peer.expect("tools/call").await;
        calling.give_up().await;
        peer.expect("notifications/cancelled").await;
        if round % 3 == 2 {
            // An error is a sign of life too.
            let ping = peer.expect("ping").await;
            peer.refuse(&ping, -32601, "never heard of it").await;
            advance(Duration::from_secs(30)).await;
        }
    }
    peer.say(&request, "slow").await;
    assert_eq!(slow.text().await, "slow");
    assert_eq!(fake.opened(), 1);
}

// Law 7: a server that changes its tools all the time is not asked all the time
#[tokio::test(start_paused = true)]
async fn tools_that_change_all_the_time_are_listed_again_after_a_pause() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("a")])).await;
    preparing.await.unwrap();
    for tools in [["b"], ["c"], ["d"]] {
        peer.notify("notifications/tools/list_changed", json!({})).await;
        is_read(&mut peer).await;
        let preparing = prepare(&mcp);
        peer.list(json!([tool(tools[0])])).await;
        preparing.await.unwrap();
        assert_eq!(names(&mcp), [format!("s_{}", tools[0])]);

        peer.notify("notifications/tools/list_changed", json!({})).await;
        is_read(&mut peer).await;
        advance(Duration::from_millis(4_999)).await;
        let began = Instant::now();
        prepare_all(&mcp).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        advance(Duration::from_millis(1)).await;
    }
}

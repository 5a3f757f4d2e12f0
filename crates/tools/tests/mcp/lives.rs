//! The lives of a server: started when it is needed, left alone when it fails, started again.

use std::time::Duration;

use polychat_core::{
    FailureKind,
    diagnostic::ToolSourceState::{Failed, Ready, Starting},
    ports::Toolbox,
    tool::ToolSelection,
};
use polychat_tools::mcp::{Mcp, McpConnect, McpServer, McpState, McpStream};
use serde_json::json;
use tokio::time::{Instant, advance};

use crate::{
    fake::{Fake, tool},
    support::{Call, Watcher, alone, call, call_of, limits, names, prepare, prepare_all},
};

// Issue 3: started on first use
#[tokio::test]
async fn only_the_servers_whose_tools_an_agent_may_use_are_started() {
    let (one, mut fake_one) = Fake::server("one");
    let (two, fake_two) = Fake::server("two");
    let mcp = Mcp::new([one, two]).unwrap();
    assert!(names(&mcp).is_empty());
    mcp.prepare(&ToolSelection::None).await;
    let others = ["three_tool", "one", "one_", "two"].map(Into::into);
    mcp.prepare(&ToolSelection::Only(others.to_vec())).await;
    assert_eq!((fake_one.opened(), fake_two.opened()), (0, 0));
    assert_eq!(mcp.status().iter().map(|it| it.state).collect::<Vec<_>>(), [McpState::Idle; 2]);

    let only = ToolSelection::Only(vec!["one_tool".into()]);
    let preparing = tokio::spawn({
        let mcp = mcp.clone();
        async move { mcp.prepare(&only).await }
    });
    let _peer = fake_one.start(json!([tool("tool")])).await;
    preparing.await.unwrap();
    assert_eq!((fake_one.opened(), fake_two.opened()), (1, 0));
    assert_eq!(names(&mcp), ["one_tool"]);
}

// Issue 3: shared by chats; REQ-12: a chat that goes away takes nothing from others
#[tokio::test]
async fn a_server_starts_once_for_all_and_goes_on_when_who_asked_first_gives_up() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let watcher = Watcher::of(&mcp);
    let first = prepare(&mcp);
    let mut peer = fake.accept().await;
    let second = prepare(&mcp);
    let calling = call(&mcp, "s_work");
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());

    peer.welcome().await;
    peer.list(json!([tool("work")])).await;
    second.await.unwrap();
    let request = peer.expect("tools/call").await;
    peer.say(&request, "done").await;
    assert_eq!(calling.text().await, "done");
    assert_eq!((fake.opened(), watcher.states()), (1, vec![Starting, Ready]));
    let status = mcp.status().remove(0);
    assert_eq!((status.state, status.starts, status.tools), (McpState::Ready, 1, 1));
}

// Issue 3: a server that cannot be started is left out, and reported; restarted with back-off
#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_ready_in_time_is_left_alone_for_longer_and_longer() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let watcher = Watcher::of(&mcp);
    let began = Instant::now();
    prepare_all(&mcp).await;
    assert_eq!(began.elapsed(), limits().start_duration_max);
    assert!(names(&mcp).is_empty());
    assert_eq!(watcher.states(), [Starting, Failed]);
    assert_eq!(watcher.last_reason(), "it was not ready within 5s");
    assert_eq!(&*mcp.status()[0].reason, "it was not ready within 5s");

    // Each pause is at least as long as the start took.
    for (attempts, pause) in [(1, 5), (2, 5), (3, 5)] {
        assert_eq!(fake.opened(), attempts);
        // Until the pause is over, nobody waits and nobody tries.
        advance(Duration::from_secs(pause) - Duration::from_millis(1)).await;
        let before = Instant::now();
        prepare_all(&mcp).await;
        let failure = call(&mcp, "s_work").failure().await;
        assert_eq!((failure.kind, failure.retryable), (FailureKind::ToolFailed, true));
        assert!(failure.message.contains("is not available"), "{failure}");
        assert_eq!((fake.opened(), before.elapsed()), (attempts, Duration::ZERO));
        advance(Duration::from_millis(1)).await;
        prepare_all(&mcp).await;
        watcher.until(2 * (attempts + 1)).await;
    }

    // It heals: what was left of dead attempts is passed over.
    advance(Duration::from_secs(8)).await;
    for _ in 0..4 {
        drop(fake.accept().await);
    }
    prepare_all(&mcp).await;
    let _peer = fake.start(json!([tool("work")])).await;
    watcher.until(10).await;
    assert_eq!(names(&mcp), ["s_work"]);
    assert_eq!(watcher.states().last(), Some(&Ready));
}

// Issue 3: the server is killed in the middle: calls end as errors, the next finds it restarted
#[tokio::test(start_paused = true)]
async fn a_server_that_ends_fails_its_calls_at_once_and_the_next_call_finds_another() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();

    let calls = [call(&mcp, "s_work"), call(&mcp, "s_work")];
    for _ in &calls {
        let request = peer.expect("tools/call").await;
        peer.progress(&request, 1).await;
    }
    let began = Instant::now();
    drop(peer);
    for call in calls {
        let failure = call.failure().await;
        assert_eq!((failure.kind, failure.retryable), (FailureKind::ToolFailed, true));
        assert!(failure.message.contains("is gone"), "{failure}");
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    watcher.until(3).await;
    assert_eq!(watcher.states(), [Starting, Ready, Failed]);
    assert_eq!(mcp.status()[0].state, McpState::Failed);
    // Models keep its tools, because calling one starts it again.
    assert_eq!(names(&mcp), ["s_work"]);

    let next = call(&mcp, "s_work");
    let mut peer = fake.start(json!([tool("work")])).await;
    let request = peer.expect("tools/call").await;
    peer.say(&request, "back again").await;
    assert_eq!(next.text().await, "back again");
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!((fake.opened(), mcp.status()[0].starts), (2, 2));

    // Ending again so soon, it is left alone for a while.
    drop(peer);
    watcher.until(6).await;
    let failure = call(&mcp, "s_work").failure().await;
    assert!(failure.message.contains("tried again in 1 s"), "{failure}");
    assert_eq!(fake.opened(), 2);
}

// Issue 3: an agent is offered what can run, and what waits for an approval is still known
#[tokio::test(start_paused = true)]
async fn tools_of_a_server_that_cannot_start_again_are_known_but_not_offered() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.limits(limits()));
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    drop(fake.start(json!([tool("work")])).await);
    preparing.await.unwrap();
    drop(fake);
    watcher.until(3).await;
    prepare_all(&mcp).await;
    watcher.until(5).await;
    assert!(names(&mcp).is_empty());
    let spec = mcp.catalog().check(&call_of("s_work", json!({}))).unwrap();
    assert_eq!(&*spec.description, "does work");
    let unknown = mcp.catalog().check(&call_of("s_other", json!({}))).unwrap_err();
    assert_eq!(unknown.kind, FailureKind::UnknownTool);
    let failure = call(&mcp, "s_work").failure().await;
    assert!(failure.message.contains("connection refused"), "{failure}");
}

// Issue 3: `tools/list_changed`
#[tokio::test]
async fn tools_that_have_changed_are_listed_again_before_the_next_model_call() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("a")])).await;
    preparing.await.unwrap();
    let before = mcp.catalog();

    // However often it says so, it is asked once. The ping shows that all of it has arrived.
    for _ in 0..10 {
        peer.notify("notifications/tools/list_changed", json!({})).await;
    }
    peer.send(json!({ "jsonrpc": "2.0", "id": "p", "method": "ping" })).await;
    peer.next().await.unwrap();
    let both = [prepare(&mcp), prepare(&mcp)];
    peer.list(json!([tool("a"), tool("b")])).await;
    for preparing in both {
        preparing.await.unwrap();
    }
    assert_eq!(names(&mcp), ["s_a", "s_b"]);
    // Who holds a catalog holds the same one.
    assert_eq!(before.specs().len(), 1);
    assert_eq!(watcher.states(), [Starting, Ready, Ready]);
    assert_eq!(watcher.last_reason(), "its tools have changed");

    // Nothing new: the next that it hears is a call, of a tool that is gone for others by then.
    prepare_all(&mcp).await;
    let calling = call(&mcp, "s_b");
    let request = peer.expect("tools/call").await;
    peer.say(&request, "b").await;
    assert_eq!(calling.text().await, "b");
}

// Issue 3: a chat may wait for an approval across a restart of the process
#[tokio::test]
async fn a_call_of_a_server_that_was_not_asked_yet_is_let_through_and_finds_out() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server.deny(["forbidden"]));
    let spec = mcp.catalog().check(&call_of("s_work", json!({ "n": 1 }))).unwrap();
    assert_eq!((&*spec.name, &spec.schema), ("s_work", &json!({})));
    for name in ["s_forbidden", "t_work", "s_", "s"] {
        let refused = mcp.catalog().check(&call_of(name, json!({}))).unwrap_err();
        assert_eq!(refused.kind, FailureKind::UnknownTool, "{name}");
        assert!(mcp.get(name).is_none(), "{name}");
    }
    assert_eq!(fake.opened(), 0);

    let good = Call::start(&mcp, "s_work", json!({ "n": 1 }));
    let absent = call(&mcp, "s_absent");
    let wrong = Call::start(&mcp, "s_work", json!({ "n": "one" }));
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let mut peer = fake.start(json!([{ "name": "work", "inputSchema": schema }])).await;
    let request = peer.expect("tools/call").await;
    peer.say(&request, "found").await;
    assert_eq!(good.text().await, "found");
    assert_eq!(absent.failure().await.kind, FailureKind::UnknownTool);
    assert_eq!(wrong.failure().await.kind, FailureKind::InvalidArguments);
    assert_eq!(fake.opened(), 1);
}

// Nothing is left behind
#[tokio::test]
async fn dropping_the_last_of_it_ends_the_connection_also_during_a_start() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let also = mcp.clone();
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    drop(mcp);
    let calling = call(&also, "s_work");
    let request = peer.expect("tools/call").await;
    peer.say(&request, "still here").await;
    assert_eq!(calling.text().await, "still here");
    drop(also);
    assert_eq!(peer.next().await, None);

    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.expect("initialize").await;
    preparing.abort();
    let _ = preparing.await;
    drop(mcp);
    assert_eq!(peer.next().await, None);
}

#[tokio::test]
async fn a_server_that_was_stopped_fails_its_calls_and_starts_again_when_it_is_needed() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let preparing = prepare(&mcp);
    let mut peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    let calling = call(&mcp, "s_work");
    peer.expect("tools/call").await;
    mcp.stop().await;
    assert!(calling.failure().await.message.contains("it was stopped"));
    while peer.next().await.is_some() {}
    assert_eq!(mcp.status()[0].state, McpState::Idle);
    assert_eq!(names(&mcp), ["s_work"]);

    let again = call(&mcp, "s_work");
    let mut peer = fake.start(json!([tool("work")])).await;
    let request = peer.expect("tools/call").await;
    peer.say(&request, "again").await;
    assert_eq!(again.text().await, "again");
}

// One toolbox may serve several worlds, and these need not live on one runtime
#[test]
fn a_server_whose_runtime_has_gone_is_started_on_the_next_one() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let peer = first.block_on(async {
        let preparing = prepare(&mcp);
        let peer = fake.start(json!([tool("work")])).await;
        preparing.await.unwrap();
        // A start that will not be finished here.
        peer
    });
    drop((first, peer));

    let second = runtime();
    second.block_on(async {
        let preparing = prepare(&mcp);
        let peer = fake.accept().await;
        // The runtime goes while the server is being started.
        drop(preparing);
        drop(peer);
    });
    drop(second);

    runtime().block_on(async {
        let calling = call(&mcp, "s_work");
        let mut peer = fake.start(json!([tool("work")])).await;
        let request = peer.expect("tools/call").await;
        peer.say(&request, "third").await;
        assert_eq!(calling.text().await, "third");
    });
}

// Law 6: one server's trouble is no other's
#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_started_keeps_no_other_from_starting() {
    let (good, mut fake) = Fake::server("good");
    let (hanging, _held) = Fake::server("hanging");
    let missing = McpServer::stdio("missing", "/no/such/command");
    let mcp = Mcp::new([missing, hanging.limits(limits()), good]).unwrap();
    let preparing = prepare(&mcp);
    let _peer = fake.start(json!([tool("work")])).await;
    preparing.await.unwrap();
    assert_eq!(names(&mcp), ["good_work"]);
    let states: Vec<_> = mcp.status().iter().map(|it| it.state).collect();
    assert_eq!(states, [McpState::Failed, McpState::Failed, McpState::Ready]);
    assert!(mcp.status()[0].reason.contains("cannot be reached"), "{:?}", mcp.status()[0]);
}

// Law 6: code of an embedder that panics ends nothing but its own start, and not in a circle
#[tokio::test(start_paused = true)]
async fn a_way_to_a_server_that_panics_is_a_start_that_failed() {
    struct Panics;
    #[async_trait::async_trait]
    impl McpConnect for Panics {
        async fn connect(&self) -> std::io::Result<McpStream> {
            panic!("planned by the test");
        }
    }
    let mcp = alone(McpServer::connect("s", Panics).limits(limits()));
    let watcher = Watcher::of(&mcp);
    let failure = call(&mcp, "s_work").failure().await;
    assert!(failure.message.contains("panicked"), "{failure}");
    prepare_all(&mcp).await;
    assert_eq!(watcher.states(), [Starting, Failed]);
}

// Law 7: what a server says of itself is not kept beyond its bound
#[tokio::test]
async fn a_long_excuse_is_cut() {
    let (server, mut fake) = Fake::server("s");
    let mcp = alone(server);
    let watcher = Watcher::of(&mcp);
    let preparing = prepare(&mcp);
    let mut peer = fake.accept().await;
    peer.welcome().await;
    let request = peer.expect("tools/list").await;
    peer.refuse(&request, -32603, &"sorry ".repeat(10_000)).await;
    preparing.await.unwrap();
    assert!(watcher.last_reason().starts_with("it does not say what tools it has: "));
    assert_eq!(watcher.last_reason().len(), 512);
    assert_eq!(mcp.status()[0].reason.len(), 512);
}

// Observers hear of changes in order, from several threads at once, for as long as they live
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn observers_hear_each_change_once_and_in_order() {
    let (server, mut fake) = Fake::server("s");
    let mut limits = limits();
    limits.restart_delay = Duration::ZERO;
    let mcp = alone(server.limits(limits));
    let (watcher, gone) = (Watcher::of(&mcp), Watcher::of(&mcp));
    drop(gone);
    for round in 0..50 {
        let calls: Vec<_> = (0..4).map(|_| call(&mcp, "s_work")).collect();
        let mut peer = fake.start(json!([tool("work")])).await;
        for _ in &calls {
            peer.expect("tools/call").await;
        }
        drop(peer);
        for call in calls {
            call.failure().await;
        }
        watcher.until(3 * (round + 1)).await;
    }
    for heard in watcher.states().chunks(3) {
        assert_eq!(heard, [Starting, Ready, Failed]);
    }
}

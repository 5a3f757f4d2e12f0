//! Hosts that go: their calls end at once, whatever ended the connection.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use polychat_core::{FailureKind, ports::ModelErrorKind};
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::ipc::{Closed, ServeOptions};
use serde_json::json;
use tokio::time::Instant;

use super::{
    super::by_hand::{ByHand, End, within},
    Shown, host, hosting_of, kind, one_host,
};

/// What ends a connection.
async fn goes(how: &str, mut host: ByHand, end: End) -> Option<ByHand> {
    match how {
        "away" => drop(host),
        "silent" => {
            host.stop_speaking().await;
            return Some(host);
        }
        "shutdown" => {
            assert_eq!(host.asked(7, "shutdown", json!({})).await["result"], json!({}));
        }
        "aborted" => {
            end.abort();
            return Some(host);
        }
        other => panic!("{other}"),
    }
    None
}

// issue 5: when the host goes, its calls end `host_gone`
#[tokio::test]
async fn when_its_connection_ends_however_it_does_all_calls_of_a_host_end_as_gone() {
    for how in ["away", "silent", "shutdown", "aborted"] {
        let (mut leaving, registry, server, end) = one_host().await;
        let mut answer = registry.ask("");
        assert!(answer.next().now_or_never().is_none());
        let (_, _, params) = leaving.requested().await;
        let call = registry.call(json!({}), &Arc::default());
        leaving.requested().await;
        leaving.delta(&params["callId"], "half an ans").await;
        leaving.is_heard().await;
        let (staying, model, tool) = (host(&server).await, registry.model(), registry.tool());
        drop((model, tool));
        let before = registry.left();
        let _kept = goes(how, leaving, end).await;

        let said = within(answer.next()).await.unwrap().unwrap();
        assert_eq!(format!("{said:?}"), r#"Text("half an ans")"#, "{how}");
        let error = within(answer.next()).await.unwrap().unwrap_err();
        assert_eq!((error.kind, error.retryable), (ModelErrorKind::HostGone, true), "{how}");
        assert!(answer.next().await.is_none());
        let failure = within(call).await.unwrap().unwrap_err();
        assert_eq!((failure.kind, failure.retryable), (FailureKind::HostGone, true), "{how}");
        assert_eq!(registry.left(), before + 1, "{how}");
        // The other host serves on.
        let (mut staying, _end) = staying;
        let call = registry.call(json!({}), &Arc::default());
        let (id, _, _) = staying.requested().await;
        staying.answer(&id, json!({ "parts": [] })).await;
        assert_eq!(kind(within(call).await.unwrap()), Ok(String::new()), "{how}");
    }
}

#[tokio::test]
async fn whoever_still_holds_a_tool_or_model_of_a_host_that_has_gone_hears_so_at_once() {
    let (gone, registry, _server, end) = one_host().await;
    drop(gone);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
    let error = registry.ask("").next().now_or_never().unwrap().unwrap().unwrap_err();
    assert_eq!((error.kind, error.retryable), (ModelErrorKind::HostGone, true));
    let call = registry.call(json!({}), &Arc::<Shown>::default());
    assert_eq!(kind(within(call).await.unwrap()), Err(FailureKind::HostGone));
}

// What a host asked for itself may take its time; those that wait for the host need not
#[tokio::test(start_paused = true)]
async fn the_calls_of_a_host_that_says_no_more_end_while_its_own_requests_still_run() {
    let world = FakeWorld::answering(|_| std::future::pending());
    let (server, registry) = hosting_of(world, ServeOptions::default());
    let (mut host, end) = host(&server).await;
    let call = registry.call(json!({}), &Arc::default());
    host.requested().await;
    host.ask(2, "chat/close", json!({ "chatId": "a" })).await;
    host.is_heard().await;
    let begun = Instant::now();
    host.stop_speaking().await;
    assert_eq!(kind(within(call).await.unwrap()), Err(FailureKind::HostGone));
    assert_eq!((registry.left(), begun.elapsed()), (1, Duration::ZERO));
    assert!(!end.is_finished());
}

// law 6: chats that wait for another host, or none, do not notice
#[tokio::test]
async fn lines_that_break_a_frame_short_end_the_calls_as_well() {
    let (mut host, registry, _server, end) = one_host().await;
    let mut answer = registry.ask("");
    assert!(answer.next().now_or_never().is_none());
    host.requested().await;
    host.write(br#"{"jsonrpc":"2.0","method":"model/del"#).await;
    drop(host);
    let error = within(answer.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::HostGone);
    assert_eq!(end.await.unwrap().unwrap(), Closed::ByClient);
}

//! How a connection is sought: at first, again, and no more.

use std::{io, sync::Arc, time::Duration};

use futures_util::StreamExt;
use polychat_core::{Reply, StartAt};
use polychat_testkit::samples::world_id;
use polychat_transport::ipc::{ConnectionError, RemoteWorld};
use tokio::{
    io::duplex,
    time::{Instant, advance},
};

use super::{
    super::{
        by_hand::{ByHand, within},
        remote::{close, event, initialized, numbered},
    },
    Exchange, answer, connected, grant, of_a, options, send, watch,
};

#[tokio::test(start_paused = true)]
async fn the_world_is_learnt_from_the_first_connection_or_checked() {
    for (wanted, serves, agrees) in
        [(None, "home", true), (Some("w"), "w", true), (Some("w"), "home", false)]
    {
        let mut options = options();
        options.world_id = wanted.map(world_id);
        let (connector, mut exchange) = Exchange::new();
        let (remote, _server) = tokio::join!(RemoteWorld::connect(connector, options), async {
            let (mut server, _) = exchange.put_through().await;
            server.say(initialized(serves, 1)).await;
            server
        });
        match remote {
            Ok(remote) => assert!(agrees && remote.world_id().as_str() == serves),
            Err(ConnectionError::Protocol { why }) => assert!(!agrees, "{why}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_connection_that_fails_says_why_and_is_not_tried_again() {
    let (connector, mut exchange) = Exchange::new();
    let connecting = tokio::spawn(RemoteWorld::connect(connector, options()));
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    exchange.asked().await.send(Err(refused)).unwrap();
    let failed = within(connecting).await.unwrap().err().unwrap();
    assert!(
        matches!(failed, ConnectionError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
    );
    assert!(within(exchange.0.recv()).await.is_none());
}

// law 7
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_there_in_time_is_not_waited_for() {
    let (connector, mut exchange) = Exchange::new();
    let began = Instant::now();
    let (failed, _server) =
        tokio::join!(RemoteWorld::connect(connector, options()), exchange.put_through());
    let failed = failed.err().unwrap();
    assert!(
        matches!(failed, ConnectionError::Io(error) if error.kind() == io::ErrorKind::TimedOut)
    );
    assert_eq!(began.elapsed().as_secs(), 30);
}

/// How long it took until the next connection was asked for, which fails.
async fn refused_after(exchange: &mut Exchange, since: &mut Instant) -> u128 {
    let asked = exchange.asked().await;
    let after = since.elapsed().as_millis();
    *since = Instant::now();
    asked.send(Err(io::ErrorKind::ConnectionRefused.into())).unwrap();
    after
}

/// The next connection, which is there for certain: something was asked and answered on it.
async fn serves_one(remote: &Arc<RemoteWorld>, exchange: &mut Exchange) -> ByHand {
    let mut server = exchange.serve().await;
    let sent = send(remote, close());
    answer(&mut server, "chat/close", Ok(Reply::Done)).await;
    assert_eq!(sent.await.unwrap(), Ok(Reply::Done));
    server
}

// law 7
#[tokio::test(start_paused = true)]
async fn attempts_come_at_growing_distances_until_a_connection_has_held() {
    let (remote, server, mut exchange) = connected(options()).await;
    let mut since = Instant::now();
    drop(server);
    for expected in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        // Timers of the paused clock are right to the millisecond, and ring after it.
        let after = refused_after(&mut exchange, &mut since).await;
        assert!((expected..=expected + 1).contains(&after), "{after}, not {expected}");
    }
    // One that ends soon was no good one.
    let server = serves_one(&remote, &mut exchange).await;
    let mut since = Instant::now();
    drop(server);
    assert!(refused_after(&mut exchange, &mut since).await >= 5_000);
    let server = serves_one(&remote, &mut exchange).await;
    advance(Duration::from_secs(5)).await;
    let mut since = Instant::now();
    drop(server);
    assert!(refused_after(&mut exchange, &mut since).await <= 51);
}

// law 7
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_after_a_loss_is_given_up_and_another_one_is_sought() {
    let (remote, server, mut exchange) = connected(options()).await;
    drop(server);
    let (mut silent, _) = exchange.put_through().await;
    let (near, far) = duplex(64 * 1024);
    // Longer than `within` would wait.
    exchange.0.recv().await.unwrap().send(Ok(near)).unwrap();
    assert!(silent.hear().await.is_none());
    let mut server = ByHand::new(far);
    server.hear().await.unwrap();
    server.say(initialized("w", 1)).await;
    let sent = send(&remote, close());
    answer(&mut server, "chat/close", Ok(Reply::Done)).await;
    assert_eq!(sent.await.unwrap(), Ok(Reply::Done));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sought_once_nobody_holds_the_world_or_a_stream_of_it() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let mut stream = watch(&remote, &mut server, of_a(), StartAt::Start).await;
    drop((server, remote));
    // A stream is enough to come back for.
    let reading = tokio::spawn(async move { (within(stream.next()).await, stream) });
    let mut server = exchange.serve().await;
    grant(&mut server, "s1").await;
    server.say(event("s1", 1)).await;
    let (first, stream) = reading.await.unwrap();
    assert_eq!(first, numbered(1));
    drop(server);
    let asked = exchange.asked().await;
    drop(stream);
    assert!(within(exchange.0.recv()).await.is_none());
    // Nobody waits for what was asked for last.
    assert!(asked.is_closed());
}

#[tokio::test(start_paused = true)]
async fn what_was_said_last_is_written_before_a_world_that_nobody_holds_closes() {
    let (remote, mut server, mut exchange) = connected(options()).await;
    let sent = send(&remote, close());
    tokio::task::yield_now().await;
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    drop(remote);
    assert_eq!(server.hear().await.unwrap()["method"], "chat/close");
    assert_eq!(server.hear().await.unwrap()["method"], "$/cancelRequest");
    assert!(server.hear().await.is_none());
    assert!(within(exchange.0.recv()).await.is_none());
}

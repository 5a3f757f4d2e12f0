//! Remote worlds over WebSockets that fail in ways of their own.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use polychat_core::{Command, Reply, StartAt, ports::WorldService};
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::{
    http::{
        HttpOptions,
        client::{Headers, WebSocketConnect},
    },
    ipc::{Connect, RemoteOptions, RemoteWorld},
};
use tokio::{
    io::{DuplexStream, copy_bidirectional, duplex},
    select,
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    super::{
        conformance::{over_pipes, somewhere},
        door,
    },
    by_hand::{Host, numbered, of_a, within},
};

#[tokio::test(start_paused = true)]
async fn who_asks_goes_with_the_request_and_a_refusal_is_no_connection() {
    let (connector, mut host) = Host::new();
    let token = Headers::bearer("t0ken").unwrap();
    let socket = WebSocketConnect::by(connector, &somewhere()).headers(token);
    let (refused, asked) = tokio::join!(socket.connect(), async {
        let (asked, talk) = host.hear().await;
        talk.say("401 Unauthorized", "application/problem+json", b"{}").await;
        asked
    });
    assert_eq!(asked.line, "GET /socket");
    assert_eq!(asked.header("authorization"), Some("Bearer t0ken"));
    let refused = refused.err().unwrap().to_string();
    assert_eq!(refused, "the server answered 401 Unauthorized");
}

/// Pipes that lead there for as long as they are not cut through: then both ends are left alone, and
/// neither of them is told.
fn through_something<C: Connect<Io = DuplexStream>>(
    there: C,
    cut_through: &watch::Sender<u64>,
) -> impl Connect<Io = DuplexStream> {
    let (there, cut_through) = (Arc::new(there), cut_through.clone());
    move || {
        let (there, mut cut_through) = (Arc::clone(&there), cut_through.subscribe());
        cut_through.mark_unchanged();
        async move {
            let (near, mut between) = duplex(64 * 1024);
            let mut far = there.connect().await?;
            tokio::spawn(async move {
                select! {
                    _ = copy_bidirectional(&mut between, &mut far) => {}
                    _ = cut_through.changed() => std::future::pending().await,
                }
            });
            Ok(near)
        }
    }
}

// law 4, law 7: half of a connection is none
#[tokio::test(start_paused = true)]
async fn a_web_socket_of_which_only_one_end_is_left_is_noticed_and_made_again() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let pipes = over_pipes(door(world.clone(), HttpOptions::default()));
    let cut_through = watch::Sender::new(0);
    let socket = WebSocketConnect::by(through_something(pipes, &cut_through), &somewhere());
    let remote = RemoteWorld::connect(socket, RemoteOptions::default()).await.unwrap();
    let mut stream = remote.subscribe(of_a(), StartAt::Start).await.unwrap();
    let inside = world.next_subscription().await;
    inside.send(numbered(1).unwrap()).await;
    assert_eq!(within(stream.next()).await, numbered(1));
    // Nothing is said for long, and that is no reason.
    sleep(Duration::from_secs(600)).await;
    assert_eq!(remote.connections(), 1);

    cut_through.send_replace(1);
    let cut = Instant::now();
    let (second, again) = tokio::join!(within(stream.next()), async {
        let again = within(world.next_subscription()).await;
        again.send(numbered(2).unwrap()).await;
        again
    });
    assert_eq!(second, numbered(2));
    assert_eq!(again.start, StartAt::After(numbered(1).unwrap().cursor().unwrap()));
    assert!((30..=46).contains(&cut.elapsed().as_secs()), "{:?}", cut.elapsed());
    assert_eq!((remote.connections(), remote.rejected()), (2, 0));
    // The server has noticed it, too.
    within(inside.unsubscribed()).await;
    assert_eq!(remote.call(Command::GetWorld).await.unwrap_err().code(), "protocol");
}

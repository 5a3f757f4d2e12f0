//! Serving whoever connects: side by side, bounded, and ended in order.

use std::{path::Path, sync::Arc, time::Duration};

use polychat_core::{Command, Reply, WorldId, ports::WorldService};
use polychat_testkit::{
    fake_world::FakeWorld,
    samples::{chat_id, world_id},
};
use polychat_transport::{
    Rejections,
    ipc::{
        RemoteOptions, RemoteWorld, ServeOptions, Server,
        socket::{Connections, Listener, connect},
    },
};
use tokio::{io::AsyncReadExt, net::UnixStream, sync::oneshot, task::JoinHandle};

use super::{super::by_hand::within, place};

fn world() -> WorldId {
    world_id("w")
}

/// Everything that is served to a socket, and the word that ends it.
struct Served {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Connections>,
}

fn serve(listener: Listener) -> Served {
    let answers = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let server = Arc::new(Server::new(world(), answers, ServeOptions::default()));
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap() };
    Served { stop, serving: tokio::spawn(listener.serve(server, stopped)) }
}

impl Served {
    async fn stopped(self) -> Connections {
        self.stop.send(()).unwrap();
        within(self.serving).await.unwrap()
    }
}

async fn remote(path: &Path) -> RemoteWorld {
    RemoteWorld::over(connect(path).await.unwrap(), world(), RemoteOptions::default())
}

async fn is_served(remote: &RemoteWorld) -> bool {
    let close = Command::CloseChat { chat: chat_id("a") };
    within(remote.call(close)).await == Ok(Reply::Done)
}

/// Whether the other side closes without a word.
async fn is_closed(mut stream: UnixStream) -> bool {
    within(stream.read(&mut [0; 1])).await.unwrap_or(0) == 0
}

// law 7
#[tokio::test]
async fn beyond_the_bound_connections_are_closed_and_counted_until_there_is_room() {
    let (_folder, path) = place();
    let rejections = Arc::new(Rejections::new("socket"));
    let listener = Listener::bind(&path).await.unwrap();
    let listener = listener.connections_max(2).rejections(Arc::clone(&rejections));
    let _served = serve(listener);
    let (first, second) = (remote(&path).await, remote(&path).await);
    assert!(is_served(&first).await && is_served(&second).await);
    assert!(is_closed(connect(&path).await.unwrap()).await);
    assert_eq!(rejections.count(), 1);
    assert!(is_served(&first).await && is_served(&second).await);
    drop(first);
    // How soon its end is noticed is nobody's promise.
    let again = within(async {
        loop {
            let again = remote(&path).await;
            if is_served(&again).await {
                return again;
            }
        }
    });
    assert!(is_served(&again.await).await);
    assert!(is_served(&second).await);
}

#[tokio::test]
async fn when_it_stops_nobody_new_comes_in_and_who_is_there_goes_on() {
    let (_folder, path) = place();
    let served = serve(Listener::bind(&path).await.unwrap());
    let (a, b) = (remote(&path).await, remote(&path).await);
    assert!(is_served(&a).await && is_served(&b).await);
    let connections = served.stopped().await;
    assert_eq!(connections.len(), 2);
    assert!(!path.exists());
    connect(&path).await.unwrap_err();
    assert!(is_served(&a).await && is_served(&b).await);
    // The next one takes its place, while the last of the old one are still served.
    let next = serve(Listener::bind(&path).await.unwrap());
    assert!(is_served(&remote(&path).await).await && is_served(&a).await);
    drop(connections);
    assert!(!is_served(&a).await && !is_served(&b).await);
    assert!(is_served(&remote(&path).await).await);
    drop(next);
}

#[tokio::test(start_paused = true)]
async fn draining_waits_for_those_who_leave_and_closes_those_who_do_not() {
    let (_folder, path) = place();
    for stays in [false, true] {
        let served = serve(Listener::bind(&path).await.unwrap());
        let (leaving, other) = (remote(&path).await, remote(&path).await);
        assert!(is_served(&leaving).await && is_served(&other).await);
        let connections = served.stopped().await;
        let before = tokio::time::Instant::now();
        drop(leaving);
        let other = stays.then_some(other);
        connections.drain(Duration::from_secs(7)).await;
        let waited = before.elapsed();
        if let Some(other) = other {
            assert_eq!(waited.as_secs(), 7);
            assert!(!is_served(&other).await);
        } else {
            assert_eq!(waited.as_secs(), 0);
        }
    }
}

// law 6
#[tokio::test]
async fn a_connection_that_talks_nonsense_takes_no_other_with_it() {
    let (_folder, path) = place();
    let _served = serve(Listener::bind(&path).await.unwrap());
    let calm = remote(&path).await;
    for nonsense in [b"\xff\xfe\n".as_slice(), b"{\n", &[b'x'; 70_000], b"\n\n"] {
        let stream = connect(&path).await.unwrap();
        let _ = within(stream.writable()).await;
        let _ = stream.try_write(nonsense);
        assert!(is_served(&calm).await);
    }
}

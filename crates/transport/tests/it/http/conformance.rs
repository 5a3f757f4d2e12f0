//! The conformance suite over HTTP, and what only its near ends can show of themselves.
//!
//! Over real sockets for what hyper, axum and tungstenite do there, over pipes that keep little for
//! what has to wait.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use async_trait::async_trait;
use axum::{Router, serve::Listener};
use polychat_core::{
    Command, CommandError, Refusal, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::{
    fake_world::{FakeWorld, lies},
    samples::{chat_id, world_id},
};
use polychat_transport::{
    Rejections,
    http::{
        HttpOptions,
        client::{HttpWorld, HttpWorldOptions, WebSocketConnect, WorldUrl},
    },
    ipc::{Connect, RemoteOptions, RemoteWorld},
};
use tokio::{
    io::{DuplexStream, duplex},
    net::TcpListener,
    sync::{OnceCell, mpsc},
};

use super::door;
use crate::conformance::{every_lie_is_counted_and_surfaced, reporting};

/// Bytes that a pipe keeps in each direction: few, so that every check meets a full one.
const PIPE_BYTES: usize = 512;

/// Serves a world over loopback: its address.
fn over_tcp(world: Arc<dyn WorldService>) -> WorldUrl {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let router = door(world, HttpOptions::default());
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v1/worlds/w").parse().unwrap()
}

/// Pipes in memory to a server, as many as somebody asks for.
pub(super) fn over_pipes(router: Router) -> impl Connect<Io = DuplexStream> + Clone {
    let (connects, connected) = mpsc::unbounded_channel();
    tokio::spawn(async move { axum::serve(Pipes(connected), router).await });
    move || {
        let (near, far) = duplex(PIPE_BYTES);
        let connects = connects.send(far).map_err(io::Error::other);
        std::future::ready(connects.map(|()| near))
    }
}

/// The far ends of pipes, one after the other.
struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(pipe) => (pipe, SocketAddr::from((Ipv4Addr::LOCALHOST, 1))),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 2)))
    }
}

/// The address of what is behind pipes, which nobody looks up.
pub(super) fn somewhere() -> WorldUrl {
    "http://somewhere/v1/worlds/w".parse().unwrap()
}

/// A remote world that connects when it is used first, since the suite does not wait for it.
struct Connecting<C> {
    connector: C,
    options: RemoteOptions,
    remote: OnceCell<RemoteWorld>,
}

impl<C: Connect + Clone> Connecting<C> {
    fn new(connector: C) -> Arc<Self> {
        Self::with(connector, RemoteOptions::default())
    }

    fn with(connector: C, options: RemoteOptions) -> Arc<Self> {
        Arc::new(Self { connector, options, remote: OnceCell::new() })
    }

    async fn remote(&self) -> &RemoteWorld {
        let connect = || async {
            RemoteWorld::connect(self.connector.clone(), self.options.clone()).await.unwrap()
        };
        self.remote.get_or_init(connect).await
    }
}

#[async_trait]
impl<C: Connect + Clone> WorldService for Connecting<C> {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.remote().await.call(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.remote().await.subscribe(scope, start).await
    }
}

mod through_requests_and_events {
    use super::*;

    polychat_testkit::transport_suite!(paths: |world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        Arc::new(HttpWorld::new(over_tcp(world), HttpWorldOptions::default()))
    });
}

mod through_requests_and_events_over_narrow_pipes {
    use super::*;

    polychat_testkit::transport_suite!(paths: |world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        let pipes = over_pipes(door(world, HttpOptions::default()));
        Arc::new(HttpWorld::by(pipes, somewhere(), HttpWorldOptions::default()))
    });
}

mod through_a_web_socket {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        Connecting::new(WebSocketConnect::new(&over_tcp(world)))
    });
}

mod through_a_web_socket_over_a_narrow_pipe {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        let pipes = over_pipes(door(world, HttpOptions::default()));
        Connecting::new(WebSocketConnect::by(pipes, &somewhere()))
    });
}

fn done() -> Arc<FakeWorld> {
    Arc::new(FakeWorld::always(Ok(Reply::Done)))
}

// REQ-13
#[tokio::test]
async fn http_counts_and_surfaces_every_foreign_record() {
    let (told, rejections) = reporting("http");
    let mut options = HttpWorldOptions::default();
    options.rejections = Arc::clone(&rejections);
    let world = done();
    let door = HttpWorld::by(
        over_pipes(door(world.clone(), HttpOptions::default())),
        somewhere(),
        options,
    );
    every_lie_is_counted_and_surfaced(world, Arc::new(door), told, rejections, "http").await;
}

// REQ-13
#[tokio::test]
async fn a_web_socket_counts_and_surfaces_every_foreign_record() {
    let (told, rejections) = reporting("ipc");
    let mut options = RemoteOptions::default();
    options.rejections = Arc::clone(&rejections);
    let world = done();
    let pipes = over_pipes(door(world.clone(), HttpOptions::default()));
    let near = Connecting::with(WebSocketConnect::by(pipes, &somewhere()), options);
    every_lie_is_counted_and_surfaced(world, near, told, rejections, "ipc").await;
}

// REQ-13: an answer is an inbound path too
#[tokio::test]
async fn a_foreign_answer_over_http_is_counted() {
    let mut counts = Vec::new();
    for (command, reply) in lies::foreign_replies(&chat_id("a"), &chat_id("b")) {
        let pipes =
            over_pipes(door(Arc::new(FakeWorld::always(Ok(reply))), HttpOptions::default()));
        let mut options = HttpWorldOptions::default();
        options.rejections = Arc::new(Rejections::new("http"));
        let near = HttpWorld::by(pipes, somewhere(), options);
        assert_eq!(near.call(command.clone()).await.unwrap_err().code(), "protocol");
        counts.push((command.name(), near.rejected()));
    }
    let expected = [
        ("chat/snapshot", 1),
        ("chat/snapshot", 1),
        ("log/read", 1),
        ("chat/close", 0),
        ("prompt/send", 0),
    ];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_world_that_is_not_served_there_is_no_world() {
    let router = door(done(), HttpOptions::default());
    let url: WorldUrl = "http://somewhere/v1/worlds/other".parse().unwrap();
    let near = HttpWorld::by(over_pipes(router), url, HttpWorldOptions::default());
    assert_eq!(near.world_id(), &world_id("other"));
    let refused = CommandError::Refused(Refusal::Unsupported { what: "this world".into() });
    assert_eq!(near.call(Command::GetWorld).await, Err(refused.clone()));
    assert_eq!(near.subscribe(Scope::World, StartAt::Now).await.err(), Some(refused));
}

// law 7: an id that has no path is refused where it is, and nothing is sent
#[tokio::test]
async fn a_slash_in_an_id_is_refused_before_anything_is_sent() {
    let world = done();
    let pipes = over_pipes(door(world.clone(), HttpOptions::default()));
    let near = HttpWorld::by(pipes, somewhere(), HttpWorldOptions::default());
    let close = Command::CloseChat { chat: chat_id("a/b") };
    assert_eq!(near.call(close).await.unwrap_err().code(), "invalid_input");
    let watch = near.subscribe(Scope::Chat(chat_id("a/b")), StartAt::Start).await;
    assert_eq!(watch.err().unwrap().code(), "invalid_input");
    assert_eq!(world.commands(), []);
}

//! A remote world that loses its connection and makes another (laws 4 and 7, REQ-10, REQ-13).
//!
//! Each of its connections is asked for here, and played by hand.

use std::{io, sync::Arc};

use polychat_core::{
    Command, CommandError, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_testkit::samples::chat_id;
use polychat_transport::{
    ipc::{Connect, Jitter, RemoteOptions, RemoteWorld},
    wire::{encode_command, encode_error, encode_reply},
};
use serde_json::{Value, json};
use tokio::{
    io::{DuplexStream, duplex},
    sync::{mpsc, oneshot},
};

use super::{
    by_hand::{ByHand, within},
    remote::initialized,
};

mod commands;
mod feed;
mod seeking;
mod streams;
mod suite;

type Asked = oneshot::Sender<io::Result<DuplexStream>>;

/// Where a remote world asks for connections.
struct Exchange(mpsc::UnboundedReceiver<Asked>);

impl Exchange {
    fn new() -> (impl Connect<Io = DuplexStream>, Self) {
        let (asks, asked) = mpsc::unbounded_channel();
        let connector = move || {
            let (answer, answered) = oneshot::channel();
            let heard = asks.send(answer);
            async move {
                heard.map_err(io::Error::other)?;
                answered.await.map_err(io::Error::other)?
            }
        };
        (connector, Self(asked))
    }

    /// Waits until a connection is asked for.
    async fn asked(&mut self) -> Asked {
        within(self.0.recv()).await.expect("the remote world is there")
    }

    /// The other end of the next connection, which has heard `initialize`.
    async fn put_through(&mut self) -> (ByHand, Value) {
        let (near, far) = duplex(64 * 1024);
        self.asked().await.send(Ok(near)).unwrap();
        let mut server = ByHand::new(far);
        let hello = server.hear().await.unwrap();
        assert_eq!(hello["method"], "initialize", "{hello}");
        (server, hello)
    }

    /// The other end of the next connection, which serves world `w`.
    async fn serve(&mut self) -> ByHand {
        let (mut server, _) = self.put_through().await;
        server.say(initialized("w", 1)).await;
        server
    }
}

/// A remote world, and the other end of its first connection.
async fn connected(options: RemoteOptions) -> (Arc<RemoteWorld>, ByHand, Exchange) {
    let (connector, mut exchange) = Exchange::new();
    let connecting = RemoteWorld::connect(connector, options);
    let (remote, server) = tokio::join!(connecting, exchange.serve());
    (Arc::new(remote.unwrap()), server, exchange)
}

/// Options whose delays are no matter of chance: always the longest.
fn options() -> RemoteOptions {
    let mut options = RemoteOptions::default();
    options.jitter = Jitter::of(|| 1.0);
    options
}

fn of_a() -> Scope {
    Scope::Chat(chat_id("a"))
}

/// Hears a request of this method, and answers it.
async fn answer(server: &mut ByHand, method: &str, answer: Result<Reply, CommandError>) -> Value {
    let request = server.hear().await.unwrap();
    assert_eq!(request["method"], method, "{request}");
    server.say(answered(&request, answer)).await;
    request["params"].clone()
}

fn answered(request: &Value, answer: Result<Reply, CommandError>) -> Value {
    let value = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();
    match answer {
        Ok(reply) => {
            let result = value(encode_reply(reply).unwrap());
            json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
        }
        Err(error) => {
            let error =
                json!({ "code": -32_000, "message": "", "data": value(encode_error(&error)) });
            json!({ "jsonrpc": "2.0", "id": request["id"], "error": error })
        }
    }
}

/// Hears a subscription and grants it under this id; its parameters.
async fn grant(server: &mut ByHand, id: &str) -> Value {
    let request = server.hear().await.unwrap();
    grant_this(server, &request, id).await;
    request["params"].clone()
}

async fn grant_this(server: &mut ByHand, request: &Value, id: &str) {
    assert_eq!(request["method"], "events/subscribe", "{request}");
    let result = json!({ "subscriptionId": id });
    server.say(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).await;
}

/// Subscribes, and is granted it.
async fn watch(
    remote: &Arc<RemoteWorld>,
    server: &mut ByHand,
    scope: Scope,
    start: StartAt,
) -> NoticeStream {
    let (stream, _) = tokio::join!(remote.subscribe(scope, start), grant(server, "s1"));
    stream.unwrap()
}

/// A command on its way, until it is answered.
fn send(
    remote: &Arc<RemoteWorld>,
    command: Command,
) -> tokio::task::JoinHandle<Result<Reply, CommandError>> {
    let remote = Arc::clone(remote);
    tokio::spawn(async move { remote.call(command).await })
}

/// How a command looks on the wire.
fn spelled(command: Command) -> Value {
    serde_json::from_slice(&encode_command(command).unwrap()).unwrap()
}

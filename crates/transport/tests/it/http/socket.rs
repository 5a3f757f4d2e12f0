//! The frames of IPC over a WebSocket, served in memory to a client that nobody here wrote.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
    serve::Listener,
};
use futures_util::{SinkExt, StreamExt};
use polychat_core::ports::WorldService;
use polychat_transport::http::HttpOptions;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, protocol::CloseFrame},
};

use super::{door, send};

mod endings;
mod silence;

const ADDRESS: &str = "ws://w.test/v1/worlds/w/socket";

/// Waits for what must happen, but not for ever: an hour of the paused time passes at once when
/// nothing else happens.
async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(3_600), what).await.expect("waited in vain")
}

/// A server whose connections are pipes in memory.
#[derive(Clone)]
struct InMemory {
    connect: mpsc::UnboundedSender<DuplexStream>,
}

struct Coming(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Coming {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(io) => (io, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

fn serving(world: Arc<dyn WorldService>, options: HttpOptions) -> InMemory {
    let (connect, coming) = mpsc::unbounded_channel();
    let router = door(world, options);
    tokio::spawn(async move { axum::serve(Coming(coming), router).await });
    InMemory { connect }
}

impl InMemory {
    /// A connection with room for so many bytes on their way.
    fn connection(&self, bytes: usize) -> DuplexStream {
        let (near, far) = duplex(bytes);
        self.connect.send(far).unwrap();
        near
    }

    async fn socket(&self) -> Socket {
        let (socket, answer) =
            within(client_async(ADDRESS, self.connection(64 * 1024))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        Socket { socket }
    }

    /// One that has said who it is.
    async fn greeted(&self) -> Socket {
        let mut socket = self.socket().await;
        let hello = json!({ "protocolVersion": 1, "client": { "name": "test" } });
        assert_eq!(socket.asked(0, "initialize", hello).await["result"]["worldId"], "w");
        socket
    }
}

/// A client's end.
struct Socket {
    socket: WebSocketStream<DuplexStream>,
}

impl Socket {
    async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    async fn ask(&mut self, id: u64, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(Message::text(message.to_string())).await;
    }

    /// Asks, and hears the answer next.
    async fn asked(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.ask(id, method, params).await;
        let answer = self.hear().await;
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer
    }

    async fn next(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        within(self.socket.next()).await
    }

    /// The next message of the protocol.
    async fn hear(&mut self) -> Value {
        loop {
            match self.next().await.unwrap().unwrap() {
                Message::Text(text) => {
                    assert!(!text.contains('\n'), "one message, and nothing around it");
                    return serde_json::from_str(&text).unwrap();
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code with which it was closed; nothing comes before that.
    async fn closed(mut self) -> u16 {
        loop {
            match self.next().await.unwrap().unwrap() {
                Message::Close(Some(CloseFrame { code, .. })) => {
                    assert!(self.next().await.is_none(), "and then the connection ends");
                    return code.into();
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// Subscribes to a chat from its beginning.
async fn subscribe(socket: &mut Socket, id: u64, chat: &str) -> Value {
    let params = json!({ "scope": "chat", "chatId": chat, "start": "start" });
    socket.asked(id, "events/subscribe", params).await["result"]["subscriptionId"].clone()
}

mod tests {
    use polychat_core::{Command, Notice, Reply};
    use polychat_testkit::fake_world::FakeWorld;
    use polychat_transport::ipc::Framing;

    use super::*;
    use crate::http::events::numbered;

    // issue 6: a WebSocket with the IPC frames, one message each, however IPC is framed elsewhere
    #[tokio::test(start_paused = true)]
    async fn requests_answers_and_events_are_a_text_message_each() {
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let mut options = HttpOptions::default();
        options.socket.framing = Framing::ContentLength;
        let server = serving(world.clone(), options);
        let mut socket = server.greeted().await;
        assert_eq!(socket.asked(1, "ping", json!({})).await["result"], json!({}));
        let answer = socket.asked(2, "chat/close", json!({ "chatId": "a" })).await;
        assert_eq!(answer["result"], json!({ "type": "done" }));
        let subscription = subscribe(&mut socket, 3, "a").await;
        let inside = world.next_subscription().await;
        for n in 1..=3 {
            assert!(inside.send(numbered("a", n)).await);
        }
        for n in 1..=3 {
            let event = socket.hear().await;
            assert_eq!(event["method"], "event");
            assert_eq!(event["params"]["subscriptionId"], subscription);
            assert_eq!(event["params"]["event"]["seq"], n);
        }
        assert!(inside.send(Notice::Ended(polychat_core::EndReason::Deleted)).await);
        assert_eq!(socket.hear().await["params"]["event"]["type"], "ended");
    }

    // issue 6: a message is where its frames end, not where a line does
    #[tokio::test(start_paused = true)]
    async fn a_message_with_line_breaks_is_one_message_and_one_in_pieces_too() {
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let server = serving(world.clone(), HttpOptions::default());
        let mut socket = server.greeted().await;
        socket
            .send(Message::text(
                "\n{ \"jsonrpc\": \"2.0\",\n  \"id\": 1,\r\n\n  \"method\": \"ping\"\n}\n",
            ))
            .await;
        assert_eq!(socket.hear().await["id"], 1);
        // Nothing at all is no message, and is not answered.
        socket.send(Message::text("")).await;
        // Two messages are none, although two lines would be.
        let ping = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" }).to_string();
        socket.send(Message::text(format!("{}\n{}", ping(2), ping(3)))).await;
        assert!(socket.hear().await["error"].is_object());
        // A line break within a text stays what it is: no JSON.
        socket
            .send(Message::text("{\"jsonrpc\":\"2.0\",\"id\":\"a\nb\",\"method\":\"ping\"}"))
            .await;
        assert!(socket.hear().await["error"].is_object());
        let large = "x".repeat(300_000);
        let prompt = json!({
            "chatId": "a", "promptId": "p", "parts": [{ "type": "text", "text": large }],
        });
        socket.ask(4, "prompt/send", prompt).await;
        assert_eq!(socket.hear().await["id"], 4);
        let commands = world.commands();
        let [Command::SendPrompt { body, .. }] = commands.as_slice() else { panic!() };
        assert!(format!("{:?}", body.parts).contains(&large), "whole");
    }

    // law 4, law 6: who reads nothing holds up neither the world nor another connection
    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_is_told_nothing_more_and_holds_up_nobody() {
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let server = serving(world.clone(), HttpOptions::default());
        let (mut stalled, mut other) = (server.greeted().await, server.greeted().await);
        subscribe(&mut stalled, 1, "a").await;
        let inside = world.next_subscription().await;
        subscribe(&mut other, 1, "b").await;
        let of_other = world.next_subscription().await;
        // All that is on its way: two pipes, and what each end holds before it is written.
        let mut taken = 0_u64;
        while let Ok(true) = timeout(Duration::from_millis(200), async {
            inside.send(numbered("a", taken + 1)).await
        })
        .await
        {
            taken += 1;
            assert!(taken < 10_000, "it is read ahead without a bound");
            assert!(of_other.send(numbered("b", taken)).await);
            assert_eq!(other.hear().await["params"]["event"]["seq"], taken);
        }
        assert!(of_other.send(numbered("b", taken + 1)).await);
        other.hear().await;
        for n in 1..=taken {
            assert_eq!(stalled.hear().await["params"]["event"]["seq"], n);
        }
    }

    // issue 6: what is no WebSocket, and what is not there
    #[tokio::test(start_paused = true)]
    async fn whoever_asks_for_a_socket_without_becoming_one_is_told_so() {
        let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
        let router: Router = door(world.clone(), HttpOptions::default());
        let ask = |path: &str| Request::get(path.to_owned()).body(Body::empty()).unwrap();
        let answer = send(&router, ask("/v1/worlds/w/socket")).await;
        assert_eq!(answer.problem(), (426, "unsupported".into()));
        assert_eq!(answer.header(header::UPGRADE), "websocket");
        assert_eq!(answer.header(header::SEC_WEBSOCKET_VERSION), "13");
        let answer = send(&router, ask("/v1/worlds/w/socket?token=x")).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()));
        // Over a connection that could become one.
        let server = serving(world, HttpOptions::default());
        for (path, headers, status) in [
            ("w/socket", "", 426),
            ("w/socket", "connection: upgrade\r\nupgrade: websocket\r\n", 426),
            (
                "w/socket",
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 12\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                426,
            ),
            (
                "v/socket",
                "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                 sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                404,
            ),
        ] {
            let mut io = server.connection(4_096);
            let request =
                format!("GET /v1/worlds/{path} HTTP/1.1\r\nhost: w.test\r\n{headers}\r\n");
            io.write_all(request.as_bytes()).await.unwrap();
            let mut status_line = [0; 12];
            within(io.read_exact(&mut status_line)).await.unwrap();
            assert_eq!(status_line, format!("HTTP/1.1 {status}").as_bytes(), "{headers}");
        }
    }
}

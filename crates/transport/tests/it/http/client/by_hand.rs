//! A server of HTTP that writes its answers by hand, one request per connection.

use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use polychat_core::{CommandError, Cursor, EndReason, Event, Notice, Reply, Scope};
use polychat_testkit::samples::{chat_id, recorded, seq, world_id};
use polychat_transport::{
    http::{
        Problem,
        client::{HttpWorld, HttpWorldOptions},
    },
    ipc::{Connect, Jitter},
    wire::{EventEncoder, encode_notice, encode_reply},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex},
    sync::mpsc,
    time::timeout,
};

use super::super::conformance::somewhere;

/// Waits for what must happen; the limit only turns a hang into a failure.
pub(super) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(600), what).await.expect("waited in vain")
}

/// Where a client's connections come in.
pub(super) struct Host {
    connected: mpsc::UnboundedReceiver<DuplexStream>,
    away: Arc<AtomicBool>,
}

impl Host {
    pub(super) fn new() -> (impl Connect<Io = DuplexStream>, Self) {
        let (connects, connected) = mpsc::unbounded_channel();
        let away = Arc::<AtomicBool>::default();
        let is_away = Arc::clone(&away);
        let connector = move || {
            let (near, far) = duplex(64 * 1024);
            let refused = is_away.load(Ordering::SeqCst);
            let heard = !refused && connects.send(far).is_ok();
            let error = || io::Error::from(io::ErrorKind::ConnectionRefused);
            std::future::ready(heard.then_some(near).ok_or_else(error))
        };
        (connector, Self { connected, away })
    }

    /// Refuses connections, or takes them again.
    pub(super) fn be_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The next connection.
    pub(super) async fn connected(&mut self) -> Talk {
        Talk(BufReader::new(within(self.connected.recv()).await.unwrap()))
    }

    /// The next request, and the connection that waits for its answer.
    pub(super) async fn hear(&mut self) -> (Asked, Talk) {
        let mut talk = self.connected().await;
        (within(talk.hear()).await, talk)
    }

    /// Hears the next request, and answers it.
    pub(super) async fn answer(&mut self, answer: Result<Reply, CommandError>) -> Asked {
        let (asked, talk) = self.hear().await;
        talk.answer(answer).await;
        asked
    }

    /// Hears the next request, and answers it with a stream.
    pub(super) async fn stream(&mut self) -> (Asked, Talk) {
        let (asked, mut talk) = self.hear().await;
        talk.begin_stream().await;
        (asked, talk)
    }

    /// Whether nobody has connected.
    pub(super) fn is_left_alone(&mut self) -> bool {
        self.connected.try_recv().is_err()
    }
}

/// A world that is played by this host.
pub(super) fn near(options: HttpWorldOptions) -> (Arc<HttpWorld>, Host) {
    let (connector, host) = Host::new();
    (Arc::new(HttpWorld::by(connector, somewhere(), options)), host)
}

/// Options whose delays are no matter of chance: always the longest.
pub(super) fn options() -> HttpWorldOptions {
    let mut options = HttpWorldOptions::default();
    options.jitter = Jitter::of(|| 1.0);
    options
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    /// Verb, path and query.
    pub(super) line: String,
    headers: HashMap<String, String>,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// One connection.
pub(super) struct Talk(BufReader<DuplexStream>);

impl Talk {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn hear(&mut self) -> Asked {
        let line = self.line().await;
        let line = line.strip_suffix(" HTTP/1.1").unwrap().replace("/v1/worlds/w", "");
        let mut headers = HashMap::new();
        loop {
            let header = self.line().await;
            let Some((name, value)) = header.split_once(": ") else { break };
            headers.insert(name.to_owned(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        let body =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Asked { line, headers, body }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Answers, and closes.
    pub(super) async fn answer(self, answer: Result<Reply, CommandError>) {
        match answer {
            Ok(reply) => {
                self.say("200 OK", "application/json", &encode_reply(reply).unwrap()).await;
            }
            Err(error) => {
                let problem = Problem::new(&error);
                let status = problem.status().to_string();
                let body = serde_json::to_vec(&problem).unwrap();
                self.say(&status, "application/problem+json", &body).await;
            }
        }
    }

    /// Answers in whatever way, and closes.
    pub(super) async fn say(mut self, status: &str, media_type: &str, body: &[u8]) {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        self.write(head.as_bytes()).await;
        self.write(body).await;
    }

    pub(super) async fn begin_stream(&mut self) {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        self.write(head.as_bytes()).await;
        self.send("retry: 1000\n\n").await;
    }

    /// A piece of a stream.
    pub(super) async fn send(&mut self, piece: &str) {
        self.write(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
    }

    /// The notice of this number.
    pub(super) async fn tell(&mut self, n: u64) {
        self.send(&event(n)).await;
    }

    /// Waits until the other side has closed.
    pub(super) async fn closed(&mut self) {
        let mut rest = Vec::new();
        within(self.0.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(rest, b"");
    }
}

pub(super) fn of_a() -> Scope {
    Scope::Chat(chat_id("a"))
}

/// A notice that is easy to tell from others.
pub(super) fn numbered(n: u64) -> Option<Notice> {
    let cursor = Cursor::after(seq(n));
    Some(Notice::Recorded { cursor, event: recorded(&chat_id("a"), seq(n), Event::ChatClosed {}) })
}

/// The same as a server sends it.
pub(super) fn event(n: u64) -> String {
    let json = encode_notice(&world_id("w"), &of_a(), &numbered(n).unwrap(), &EventEncoder::new());
    let json = String::from_utf8(json.unwrap()).unwrap();
    format!("id: {}\ndata: {json}\n\n", Cursor::after(seq(n)))
}

/// The end of a stream as a server sends it.
pub(super) fn end(reason: EndReason) -> String {
    let notice = Notice::Ended(reason);
    let json = encode_notice(&world_id("w"), &of_a(), &notice, &EventEncoder::new()).unwrap();
    format!("event: ended\ndata: {}\n\n", String::from_utf8(json).unwrap())
}

//! Servers behind an address: a scripted one that answers each request as the test says.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use polychat_core::FailureKind;
use polychat_tools::mcp::{Mcp, McpServer, McpState};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    fake::{text_result, tool},
    logs::Records,
    support::{alone, call, limits, names, prepare_all},
};

/// One request, as it came in.
#[derive(Debug, Clone)]
struct Request {
    path: String,
    /// In lower case.
    head: String,
    body: Value,
}

/// What is answered: status, further headers, body.
struct Answer(&'static str, String, String);

impl Answer {
    fn json(body: &Value) -> Self {
        Self("200 OK", "content-type: application/json\r\n".into(), body.to_string())
    }

    fn status(status: &'static str) -> Self {
        Self(status, String::new(), String::new())
    }
}

/// A server on a port of its own, and what it was asked.
struct Site {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    async fn open(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if let Some(request) = read(&mut stream).await {
                    let Answer(status, headers, body) = answer(&request);
                    seen.lock().unwrap().push(request);
                    let length = body.len();
                    let text = format!(
                        "HTTP/1.1 {status}\r\n{headers}connection: close\r\n\
                         content-length: {length}\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
        });
        Self { address, requests, task }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let path = head.split(' ').nth(1)?.to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |it| it.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let body = serde_json::from_slice(&bytes[head_end + 4..]).unwrap_or(Value::Null);
    Some(Request { path, head, body })
}

/// Answers as a server with one tool does, without any stream.
fn plain(request: &Request) -> Answer {
    let result = match request.body["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": request.body["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "site", "version": "1" },
        }),
        Some("tools/list") => json!({ "tools": [tool("work")] }),
        Some("tools/call") => text_result("done"),
        // Notifications, and the stream that such a server does not have.
        Some(_) => return Answer::status("202 Accepted"),
        None => return Answer::status("405 Method Not Allowed"),
    };
    Answer::json(&json!({ "jsonrpc": "2.0", "id": request.body["id"], "result": result }))
}

fn at(url: String) -> McpServer {
    McpServer::http("s", url).limits(limits())
}

async fn reason_of(mcp: &Mcp) -> String {
    prepare_all(mcp).await;
    let status = mcp.status().remove(0);
    assert_eq!(status.state, McpState::Failed);
    status.reason.to_string()
}

// Issue 3: headers
#[tokio::test]
async fn every_request_carries_the_headers_and_a_server_without_streams_is_understood() {
    let site = Site::open(plain).await;
    let mcp =
        alone(at(site.url("/mcp")).header("Authorization", "Bearer my-key").header("x-a", "b"));
    prepare_all(&mcp).await;
    assert_eq!(names(&mcp), ["s_work"], "{:?}", mcp.status());
    assert_eq!(call(&mcp, "s_work").text().await, "done");
    let requests = site.requests();
    assert_eq!(requests.len(), 4, "{requests:?}");
    for request in &requests {
        assert!(request.head.contains("authorization: bearer my-key"), "{request:?}");
        assert!(request.head.contains("x-a: b"), "{request:?}");
        assert!(!request.body.to_string().contains("my-key"), "{request:?}");
    }
    mcp.stop().await;
}

// Secrets in addresses and headers are told to nobody but the server
#[tokio::test]
async fn a_server_that_cannot_be_had_is_told_of_without_its_address_or_headers() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let secretive = |address: SocketAddr| {
        let url = format!("http://user:secret-1@{address}/secret-2?key=secret-3");
        alone(at(url).header("x-key", "secret-4"))
    };
    let mcp = secretive(closed);
    let reason = reason_of(&mcp).await;
    assert!(reason.to_lowercase().contains("connection refused"), "{reason}");
    let failure = call(&mcp, "s_work").failure().await;
    assert_eq!((failure.kind, failure.retryable), (FailureKind::ToolFailed, true));
    let mut told = format!("{reason} {failure} {mcp:?}");
    for status in ["401 Unauthorized", "404 Not Found", "500 Oh", "503 Busy", "302 Found", "200 OK"]
    {
        let site = Site::open(move |_| Answer::status(status)).await;
        let mcp = secretive(site.address);
        let reason = reason_of(&mcp).await;
        told = format!("{told}\n{status}: {reason} {mcp:?}");
    }
    assert!(!told.contains("secret"), "{told}");
    assert!(told.contains("HTTP 503"), "{told}");
}

// Secrets in addresses and headers stay out of the logs, also of those of the layers below
#[tokio::test]
async fn what_goes_wrong_on_the_way_is_logged_without_addresses_and_headers() {
    let records = Records::default();
    let _guard = records.listen();
    let site = Site::open(|request| {
        if request.body["method"] == "initialize" {
            let Answer(status, headers, body) = plain(request);
            return Answer(status, format!("{headers}mcp-session-id: some-id\r\n"), body);
        }
        // Calls, the stream of a session, and its end: all of them get nonsense.
        let known = ["notifications/initialized", "tools/list"].map(Value::from);
        if known.contains(&request.body["method"]) { plain(request) } else { Answer::status("x") }
    })
    .await;
    let url = format!("http://user:secret-1@{}/secret-2?key=secret-3", site.address);
    let mcp = alone(at(url).header("x-key", "secret-4"));
    prepare_all(&mcp).await;
    let failure = call(&mcp, "s_work").failure().await;
    assert!(failure.message.contains("could not be asked"), "{failure}");
    mcp.stop().await;
    assert!(site.requests().iter().any(|it| it.head.starts_with("delete")));
    // The layers below did log what went wrong.
    assert!(!records.with("fail to get common stream").is_empty());
    assert!(!records.with("fail to delete session").is_empty());
    assert_eq!(records.with("secret"), []);
}

// A key belongs to the server that was named, and to no other
#[tokio::test]
async fn redirects_are_followed_at_home_and_nowhere_else() {
    let to = |place: String| {
        Answer("307 Temporary Redirect", format!("location: {place}\r\n"), "".into())
    };
    let home = Site::open(
        move |request| {
            if request.path == "/mcp" { to("/mcp/".into()) } else { plain(request) }
        },
    )
    .await;
    let mcp = alone(at(home.url("/mcp")).header("x-key", "mine"));
    assert_eq!(call(&mcp, "s_work").text().await, "done");
    assert!(home.requests().iter().all(|it| it.head.contains("x-key: mine")));
    mcp.stop().await;

    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let place = format!("http://{}/mcp", elsewhere.local_addr().unwrap());
    let away = Site::open(move |_| to(place.clone())).await;
    let mcp = alone(at(away.url("/mcp")).header("x-key", "mine"));
    let reason = reason_of(&mcp).await;
    assert!(reason.contains("307"), "{reason}");
    assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock);

    let round = Site::open(move |_| to("/mcp".into())).await;
    let mcp = alone(at(round.url("/mcp")));
    reason_of(&mcp).await;
    assert!(round.requests().len() <= 7, "{}", round.requests().len());
}

// Law 7
#[tokio::test]
async fn an_answer_that_is_too_large_fails_its_call_and_the_connection_stays() {
    let site = Site::open(|request| {
        let big = request.body["params"]["arguments"]["big"] == true;
        if request.body["method"] == "tools/call" && big {
            let result = text_result(&"x".repeat(100_000));
            let id = &request.body["id"];
            return Answer::json(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        }
        plain(request)
    })
    .await;
    let mut limits = limits();
    limits.message_bytes_max = 10_000;
    let mcp = alone(at(site.url("/mcp")).limits(limits));
    prepare_all(&mcp).await;
    let big = crate::support::Call::start(&mcp, "s_work", json!({ "big": true }));
    let failure = big.failure().await;
    assert_eq!(failure.kind, FailureKind::ToolFailed);
    assert!(failure.message.contains("10000 bytes"), "{failure}");
    assert_eq!(call(&mcp, "s_work").text().await, "done");
    assert_eq!(mcp.status()[0].starts, 1);
}

//! `polychat serve` as a real process: its link, its tokens, and how it ends.

use std::process::Stdio;

use polychat::TurnOutcome;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

use super::child::{ByHand, Place, complaints, polychat, refused, send, stored_outcomes, within};

/// A server that has said where it is.
pub(crate) struct Server {
    pub(crate) child: ByHand,
    pub(crate) address: String,
    /// The token of the link, if it has one.
    token: Option<String>,
}

impl Server {
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = ByHand::start(command.stdin(Stdio::null()));
        let link = child.line().await;
        let (address, rest) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let token = rest.strip_prefix("?token=").map(str::to_owned);
        Self { address: address.to_owned(), token, child }
    }

    /// Sends a request of this connection only, and reads the answer's head and body.
    async fn ask(&self, request: &str, headers: &str, body: &str) -> (u16, String, String) {
        let mut connection = self.begin(request, headers, body).await;
        let mut text = String::new();
        within(connection.read_to_string(&mut text)).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let (status, _, body) = self.ask(&format!("GET {path}"), "", "").await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self.ask(&format!("POST {path}"), "", &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn begin(&self, request: &str, headers: &str, body: &str) -> TcpStream {
        let mut connection = within(TcpStream::connect(&self.address)).await.unwrap();
        let bearer = match &self.token {
            Some(token) if !headers.contains("authorization") && !headers.contains("cookie") => {
                format!("authorization: Bearer {token}\r\n")
            }
            _ => String::new(),
        };
        let (address, length) = (&self.address, body.len());
        let head = format!(
            "{request} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{bearer}{headers}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        within(connection.write_all(format!("{head}{body}").as_bytes())).await.unwrap();
        connection
    }
}

fn hello(id: &str, text: &str) -> Value {
    json!({ "promptId": id, "parts": [{ "type": "text", "text": text }] })
}

// issue 6
#[tokio::test]
async fn the_link_that_is_printed_opens_the_server_and_nothing_else_does() {
    let command = &mut polychat(["serve", "--memory", "--listen", "127.0.0.1:0", "--log", "trace"]);
    let mut server = Server::start(command).await;
    // All that is logged at any level, read while it is written.
    let log = tokio::spawn(complaints(server.child.child.stderr.take()));
    let token = server.token.clone().unwrap();
    assert_eq!(token.len(), 43);
    let link = format!("GET /?token={token}");
    let (status, head, _) = server.ask(&link, "cookie: none\r\n", "").await;
    assert_eq!(status, 303);
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let port = server.address.rsplit(':').next().unwrap();
    assert!(cookie.starts_with(&format!("polychat-{port}=")), "{cookie}");
    let cookie = format!("cookie: polychat-{port}={token}\r\n");
    let chats = "GET /v1/worlds/home/chats";
    assert_eq!(server.ask(chats, &cookie, "").await.0, 200);
    assert_eq!(server.ask(chats, "authorization: Bearer wrong\r\n", "").await.0, 401);
    assert_eq!(server.ask(chats, "cookie: none\r\n", "").await.0, 401);
    let body = json!({ "chatId": "a" });
    assert_eq!(server.post("/v1/worlds/home/chats", &body).await.0, 201);
    let said = hello("p", "hello");
    let (status, ended) = server.post("/v1/worlds/home/chats/a/prompts?wait=outcome", &said).await;
    assert_eq!((status, &ended["outcome"]["kind"]), (200, &json!("completed")), "{ended}");
    // What happened is counted, under the names that are documented.
    let (_, _, metrics) = server.ask("GET /metrics", "", "").await;
    for line in ["polychat_prompts_accepted_total 1", "polychat_http_requests_total{"] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    send(&server.child.child, Signal::TERM);
    assert_eq!(server.child.ended().await.code(), Some(0));
    let log = log.await.unwrap();
    assert!(log.contains("request answered") && !log.contains(&token), "{log}");
}

#[tokio::test]
async fn everybody_is_let_in_only_where_nobody_else_can_come_from() {
    let mut everywhere = polychat(["serve", "--memory", "--no-auth", "--listen", "0.0.0.0:0"]);
    let (status, said) = refused(&mut everywhere).await;
    assert_eq!(status, 1);
    assert!(said.contains("--no-auth") && said.contains("0.0.0.0"), "{said}");
    let mut here = polychat(["serve", "--memory", "--no-auth", "--listen", "127.0.0.1:0"]);
    let server = Server::start(&mut here).await;
    assert_eq!(server.token, None);
    assert_eq!(server.get("/v1/worlds/home/chats").await.0, 200);
    // Not for pages of others, though.
    let (status, ..) = server.ask("GET /v1/worlds/home", "origin: http://x.example\r\n", "").await;
    assert_eq!(status, 403);
}

// issue 6: tokens by hash and by file, for some worlds and for reading
#[tokio::test]
async fn tokens_of_the_configuration_open_what_they_are_good_for() {
    let place = Place::new();
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::fs::write(place.path("token"), format!("{secret}\n")).unwrap();
    let file = place.path("token").display().to_string();
    // The SHA-256 of 32 times the letter x.
    let hash = "sha256:c62e4615bd39e222572f3a1bf7c2132ea1e65b17ec805047bd6b2842c593493f";
    let config = format!(
        "[worlds.home]\n[worlds.work]\n[serve.tokens.desk]\ntoken_file = {file:?}\n\
         worlds = [\"work\"]\nread_only = true\n[serve.tokens.other]\nhash = \"{hash}\"\n"
    );
    std::fs::write(place.path("polychat.toml"), &config).unwrap();
    let path = place.path("polychat.toml").display().to_string();
    let serve = || polychat(["serve", "--memory", "--listen", "127.0.0.1:0", "--config", &path]);
    let mut server = Server::start(&mut serve()).await;
    assert_eq!(server.token, None, "a configured token is shown to nobody");
    server.token = Some(secret.to_owned());
    assert_eq!(server.get("/v1/worlds/work/chats").await.0, 200);
    assert_eq!(server.get("/v1/worlds/home/chats").await.0, 404);
    let (status, refusal) = server.post("/v1/worlds/work/chats", &json!({})).await;
    assert_eq!((status, &refusal["code"]), (403, &json!("forbidden")));
    server.token = Some("x".repeat(32));
    for world in ["home", "work"] {
        let path = format!("/v1/worlds/{world}/chats");
        assert_eq!(server.post(&path, &json!({ "chatId": "a" })).await.0, 201);
    }
    for (wrong, said) in [
        (config.replace("[\"work\"]", "[\"nowhere\"]"), "serve.tokens.desk.worlds"),
        (config.replace("sha256:c6", "sha256:c"), "serve.tokens.other.hash"),
        (config.replace("token_file", "hash = \"x\"\ntoken_file"), "serve.tokens.desk"),
    ] {
        std::fs::write(place.path("polychat.toml"), wrong).unwrap();
        let (status, complaint) = refused(&mut serve()).await;
        assert_eq!(status, 1);
        assert!(complaint.contains(said) && !complaint.contains(secret), "{said}: {complaint}");
    }
}

// law 5, issue 6: SIGTERM shuts down as designed
#[tokio::test]
async fn a_signal_ends_streams_with_a_word_and_records_what_it_interrupts() {
    let place = Place::new();
    let file = place.file();
    let mut command = polychat(["serve", "--no-auth", "--listen", "127.0.0.1:0", "--grace", "0"]);
    let mut server = Server::start(command.args(["--data", file.to_str().unwrap()])).await;
    server.post("/v1/worlds/home/chats", &json!({ "chatId": "a" })).await;
    let stream = server.begin("GET /v1/worlds/home/chats/a/events", "", "").await;
    let mut lines = BufReader::new(stream).lines();
    let prompts = "/v1/worlds/home/chats/a/prompts";
    let (request, body) = (format!("POST {prompts}?wait=outcome"), hello("p", "/hang").to_string());
    let mut waiting = server.begin(&request, "", &body).await;
    // It hangs, and whoever watches has seen it.
    while !within(lines.next_line()).await.unwrap().unwrap().contains("message.chunk") {}
    send(&server.child.child, Signal::TERM);
    let mut rest = String::new();
    while let Some(line) = within(lines.next_line()).await.unwrap() {
        rest += &format!("{line}\n");
    }
    assert!(rest.contains("event: ended\n") && rest.contains("closing"), "{rest}");
    // Who waited for the outcome hears of it, or that it was accepted, whichever is known first.
    let mut answer = String::new();
    within(waiting.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 20") && answer.contains("\"acceptedSeq\":2"), "{answer}");
    assert!(answer.starts_with("HTTP/1.1 202 ") || answer.contains("interrupted"), "{answer}");
    assert_eq!(server.child.ended().await.code(), Some(0));
    assert_eq!(stored_outcomes(&file, "a").await, [TurnOutcome::Interrupted]);
}

#[tokio::test]
async fn a_second_signal_ends_a_server_that_waits_for_its_turns_at_once() {
    let mut command = polychat(["serve", "--memory", "--no-auth", "--listen", "127.0.0.1:0"]);
    let mut server = Server::start(command.args(["--grace", "86400"])).await;
    server.post("/v1/worlds/home/chats", &json!({ "chatId": "a" })).await;
    let stream = server.begin("GET /v1/worlds/home/chats/a/events", "", "").await;
    let mut lines = BufReader::new(stream).lines();
    server.post("/v1/worlds/home/chats/a/prompts", &hello("p", "/hang")).await;
    while !within(lines.next_line()).await.unwrap().unwrap().contains("message.chunk") {}
    send(&server.child.child, Signal::TERM);
    // The first one was heard: nobody is let in any more, and the streams have ended.
    while within(lines.next_line()).await.unwrap().is_some() {}
    send(&server.child.child, Signal::TERM);
    assert_eq!(server.child.ended().await.code(), Some(143));
}

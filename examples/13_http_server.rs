//! A world over HTTP: a server, a client that does not know that it is one, and what is on the wire.
//!
//! ```text
//! cargo run --example 13_http_server
//! cargo run --example 13_http_server -- 127.0.0.1:8080    # goes on until Ctrl-C, for your own curl
//! ```
//!
//! Anybody may do anything here, because the address is this machine's alone. `polychat serve` is such
//! a server with tokens, limits, several worlds and a file; `14_embed_in_axum` brings people's own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::http::request::Parts;
use futures_util::future::join_all;
use polychat::{
    DemoModel, World, WorldBuilder, WorldId,
    transport::http::{
        self, HttpOptions, NotFound,
        client::{HttpWorld, HttpWorldOptions},
    },
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let address = std::env::args().nth(1);
    let model = DemoModel::new().pace(Duration::from_millis(2));
    let world = WorldBuilder::new("home", model).open().await?;
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let server = serve(&world, listener)?;
    if address.is_some() {
        println!("curl -N http://{}/v1/worlds/home/events", server.address);
        tokio::signal::ctrl_c().await?;
    } else {
        two_at_once(server.address).await?;
        by_hand(server.address).await?;
    }
    server.end(&world).await;
    Ok(())
}

/// A server, until it is ended.
struct Server {
    address: SocketAddr,
    options: HttpOptions,
    task: JoinHandle<std::io::Result<()>>,
}

fn serve(world: &World, listener: TcpListener) -> Outcome<Server> {
    let service = world.service();
    // Who asks, and what they may see, is what a program of your own decides here.
    let resolve = move |asked: &WorldId, _request: &Parts| {
        if asked.as_str() == "home" { Ok(Arc::clone(&service)) } else { Err(NotFound.into()) }
    };
    let options = HttpOptions::default();
    let router = http::router(resolve, options.clone());
    let address = listener.local_addr()?;
    let told = options.closing.clone().cancelled_owned();
    let task =
        tokio::spawn(
            async move { axum::serve(listener, router).with_graceful_shutdown(told).await },
        );
    Ok(Server { address, options, task })
}

impl Server {
    /// Streams are told that the server goes; what people wait for is answered by the world's end.
    async fn end(self, world: &World) {
        self.options.closing.cancel();
        world.shutdown().await;
        let _ = self.task.await;
    }
}

/// A world like any other, which happens to be at the other end of HTTP.
async fn two_at_once(address: SocketAddr) -> Outcome {
    let url = format!("http://{address}/v1/worlds/home").parse()?;
    let world = World::of_service(Arc::new(HttpWorld::new(url, HttpWorldOptions::default())));
    println!("Two chats at once, by a client that is a world:");
    let answers = ["Ada", "Bob"].map(|name| {
        let world = &world;
        async move {
            let chat = world.open_chat(name.to_lowercase()).await?;
            chat.prompt(format!("my name is {name}")).await?.outcome().await?;
            let answer = chat.prompt("what is my name?").await?.answer().await?;
            Ok::<_, polychat::Error>(format!("  {}: {answer}", chat.id()))
        }
    });
    for answer in join_all(answers).await {
        println!("{}", answer?);
    }
    Ok(())
}

/// The same by hand, as `curl` would.
async fn by_hand(address: SocketAddr) -> Outcome {
    println!("A prompt, and the answer to this very prompt:");
    let body = r#"{"promptId":"p1","parts":[{"type":"text","text":"what is my name?"}]}"#;
    let path = "/v1/worlds/home/chats/ada/prompts?wait=outcome";
    let answer = ask(address, "POST", path, body).await?;
    let answer: Value = serde_json::from_str(answer.last().ok_or("no answer")?)?;
    println!("  {}, {}", text(&answer, "/outcome/kind"), text(&answer, "/messages/0/parts/0/text"));

    println!("What the chat of Bob has recorded, as its stream tells it until the chat is idle:");
    let path = "/v1/worlds/home/chats/bob/events?until=idle";
    for line in ask(address, "GET", path, "").await? {
        let Some(data) = line.strip_prefix("data: ") else { continue };
        let notice: Value = serde_json::from_str(data)?;
        println!("  {}", text(&notice, "/event/type"));
    }

    println!("A chat that nobody has made:");
    let problem = ask(address, "GET", "/v1/worlds/home/chats/eve", "").await?;
    let problem: Value = serde_json::from_str(problem.last().ok_or("no answer")?)?;
    println!("  {}, {}", problem.get("status").unwrap_or(&Value::Null), text(&problem, "/code"));
    Ok(())
}

/// One request over a connection of its own; the lines of the answer.
async fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> Outcome<Vec<String>> {
    let mut socket = TcpStream::connect(address).await?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut lines = BufReader::new(socket).lines();
    let mut answer = Vec::new();
    while let Some(line) = lines.next_line().await? {
        answer.push(line);
    }
    Ok(answer)
}

/// What stands at this place, if it is text.
fn text<'a>(json: &'a Value, place: &str) -> &'a str {
    json.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

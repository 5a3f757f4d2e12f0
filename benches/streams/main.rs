//! Thousands of readers of server-sent events at once: what each of them costs the server, how late
//! words come, and that none is missing.
//!
//! ```text
//! cargo bench --bench streams --features http -- --streams 2000 --rate 20 --seconds 60 [--stalled 10]
//! ```
//!
//! The server is a process of its own, so that its memory and its CPU time are nobody else's. Each
//! reader follows a chat of its own, in which a model says the time, `rate` times a second; words
//! carry their number and when they were said. `--stalled N`: every Nth reader stops reading while
//! its chat writes, and reads what is left in the end.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a bench fails loudly"
)]

mod http;
mod reader;
mod server;
mod usage;

use std::{process::Stdio, sync::Arc, time::Duration};

use polychat::{StreamExt, stream};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    sync::Barrier,
};

use crate::{
    http::Connection,
    reader::{Plan, Read, Reader},
    usage::Usage,
};

/// Connections that are opened at the same time.
const OPENING: usize = 64;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.map_or(default, |at| arguments[at + 1].parse().expect("a number"))
    };
    if arguments.iter().any(|argument| argument == "--serve") {
        return server::serve().await;
    }
    // What `cargo bench` runs without options is small.
    let plan = Plan {
        streams: number("--streams", 100),
        rate: number("--rate", 20),
        seconds: number("--seconds", 3),
        stalled: number("--stalled", 0),
    };
    measure(plan).await;
}

async fn measure(plan: Plan) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("--serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let address: Arc<str> = out.lines().next_line().await.unwrap().unwrap().into();
    let server = child.id().unwrap();

    let mut maker = Connection::open(&address).await;
    for index in 0..plan.streams {
        maker.post("/chats", &format!(r#"{{"chatId":"c{index}"}}"#)).await;
    }
    let chats = Usage::of(server);
    let readers: Vec<Reader> = stream::iter(0..plan.streams)
        .map(|index| Reader::open(Arc::clone(&address), index, plan))
        .buffered(OPENING)
        .collect()
        .await;
    let idle = Usage::of(server);

    // All readers read before the first word is said.
    let ready = Arc::new(Barrier::new(readers.len() + 1));
    let reading: Vec<_> =
        readers.into_iter().map(|reader| tokio::spawn(reader.read(Arc::clone(&ready)))).collect();
    ready.wait().await;
    for index in 0..plan.streams {
        maker.post(&format!("/chats/c{index}/prompts"), &plan.prompt(index)).await;
    }
    let begun = Usage::of(server);
    let mut highest = begun.memory;
    let mut all = Read::default();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    for mut reading in reading {
        let read = loop {
            tokio::select! {
                read = &mut reading => break read.expect("a reader found something wrong"),
                _ = second.tick() => highest = highest.max(Usage::of(server).memory),
            }
        };
        all.add(read);
    }
    let ended = Usage::of(server);
    drop(child.stdin.take());
    child.wait().await.unwrap();

    println!("{plan}");
    let each = |to: u64, from: u64| to.saturating_sub(from) / plan.streams.max(1);
    println!("memory: {} bytes for each stream that is open", each(idle.memory, chats.memory));
    println!(
        "        {} bytes more for each that is written to (highest)",
        each(highest, idle.memory)
    );
    println!("CPU:    {:.1} s of the server, until all was read", ended.cpu - begun.cpu);
    all.print();
}

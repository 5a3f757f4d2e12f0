//! What a stream of events adds, beside a bare handler of axum that sends the same events.
//!
//! The world is a source of chunks that costs next to nothing, so what is measured is the stream:
//! encoding, the text of the events, HTTP, a TCP connection over the loopback, and a client that
//! counts events. What counts is the CPU time of the process on one thread, both ends included, and
//! the ratio within a run: rounds of both sides alternate, and medians are printed. Nothing here
//! passes or fails: the figures stand in `docs/performance.md`.
//!
//! `cargo bench -p polychat-transport --features http --bench http`

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::suboptimal_flops,
    missing_docs,
    reason = "a bench may panic, and is to be read as plain arithmetic"
)]

mod bare;
mod measure;
#[path = "../ipc/source.rs"]
#[expect(dead_code, reason = "what the bench of IPC needs beside the chunks")]
mod source;

use std::sync::{Arc, Mutex};

use axum::Router;
use polychat_core::{Notice, WorldId, ports::WorldService};
use polychat_transport::http::{self, HttpOptions};
use tokio::sync::broadcast;

use self::{
    measure::{Client, cpu_nanos, median, one_thread},
    source::{Pace, Source, chunk},
};

const CHUNKS: usize = 50_000;
const ROUNDS: usize = 9;

/// Chunks on their way to a reader at most.
const WAITING_MAX: usize = 512;

/// The source over HTTP.
fn ours(source: Source) -> Router {
    let world: Arc<dyn WorldService> = Arc::new(source);
    let resolve = move |_: &WorldId, _: &axum::http::request::Parts| Ok(Arc::clone(&world));
    http::router(resolve, HttpOptions::default())
}

fn there(chunks: &Arc<[Notice]>) -> Router {
    ours(Source::There(Pace::Never, Arc::clone(chunks)))
}

/// CPU per event of one reader of this router, who reads so many bytes that are there already.
fn of_there(router: Router, bytes: usize) -> f64 {
    one_thread().block_on(async {
        let began = cpu_nanos();
        Client::connect(router).await.read(bytes).await;
        (cpu_nanos() - began) / CHUNKS as f64
    })
}

/// The same where so many at a time are sent while the reader reads.
fn of_sent<T: Clone>(
    router: Router,
    bytes: usize,
    at_a_time: usize,
    sender: &broadcast::Sender<T>,
    next: impl Fn(usize) -> T,
) -> f64 {
    one_thread().block_on(async {
        let mut client = Client::connect(router).await;
        while sender.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        let sending = async {
            for n in 0..CHUNKS {
                let _ = sender.send(next(n));
                // Everybody else has a turn; nobody may lag so far that chunks are forgotten.
                while n % at_a_time == at_a_time - 1 || sender.len() > WAITING_MAX {
                    tokio::task::yield_now().await;
                    if sender.len() <= WAITING_MAX {
                        break;
                    }
                }
            }
        };
        let began = cpu_nanos();
        tokio::join!(client.read(bytes), sending);
        (cpu_nanos() - began) / CHUNKS as f64
    })
}

/// What one reader of this router is sent.
fn sent(router: Router) -> String {
    // All chunks, and when to come back.
    one_thread().block_on(async { Client::connect(router).await.events(CHUNKS + 1).await })
}

fn main() {
    let chunks: Arc<[Notice]> = (0..CHUNKS).map(chunk).collect();
    let sent = sent(there(&chunks));
    let (_, told) = sent.split_once("\n\n").unwrap();
    let events = bare::events(told);
    assert_eq!(events.len(), CHUNKS);
    println!("## events to one reader: CPU per event, {} bytes each", told.len() / CHUNKS);
    println!("events come | stream of a chat | bare axum | throughput of bare axum = 1");
    for (at_a_time, name) in [(1, "one at a time"), (8, "eight at a time")] {
        let (mut stream, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (sender, _) = broadcast::channel(1_024);
            let router = ours(Source::Sent(Mutex::new(sender.clone())));
            let of_chunk = |n: usize| chunks[n].clone();
            stream.push(of_sent(router, sent.len(), at_a_time, &sender, of_chunk));
            let (sender, _) = broadcast::channel(1_024);
            let router = bare::sent(Arc::clone(&events), sender.clone());
            bare.push(of_sent(router, told.len(), at_a_time, &sender, |n| n));
        }
        say(name, &mut stream, &mut bare);
    }
    let (mut stream, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        stream.push(of_there(there(&chunks), sent.len()));
        bare.push(of_there(bare::there(Arc::clone(&events)), told.len()));
    }
    say("all at once", &mut stream, &mut bare);
}

fn say(name: &str, stream: &mut [f64], bare: &mut [f64]) {
    let (stream, bare) = (median(stream), median(bare));
    println!("{name} | {stream:.0} ns | {bare:.0} ns | {:.2}", bare / stream);
}

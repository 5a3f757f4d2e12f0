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

use std::sync::Arc;

use axum::Router;
use polychat_core::{Notice, WorldId, ports::WorldService};
use polychat_transport::http::{self, HttpOptions};

use self::{
    measure::{Client, cpu_nanos, median, one_thread},
    source::{Pace, Source, chunk},
};

const CHUNKS: usize = 50_000;
const ROUNDS: usize = 9;

/// The source over HTTP.
fn ours(pace: Pace, chunks: &Arc<[Notice]>) -> Router {
    let world: Arc<dyn WorldService> = Arc::new(Source::There(pace, Arc::clone(chunks)));
    let resolve = move |_: &WorldId, _: &axum::http::request::Parts| Ok(Arc::clone(&world));
    http::router(resolve, HttpOptions::default())
}

/// CPU per event of one reader of this router, who reads so many bytes.
fn round(router: Router, bytes: usize) -> f64 {
    one_thread().block_on(async {
        let began = cpu_nanos();
        Client::connect(router).await.read(bytes).await;
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
    let sent = sent(ours(Pace::Never, &chunks));
    let (_, told) = sent.split_once("\n\n").unwrap();
    let events = bare::events(told);
    assert_eq!(events.len(), CHUNKS);
    println!("## events to one reader: CPU per event, {} bytes each", told.len() / CHUNKS);
    println!("events come | stream of a chat | bare axum | throughput of bare axum = 1");
    for (pace, name) in Pace::ALL {
        let (mut stream, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            stream.push(round(ours(pace, &chunks), sent.len()));
            bare.push(round(bare::router(pace, Arc::clone(&events)), told.len()));
        }
        let (stream, bare) = (median(&mut stream), median(&mut bare));
        println!("{name} | {stream:.0} ns | {bare:.0} ns | {:.2}", bare / stream);
    }
}

//! How much a calm chat notices of its neighbours: the time from the model saying a chunk to a
//! reader having it.

use std::time::Instant;

use futures_util::StreamExt;
use polychat::{Event, Limits, LiveBody, Notice, StartAt, World};

use crate::{
    measure::{median, quantile, two_threads},
    source::{end, since_start, world},
};

const ROUNDS: usize = 5;

pub(crate) fn run() {
    println!("## neighbours: a calm chat's chunk latency, p99 (p50), two threads");
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut alone_p50, mut beside_p50) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut without = latencies(&calm_beside(&[]));
        let mut with = latencies(&calm_beside(&["flood", "hang", "panic"]));
        let (a, b) = (quantile(&mut without, 0.99), quantile(&mut with, 0.99));
        alone.push(a / 1e3);
        beside.push(b / 1e3);
        ratios.push(b / a);
        alone_p50.push(quantile(&mut without, 0.5) / 1e3);
        beside_p50.push(quantile(&mut with, 0.5) / 1e3);
    }
    println!("alone | {:.0} µs ({:.0} µs)", median(&mut alone), median(&mut alone_p50));
    println!(
        "beside one that floods, one that hangs, one that panics | {:.0} µs ({:.0} µs)",
        median(&mut beside),
        median(&mut beside_p50)
    );
    println!("ratio of the p99 | {:.2}×", median(&mut ratios));
}

/// What is not isolated: a model that keeps its thread.
pub(crate) fn run_blocking() {
    println!("## blocking: the longest silence of a chat that speaks every 2 ms, two threads,");
    println!("## beside models that keep their threads for 2 s each");
    for blocked in 0..=2 {
        let calm = calm_interrupted_by(&vec!["block"; blocked]);
        let mut silences: Vec<f64> =
            calm.windows(2).map(|pair| (pair[1].read - pair[0].read) as f64).collect();
        let longest = quantile(&mut silences, 1.0) / 1e6;
        println!("{blocked} of 2 threads kept | {longest:.0} ms");
    }
}

/// When a chunk was said and when it was read, in nanoseconds.
struct Chunk {
    said: u128,
    read: u128,
}

fn latencies(chunks: &[Chunk]) -> Vec<f64> {
    chunks.iter().map(|chunk| chunk.read.saturating_sub(chunk.said) as f64).collect()
}

/// The neighbours begin once the calm chat speaks.
fn calm_interrupted_by(neighbours: &[&'static str]) -> Vec<Chunk> {
    let _ = since_start(Instant::now());
    two_threads().block_on(async {
        let world = world(Limits::default()).await;
        let calm = world.open_chat("calm").await.unwrap();
        let reader = tokio::spawn(read(calm.subscribe(StartAt::Now).await.unwrap()));
        calm.prompt("calm").await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let _blocking = start_neighbours(&world, neighbours).await;
        let chunks = reader.await.unwrap();
        end(world).await;
        chunks
    })
}

fn calm_beside(neighbours: &[&'static str]) -> Vec<Chunk> {
    let _ = since_start(Instant::now());
    two_threads().block_on(async {
        let world = world(Limits::default()).await;
        let keep_going = start_neighbours(&world, neighbours).await;
        let calm = world.open_chat("calm").await.unwrap();
        let reader = tokio::spawn(read(calm.subscribe(StartAt::Now).await.unwrap()));
        calm.prompt("calm").await.unwrap();
        let chunks = reader.await.unwrap();
        keep_going.iter().for_each(tokio::task::JoinHandle::abort);
        end(world).await;
        chunks
    })
}

/// Each neighbour begins again when its turn has ended; nobody reads it.
async fn start_neighbours(
    world: &World,
    neighbours: &[&'static str],
) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = Vec::new();
    for (n, said) in neighbours.iter().copied().enumerate() {
        let chat = world.open_chat(format!("neighbour-{n}")).await.unwrap();
        tasks.push(tokio::spawn(async move {
            let again = said != "block";
            loop {
                let Ok(prompt) = chat.prompt(said).await else { return };
                let _ = prompt.outcome().await;
                if !again {
                    return;
                }
            }
        }));
    }
    tasks
}

async fn read(mut notices: polychat::ports::NoticeStream) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::Live { event, .. } => {
                let now = since_start(Instant::now());
                let LiveBody::MessageChunk { text, .. } = &event.body else { continue };
                let said = text.lines().filter_map(|line| line.parse::<u128>().ok());
                chunks.extend(said.map(|said| Chunk { said, read: now }));
            }
            Notice::Recorded { event, .. } => {
                if let Event::TurnEnded { .. } = event.event {
                    break;
                }
            }
            _ => {}
        }
    }
    chunks
}

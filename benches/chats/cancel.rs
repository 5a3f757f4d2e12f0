//! How long it takes from a cancel to the terminal event that a reader sees, under load.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use polychat::{Event, Limits, Notice, StartAt};

use crate::{
    measure::{quantile, two_threads},
    source::{end, world},
    turns::open,
};

const RUNNING: usize = 1_000;

pub(crate) fn run() {
    println!("## cancel: to the terminal event at a reader, {RUNNING} running turns");
    println!("the other turns | p50 | p99 | max");
    for (name, said) in [("are silent", "hang"), ("speak every 2 ms", "calm")] {
        let mut taken = two_threads().block_on(cancel_all(said));
        let (p50, p99) = (quantile(&mut taken, 0.5), quantile(&mut taken, 0.99));
        let max = quantile(&mut taken, 1.0);
        println!("{name} | {:.2} ms | {:.2} ms | {:.2} ms", p50 / 1e6, p99 / 1e6, max / 1e6);
    }
}

async fn cancel_all(said: &str) -> Vec<f64> {
    let world = world(Limits::default()).await;
    let chats = open(&world, RUNNING).await;
    for chat in &chats {
        chat.prompt(said).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut taken = Vec::with_capacity(RUNNING / 4);
    // A quarter of them is cancelled while the rest runs.
    for chat in chats.iter().step_by(4) {
        let mut notices = chat.subscribe(StartAt::Now).await.unwrap();
        let began = Instant::now();
        chat.cancel().await.unwrap();
        while let Some(notice) = notices.next().await {
            if let Notice::Recorded { event, .. } = notice
                && let Event::TurnEnded { .. } = event.event
            {
                break;
            }
        }
        taken.push(began.elapsed().as_nanos() as f64);
    }
    end(world).await;
    taken
}

//! How long a prompt takes to be accepted: from the call to the answer, stored in memory.

use std::time::Instant;

use polychat::Limits;

use crate::{
    measure::{one_thread, quantile, two_threads},
    source::{end, world},
};

const PROMPTS: usize = 20_000;
const ROUND: usize = 100;

pub(crate) fn run() {
    println!("## prompts: accepted, round trip, memory store");
    println!("runtime | p50 | p99");
    for (name, runtime) in [("one thread", one_thread()), ("two threads", two_threads())] {
        let mut taken = runtime.block_on(accept());
        let p50 = quantile(&mut taken, 0.5) / 1e3;
        println!("{name} | {p50:.1} µs | {:.1} µs", quantile(&mut taken, 0.99) / 1e3);
    }
}

/// The first prompt of a chat runs, and never ends; the others wait in its queue.
async fn accept() -> Vec<f64> {
    let world = world(Limits::default()).await;
    let mut taken = Vec::with_capacity(PROMPTS);
    for round in 0..PROMPTS / ROUND {
        let chat = world.open_chat(format!("chat-{round}")).await.unwrap();
        chat.prompt("hang").await.unwrap();
        for _ in 0..ROUND {
            let request = chat.prompt("what time is it?");
            let began = Instant::now();
            request.await.unwrap();
            taken.push(began.elapsed().as_nanos() as f64);
        }
    }
    end(world).await;
    taken
}

//! How long a chunk takes to its reader, in process and over a socket.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use polychat_core::{ChatId, Scope, StartAt, WorldId, ports::WorldService};
use polychat_transport::ipc::{RemoteOptions, RemoteWorld};
use tokio::{net::UnixStream, sync::broadcast, time::sleep};

use crate::{
    measure::{Client, quantile},
    source::{Source, chunk},
};

const CHUNKS: usize = 3_000;

pub(crate) fn run() {
    println!("## latency of a chunk to a reader that waits, {CHUNKS} chunks, a millisecond apart");
    println!("reader | p50 | p99");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let in_process = runtime.block_on(in_process());
    say("in process", &in_process, None);
    let floor = in_process.0;
    say("over a socket, lines as they come", &runtime.block_on(over_a_socket()), Some(floor));
    say("over a socket, a remote world", &runtime.block_on(remote()), Some(floor));
}

fn say(name: &str, (p50, p99): &(f64, f64), floor: Option<f64>) {
    let added = floor.map_or(String::new(), |floor| format!(" | {:.1} µs added", p50 - floor));
    println!("{name} | {p50:.1} µs | {p99:.1} µs{added}");
}

type Sender = broadcast::Sender<polychat_core::Notice>;

fn source() -> (Sender, Source) {
    let (sender, _) = broadcast::channel(16);
    (sender.clone(), Source::Sent(Mutex::new(sender)))
}

/// Sends chunks, and has the reader say when each came.
async fn measure<F: Future<Output = ()>>(
    sender: &Sender,
    mut read: impl FnMut() -> F,
) -> (f64, f64) {
    let mut taken = Vec::new();
    for n in 0..CHUNKS {
        sleep(Duration::from_millis(1)).await;
        let began = Instant::now();
        let _ = sender.send(chunk(n));
        read().await;
        taken.push(began.elapsed().as_secs_f64() * 1e6);
    }
    (quantile(&mut taken, 0.5), quantile(&mut taken, 0.99))
}

fn of_chat() -> (Scope, StartAt) {
    (Scope::Chat(ChatId::new("chat-1").unwrap()), StartAt::Now)
}

/// A reader in a task of its own, as everywhere.
async fn of_stream(sender: &Sender, world: &dyn WorldService) -> (f64, f64) {
    let (scope, start) = of_chat();
    let mut notices = world.subscribe(scope, start).await.unwrap();
    let (tell, told) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while notices.next().await.is_some() {
            if tell.send(()).await.is_err() {
                return;
            }
        }
    });
    let told = Arc::new(tokio::sync::Mutex::new(told));
    measure(sender, || {
        let told = Arc::clone(&told);
        async move { told.lock().await.recv().await.unwrap() }
    })
    .await
}

async fn in_process() -> (f64, f64) {
    let (sender, source) = source();
    of_stream(&sender, &source).await
}

async fn remote() -> (f64, f64) {
    let (sender, source) = source();
    let server = source.server();
    let (near, far) = UnixStream::pair().unwrap();
    tokio::spawn(async move { server.serve(far).await });
    let id = WorldId::new("w").unwrap();
    of_stream(&sender, &RemoteWorld::over(near, id, RemoteOptions::default())).await
}

async fn over_a_socket() -> (f64, f64) {
    let (sender, source) = source();
    let server = source.server();
    let (near, far) = UnixStream::pair().unwrap();
    tokio::spawn(async move { server.serve(far).await });
    let mut client = Client::subscribe(near).await;
    let (tell, told) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        while client.read(1).await > 0 {
            if tell.send(()).await.is_err() {
                return;
            }
        }
    });
    let told = Arc::new(tokio::sync::Mutex::new(told));
    measure(&sender, || {
        let told = Arc::clone(&told);
        async move { told.lock().await.recv().await.unwrap() }
    })
    .await
}

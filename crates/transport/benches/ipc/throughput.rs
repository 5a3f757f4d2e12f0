//! CPU per chunk, to one reader and to readers in step.

use std::sync::{Arc, Mutex};

use polychat_core::Notice;
use polychat_transport::ipc::Server;
use tokio::{net::UnixStream, sync::broadcast};

use crate::{
    echo::echo,
    measure::{Client, cpu_nanos, median, one_thread},
    source::{Pace, Source, chunk},
};

const CHUNKS: usize = 50_000;
const ROUNDS: usize = 7;

async fn connect(server: &Arc<Server>) -> Client {
    let (near, far) = UnixStream::pair().unwrap();
    let server = Arc::clone(server);
    tokio::spawn(async move { server.serve(far).await });
    Client::subscribe(near).await
}

/// The lines that a client gets.
fn lines(chunks: &Arc<[Notice]>) -> Vec<Vec<u8>> {
    one_thread().block_on(async {
        let mut client = connect(&Source::There(Pace::Never, chunks.clone()).server()).await;
        let mut lines = Vec::new();
        for _ in 0..CHUNKS {
            let mut line = Vec::new();
            tokio::io::AsyncBufReadExt::read_until(&mut client.lines, b'\n', &mut line)
                .await
                .unwrap();
            lines.push(line);
        }
        lines
    })
}

pub(crate) fn to_one_reader() {
    let chunks: Arc<[Notice]> = (0..CHUNKS).map(chunk).collect();
    let lines = lines(&chunks);
    let bytes: usize = lines.iter().map(Vec::len).sum();
    println!("## chunks to one reader: CPU per chunk, {} bytes each", bytes / CHUNKS);
    println!("chunks come | IPC | echo | throughput of echo = 1");
    for (pace, name) in Pace::ALL {
        let (mut ipc, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            one_thread().block_on(async {
                let server = Source::There(pace, chunks.clone()).server();
                let began = cpu_nanos();
                assert_eq!(connect(&server).await.read(CHUNKS).await, bytes);
                ipc.push((cpu_nanos() - began) / CHUNKS as f64);
            });
            one_thread().block_on(async {
                let began = cpu_nanos();
                assert_eq!(echo(&lines, pace).await, bytes);
                bare.push((cpu_nanos() - began) / CHUNKS as f64);
            });
        }
        let (ipc, bare) = (median(&mut ipc), median(&mut bare));
        println!("{name} | {ipc:.0} ns | {bare:.0} ns | {:.2}", bare / ipc);
    }
}

/// Chunks that readers get, all together.
const DELIVERED: usize = 200_000;

pub(crate) fn to_readers_in_step() {
    println!("## chunks to readers in step, a connection each: CPU per chunk and reader");
    println!("readers | CPU | encodings per chunk");
    for readers in [1, 2, 10, 100] {
        let (mut cpu, mut encodings) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let round = one_thread().block_on(in_step(readers));
            cpu.push(round.0);
            encodings.push(round.1);
        }
        println!("{readers} | {:.0} ns | {:.2}", median(&mut cpu), median(&mut encodings));
    }
}

/// CPU per chunk and reader, and how often a chunk was encoded.
async fn in_step(readers: usize) -> (f64, f64) {
    let chunks = DELIVERED / readers;
    let (sender, _) = broadcast::channel(1_024);
    let server = Source::Sent(Mutex::new(sender.clone())).server();
    let mut clients = Vec::new();
    for _ in 0..readers {
        clients.push(connect(&server).await);
    }
    let began = cpu_nanos();
    let reading: Vec<_> = clients
        .into_iter()
        .map(|mut client| tokio::spawn(async move { client.read(chunks).await }))
        .collect();
    for n in 0..chunks {
        let _ = sender.send(chunk(n));
        tokio::task::yield_now().await;
        // Nobody may lag so far that the source forgets what it has not read.
        while sender.len() > 512 {
            tokio::task::yield_now().await;
        }
    }
    for reading in reading {
        reading.await.unwrap();
    }
    let cpu = (cpu_nanos() - began) / DELIVERED as f64;
    (cpu, server.events_encoded() as f64 / chunks as f64)
}

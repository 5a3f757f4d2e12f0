//! The floor: a task and a bounded channel per chat, no log, no supervision.

use futures_util::StreamExt;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

use crate::{
    source::{CHUNKS, Source},
    tools::{self, CallsPerStep, STEPS, look_at},
};

/// All chats say their chunks, each to a reader of its own; answers with the bytes read.
pub(crate) async fn turns(chats: usize) -> usize {
    let mut readers = JoinSet::new();
    for _ in 0..chats {
        let (sender, receiver) = mpsc::channel::<String>(64);
        tokio::spawn(async move { say(CHUNKS, &sender).await });
        readers.spawn(read(receiver));
    }
    readers.join_all().await.into_iter().sum()
}

/// The same in several steps, with tool calls between them, each a task of its own.
pub(crate) async fn turns_with_tools(chats: usize, calls: CallsPerStep) -> usize {
    let mut readers = JoinSet::new();
    for _ in 0..chats {
        let (sender, receiver) = mpsc::channel::<String>(64);
        tokio::spawn(async move {
            for step in 1..=STEPS {
                say(tools::CHUNKS, &sender).await;
                let calls = if step < STEPS { calls.0 } else { 0 };
                let running: Vec<_> =
                    (0..calls).map(|place| tokio::spawn(look_at(place as u32))).collect();
                for call in running {
                    let _ = sender.send(call.await.unwrap()).await;
                }
            }
        });
        readers.spawn(read(receiver));
    }
    readers.join_all().await.into_iter().sum()
}

async fn say(chunks: usize, to: &Sender<String>) {
    let mut source = Source::new(chunks);
    while let Some(word) = source.next().await {
        if to.send(word).await.is_err() {
            return;
        }
    }
}

async fn read(mut words: Receiver<String>) -> usize {
    let mut bytes = 0;
    while let Some(word) = words.recv().await {
        bytes += word.len();
    }
    bytes
}

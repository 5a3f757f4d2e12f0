//! The floor: a task and a bounded channel per chat, no log, no supervision.

use futures_util::StreamExt;
use tokio::{sync::mpsc, task::JoinSet};

use crate::source::{CHUNKS, Source};

/// All chats say their chunks, each to a reader of its own; answers with the bytes read.
pub(crate) async fn turns(chats: usize) -> usize {
    let mut readers = JoinSet::new();
    for _ in 0..chats {
        let (sender, mut receiver) = mpsc::channel::<String>(64);
        tokio::spawn(async move {
            let mut source = Source::new(CHUNKS);
            while let Some(word) = source.next().await {
                if sender.send(word).await.is_err() {
                    return;
                }
            }
        });
        readers.spawn(async move {
            let mut bytes = 0;
            while let Some(word) = receiver.recv().await {
                bytes += word.len();
            }
            bytes
        });
    }
    readers.join_all().await.into_iter().sum()
}

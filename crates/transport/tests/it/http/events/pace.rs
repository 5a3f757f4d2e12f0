//! How much is read ahead of a client, which is nothing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use futures_util::stream;
use polychat_core::{
    Command, CommandError, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use polychat_transport::http::HttpOptions;

use super::{numbered, read};
use crate::http::door;

/// Chats that always have something more to say, and count what is taken of it.
#[derive(Default)]
struct Flood {
    taken: Arc<AtomicU64>,
}

#[async_trait]
impl WorldService for Flood {
    async fn call(&self, _: Command) -> Result<Reply, CommandError> {
        Ok(Reply::Done)
    }

    async fn subscribe(&self, scope: Scope, _: StartAt) -> Result<NoticeStream, CommandError> {
        let Scope::Chat(chat) = scope else { panic!("{scope:?}") };
        let taken = Arc::clone(&self.taken);
        // The calm one says one thing, in a world that floods.
        let notices = if chat.as_str() == "calm" { 1 } else { u64::MAX };
        Ok(Box::pin(stream::unfold(0, move |n| {
            taken.fetch_add(1, Ordering::Relaxed);
            let next = (n < notices).then(|| (numbered(chat.as_str(), n + 1), n + 1));
            async move {
                match next {
                    Some(next) => Some(next),
                    None => std::future::pending().await,
                }
            }
        })))
    }
}

// law 7, issue 6: slow readers hold a cursor, not memory
#[tokio::test]
async fn no_more_is_taken_than_the_piece_that_goes_out() {
    let flood = Arc::new(Flood::default());
    let router = door(flood.clone(), HttpOptions::default());
    let mut reader = read(&router, "/chats/a/events", None).await;
    let first = flood.taken.load(Ordering::Relaxed);
    let (mut last, mut blocks) = (0, std::mem::take(&mut reader.text).matches("\n\n").count());
    assert_eq!(first, blocks as u64);
    for _ in 0..100 {
        let piece = reader.piece().await.unwrap();
        assert!(piece.len() < 8 * 1024 + 200, "{}", piece.len());
        assert!(piece.ends_with("\n\n"), "whole events");
        last = piece.len();
        blocks += piece.matches("\n\n").count();
        assert_eq!(flood.taken.load(Ordering::Relaxed), blocks as u64);
    }
    assert!(last > 7 * 1024, "what is ready goes out together: {last}");
}

// law 6: a flooding chat does not hold up a calm one on the same stream
#[tokio::test]
async fn a_calm_chat_has_its_turn_between_chats_that_flood() {
    let router = door(Arc::new(Flood::default()), HttpOptions::default());
    let path = "/events?chat=a&chat=b&chat=calm&chat=c";
    let mut reader = read(&router, path, None).await;
    let mut before = Vec::new();
    loop {
        let block = reader.told().await;
        if block.chat() == "calm" {
            break;
        }
        before.push(block.chat().to_owned());
    }
    assert!(before.len() <= 3, "{before:?}");
    let mut after = [0; 3];
    for _ in 0..300 {
        let block = reader.told().await;
        after[["a", "b", "c"].iter().position(|chat| *chat == block.chat()).unwrap()] += 1;
    }
    assert_eq!(after, [100; 3], "they take turns");
}

//! A world that is nothing but chunks.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use polychat_core::{
    ChatId, Command, CommandError, Cursor, Epoch, Live, LiveBody, MessageId, Notice, Reply, Scope,
    Seq, StartAt, TurnId, WorldId,
    ports::{NoticeStream, WorldService},
};
use polychat_transport::ipc::{ServeOptions, Server};
use tokio::sync::broadcast;

const WORDS: [&str; 8] =
    ["The ", "quick ", "brown ", "fox ", "jumps ", "over ", "the lazy ", "Straßenhund. "];

/// How often the source lets others run.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    EveryChunk,
    Every8th,
    Never,
}

impl Pace {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::EveryChunk, "one at a time"),
        (Self::Every8th, "eight at a time"),
        (Self::Never, "all at once"),
    ];

    pub(crate) async fn after(self, chunk: usize) {
        let yields = match self {
            Self::EveryChunk => true,
            Self::Every8th => chunk % 8 == 7,
            Self::Never => false,
        };
        if yields {
            tokio::task::yield_now().await;
        }
    }
}

/// The chunk of this number, and where to go on after it.
pub(crate) fn chunk(n: usize) -> Notice {
    let text = WORDS[n % WORDS.len()];
    let message_id = MessageId(Seq::FIRST);
    let n = n as u64;
    let body = LiveBody::MessageChunk { message_id, offset: n * 7, text: text.into() };
    let live = Live { chat_id: ChatId::new("chat-1").unwrap(), turn_id: TurnId(Seq::FIRST), body };
    let cursor = Cursor { seq: Seq::FIRST, epoch: Epoch(1), live: n, offset: 0 };
    Notice::Live { cursor, event: Arc::new(live) }
}

/// A world of one chat.
pub(crate) enum Source {
    /// Each subscription gets these chunks, which are there already, at this pace.
    There(Pace, Arc<[Notice]>),
    /// All subscriptions get the same chunks, when somebody sends them.
    Sent(Mutex<broadcast::Sender<Notice>>),
}

impl Source {
    pub(crate) fn server(self) -> Arc<Server> {
        let id = WorldId::new("w").unwrap();
        Arc::new(Server::new(id, Arc::new(self), ServeOptions::default()))
    }
}

#[async_trait]
impl WorldService for Source {
    async fn call(&self, _command: Command) -> Result<Reply, CommandError> {
        Ok(Reply::Done)
    }

    async fn subscribe(
        &self,
        _scope: Scope,
        _start: StartAt,
    ) -> Result<NoticeStream, CommandError> {
        Ok(match self {
            Self::There(pace, chunks) => {
                let (pace, chunks) = (*pace, Arc::clone(chunks));
                let there = stream::unfold(0, move |n| {
                    let next = chunks.get(n).cloned();
                    async move {
                        let Some(next) = next else {
                            // What is there is read; the connection stays open.
                            return std::future::pending().await;
                        };
                        if n > 0 {
                            pace.after(n).await;
                        }
                        Some((next, n + 1))
                    }
                });
                Box::pin(there)
            }
            Self::Sent(sender) => {
                let sent = sender.lock().unwrap().subscribe();
                let sent = stream::unfold(sent, |mut sent| async {
                    Some((sent.recv().await.ok()?, sent))
                });
                Box::pin(sent.fuse())
            }
        })
    }
}

//! The feed of a remote world, in which no chat stays busy for ever.
//!
//! The world's feed has no cursor: a subscription over a fresh connection begins with the chats in
//! which something goes on, and says nothing of those in which that has ended meanwhile. So the
//! chats that were last told as busy, and that it does not tell of by itself, are asked for one
//! after the other. A chat of which the feed speaks in the meantime is not asked for any more. The
//! feed always ends with the newest status of a chat, so an answer that it overtakes corrects itself.
//!
//! What was created and deleted meanwhile, and was not busy, is for a list to tell of, and
//! diagnostics of that time are for the server's own logs; so its reader first hears `Resumed`.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_util::future::BoxFuture;
use polychat_core::{
    ChatId, Command, CommandError, EndReason, Notice, Refusal, Reply, StatusKind,
    notice::WorldNotice,
};
use tokio::time::sleep;

use super::returning::{Heard, Returning, Way};

/// Busy chats that are remembered. A world with more of them ends the stream at the next loss, as
/// unreadable, and who subscribes again begins from what is true then.
const BUSY_MAX: usize = 65_536;

/// How often a status is asked for, when the world says "not now".
const ASKED_MAX: u32 = 16;

/// The notices of a world.
pub(crate) struct WorldStream<W> {
    feed: Returning<W>,
    /// The chats last told as busy.
    busy: BTreeSet<ChatId>,
    /// Whether there were more of them than are remembered.
    overflowed: bool,
    /// Those of them of which nothing was heard over this connection.
    silent: BTreeSet<ChatId>,
    asking: Option<(ChatId, BoxFuture<'static, Option<WorldNotice>>)>,
}

impl<W: Way> WorldStream<W> {
    pub(crate) fn new(feed: Returning<W>) -> Self {
        let (busy, silent) = (BTreeSet::new(), BTreeSet::new());
        Self { feed, busy, overflowed: false, silent, asking: None }
    }

    /// Remembers what is told.
    fn tell(&mut self, notice: WorldNotice) -> Notice {
        match &notice {
            WorldNotice::Status { status } => {
                self.heard_of(&status.chat_id);
                if matches!(status.kind, StatusKind::Idle | StatusKind::Closed) {
                    self.busy.remove(&status.chat_id);
                } else if self.busy.len() < BUSY_MAX {
                    self.busy.insert(status.chat_id.clone());
                } else {
                    self.overflowed |= !self.busy.contains(&status.chat_id);
                }
            }
            WorldNotice::Deleted { chat_id } => {
                self.heard_of(chat_id);
                self.busy.remove(chat_id);
            }
            _ => {}
        }
        Notice::World(notice)
    }

    fn heard_of(&mut self, chat: &ChatId) {
        self.silent.remove(chat);
        if self.asking.as_ref().is_some_and(|(asked, _)| asked == chat) {
            self.asking = None;
        }
    }

    /// What became of the next chat that nothing was heard of.
    fn poll_asked(&mut self, cx: &mut Context<'_>) -> Poll<WorldNotice> {
        loop {
            if self.asking.is_none() {
                let Some(chat) = self.silent.pop_first() else { return Poll::Pending };
                let asking = ask(Arc::clone(self.feed.way()), chat.clone());
                self.asking = Some((chat, Box::pin(asking)));
            }
            let Some((_, asking)) = &mut self.asking else { return Poll::Pending };
            let answer = ready!(asking.as_mut().poll(cx));
            self.asking = None;
            if let Some(notice) = answer {
                return Poll::Ready(notice);
            }
        }
    }
}

impl<W: Way> Stream for WorldStream<W> {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let this = &mut *self;
        loop {
            match this.feed.poll_heard(cx) {
                Poll::Ready(Some(Heard::Notice(Notice::World(notice)))) => {
                    return Poll::Ready(Some(this.tell(notice)));
                }
                Poll::Ready(Some(Heard::Notice(notice))) => return Poll::Ready(Some(notice)),
                Poll::Ready(Some(Heard::Returned)) if this.overflowed => {
                    let end = this.feed.end(EndReason::Unreadable);
                    let Poll::Ready(Some(Heard::Notice(notice))) = end else { continue };
                    return Poll::Ready(Some(notice));
                }
                Poll::Ready(Some(Heard::Returned)) => {
                    (this.silent, this.asking) = (this.busy.clone(), None);
                    return Poll::Ready(Some(Notice::World(WorldNotice::Resumed {})));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending if this.feed.is_away() => {
                    // All that is silent then is asked for over the next connection.
                    this.asking = None;
                    return Poll::Pending;
                }
                Poll::Pending => {
                    let notice = ready!(this.poll_asked(cx));
                    return Poll::Ready(Some(this.tell(notice)));
                }
            }
        }
    }
}

/// What a chat is doing; `None` when there is no telling.
async fn ask<W: Way>(way: Arc<W>, chat: ChatId) -> Option<WorldNotice> {
    let mut backoff = way.backoff();
    loop {
        match way.call(Command::Snapshot { chat: chat.clone() }).await {
            Ok(Reply::Snapshot(snapshot)) => {
                return Some(WorldNotice::Status { status: snapshot.status });
            }
            Err(CommandError::Refused(
                Refusal::ChatDeleted { .. } | Refusal::UnknownChat { .. },
            )) => return Some(WorldNotice::Deleted { chat_id: chat }),
            Err(error) if error.retryable() && backoff.attempts() < ASKED_MAX => {
                sleep(backoff.next()).await;
            }
            _ => return None,
        }
    }
}

//! Whether all chats that are followed are idle and all is told: the end of `?until=idle`.
//!
//! The chats are asked, at first and then after what was recorded may have made them idle. An answer
//! says up to which event they were idle; once all of that is told the stream may end, although more
//! may have begun meanwhile. No clock decides: a heartbeat only has those asked again that could not
//! answer.

use std::task::{Context, Poll};

use futures_util::{FutureExt, future::BoxFuture};
use polychat_core::{ChatId, ChatStatus, Command, Reply, Seq, StatusKind};

use super::followed::Followed;
use crate::http::state::Caller;

/// Up to where each chat that is followed was idle, by its index.
type Heads = Vec<(usize, Seq)>;

/// Finds out when all is told and nothing is at work.
pub(super) struct Quiet {
    caller: Caller,
    /// How much had changed when the chats were last asked.
    asked_at: Option<u64>,
    asking: Option<BoxFuture<'static, Option<Heads>>>,
    heads: Option<Heads>,
}

impl Quiet {
    /// Has asked nobody yet.
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller, asked_at: None, asking: None, heads: None }
    }

    /// Asks for the first time: whether there is nothing to tell at all.
    ///
    /// What is followed is borrowed alone because its streams may be polled by one thread at a time.
    pub(super) async fn is_reached_at_once(&mut self, followed: &mut Followed) -> bool {
        self.asked_at = Some(followed.changes());
        let chats = open_chats(followed);
        self.heads = ask(self.caller.clone(), chats).await;
        self.is_reached(followed)
    }

    /// Whether all is told, as far as it is known what that is.
    pub(super) fn is_reached(&self, followed: &Followed) -> bool {
        let told = |heads: &Heads| heads.iter().all(|(chat, head)| followed.has_told(*chat, *head));
        self.heads.as_ref().is_some_and(told)
    }

    /// Asks when there is something to ask; ready once all is told.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, followed: &Followed) -> Poll<()> {
        while self.heads.is_none() {
            let Some(asking) = &mut self.asking else {
                if self.asked_at == Some(followed.changes()) {
                    return Poll::Pending;
                }
                self.asked_at = Some(followed.changes());
                self.asking = Some(ask(self.caller.clone(), open_chats(followed)).boxed());
                continue;
            };
            self.heads = std::task::ready!(asking.poll_unpin(cx));
            self.asking = None;
        }
        if self.is_reached(followed) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Asks again although nothing was told: a chat may not have been able to answer.
    pub(super) fn ask_again(&mut self) {
        self.asked_at = None;
    }
}

fn open_chats(followed: &Followed) -> Vec<(usize, ChatId)> {
    followed.open_chats().map(|(index, chat)| (index, chat.clone())).collect()
}

/// Up to where all these chats are idle; `None` as soon as one is not, or does not answer.
async fn ask(caller: Caller, chats: Vec<(usize, ChatId)>) -> Option<Heads> {
    let mut heads = Vec::with_capacity(chats.len());
    for (index, chat) in chats {
        let reply = caller.call(Command::Snapshot { chat }).await;
        let Ok(Reply::Snapshot(snapshot)) = reply else { return None };
        if !is_idle(&snapshot.status) {
            return None;
        }
        heads.push((index, snapshot.status.head));
    }
    Some(heads)
}

fn is_idle(status: &ChatStatus) -> bool {
    let at_work =
        matches!(status.kind, StatusKind::Running | StatusKind::Awaiting | StatusKind::Stalled);
    !at_work && status.turn_id.is_none() && status.queued == 0
}

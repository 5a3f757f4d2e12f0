//! Reading the feed of a world.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use polychat_core::{EndReason, Notice, notice::WorldNotice};

use super::{WorldFeed, is_quiet, ring::Found};

/// What a world's feed says, as a stream of notices; dropping it unsubscribes.
pub struct WorldSubscription {
    feed: Arc<WorldFeed>,
    place: usize,
    /// The version up to which statuses were read.
    version: u64,
    /// The version at which the subscription began.
    since: u64,
    diagnostics: u64,
    /// What one entry has to say beyond what was handed out; at most three notices.
    ready: VecDeque<WorldNotice>,
    ended: bool,
}

impl WorldSubscription {
    pub(super) fn new(feed: Arc<WorldFeed>, place: usize, since: u64, diagnostics: u64) -> Self {
        let ready = VecDeque::new();
        Self { feed, place, version: 0, since, diagnostics, ready, ended: false }
    }

    /// The next notice, if there is one.
    fn read(&mut self, cx: &mut Context<'_>) -> Option<Notice> {
        let feed = Arc::clone(&self.feed);
        let mut inner = feed.lock();
        loop {
            if let Some(notice) = self.ready.pop_front() {
                return Some(Notice::World(notice));
            }
            let next = inner.order.range(self.version + 1..).next();
            let Some((version, entry)) =
                next.and_then(|(version, chat)| Some((*version, inner.chats.get(chat)?)))
            else {
                break;
            };
            let is_new = version > self.since;
            if is_new && entry.created.is_some_and(|created| created > self.version.max(self.since))
            {
                let chat_id = entry.status.chat_id.clone();
                self.ready.push_back(WorldNotice::Created { chat_id });
            }
            if entry.deleted {
                if is_new {
                    let chat_id = entry.status.chat_id.clone();
                    self.ready.push_back(WorldNotice::Deleted { chat_id });
                }
            } else if is_new || !is_quiet(entry.status.kind) {
                self.ready.push_back(WorldNotice::Status { status: entry.status.clone() });
            }
            self.version = version;
            if let Some(Some(reader)) = inner.readers.get_mut(self.place) {
                reader.version = version;
            }
        }
        if self.version < inner.version {
            self.version = inner.version;
        }
        if let Some((found, next)) = inner.diagnostics.read(self.diagnostics) {
            self.diagnostics = next;
            return Some(Notice::World(match found {
                Found::Skipped(count) => WorldNotice::Skipped { count },
                Found::Diagnostic { repeats, diagnostic } => {
                    WorldNotice::Diagnostic { repeats, diagnostic }
                }
            }));
        }
        if inner.closed {
            self.ended = true;
            return Some(Notice::Ended(EndReason::WorldClosed));
        }
        let mut old = None;
        if let Some(Some(reader)) = inner.readers.get_mut(self.place) {
            reader.version = self.version;
            old = reader.waker.replace(cx.waker().clone());
        }
        inner.forget_read();
        // Outside the lock: dropping a waker can drop a task, and with it another subscription.
        drop(inner);
        drop(old);
        None
    }
}

impl Stream for WorldSubscription {
    type Item = Notice;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        // A feed that always has something to say must not keep others from running.
        let budget = ready!(tokio::task::coop::poll_proceed(cx));
        match this.read(cx) {
            Some(notice) => {
                budget.made_progress();
                Poll::Ready(Some(notice))
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for WorldSubscription {
    fn drop(&mut self) {
        let mut inner = self.feed.lock();
        let left = inner.readers.get_mut(self.place).and_then(Option::take);
        while inner.readers.last().is_some_and(Option::is_none) {
            inner.readers.pop();
        }
        inner.forget_read();
        drop(inner);
        drop(left);
    }
}

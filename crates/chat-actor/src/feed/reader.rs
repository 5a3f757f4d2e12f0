//! One reader's side: a cursor, a place for a waker, and nothing else.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use polychat_core::{Cursor, EndReason, Live, Recorded, Seq};

use super::Feed;

/// What a reader gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// A recorded event.
    Recorded {
        /// Where to go on after it.
        cursor: Cursor,
        /// The event, shared by all readers.
        event: Arc<Recorded>,
    },
    /// A live event; text of several chunks may have been merged.
    Live {
        /// Where to go on after it.
        cursor: Cursor,
        /// The event, shared by all readers in step.
        event: Arc<Live>,
    },
    /// The next recorded events are no longer in the feed.
    ///
    /// Read them from the store, call [`FeedReader::advance`] with the last one read, and read on
    /// here. They were all published: no event beyond the feed's head is in the range (law 1).
    Behind {
        /// Read the store after this one,
        after: Seq,
        /// up to and including this one.
        until: Seq,
    },
    /// Everything was read and the feed has ended; it answers the same from here on.
    Ended(EndReason),
}

/// Reads one chat's feed from a cursor on; dropping it unsubscribes.
pub struct FeedReader {
    feed: Arc<Feed>,
    place: usize,
    at: Cursor,
}

impl std::fmt::Debug for FeedReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedReader").field("at", &self.at).finish_non_exhaustive()
    }
}

impl FeedReader {
    pub(super) fn new(feed: Arc<Feed>, place: usize, at: Cursor) -> Self {
        Self { feed, place, at }
    }

    /// The feed it reads.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Where it goes on; subscribing there reads the same as this reader does from here.
    pub fn cursor(&self) -> Cursor {
        self.at
    }

    /// Reads the next thing, or arranges to be woken when there is one.
    ///
    /// Of several tasks that poll, only the last is woken. Nothing is lost when it is not polled
    /// again: the cursor moves only with what is returned.
    pub fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        let (read, old_waker) = {
            let mut state = self.feed.lock();
            match state.next(&mut self.at) {
                Some(read) => (Poll::Ready(read), None),
                None => (Poll::Pending, state.wait(self.place, cx.waker())),
            }
        };
        // Only after unlocking, because this can drop a task that reads the same feed.
        drop(old_waker);
        read
    }

    /// Goes on after a recorded event that was read from the store; never goes back.
    pub fn advance(&mut self, seq: Seq) {
        if seq > self.at.seq {
            self.at = Cursor { seq, live: 0, offset: 0, ..self.at };
        }
    }
}

impl Drop for FeedReader {
    fn drop(&mut self) {
        let old_waker = self.feed.lock().unsubscribe(self.place);
        drop(old_waker);
    }
}

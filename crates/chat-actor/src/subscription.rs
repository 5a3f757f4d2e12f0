//! A subscription to one chat: the feed, and the store for what the feed no longer holds.
//!
//! Where you are: between the feed and whoever watches, in process or behind a transport. A
//! subscription reads; it never revives a chat, never writes, and never shows a record beyond the
//! feed's head (law 1). Every record from the store is checked before it is shown (REQ-13).

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
    vec,
};

use futures_core::Stream;
use polychat_core::{
    ChatId, Cursor, EndReason, Notice, Recorded, Seq,
    diagnostic::DiagnosticKind,
    ports::{Entry, LogKey, Store, StoreError, StoreErrorKind},
};
use tokio::runtime::Handle;

use crate::{
    feed::{FeedReader, Read},
    replay::in_time,
};

/// Events read from the store at once, unless [`Subscription::page`] says otherwise.
const PAGE: usize = 128;

/// Hears what operators should know.
pub type DiagnosticHook = Arc<dyn Fn(DiagnosticKind) + Send + Sync>;

/// What one chat shows, as a stream of notices; dropping it unsubscribes.
///
/// The stream ends after [`Notice::Ended`]. Polling it is cancel-safe: a notice is either returned
/// or still to come. It spends tokio's cooperative budget, so that a reader that always finds
/// something lets others run.
pub struct Subscription {
    reader: FeedReader,
    store: Arc<dyn Store>,
    key: LogKey,
    chat: ChatId,
    page: usize,
    patience: Option<Duration>,
    report: Option<DiagnosticHook>,
    stage: Stage,
    /// Kept until the subscription is dropped; never looked at.
    _guard: Option<Box<dyn Send>>,
}

type Fetch = Pin<Box<dyn Future<Output = Result<Vec<Entry>, StoreError>> + Send>>;

enum Stage {
    /// The feed has what comes next, or knows that it has not.
    Feed,
    /// The store is asked for what follows `after`.
    Fetching { after: Seq, until: Seq, fetch: Fetch },
    /// The store answered; each record is checked when its turn comes.
    Page { records: vec::IntoIter<Entry>, until: Seq },
    /// The reason was told.
    Ended,
}

impl Subscription {
    /// Reads a feed, and the log of the same chat in the store where the feed says it is behind.
    #[must_use]
    pub fn new(reader: FeedReader, store: Arc<dyn Store>, key: LogKey) -> Self {
        let chat = reader.feed().chat();
        Self {
            reader,
            store,
            key,
            chat,
            page: PAGE,
            patience: None,
            report: None,
            stage: Stage::Feed,
            _guard: None,
        }
    }

    /// Reads at most this many events from the store at once; at least one.
    #[must_use]
    pub fn page(mut self, events: usize) -> Self {
        self.page = events.max(1);
        self
    }

    /// Waits at most this long for each answer of the store, after which the stream ends as
    /// unreadable. Outside of a runtime nobody counts the time.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Tells damage and foreign records to `report`.
    #[must_use]
    pub fn reporting_to(mut self, report: DiagnosticHook) -> Self {
        self.report = Some(report);
        self
    }

    /// Holds something for as long as the subscription lives: a permit, a chat's slot.
    #[must_use]
    pub fn holding(mut self, guard: Box<dyn Send>) -> Self {
        self._guard = Some(guard);
        self
    }

    /// Where it goes on: subscribing there reads what this subscription would read next.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        self.reader.cursor()
    }

    fn poll_notice(&mut self, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        loop {
            match &mut self.stage {
                Stage::Feed => match ready!(self.reader.poll_read(cx)) {
                    Read::Recorded { cursor, event } => {
                        return Poll::Ready(Some(Notice::Recorded { cursor, event }));
                    }
                    Read::Live { cursor, event } => {
                        return Poll::Ready(Some(Notice::Live { cursor, event }));
                    }
                    Read::Behind { after, until } => self.stage = self.fetch(after, until),
                    Read::Ended(reason) => return Poll::Ready(Some(self.end(reason))),
                },
                Stage::Fetching { after, until, fetch } => {
                    let answer = ready!(fetch.as_mut().poll(cx));
                    let (after, until) = (*after, *until);
                    match answer {
                        Ok(records) if records.is_empty() => {
                            return Poll::Ready(Some(self.damaged(after.next(), "it is missing")));
                        }
                        Ok(records) => {
                            self.stage = Stage::Page { records: records.into_iter(), until };
                        }
                        Err(error) => return Poll::Ready(Some(self.unreadable(&error))),
                    }
                }
                Stage::Page { records, until } => {
                    let until = *until;
                    match records.next() {
                        Some(record) if self.reader.cursor().seq < until => {
                            return Poll::Ready(Some(self.checked(record)));
                        }
                        _ => self.stage = Stage::Feed,
                    }
                }
                Stage::Ended => return Poll::Ready(None),
            }
        }
    }

    fn fetch(&self, after: Seq, until: Seq) -> Stage {
        let (store, key) = (Arc::clone(&self.store), self.key.clone());
        let missing = usize::try_from(until.since(after)).unwrap_or(usize::MAX);
        let limit = self.page.min(missing);
        let patience = self.patience;
        let fetch = Box::pin(async move {
            let read = store.read(&key, after, limit);
            match patience {
                Some(patience) if Handle::try_current().is_ok() => in_time(patience, read).await,
                _ => read.await,
            }
        });
        Stage::Fetching { after, until, fetch }
    }

    /// Shows a record from the store if it is the next one of this chat, and ends otherwise.
    fn checked(&mut self, record: Entry) -> Notice {
        let expected = self.reader.cursor().seq.next();
        let event: Arc<Recorded> = match record {
            Entry::Chat(event) => event,
            Entry::World(_) => return self.foreign(""),
        };
        if event.chat_id != self.chat {
            return self.foreign(event.chat_id.as_str());
        }
        if event.seq != expected {
            return self.damaged(expected, "another event stands in its place");
        }
        self.reader.advance(event.seq);
        Notice::Recorded { cursor: self.reader.cursor(), event }
    }

    fn foreign(&mut self, claimed: &str) -> Notice {
        let (claimed, path) = (claimed.into(), "store read".into());
        self.report(DiagnosticKind::ForeignRecord { claimed, path });
        self.end(EndReason::Damaged)
    }

    fn damaged(&mut self, seq: Seq, reason: &str) -> Notice {
        self.report(DiagnosticKind::Quarantined { seq, reason: reason.into() });
        self.end(EndReason::Damaged)
    }

    fn unreadable(&mut self, error: &StoreError) -> Notice {
        match error.kind {
            StoreErrorKind::Deleted => self.end(EndReason::Deleted),
            StoreErrorKind::Corrupt { seq } => self.damaged(seq, &error.message),
            _ => self.end(EndReason::Unreadable),
        }
    }

    fn report(&self, kind: DiagnosticKind) {
        if let Some(report) = &self.report {
            report(kind);
        }
    }

    fn end(&mut self, reason: EndReason) -> Notice {
        self.stage = Stage::Ended;
        Notice::Ended(reason)
    }
}

impl Stream for Subscription {
    type Item = Notice;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let budget = ready!(tokio::task::coop::poll_proceed(cx));
        let notice = ready!(self.get_mut().poll_notice(cx));
        budget.made_progress();
        Poll::Ready(notice)
    }
}

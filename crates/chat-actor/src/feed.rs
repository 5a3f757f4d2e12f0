//! The feed of one chat: everything a watcher may see, in one order, once.
//!
//! Where you are: inside `chat-actor`, below the actor and beside the turn runner. The actor
//! publishes recorded events here after the store has acknowledged them (law 1). The turn task
//! writes chunks here without passing a mailbox. Readers pull with a cursor of their own (law 4).
//! The feed belongs to the chat's slot, so it outlives actors: a restarted actor begins a new epoch
//! in the same feed, and writes of older epochs are refused from then on.
//!
//! The order is `R(10) live live R(11) …`: live entries hang behind the recorded event they
//! followed. Neighbouring text of one source merges in the last entry, so a reader that lags gets
//! one bigger chunk: the same text, nothing lost, and no memory per reader beyond its cursor and one
//! place for a waker.
//!
//! What must never appear here: a runtime (readers bring their own wakers, which is what lets loom
//! explore this code), the store (a reader that is behind is told so and reads it itself), and any
//! decision about the chat.

mod entry;
mod error;
mod flight;
mod reader;
mod state;
mod sync;
mod timeline;
mod waiters;
mod writer;

use std::sync::{Arc, PoisonError};

use polychat_core::{
    ChatId, Cursor, EndReason, Epoch, Limits, MessageId, Recorded, Refusal, Seq, StartAt,
    ToolCallId, TurnId, content::Text,
};

pub use self::{
    error::{FeedError, PushError},
    reader::{FeedReader, Read},
    writer::{FeedWriter, ToolWriter},
};
use self::{
    state::State,
    sync::{Mutex, MutexGuard},
};

/// The most text that one read hands out, in bytes; it ends at a character's end.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// What the live entries of a turn may always use, so that a turn which may say only a few bytes
/// can say them.
const LIVE_BYTES_MIN: usize = 16 * 1024;

/// How far one chat's feed may grow (law 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLimits {
    /// Recorded events kept at hand; older ones are read from the store.
    pub recorded_max: usize,
    /// Readers at once. Beyond: [`Refusal::SubscribersFull`].
    pub subscribers_max: usize,
    /// Live bytes of one turn, bookkeeping included. Beyond: [`PushError::OverLimit`]. Those of the
    /// turn before may be kept beside them, for readers that are a moment behind.
    pub live_bytes_max: usize,
}

impl FeedLimits {
    /// How far tools may go. What they show must not take the room that the answer needs.
    fn tool_bytes_max(&self) -> usize {
        self.live_bytes_max / 2
    }
}

impl From<&Limits> for FeedLimits {
    /// A turn's own limit on its text is reached long before this bound: a quarter of it is for
    /// text and reasoning, half of it for tools, the rest for bookkeeping.
    fn from(limits: &Limits) -> Self {
        Self {
            recorded_max: limits.feed_recorded_max,
            subscribers_max: limits.chat_subscribers_max,
            live_bytes_max: limits.turn_output_bytes_max.saturating_mul(4).max(LIVE_BYTES_MIN),
        }
    }
}

/// The exact text of an open message that readers were shown, or may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its text.
    pub text: Text,
    /// Its reasoning.
    pub reasoning: Text,
}

/// The end of a feed and the open message up to there, taken at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSnapshot {
    /// Where a subscription goes on after what this snapshot holds.
    pub cursor: Cursor,
    /// The open message, if there is one.
    pub open: Option<(MessageId, Shown)>,
}

/// The feed of one chat; used as `Arc<Feed>`, which all its writers and readers share.
///
/// ```
/// use std::{sync::Arc, task::{Context, Poll, Waker}};
/// use polychat_chat_actor::feed::{Feed, Read};
/// use polychat_core::{ChatId, Epoch, Event, Limits, Recorded, Seq, StartAt, Timestamp};
///
/// let chat = ChatId::new("a")?;
/// let feed = Arc::new(Feed::new(chat.clone(), Seq::ZERO, (&Limits::default()).into()));
/// let mut reader = feed.subscribe(&StartAt::Now)?;
/// feed.begin_epoch(Epoch(1), Seq::ZERO)?;
/// let closed = Recorded { chat_id: chat, seq: Seq::FIRST, at: Timestamp(0), event: Event::ChatClosed {} };
/// feed.publish(Epoch(1), &[Arc::new(closed)])?;
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(matches!(reader.poll_read(&mut cx), Poll::Ready(Read::Recorded { .. })));
/// assert!(reader.poll_read(&mut cx).is_pending());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Feed {
    state: Mutex<State>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("position", &self.position()).finish_non_exhaustive()
    }
}

impl Feed {
    /// The feed of a chat whose log ends at `head`; nothing can be written before
    /// [`begin_epoch`](Self::begin_epoch).
    #[must_use]
    pub fn new(chat: ChatId, head: Seq, limits: FeedLimits) -> Self {
        Self { state: Mutex::new(State::new(chat, head, limits)) }
    }

    /// The last recorded event that readers may see.
    pub fn head(&self) -> Seq {
        self.lock().head()
    }

    /// The chat whose feed this is.
    pub fn chat(&self) -> ChatId {
        self.lock().chat().clone()
    }

    /// Whether the feed has ended because the chat was deleted.
    pub fn is_deleted(&self) -> bool {
        self.lock().is_deleted()
    }

    /// How many readers are subscribed.
    pub fn readers(&self) -> usize {
        self.lock().readers()
    }

    // ---- the actor's side

    /// Begins a new life of the chat's actor: writes of older epochs are refused from here on.
    ///
    /// Live entries of the old epoch are dropped and an open message is sealed; readers go on after
    /// the last recorded event they saw. `head` is the log's head now; what lies between it and the
    /// last event published is read from the store. A feed that had ended goes on, unless it ended
    /// because the chat was deleted.
    ///
    /// # Errors
    ///
    /// [`FeedError::StaleEpoch`] unless `epoch` is newer than all before,
    /// [`FeedError::WrongSeq`] when `head` lies before what was published already, and
    /// [`FeedError::Ended`] when the chat was deleted.
    pub fn begin_epoch(&self, epoch: Epoch, head: Seq) -> Result<(), FeedError> {
        self.change(|state| state.begin_epoch(epoch, head))
    }

    /// Says where the log ends while no actor has ever opened it, so that watchers know what lies
    /// before now. Once an epoch has begun it changes nothing.
    pub fn learn_head(&self, head: Seq) {
        self.lock().learn_head(head);
    }

    /// Says that the chat has failed while no actor has ever opened its log here, so that watchers
    /// do not wait for what cannot come. Once an epoch has begun it changes nothing.
    pub fn learn_failed(&self) {
        // Ending cannot fail.
        let _: Result<(), PushError> = self.change(|state| {
            state.learn_failed();
            Ok(())
        });
    }

    /// Refuses later chunks of the open message and answers with the exact text shown.
    ///
    /// Asking again gives the same answer while the message is open, also in a later epoch: a
    /// restarted actor seals *before* [`begin_epoch`](Self::begin_epoch), so that no chunk slips in
    /// between, and records all that was shown. `None` if that message is not open here.
    pub fn seal(&self, message: MessageId) -> Option<Shown> {
        self.lock().seal(message)
    }

    /// The text shown so far of the open message; `None` if that message is not open here.
    pub fn shown(&self, message: MessageId) -> Option<Shown> {
        self.shown_after(message, 0, 0)
    }

    /// What was shown of the open message beyond these byte offsets, for a checkpoint.
    ///
    /// An offset that is beyond the end or inside a character counts as the end. `None` if that
    /// message is not open here.
    pub fn shown_after(
        &self,
        message: MessageId,
        text_from: usize,
        reasoning_from: usize,
    ) -> Option<Shown> {
        self.lock().shown_after(message, text_from, reasoning_from)
    }

    /// Shows recorded events to readers. The store must have acknowledged them (law 1).
    ///
    /// `turn.started` drops live entries of turns before the one that ended last, and of that one as
    /// soon as every reader has read them; `message.start` and `tool.start`
    /// open a message or call for chunks, their ends close it. All events are shown, or none.
    ///
    /// # Errors
    ///
    /// [`FeedError::StaleEpoch`] of another epoch than the current, [`FeedError::WrongSeq`] unless
    /// the seqs follow the head without a gap, [`FeedError::ForeignChat`] for an event of another
    /// chat (REQ-13), [`FeedError::Ended`] after [`end`](Self::end).
    pub fn publish(&self, epoch: Epoch, events: &[Arc<Recorded>]) -> Result<(), FeedError> {
        self.change(|state| state.publish(epoch, events))
    }

    /// Ends the feed: readers receive everything that is in it first, then the reason.
    ///
    /// Chunks and events that come later are refused. The first reason stays, except that
    /// [`EndReason::Deleted`] replaces any other.
    pub fn end(&self, reason: EndReason) {
        // Ending cannot fail.
        let _: Result<(), PushError> = self.change(|state| {
            state.end(reason);
            Ok(())
        });
    }

    /// The end of the feed now: a reader from here receives only what comes later.
    pub fn position(&self) -> Cursor {
        self.lock().position()
    }

    /// The end of the feed and the open message up to there, at one moment.
    pub fn snapshot(&self) -> FeedSnapshot {
        let state = self.lock();
        FeedSnapshot { cursor: state.position(), open: state.open_shown() }
    }

    // ---- the turn's side

    /// The way for chunks of one message; it can write while that message is open.
    pub fn writer(self: &Arc<Self>, epoch: Epoch, turn: TurnId, message: MessageId) -> FeedWriter {
        FeedWriter::new(Arc::clone(self), epoch, turn, message)
    }

    /// The way for output and progress of one tool call; it can write while that call runs.
    pub fn tool_writer(
        self: &Arc<Self>,
        epoch: Epoch,
        turn: TurnId,
        call: ToolCallId,
    ) -> ToolWriter {
        ToolWriter::new(Arc::clone(self), epoch, turn, call)
    }

    // ---- the readers' side

    /// Begins to read.
    ///
    /// # Errors
    ///
    /// [`Refusal::CursorInvalid`] for a cursor beyond what this feed has shown,
    /// [`Refusal::SubscribersFull`] when there are too many readers.
    pub fn subscribe(self: &Arc<Self>, start: &StartAt) -> Result<FeedReader, Refusal> {
        let (place, at) = self.lock().subscribe(start)?;
        Ok(FeedReader::new(Arc::clone(self), place, at))
    }

    /// Changes the state, and wakes the readers that wait once the lock is free.
    fn change<E>(&self, change: impl FnOnce(&mut State) -> Result<(), E>) -> Result<(), E> {
        let wakers = {
            let mut state = self.lock();
            change(&mut state)?;
            state.take_wakers()
        };
        if let Some(wakers) = wakers {
            wakers.wake();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under this lock could only come from an allocation; the state has no
        // half-finished form that matters more than losing the chat's feed would.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

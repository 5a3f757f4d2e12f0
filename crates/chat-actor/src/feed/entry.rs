//! What a feed holds: slots of recorded events, and the live entries behind them.

use std::sync::Arc;

use polychat_core::{Live, MessageId, Recorded, ToolCallId};

/// Bookkeeping that an entry costs beside its text, in bytes; counted against the live bound, so
/// that many tiny entries are bounded too.
pub(super) const ENTRY_BYTES: usize = 64;

/// A recorded event, if it is still at hand, and what was live between it and the next one.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) recorded: Option<Arc<Recorded>>,
    pub(super) live: Vec<Entry>,
    /// Set when live entries were here and were dropped: cursors into them stay valid.
    pub(super) dropped: bool,
}

impl Slot {
    pub(super) fn of(event: Arc<Recorded>) -> Self {
        Self { recorded: Some(event), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.recorded.is_none() && self.live.is_empty()
    }

    pub(super) fn drop_live(&mut self) {
        if !self.live.is_empty() {
            self.live = Vec::new();
            self.dropped = true;
        }
    }
}

/// One live entry. Only the last one of a feed grows.
pub(super) enum Entry {
    /// A range of a text in flight.
    Text {
        /// Which text.
        source: Source,
        /// Where the range begins, in bytes.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// The progress of a call.
    Progress {
        /// The call.
        call: ToolCallId,
        /// Counts what was said here; a reader's offset says which it has seen.
        version: u64,
        /// The newest one; `None` when a later entry supersedes it.
        event: Option<Arc<Live>>,
        /// Its size against the live bound.
        bytes: usize,
    },
}

impl Entry {
    /// How far a reader can read here: bytes of text, or progress said.
    pub(super) fn extent(&self) -> u64 {
        match self {
            Self::Text { start, end, .. } => (end - start) as u64,
            Self::Progress { version, .. } => *version,
        }
    }
}

/// What a text in flight belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The text of a message.
    Text(MessageId),
    /// The reasoning of a message.
    Reasoning(MessageId),
    /// The output of a tool call.
    Output(ToolCallId),
}

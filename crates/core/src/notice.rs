//! What a watcher receives, and how it says where to begin.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    diagnostic::Diagnostic,
    event::Recorded,
    id::ChatId,
    live::Live,
    seq::{Epoch, Seq},
    status::ChatStatus,
};

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// One chat: its recorded and live events.
    Chat(ChatId),
    /// The world: statuses of chats, creations, deletions, diagnostics.
    World,
}

/// Where a subscription to a chat begins. The world's feed has no cursor and ignores it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartAt {
    /// With the first event of the log.
    Start,
    /// With what happens from now on.
    Now,
    /// After what a notice carried: nothing is missed and nothing comes twice.
    After(Cursor),
}

/// A place in a chat's feed; opaque to clients, carried by every notice, kept as text:
///
/// ```
/// use polychat_core::{Cursor, Seq};
/// let cursor = Cursor::after(Seq::FIRST);
/// assert_eq!(cursor.to_string().parse(), Ok(cursor));
/// ```
///
/// It holds the last recorded event, the epoch, the live events seen since, and the bytes seen of
/// the next one, which may still grow. After a restart of the chat the epoch is a foreign one, and
/// reading goes on after the recorded event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "String"))]
pub struct Cursor {
    /// The last recorded event seen.
    pub seq: Seq,
    /// The life of the chat's actor in which the live events were seen.
    pub epoch: Epoch,
    /// Live events seen whole since `seq`.
    pub live: u64,
    /// Bytes seen of the live event after those.
    pub offset: u64,
}

impl Cursor {
    /// The place right after a recorded event, before any live one.
    #[must_use]
    pub fn after(seq: Seq) -> Self {
        Self { seq, epoch: Epoch(0), live: 0, offset: 0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.seq, self.epoch, self.live, self.offset)
    }
}

/// A string that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut numbers = text.split('-').map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or(InvalidCursor);
        let cursor = Self {
            seq: Seq::try_from(next()?).map_err(|_| InvalidCursor)?,
            epoch: Epoch(next()?),
            live: next()?,
            offset: next()?,
        };
        if numbers.next().is_some() { Err(InvalidCursor) } else { Ok(cursor) }
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// One thing that a watcher receives.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Notice {
    /// Something was recorded in the watched chat; it is stored (law 1).
    Recorded {
        /// Where to go on after this notice.
        cursor: Cursor,
        /// The event, shared by all readers.
        event: Arc<Recorded>,
    },
    /// Something is in flight in the watched chat.
    Live {
        /// Where to go on after this notice.
        cursor: Cursor,
        /// The event, shared by all readers in step.
        event: Arc<Live>,
    },
    /// Something happened in the watched world.
    World(WorldNotice),
    /// The stream ends here, and says why.
    Ended(EndReason),
}

impl Notice {
    /// Where a subscription goes on after this notice; `None` for the world's feed and the end.
    ///
    /// A cursor can be kept as text: it implements `Display` and `FromStr`.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Recorded { cursor, .. } | Self::Live { cursor, .. } => Some(*cursor),
            Self::World(_) | Self::Ended(_) => None,
        }
    }
}

/// What the world's feed says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "WorldEvent"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "WorldEvent"))]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum WorldNotice {
    /// A chat's status changed, or it is one of the first statuses of a subscription.
    #[serde(rename = "chat.status")]
    Status {
        /// Its newest status; older ones that were not read yet are superseded.
        #[serde(flatten)]
        status: ChatStatus,
    },
    /// A chat was created.
    #[serde(rename = "chat.created")]
    Created {
        /// The chat.
        chat_id: ChatId,
    },
    /// A chat was deleted.
    #[serde(rename = "chat.deleted")]
    Deleted {
        /// The chat.
        chat_id: ChatId,
    },
    /// Something that operators should know.
    #[serde(rename = "diagnostic")]
    Diagnostic {
        /// How often in a row.
        repeats: u64,
        /// What.
        diagnostic: Diagnostic,
    },
    /// Diagnostics that this subscription read too late to get.
    #[serde(rename = "diagnostics.skipped")]
    Skipped {
        /// How many.
        count: u64,
    },
    /// A remote world's connection was lost and is back; a world itself never says it.
    ///
    /// What was created, deleted or diagnosed meanwhile was not told, so lists are to be read again.
    /// The statuses of chats follow in which something goes on, or went on before the loss.
    #[serde(rename = "feed.resumed")]
    Resumed {},
}

/// Why a stream of notices ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndReason {
    /// The chat was deleted. A reader that kept up has its `chat.deleted`; one that lagged behind
    /// what the feed still had cannot have the rest, because the rows are gone.
    #[error("the chat was deleted")]
    Deleted,
    /// The world was closed.
    #[error("the world was closed")]
    WorldClosed,
    /// The log could not be read on; subscribing again with the last cursor goes on.
    #[error("the log could not be read")]
    Unreadable,
    /// A record of another chat or a gap was found in the log; a diagnostic says where.
    #[error("the log is damaged")]
    Damaged,
    /// The chat has failed: nothing happens in it until it is reopened. It can still be read, and
    /// once it is reopened, subscribing again with the last cursor goes on.
    #[error("the chat has failed")]
    Failed,
}

//! Positions in a chat's log, and the names that follow from them.
//!
//! A turn, a message or a tool call is named by where it began in the log. A late result of one
//! that has ended can therefore never be taken for a result of its successor.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A position in a chat's log: gap-free from 1, below 2⁵³ so that JavaScript can hold it.
///
/// [`Seq::ZERO`] is no position: it stands for "before the first event".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "u64"))]
#[serde(try_from = "u64", into = "u64")]
pub struct Seq(u64);

/// A number that is no [`Seq`], because JavaScript could not hold it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a seq lies below 2^53, this one is {0}")]
pub struct SeqTooLarge(pub u64);

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    /// The first position of every log.
    pub const FIRST: Self = Self(1);
    /// The largest position.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The position as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one; it stays at [`Seq::MAX`], where appends are refused.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The position `n` further on; it stays at [`Seq::MAX`].
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        let sum = self.0.saturating_add(n);
        if sum > Self::MAX.0 { Self::MAX } else { Self(sum) }
    }

    /// How many positions lie between `earlier` and this one; 0 when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl TryFrom<u64> for Seq {
    type Error = SeqTooLarge;
    fn try_from(value: u64) -> Result<Self, SeqTooLarge> {
        if value > Self::MAX.0 {
            return Err(SeqTooLarge(value));
        }
        Ok(Self(value))
    }
}

impl From<Seq> for u64 {
    fn from(value: Seq) -> Self {
        value.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a turn by the seq of its `turn.started`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct TurnId(pub Seq);

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a message by the seq of the event with which it began.
///
/// For an answer that is `message.start`, for a user's message `prompt.accepted`, for the result of
/// a tool `tool.result` or `tool.error`, for copied history `message.imported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct MessageId(pub Seq);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names a tool call by the message that asked for it and its place there, from 0.
///
/// Its text form is `message.index`, for example `12.0`. The provider's own call id is payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct ToolCallId {
    /// The message that asked for the call.
    pub message: MessageId,
    /// The place among that message's calls, from 0.
    pub index: u16,
}

impl fmt::Display for ToolCallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.message, self.index)
    }
}

/// A string that names no tool call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tool call id reads `message.index`, not {0:?}")]
pub struct InvalidToolCallId(pub String);

impl FromStr for ToolCallId {
    type Err = InvalidToolCallId;
    fn from_str(text: &str) -> Result<Self, InvalidToolCallId> {
        let wrong = || InvalidToolCallId(text.chars().take(64).collect());
        let (message, index) = text.split_once('.').ok_or_else(wrong)?;
        let message: u64 = message.parse().map_err(|_| wrong())?;
        let message = MessageId(Seq::try_from(message).map_err(|_| wrong())?);
        let index = index.parse().map_err(|_| wrong())?;
        Ok(Self { message, index })
    }
}

impl TryFrom<String> for ToolCallId {
    type Error = InvalidToolCallId;
    fn try_from(text: String) -> Result<Self, InvalidToolCallId> {
        text.parse()
    }
}

impl From<ToolCallId> for String {
    fn from(id: ToolCallId) -> Self {
        id.to_string()
    }
}

/// One life of a chat's actor, counted by the store each time the log is opened for writing.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment, in milliseconds since the Unix epoch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Timestamp(pub u64);

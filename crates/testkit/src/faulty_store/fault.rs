//! What can go wrong in a call to a store.

use polychat_core::{ChatId, Seq};

use super::Gate;

/// The calls of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `open`.
    Open,
    /// `append`.
    Append,
    /// `read`.
    Read,
    /// `summary`.
    Summary,
    /// `list`; it belongs to no chat.
    List,
    /// `delete`.
    Delete,
}

impl Call {
    /// All calls.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Append, Self::Read, Self::Summary, Self::List, Self::Delete];
}

/// What goes wrong in a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Refused as unavailable; certainly nothing was done.
    Unavailable,
    /// Refused for lack of room; certainly nothing was done.
    Full,
    /// Nothing was done, but the caller cannot know: an append is ambiguous, another call
    /// unavailable.
    RequestLost,
    /// It was done, but the caller does not hear of it: an append is ambiguous, another call
    /// unavailable.
    AnswerLost,
    /// An ambiguous append that lands when the next call for the same log is over, or when the
    /// test says so. Other calls: as [`Fault::RequestLost`].
    Late(AtOpen),
    /// The call waits at the gate, and then begins. Dropped while it waits, nothing was done.
    HangBefore(Gate),
    /// The call is done, and the answer waits at the gate.
    HangAfter(Gate),
    /// The call panics; nothing was done.
    Panic,
    /// The first record or summary of the answer names this chat. Calls that give back none are
    /// not changed.
    Foreign(ChatId),
    /// A read that comes past this entry is refused as corrupt there, any other call but an
    /// append at once.
    Corrupt(Seq),
    /// A read leaves this entry out.
    Gap(Seq),
}

/// What becomes of a late append when its log is opened before it landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AtOpen {
    /// It lands first: the opening answers a head that includes it.
    Lands,
    /// It never lands.
    Lost,
}

//! Where time and fresh names come from: outside.

use crate::{
    id::{ChatId, PromptId},
    seq::Timestamp,
};

/// Tells the time of day. A test tells it what to tell.
pub trait Clock: Send + Sync {
    /// The present moment. It may jump, also backwards; nothing is ordered by it.
    fn now(&self) -> Timestamp;
}

/// Makes fresh ids. A test makes predictable ones.
pub trait Ids: Send + Sync {
    /// An id that no chat of any world has.
    fn chat(&self) -> ChatId;
    /// An id that no prompt has.
    fn prompt(&self) -> PromptId;
}

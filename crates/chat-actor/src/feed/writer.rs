//! The ways by which a running turn writes: chunks pass no mailbox.

use std::sync::Arc;

use polychat_core::{Epoch, Live, LiveBody, MessageId, ToolCallId, TurnId};
use serde_json::Value;

use super::{Feed, PushError, entry::Source};

/// Writes chunks of one message. Cloning it is cheap; clones write into the same message.
///
/// Nothing here waits: a push is in the feed when the call returns, and readers that wait are woken
/// after the feed's lock is free.
#[derive(Clone)]
pub struct FeedWriter {
    feed: Arc<Feed>,
    epoch: Epoch,
    turn: TurnId,
    message: MessageId,
    // Made once and passed by reference: they are compared for every chunk.
    text: Source,
    reasoning: Source,
}

impl FeedWriter {
    pub(super) fn new(feed: Arc<Feed>, epoch: Epoch, turn: TurnId, message: MessageId) -> Self {
        let (text, reasoning) = (Source::Text(message), Source::Reasoning(message));
        Self { feed, epoch, turn, message, text, reasoning }
    }

    /// The message it writes.
    pub fn message(&self) -> MessageId {
        self.message
    }

    /// Appends text to the message.
    ///
    /// # Errors
    ///
    /// [`PushError`]; nothing of the text is shown then, and trying again makes no sense.
    pub fn text(&self, text: &str) -> Result<(), PushError> {
        self.push(&self.text, text)
    }

    /// Appends reasoning to the message.
    ///
    /// # Errors
    ///
    /// As for [`text`](Self::text).
    pub fn reasoning(&self, text: &str) -> Result<(), PushError> {
        self.push(&self.reasoning, text)
    }

    fn push(&self, source: &Source, text: &str) -> Result<(), PushError> {
        self.feed.change(|state| state.push_text(self.epoch, self.turn, source, text))
    }
}

/// Writes output and progress of one tool call. Cloning it is cheap.
#[derive(Clone)]
pub struct ToolWriter {
    feed: Arc<Feed>,
    epoch: Epoch,
    turn: TurnId,
    call: ToolCallId,
}

impl ToolWriter {
    pub(super) fn new(feed: Arc<Feed>, epoch: Epoch, turn: TurnId, call: ToolCallId) -> Self {
        Self { feed, epoch, turn, call }
    }

    /// Appends to the output that people see.
    ///
    /// # Errors
    ///
    /// [`PushError`]; nothing of the text is shown then.
    pub fn output(&self, text: &str) -> Result<(), PushError> {
        self.feed.change(|state| {
            state.push_text(self.epoch, self.turn, &Source::Output(self.call), text)
        })
    }

    /// Says how far the call is. It supersedes earlier progress that was not read yet.
    ///
    /// # Errors
    ///
    /// [`PushError`]; the progress is not shown then.
    pub fn progress(&self, progress: Value) -> Result<(), PushError> {
        let bytes = serde_json::to_string(&progress).map_or(0, |json| json.len());
        let body = LiveBody::ToolProgress { tool_call_id: self.call, progress };
        let event = Arc::new(Live { chat_id: self.feed.chat(), turn_id: self.turn, body });
        self.feed.change(|state| state.push_progress(self.epoch, self.call, event, bytes))
    }
}

//! What the child tells its parent, line by line on its standard output.
//!
//! Each line is told after the fact and before anything is built on it, so whatever the parent reads
//! was acknowledged, or shown as recorded, to somebody in the child.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
};

use polychat::{ChatId, PromptId, PromptOutcome, Recorded, Seq, ToolCallId, TurnId};
use serde::{Deserialize, Serialize};

/// Begins a line of ours: what the test harness prints goes there, too.
const SIGN: &str = "~ ";

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Told {
    /// The creation of a chat was acknowledged.
    Created(ChatId),
    /// A prompt was accepted.
    Accepted { chat: ChatId, prompt: PromptId, seq: Seq },
    /// Another command was acknowledged.
    Done { chat: ChatId, done: Done },
    /// A chat is about to be deleted: from here on it may be gone.
    Deleting(ChatId),
    /// The deletion was acknowledged, or seen by a subscriber.
    Deleted(ChatId),
    /// A subscriber was shown this event as recorded.
    Saw { chat: ChatId, seq: Seq, mark: u64 },
    /// Whoever looked the prompt up was told that it had ended so.
    Ended { chat: ChatId, prompt: PromptId, outcome: PromptOutcome },
    /// Something that must not happen, happened.
    Wrong(String),
}

/// What was acknowledged, by what the log must hold of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Done {
    Decided(ToolCallId),
    Cancelled(TurnId),
    Withdrawn(PromptId),
    Edited(PromptId),
    Titled(String),
    Closed,
    Reopened,
}

impl Told {
    /// The fact of a line, if it is one of ours and whole.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let line = line.strip_suffix('\n')?.strip_prefix(SIGN)?;
        Some(serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Tells it. Whoever cannot be told any more has no use for this process.
    pub(super) fn tell(&self) {
        let line = format!("{SIGN}{}\n", serde_json::to_string(self).unwrap());
        if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
            std::process::abort();
        }
    }
}

/// Tells two records apart.
pub(super) fn mark(recorded: &Recorded) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(recorded).unwrap().hash(&mut hasher);
    hasher.finish()
}

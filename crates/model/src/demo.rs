//! `DemoModel`: needs no key, and answers from the history it is given.
//!
//! What it knows it knows from *this* request: it has no memory of its own. So whoever talks to it
//! in two chats sees with his own eyes whether they are kept apart.
//!
//! Read on: `intent` and `calls` (what was asked), `memory` (what the history tells), `reply` (the
//! words), `performance` (the steps).

mod calls;
mod intent;
mod memory;
mod performance;
mod reply;

use std::time::Duration;

use polychat_core::ports::{Model, ModelRequest, ModelStream};

use crate::step;

/// A small deterministic model for demos and first programs.
///
/// The same request always gets the same deltas. It understands:
///
/// | The last message | The answer |
/// |---|---|
/// | `my name is Ada`, `call me Ada`, `my X is Y`, `remember that X` | takes note of it |
/// | `what is my X?`, `who am I?`, `what do you know?` | says what was told in this chat |
/// | `what did I say before?`, `how many messages?` | tells of the history |
/// | `what are your instructions?`, `who are you?` | quotes the agent's instructions, says its name |
/// | `think …` | thinks aloud, then answers the rest |
/// | `/help` | lists the commands |
/// | `/long N` | N words, at most 100,000 |
/// | `/tool NAME {JSON}` | asks for a tool, then says what it answered, or why it did not |
/// | `/ask QUESTION \| OPTION \| OPTION` | puts a question to you through the tool `ask_user` |
/// | `/handoff NAME TEXT` | says `@NAME TEXT`, which hands the turn on where the world allows it |
/// | `/error` | an error in the middle of the answer |
/// | `/unavailable` | a retryable error before the first word |
/// | `/crash` or `/panic` | a panic |
/// | `/hang` | begins, and never goes on |
/// | `/flood` | 8 MiB as fast as it is taken |
/// | `/block` | blocks its thread for 200 ms |
/// | `/spin` | keeps its thread busy for 200 ms |
///
/// One message may hold several `/tool` and `/ask`, at most 100, each on its own line or behind a `;`;
/// they are asked for at once, and told of in their order. Only tools that the request offers are
/// asked for. `@NAME` before a message does not matter; a reply of another agent that begins so is
/// answered as if a user had said it. A request for a title gets the first words of the chat.
///
/// `/block` and `/spin` are what isolation cannot cover: a thread that is not given back serves no other
/// chat in the meantime. A model that blocks belongs onto a thread of its own.
///
/// It streams word by word, [`pace`](Self::pace) apart.
///
/// ```
/// use polychat_model::DemoModel;
/// use std::time::Duration;
/// let model = DemoModel::new().pace(Duration::ZERO);
/// # let _ = model;
/// ```
#[derive(Debug, Clone)]
pub struct DemoModel {
    pace: Duration,
}

impl DemoModel {
    /// The pace of a demo: fast enough not to bore, slow enough to see.
    pub const PACE: Duration = Duration::from_millis(30);

    /// A model that streams at [`Self::PACE`].
    #[must_use]
    pub fn new() -> Self {
        Self { pace: Self::PACE }
    }

    /// Sets the time before each word, in tokio's time. Zero only lets others run.
    #[must_use]
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }
}

impl Default for DemoModel {
    fn default() -> Self {
        Self::new()
    }
}

impl Model for DemoModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let pace = self.pace;
        // Reading the history is work, and work belongs into the stream.
        let steps = std::iter::once_with(move || performance::perform(&request, pace)).flatten();
        step::play(steps)
    }
}

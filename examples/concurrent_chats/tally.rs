//! What is counted of a chat, and the row of the table that says it.

use std::time::Duration;

use polychat::TurnOutcome;

/// The counts of one chat.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    completed: u32,
    cancelled: u32,
    failed: u32,
    interrupted: u32,
    withdrawn: u32,
    /// A turn was left that waits for a person: 0 or 1.
    awaiting: u32,
    tool_calls: u32,
    chunks: u64,
    first_chunks: u32,
    first_chunk_total: Duration,
}

impl Tally {
    pub(crate) fn turn_ended(&mut self, outcome: &TurnOutcome) {
        match outcome {
            TurnOutcome::Completed => self.completed += 1,
            TurnOutcome::Cancelled => self.cancelled += 1,
            TurnOutcome::Failed { .. } => self.failed += 1,
            // The only other way that there is.
            _ => self.interrupted += 1,
        }
    }

    /// A prompt left the queue before a turn took it.
    pub(crate) fn prompt_withdrawn(&mut self) {
        self.withdrawn += 1;
    }

    /// The input is over, and a turn waits for a person.
    pub(crate) fn left_awaiting(&mut self) {
        self.awaiting = 1;
    }

    /// A tool call has its outcome, whether it ran or was denied.
    pub(crate) fn tool_call(&mut self) {
        self.tool_calls += 1;
    }

    pub(crate) fn chunk(&mut self) {
        self.chunks += 1;
    }

    /// How long a turn took to say its first word, the time in the queue not included.
    pub(crate) fn first_chunk(&mut self, after: Duration) {
        self.first_chunks += 1;
        self.first_chunk_total += after;
    }

    /// The row, without the chat's name. It says what its numbers are: rows are read alone, too.
    pub(crate) fn row(&self) -> String {
        let turns =
            self.completed + self.cancelled + self.failed + self.interrupted + self.awaiting;
        let first = match self.first_chunk_total.checked_div(self.first_chunks) {
            Some(mean) => format!("{:.1} ms", mean.as_secs_f64() * 1000.0),
            None => "none".to_owned(),
        };
        format!(
            "turns {turns:>3} | completed {:>3} | cancelled {:>3} | failed {:>3} | interrupted {:>3} \
             | awaiting {:>3} | withdrawn {:>3} | tool calls {:>3} | chunks {:>5} | first chunk {first:>9}",
            self.completed,
            self.cancelled,
            self.failed,
            self.interrupted,
            self.awaiting,
            self.withdrawn,
            self.tool_calls,
            self.chunks,
        )
    }
}

//! Time and ids that a test foretells: implementations of [`Clock`] and [`Ids`].
//!
//! Nothing here reads the wall clock. [`ManualClock`] stands still until it is told to move,
//! [`TokioClock`] moves with tokio's time, which a test can pause.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use polychat_core::{
    ChatId, PromptId, Timestamp,
    ports::{Clock, Ids},
};
use tokio::time::Instant;

/// A clock that stands still until a test moves it.
///
/// ```
/// use std::time::Duration;
/// use polychat_core::{Timestamp, ports::Clock};
/// use polychat_testkit::clock::ManualClock;
///
/// let clock = ManualClock::at(Timestamp(1_000));
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), Timestamp(3_000));
/// ```
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows this moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Jumps to a moment, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves on, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(milliseconds(by), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that moves with tokio's time, so that pausing and advancing it moves both.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    began: Instant,
    at: Timestamp,
}

impl TokioClock {
    /// A clock that shows `at` now, and goes on as tokio's time does.
    #[must_use]
    pub fn starting_at(at: Timestamp) -> Self {
        Self { began: Instant::now(), at }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.at.0.saturating_add(milliseconds(self.began.elapsed())))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Ids that count: `chat-1`, `chat-2` … and `prompt-1`, `prompt-2` …
///
/// ```
/// use polychat_core::ports::Ids;
/// use polychat_testkit::clock::CountingIds;
///
/// let ids = CountingIds::default();
/// assert_eq!(ids.chat().as_str(), "chat-1");
/// assert_eq!(ids.chat().as_str(), "chat-2");
/// assert_eq!(ids.prompt().as_str(), "prompt-1");
/// ```
#[derive(Debug, Default)]
pub struct CountingIds {
    chats: AtomicU64,
    prompts: AtomicU64,
}

#[expect(clippy::expect_used, reason = "a word and a number are an id")]
impl Ids for CountingIds {
    fn chat(&self) -> ChatId {
        let n = self.chats.fetch_add(1, Ordering::SeqCst) + 1;
        ChatId::new(format!("chat-{n}")).expect("a valid id")
    }

    fn prompt(&self) -> PromptId {
        let n = self.prompts.fetch_add(1, Ordering::SeqCst) + 1;
        PromptId::new(format!("prompt-{n}")).expect("a valid id")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // law 8
    #[tokio::test(start_paused = true)]
    async fn a_tokio_clock_moves_only_with_the_paused_time() {
        let clock = TokioClock::starting_at(Timestamp(500));
        assert_eq!(clock.now(), Timestamp(500));
        tokio::time::advance(Duration::from_millis(1_250)).await;
        assert_eq!(clock.now(), Timestamp(1_750));
    }

    // law 8
    #[test]
    fn a_manual_clock_may_jump_backwards() {
        let clock = ManualClock::at(Timestamp(10));
        clock.set(Timestamp(3));
        assert_eq!(clock.now(), Timestamp(3));
    }
}

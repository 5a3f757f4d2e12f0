//! How long a server that failed is left alone.

use std::time::Duration;

use super::McpLimits;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct BackOff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl BackOff {
    pub(super) fn new(limits: &McpLimits) -> Self {
        let longest = limits.restart_delay_max;
        Self { first: limits.restart_delay.min(longest), longest, failures: 0 }
    }

    /// The pause after a start that failed: at least as long as that took, so that a server that
    /// hangs is not waited for all the time.
    pub(super) fn not_started(&mut self, took: Duration) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.pause().max(took)
    }

    /// The pause after a server has ended that ran for this long. The first time it starts again at
    /// once: a call that follows finds it running.
    pub(super) fn ended_after(&mut self, ran: Duration) -> Duration {
        if ran >= self.longest {
            self.failures = 0;
        }
        let pause = self.pause();
        self.failures = self.failures.saturating_add(1);
        pause
    }

    fn pause(&self) -> Duration {
        let Some(doublings) = self.failures.checked_sub(1) else { return Duration::ZERO };
        let factor = 2_u32.checked_pow(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn back_off() -> BackOff {
        BackOff::new(&McpLimits {
            restart_delay: SECOND,
            restart_delay_max: 10 * SECOND,
            ..McpLimits::default()
        })
    }

    // Issue 3: restarted with back-off
    #[test]
    fn the_pause_doubles_with_each_failed_start_up_to_the_longest() {
        let mut back_off = back_off();
        let pauses: Vec<_> =
            (0..6).map(|_| back_off.not_started(Duration::ZERO).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 10, 10]);
        for _ in 0..100 {
            assert_eq!(back_off.not_started(Duration::ZERO), 10 * SECOND);
        }
    }

    #[test]
    fn after_a_slow_start_the_pause_is_as_long_as_that_took() {
        let mut back_off = back_off();
        let pauses: Vec<_> = (0..4).map(|_| back_off.not_started(3 * SECOND).as_secs()).collect();
        assert_eq!(pauses, [3, 3, 4, 8]);
        assert_eq!(back_off.not_started(30 * SECOND), 30 * SECOND);
    }

    #[test]
    fn a_server_that_ends_soon_after_each_start_is_left_alone_for_longer_and_longer() {
        let mut back_off = back_off();
        let pauses: Vec<_> = (0..4).map(|_| back_off.ended_after(SECOND).as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4]);
    }

    #[test]
    fn a_server_that_ran_for_long_starts_again_at_once() {
        let mut back_off = back_off();
        for _ in 0..5 {
            back_off.not_started(Duration::ZERO);
        }
        assert_eq!(back_off.ended_after(10 * SECOND), Duration::ZERO);
        assert_eq!(back_off.ended_after(SECOND), SECOND);
    }
}

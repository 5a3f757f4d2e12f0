//! How often something may happen: as many times as fit in a minute, at once or spread.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

/// A rate, and what was used of it. It remembers one moment, however much is asked.
///
/// Every use costs an equal part of the minute; what was not used for a minute is all there again.
#[derive(Debug)]
pub(crate) struct Rate {
    per_minute: u32,
    /// When all that was used would have been used at an even pace.
    even: Mutex<Instant>,
}

impl Rate {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, even: Mutex::new(Instant::now()) }
    }

    pub(crate) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Uses it once, or says after how long there will be room to.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let part = MINUTE.checked_div(self.per_minute).ok_or(MINUTE)?;
        let mut even = self.even.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*even).max(now) + part;
        let early = next.saturating_duration_since(now + MINUTE);
        if !early.is_zero() {
            return Err(early);
        }
        *even = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used_at_once(rate: &Rate) -> usize {
        std::iter::from_fn(|| rate.take().ok()).count()
    }

    // law 7
    #[tokio::test(start_paused = true)]
    async fn as_many_as_fit_in_a_minute_go_through_and_the_rest_is_told_when_to_come() {
        let rate = Rate::new(6);
        assert_eq!(used_at_once(&rate), 6);
        assert_eq!(rate.take(), Err(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(rate.take(), Err(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(used_at_once(&rate), 1);
        // Who comes back after an hour has one minute's worth, not sixty.
        tokio::time::advance(MINUTE * 60).await;
        assert_eq!(used_at_once(&rate), 6);
        assert_eq!(Rate::new(0).take(), Err(MINUTE));
    }
}

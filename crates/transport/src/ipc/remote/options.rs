//! How a remote world is spoken to, and how often a lost one is sought.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use polychat_core::WorldId;

use super::PATH;
use crate::{guard::Rejections, ipc::frame::Framing, wire::WireLimits};

/// How a remote world is spoken to.
///
/// ```
/// use std::time::Duration;
/// use polychat_transport::ipc::RemoteOptions;
///
/// let mut options = RemoteOptions::default();
/// options.connect_duration_max = Duration::from_secs(5);
/// options.reconnect_delay_max = Duration::from_secs(1);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// How messages are told apart.
    pub framing: Framing,
    /// How many bytes are taken.
    pub wire: WireLimits,
    /// The world that must be served; `None` takes the one that the first connection serves.
    pub world_id: Option<WorldId>,
    /// Requests without an answer at the same time; further ones wait for a place.
    pub requests_in_flight_max: usize,
    /// Events of one subscription that may wait for their reader, at least 1. The world keeps the
    /// others, merged.
    pub events_waiting_max: usize,
    /// Subscriptions given up here of which the server has not said yet that they have ended. Beyond:
    /// the connection ends, and is made again.
    pub unsubscribes_in_flight_max: usize,
    /// How long making one connection may take, and how long what was asked waits for one.
    pub connect_duration_max: Duration,
    /// Requests that wait for a connection at the same time. Beyond: refused `overloaded`.
    pub requests_waiting_max: usize,
    /// How long to wait before a lost connection is made again; each time in a row twice as long.
    pub reconnect_delay: Duration,
    /// How long at most. A connection that held for this long was a good one, and the next loss
    /// begins with the short delay again.
    pub reconnect_delay_max: Duration,
    /// Spreads the delays, so that many clients do not come back at the same moment.
    pub jitter: Jitter,
    /// Counts and surfaces what is rejected.
    pub rejections: Arc<Rejections>,
}

impl RemoteOptions {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.reconnect_delay, self.reconnect_delay_max, self.jitter.clone())
    }
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            framing: Framing::default(),
            wire: WireLimits::default(),
            world_id: None,
            requests_in_flight_max: 256,
            events_waiting_max: 64,
            // Several times what a server lets one connection have by default.
            unsubscribes_in_flight_max: 65_536,
            connect_duration_max: Duration::from_secs(30),
            requests_waiting_max: 1_024,
            reconnect_delay: Duration::from_millis(50),
            reconnect_delay_max: Duration::from_secs(5),
            jitter: Jitter::random(),
            rejections: Arc::new(Rejections::new(PATH)),
        }
    }
}

/// Where the chance in delays comes from: numbers from 0 to 1.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// Another number each time.
    #[must_use]
    pub fn random() -> Self {
        // What keys hash tables is different in each process and each time, and good enough here.
        Self::of(|| {
            let number = RandomState::new().build_hasher().finish() >> 32;
            f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
        })
    }

    /// The numbers of this function; what lies outside of 0 to 1 counts as the nearer of both.
    #[must_use]
    pub fn of(numbers: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(numbers))
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

/// The delays before further attempts: twice as long each time, up to a bound, half of each chance.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    jitter: Jitter,
    attempts: u32,
}

impl Backoff {
    /// Delays that begin with this one, and are at most so long.
    pub(crate) fn new(first: Duration, max: Duration, jitter: Jitter) -> Self {
        Self { first, max, jitter, attempts: 0 }
    }

    /// How long to wait before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
        let whole = doubled.min(self.max);
        let chance = (self.jitter.0)();
        // Also what is no number counts as 0.
        let chance = if chance > 0.0 { chance.min(1.0) } else { 0.0 };
        whole / 2 + (whole / 2).mul_f64(chance)
    }

    /// How many delays there were in a row.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// A connection has ended that held for so long.
    pub(crate) fn held_for(&mut self, time: Duration) {
        if time >= self.max {
            self.attempts = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(jitter: Jitter) -> Backoff {
        Backoff::new(Duration::from_millis(50), Duration::from_secs(5), jitter)
    }

    fn millis(backoff: &mut Backoff, times: usize) -> Vec<u128> {
        (0..times).map(|_| backoff.next().as_millis()).collect()
    }

    // law 7
    #[test]
    fn delays_double_up_to_their_bound_and_stay_there() {
        let mut longest = delays(Jitter::of(|| 1.0));
        assert_eq!(millis(&mut longest, 9), [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        let mut shortest = delays(Jitter::of(|| 0.0));
        assert_eq!(millis(&mut shortest, 8), [25, 50, 100, 200, 400, 800, 1600, 2500]);
        longest.attempts = u32::MAX;
        assert_eq!(millis(&mut longest, 2), [5000, 5000]);
    }

    #[test]
    fn only_a_connection_that_held_begins_the_delays_again() {
        let mut backoff = delays(Jitter::of(|| 1.0));
        millis(&mut backoff, 3);
        backoff.held_for(Duration::from_millis(4_999));
        assert_eq!(millis(&mut backoff, 1), [400]);
        backoff.held_for(Duration::from_secs(5));
        assert_eq!(millis(&mut backoff, 1), [50]);
    }

    #[test]
    fn no_source_of_chance_leads_out_of_bounds() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -3.0, 7.0] {
            let mut backoff = delays(Jitter::of(move || number));
            let first = millis(&mut backoff, 1)[0];
            assert!((25..=50).contains(&first), "{number}: {first}");
        }
        let mut backoff = delays(Jitter::random());
        assert!((25..=50).contains(&millis(&mut backoff, 1)[0]));
    }
}

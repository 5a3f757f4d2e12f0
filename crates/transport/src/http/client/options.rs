//! How a world is spoken to over HTTP.

use std::{sync::Arc, time::Duration};

use super::{super::PATH, headers::Headers};
use crate::{
    guard::Rejections,
    ipc::{Jitter, remote::Backoff},
    wire::WireLimits,
};

/// How a world is spoken to over HTTP.
///
/// ```
/// use polychat_transport::http::client::{Headers, HttpWorldOptions};
///
/// let mut options = HttpWorldOptions::default();
/// options.headers = Headers::bearer("the token of the server")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpWorldOptions {
    /// What goes with every request, such as who asks.
    pub headers: Headers,
    /// How many bytes are taken.
    pub wire: WireLimits,
    /// Requests without an answer at the same time; further ones wait for a place.
    pub requests_in_flight_max: usize,
    /// Streams at the same time, each of which has a connection. Beyond: refused
    /// `subscribers_full`.
    pub streams_max: usize,
    /// How long making one connection may take, and how long what was asked waits for one.
    pub connect_duration_max: Duration,
    /// How long nothing may come of an answer or a stream before its connection counts as lost.
    /// More than the server's heartbeat, which comes every 15 s by default.
    pub silence_duration_max: Duration,
    /// How long to wait before a lost connection is made again; each time in a row twice as long.
    pub reconnect_delay: Duration,
    /// How long at most. A stream that held for this long was a good one, and its next loss begins
    /// with the short delay again.
    pub reconnect_delay_max: Duration,
    /// Spreads the delays, so that many clients do not come back at the same moment.
    pub jitter: Jitter,
    /// Counts and surfaces what is rejected.
    pub rejections: Arc<Rejections>,
}

impl HttpWorldOptions {
    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.reconnect_delay, self.reconnect_delay_max, self.jitter.clone())
    }
}

impl Default for HttpWorldOptions {
    fn default() -> Self {
        Self {
            headers: Headers::new(),
            wire: WireLimits::default(),
            requests_in_flight_max: 256,
            streams_max: 1_024,
            connect_duration_max: Duration::from_secs(30),
            silence_duration_max: Duration::from_secs(45),
            reconnect_delay: Duration::from_millis(50),
            reconnect_delay_max: Duration::from_secs(5),
            jitter: Jitter::random(),
            rejections: Arc::new(Rejections::new(PATH)),
        }
    }
}

//! Bounds and durations of the door over HTTP.

use std::{sync::Arc, time::Duration};

use polychat_core::ports::HostRegistry;
use tokio_util::sync::CancellationToken;

use super::{PATH, rest::export::Exporter};
use crate::{guard::Rejections, ipc::ServeOptions, wire::WireLimits};

/// How a world is served over HTTP; the same for all callers.
///
/// ```
/// use std::time::Duration;
///
/// let mut options = polychat_transport::http::HttpOptions::default();
/// options.heartbeat_interval = Duration::from_secs(5);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// How many bytes are taken.
    pub wire: WireLimits,
    /// How long a stream of events may be silent before a heartbeat says that it lives, and how
    /// often a WebSocket is pinged. A socket is closed when two pings had no answer.
    pub heartbeat_interval: Duration,
    /// After how long a client of server-sent events should come back: the field `retry`.
    pub retry_after: Duration,
    /// How long `?wait=outcome` waits at most; then it is answered as accepted.
    pub wait_duration_max: Duration,
    /// Chats on one stream of events at most. More than 100 are as many as 100: where a reader is
    /// in each has to fit into one cursor.
    pub chats_per_stream_max: usize,
    /// How WebSockets are served; their framing is always one message per text frame.
    pub socket: ServeOptions,
    /// Lets clients of a WebSocket bring models and tools of their own; `None` refuses them.
    pub hosts: Option<Arc<dyn HostRegistry>>,
    /// Makes text of chats for `…/export`; `None` refuses it.
    pub exporter: Option<Arc<dyn Exporter>>,
    /// Whether whoever asks needs a bearer token. It is the embedder that asks for one; here it is
    /// only said, in the document at `/v1/openapi.json`.
    pub wants_bearer: bool,
    /// Cancelled by whoever is about to stop serving: streams of events and sockets tell their
    /// clients so and end. Turns go on, and so does waiting for an outcome, which closing the world
    /// answers.
    pub closing: CancellationToken,
    /// Counts and surfaces what is rejected.
    pub rejections: Arc<Rejections>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            wire: WireLimits::default(),
            heartbeat_interval: Duration::from_secs(15),
            retry_after: Duration::from_secs(1),
            wait_duration_max: Duration::from_secs(30 * 60),
            chats_per_stream_max: 64,
            socket: ServeOptions::default(),
            hosts: None,
            wants_bearer: false,
            closing: CancellationToken::new(),
            exporter: None,
            rejections: Arc::new(Rejections::new(PATH)),
        }
    }
}

impl std::fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions")
            .field("wire", &self.wire)
            .field("heartbeat_interval", &self.heartbeat_interval)
            .field("wait_duration_max", &self.wait_duration_max)
            .field("chats_per_stream_max", &self.chats_per_stream_max)
            .field("socket", &self.socket)
            .field("hosts", &self.hosts.is_some())
            .field("wants_bearer", &self.wants_bearer)
            .field("exporter", &self.exporter.is_some())
            .finish_non_exhaustive()
    }
}

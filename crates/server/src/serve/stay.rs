//! The stay of a connection: for as long as anything uses it, whatever it has become.

use metrics::Gauge;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A connection's place among all, and the reason to wait for it at the end.
///
/// It goes with the requests of the connection, because one of them may turn it into a WebSocket,
/// which lives on when there is nothing more of HTTP.
pub(crate) struct Stay {
    _permit: OwnedSemaphorePermit,
    _token: TaskTrackerToken,
    open: Gauge,
}

impl Stay {
    pub(crate) fn new(permit: OwnedSemaphorePermit, token: TaskTrackerToken) -> Self {
        let open = metrics::gauge!("polychat_http_connections");
        open.increment(1.0);
        Self { _permit: permit, _token: token, open }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}

//! The stay of a connection: for as long as anything uses it, whatever it has become.

use std::sync::atomic::{AtomicBool, Ordering};

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
    of_a_caller: AtomicBool,
}

impl Stay {
    pub(crate) fn new(permit: OwnedSemaphorePermit, token: TaskTrackerToken) -> Self {
        let open = metrics::gauge!("polychat_http_connections");
        open.increment(1.0);
        Self { _permit: permit, _token: token, open, of_a_caller: AtomicBool::new(false) }
    }

    /// Somebody who may come in asks by this connection.
    pub(crate) fn note_caller(&self) {
        self.of_a_caller.store(true, Ordering::Relaxed);
    }

    /// Whether somebody who may come in has asked by this connection.
    pub(crate) fn is_of_a_caller(&self) -> bool {
        self.of_a_caller.load(Ordering::Relaxed)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}

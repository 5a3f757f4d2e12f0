//! The frames of IPC over a WebSocket.

use axum::Router;

use super::state::Http;

pub(super) fn routes() -> Router<Http> {
    Router::new()
}

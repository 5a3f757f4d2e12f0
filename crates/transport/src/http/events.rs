//! Subscriptions as server-sent events.

use axum::Router;

use super::state::Http;

pub(super) fn routes() -> Router<Http> {
    Router::new()
}

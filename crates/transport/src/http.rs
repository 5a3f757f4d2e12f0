//! The door over HTTP: REST, server-sent events, and a WebSocket with the frames of IPC.
//!
//! It is an [`axum::Router`] to be nested into a program's own. Whom a request comes from and what
//! they may see is that program's to say, by a [`Resolve`]; nothing here knows users, tokens or
//! cookies. What a command, a reply or an event looks like is said in [`crate::wire`] and nowhere
//! here.
//!
//! | | |
//! |---|---|
//! | [`resolve`] | who may see which world |
//! | [`options`] | bounds and durations |
//! | [`problem`] | refusals and faults as problem details (RFC 9457) |
//! | `rest` | one request, one command |
//! | `events` | subscriptions as server-sent events |
//! | `socket` | the frames of [`crate::ipc`] over a WebSocket |
//! | `client` | the other end of all this (feature `http-client`) |
//! | `openapi` (feature `openapi`) | the door described for other programs |
//!
//! ```
//! # use std::sync::Arc;
//! # use polychat_core::{WorldId, ports::WorldService};
//! use polychat_transport::http::{self, HttpOptions, NotFound};
//!
//! # fn program(id: WorldId, world: Arc<dyn WorldService>) -> axum::Router {
//! let resolve = move |asked: &WorldId, _request: &axum::http::request::Parts| {
//!     if *asked == id { Ok(Arc::clone(&world)) } else { Err(NotFound.into()) }
//! };
//! axum::Router::new().nest("/chats", http::router(resolve, HttpOptions::default()))
//! # }
//! ```

#[cfg(feature = "http-client")]
pub mod client;
mod events;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod options;
pub mod problem;
pub mod resolve;
mod rest;
mod socket;
mod state;

use axum::{Router, routing::any};

#[cfg(feature = "openapi")]
pub use openapi::openapi;
pub use options::HttpOptions;
pub use problem::{NotFound, Problem};
pub use resolve::{Denied, Resolve};
pub use rest::export::{ExportFormat, Exporter};

use self::state::Http;

/// The path that its diagnostics name.
pub const PATH: &str = "http";

/// The door over HTTP as a router: everything below `/v1`.
///
/// An example stands at [the module](self).
pub fn router(resolve: impl Resolve, options: HttpOptions) -> Router {
    let world = Router::new().merge(rest::routes()).merge(events::routes()).merge(socket::routes());
    let world =
        world.fallback(state::nothing_here).method_not_allowed_fallback(state::not_by_this_method);
    let router = Router::new();
    #[cfg(feature = "openapi")]
    let router = router.merge(openapi::routes());
    router
        .nest("/v1/worlds/{world}", world)
        // The only path below a world that its own fallback does not get.
        .route("/v1/worlds/{world}/", any(state::nothing_here))
        .with_state(Http::new(resolve, options))
}

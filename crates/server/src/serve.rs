//! The worlds over HTTP, for whoever may: what `polychat serve` puts around the library's router.
//!
//! The library's [`http::router`](polychat::transport::http::router) knows neither users nor
//! strangers. A request comes to it through these, from the outside in:
//!
//! | | |
//! |---|---|
//! | `listener` | connections, within bounds of number, bytes and time; `unread` ones end |
//! | `request` | an id, a span and a record for each request; headers for browsers |
//! | `site` | whom it is meant for, and which page sent it |
//! | `authenticate` | by which `token`, and what that `grants` |
//! | `body` | its body, within bounds of bytes and time |
//! | `doors` | which world it is about, if its caller may know of it |
//! | `visit` | how often its caller may prompt and watch |
//!
//! Beside them stand `entrance`, `desk`, `health` and `metrics`. Whoever is turned away on the way hears
//! so as problem details: `denied`. What each of them is good for is in `docs/security.md`.

mod authenticate;
mod body;
mod denied;
mod desk;
mod doors;
mod entrance;
pub(crate) mod grants;
mod health;
pub(crate) mod listener;
pub(crate) mod metrics;
mod rate;
mod request;
pub(crate) mod site;
mod stay;
pub(crate) mod token;
mod unread;
mod visit;

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, Method, header},
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use polychat::{World, WorldId, ports::HostRegistry, transport::http::HttpOptions};
use tower_http::cors::CorsLayer;

use self::{body::BodyBound, doors::Doors, grants::Grants, health::Readiness, site::Site};
use crate::config::ServeLimits;

/// For how long browsers remember what another site may do here.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Where Prometheus looks.
const METRICS: &str = "/metrics";
/// Where a reader of events goes on.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Both ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// What is served, and to whom.
pub(crate) struct Front {
    pub(crate) worlds: Vec<(WorldId, World)>,
    /// Models and tools of connected programs, if they may bring any.
    pub(crate) hosts: Option<Arc<dyn HostRegistry>>,
    pub(crate) options: HttpOptions,
    pub(crate) grants: Grants,
    pub(crate) site: Site,
    pub(crate) limits: ServeLimits,
    pub(crate) metrics: PrometheusHandle,
    /// Whether the metrics need no token.
    pub(crate) metrics_open: bool,
}

impl Front {
    /// All that answers, from the first byte of a request on.
    pub(crate) fn router(self) -> Router {
        let grants = Arc::new(self.grants);
        let services = self.worlds.iter().map(|(_, world)| world.service()).collect();
        let readiness = Arc::new(Readiness::of(services));
        let doors = Doors::new(self.worlds, self.hosts.as_ref(), &self.options);
        let bound = BodyBound {
            bytes_max: self.limits.body_bytes_max,
            duration_max: self.limits.body_duration_max.0,
        };
        let metrics = get(metrics::render).with_state(self.metrics);
        let mut open: Router = desk::routes()
            .route("/", get(entrance::open).with_state(Arc::clone(&grants)))
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready).with_state(readiness));
        let mut closed = Router::new()
            .route(doors::LIST, get(doors::list))
            .fallback(doors::enter)
            .with_state(Arc::new(doors));
        if self.metrics_open {
            open = open.route(METRICS, metrics);
        } else {
            closed = closed.route(METRICS, metrics.layer(from_fn(metrics::of_all_worlds)));
        }
        let closed: Router = closed
            .method_not_allowed_fallback(denied::not_by_this_method)
            .layer(from_fn(move |request, next| body::read(bound, request, next)))
            .layer(from_fn_with_state(grants, authenticate::check));
        let open = open.method_not_allowed_fallback(denied::not_by_this_method);
        let url_bytes_max = self.limits.url_bytes_max;
        with_cors(open.merge(closed), &self.site)
            .layer(from_fn_with_state(self.site, site::check))
            .layer(from_fn(move |request, next| request::bound_url(url_bytes_max, request, next)))
            .layer(from_fn(request::guard))
            .layer(from_fn(request::follow))
    }
}

/// Tells browsers what pages of the listed sites may do; of others they are told nothing.
fn with_cors(router: Router, site: &Site) -> Router {
    let origins: Vec<_> = site.origins().collect();
    if origins.is_empty() {
        return router;
    }
    let cors = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            LAST_EVENT_ID,
            request::REQUEST_ID,
        ])
        .expose_headers([request::REQUEST_ID, header::RETRY_AFTER])
        .max_age(PREFLIGHT_AGE);
    router.layer(cors)
}

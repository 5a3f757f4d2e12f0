//! The whole front, asked in process or over a pipe: strangers, callers, and what neither may do.

mod callers;
mod connections;
mod strangers;
mod streams;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use polychat::{
    DemoModel, Hosts, Limits, World, WorldBuilder, WorldId, transport::http::HttpOptions,
};
use serde_json::Value;
use tower::ServiceExt;

use super::{
    Connection, Front,
    grants::{Grant, Grants},
    metrics,
    site::Site,
    token::TokenHash,
};
use crate::config::{ServeConfig, ServeLimits};

/// A token for everything.
const ALL: &str = "all-0123456789012345678901234567890";
/// A token for the world `work`.
const WORK: &str = "work-0123456789012345678901234567890";
/// A token for reading.
const READ: &str = "read-0123456789012345678901234567890";

/// Where the server listens.
pub(super) fn local() -> SocketAddr {
    ([127, 0, 0, 1], 7777).into()
}

fn connection() -> Connection {
    Connection { local: local(), peer: ([127, 0, 0, 1], 50_000).into() }
}

fn id(world: &str) -> WorldId {
    WorldId::new(world).unwrap()
}

/// The worlds `home` and `work`, and all that answers for them.
struct Fronted {
    worlds: Vec<(WorldId, World)>,
    options: HttpOptions,
    router: Router,
}

impl Fronted {
    async fn new() -> Self {
        Self::with(ServeConfig::default()).await
    }

    async fn within(limits: ServeLimits) -> Self {
        Self::with(ServeConfig { limits, ..ServeConfig::default() }).await
    }

    async fn with(config: ServeConfig) -> Self {
        let mut worlds = Vec::new();
        let hosts = Hosts::new();
        for name in ["home", "work"] {
            let mut limits = Limits::default();
            limits.shutdown_turn_duration = std::time::Duration::ZERO;
            let world = WorldBuilder::new(name, DemoModel::new()).limits(limits).hosts(&hosts);
            worlds.push((id(name), world.open().await.unwrap()));
        }
        let limits = config.limits.clone();
        let grant = |name: &str| Grant::whole(name, &limits);
        let tokens = [
            (ALL, grant("all")),
            (WORK, grant("work").worlds([id("work")])),
            (READ, grant("read").reading()),
        ];
        let tokens = tokens.map(|(token, grant)| (TokenHash::of(token), Arc::new(grant)));
        let options = HttpOptions::default();
        let front = Front {
            worlds: worlds.clone(),
            hosts: Some(Arc::new(hosts)),
            options: options.clone(),
            grants: Grants::Tokens(tokens.into()),
            site: Site::new(&config, &[local()]).unwrap(),
            limits,
            metrics: metrics::builder().unwrap().build_recorder().handle(),
            metrics_open: config.metrics_open,
        };
        Self { worlds, options, router: front.router() }
    }

    fn world(&self, name: &str) -> &World {
        &self.worlds.iter().find(|(id, _)| id.as_str() == name).unwrap().1
    }

    /// Asks as a program with this token does.
    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = by(token, asking(method, path));
        let request = match body {
            Some(json) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(json.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        self.ask(token, Method::GET, path, None).await
    }

    /// Sends a request as it is, and reads the answer as far as it goes by itself.
    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.begin(request).await.into_parts();
        // A stream that nobody meant to open would be read for ever.
        let whole = tokio::time::timeout(std::time::Duration::from_secs(3_600), body.collect());
        let bytes = whole.await.expect("an answer that ends").unwrap().to_bytes();
        let text = String::from_utf8(bytes.into()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends a request, and leaves the answer's body to be read.
    async fn begin(&self, mut request: Request<Body>) -> axum::response::Response {
        request.extensions_mut().insert(connection());
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// A request as a program sends it, without a token.
fn asking(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::HOST, "localhost:7777")
}

fn by(token: &str, request: axum::http::request::Builder) -> axum::http::request::Builder {
    request.header(header::AUTHORIZATION, format!("Bearer {token}"))
}

fn empty(request: axum::http::request::Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

/// The next piece of a stream that goes on.
async fn piece(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().into()).unwrap()
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of a problem, which must be one in all that it says.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16(), "{self:?}");
        for field in ["type", "title", "detail", "message"] {
            assert!(json[field].is_string(), "{field}: {self:?}");
        }
        (self.status.as_u16(), json["code"].as_str().unwrap().to_owned())
    }
}

/// A problem of this status and code.
fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// One path of each sort that there is.
const PATHS: [&str; 9] = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nothing",
    "/v1/worlds/home",
    "/v1/worlds/home/events",
    "/v1/worlds/home/socket",
    "/v1/worlds/home/chats/a/events",
];

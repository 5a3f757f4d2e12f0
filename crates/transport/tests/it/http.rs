//! The door over HTTP, asked as a router without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode, header, request::Parts},
};
use polychat_core::{WorldId, ports::WorldService};
use polychat_testkit::samples::world_id;
use polychat_transport::http::{self, HttpOptions, NotFound};
use serde_json::Value;
use tower::ServiceExt;

mod client;
mod conformance;
mod events;
mod export;
#[cfg(feature = "openapi")]
mod openapi;
mod problem;
mod rest;
mod rest_input;
mod rest_wait;
mod socket;

/// Bytes of an answer that a test takes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The world `w` and no other, to whoever asks.
fn door(world: Arc<dyn WorldService>, options: HttpOptions) -> Router {
    let resolve = move |asked: &WorldId, _: &Parts| {
        if *asked == world_id("w") { Ok(Arc::clone(&world)) } else { Err(NotFound.into()) }
    };
    http::router(resolve, options)
}

/// What a request was answered with.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, which is one in every respect.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["type"], "about:blank");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        (self.status.as_u16(), problem["code"].as_str().unwrap().to_owned())
    }
}

/// Asks below the world `w`; a body is JSON.
async fn ask(router: &Router, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(format!("/v1/worlds/w{path}"));
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    send(router, request.body(body).unwrap()).await
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, body }
}

//! What the document lists is what the router has.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, Response, StatusCode},
};
use polychat_core::Reply;
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::http::HttpOptions;
use tower::ServiceExt;

use super::{METHODS, document, operations};
use crate::http::{Answer, door};

/// Where the routes of a world are written down.
const SOURCES: [&str; 3] = [
    include_str!("../../../../src/http/rest.rs"),
    include_str!("../../../../src/http/events.rs"),
    include_str!("../../../../src/http/socket.rs"),
];

fn router() -> Router {
    door(Arc::new(FakeWorld::always(Ok(Reply::Done))), HttpOptions::default())
}

/// A path with something in each of its places.
fn somewhere(path: &str) -> String {
    path.replace("{world}", "w").replace("{toolCallId}", "1.0").replace(['{', '}'], "")
}

/// What is answered, nothing of the body read: a stream has no end.
async fn answered(method: &str, path: &str) -> Response<Body> {
    let request = Request::builder()
        .method(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap())
        .uri(somewhere(path));
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn is_a_path(answer: Response<Body>) -> bool {
    if answer.status() != StatusCode::NOT_FOUND {
        return true;
    }
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, 4_096).await.unwrap();
    let answer = Answer { status: parts.status, headers: parts.headers, body };
    answer.json()["what"] != "this path"
}

// issue 6: every route has its operation, and every operation its route
#[tokio::test(start_paused = true)]
async fn every_operation_has_a_route_and_its_path_takes_no_other_method() {
    let document = document();
    let documented = operations(&document);
    for (_, path, _) in &documented {
        for method in METHODS {
            let answer = answered(method, path).await;
            let status = answer.status();
            let takes =
                |method| documented.iter().any(|(takes, of, _)| takes == method && of == path);
            if takes(&method) || (method == "head" && takes(&"get")) {
                assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert!(is_a_path(answer).await, "{method} {path} is not there");
            } else {
                assert_eq!(
                    status,
                    StatusCode::METHOD_NOT_ALLOWED,
                    "{method} {path} is not described"
                );
            }
        }
    }
}

/// What is written behind `.route(`.
fn written(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

// issue 6: every route has its operation, and every operation its route
#[test]
fn every_route_is_described() {
    let routes: BTreeSet<&str> = SOURCES.into_iter().flat_map(written).collect();
    assert!(routes.contains("/chats/{chat}/approvals/{toolCallId}"), "{routes:?}");
    let document = document();
    let described: BTreeSet<&str> = operations(&document)
        .iter()
        .filter_map(|(_, path, _)| path.strip_prefix("/v1/worlds/{world}"))
        .map(|path| if path.is_empty() { "/" } else { path })
        .collect();
    assert_eq!(described, routes);
}

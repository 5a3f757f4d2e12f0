//! A real world behind the door over HTTP, asked as a router without a socket.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, StatusCode, header, request::Parts},
};
use polychat::{
    World, WorldId,
    transport::http::{self, HttpOptions},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::ServiceExt;

mod crowd;
mod exports;
mod following;
mod page;
mod scoped;
mod wait;

/// Bytes of an answer that a test takes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A world over HTTP.
fn door(world: &World) -> Router {
    door_with(world, HttpOptions::default())
}

fn door_with(world: &World, options: HttpOptions) -> Router {
    let service = world.service();
    let resolve = move |_: &WorldId, _: &Parts| Ok(Arc::clone(&service));
    http::router(resolve, options)
}

/// What a request was answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

async fn ask(router: &Router, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = Request::builder().method(method).uri(format!("/v1/worlds/home{path}"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let answer = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await.unwrap();
    Answer { status, body }
}

/// Sends a prompt and waits for its outcome, in a task of its own, as a connection would.
fn waiting(router: &Router, chat: &str, prompt: &str, text: &str) -> JoinHandle<Answer> {
    let (router, path) = (router.clone(), format!("/chats/{chat}/prompts?wait=outcome"));
    let body = json!({ "promptId": prompt, "parts": [{ "type": "text", "text": text }] });
    tokio::spawn(async move { ask(&router, Method::POST, &path, Some(&body)).await })
}

/// An answered wait in short: how it ended, and what was said.
fn told(answer: &Answer) -> (String, Vec<String>) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let told = answer.json();
    let said = |message: &Value| {
        let parts = message["parts"].as_array().unwrap().iter();
        let text: String = parts.filter_map(|part| part["text"].as_str()).collect();
        format!("{}: {text}", message["role"].as_str().unwrap())
    };
    let kind = told["outcome"]["kind"].as_str().unwrap().to_owned();
    (kind, told["messages"].as_array().unwrap().iter().map(said).collect())
}

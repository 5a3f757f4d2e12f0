//! What comes in is read strictly and within bounds, and nothing of it that is wrong reaches a world.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use polychat_core::Reply;
use polychat_testkit::fake_world::FakeWorld;
use polychat_transport::http::HttpOptions;
use serde_json::{Value, json};

use super::{Answer, ask, door, send};

/// A world that nothing may reach.
struct Closed {
    world: Arc<FakeWorld>,
    router: Router,
}

fn closed(change: impl FnOnce(&mut HttpOptions)) -> Closed {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let mut options = HttpOptions::default();
    change(&mut options);
    Closed { router: door(world.clone(), options), world }
}

impl Closed {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        ask(&self.router, method, path, body).await
    }

    /// Sends these bytes as what they are said to be.
    async fn post(&self, path: &str, media: Option<&str>, body: impl Into<Body>) -> Answer {
        let mut request = Request::post(format!("/v1/worlds/w{path}"));
        if let Some(media) = media {
            request = request.header(header::CONTENT_TYPE, media);
        }
        send(&self.router, request.body(body.into()).unwrap()).await
    }

    fn nothing_arrived(&self) {
        assert_eq!(self.world.commands(), []);
    }
}

const JSON: Option<&str> = Some("application/json");

// issue 6: unknown query fields are refused
#[tokio::test]
async fn a_query_that_no_route_knows_or_that_makes_no_sense_is_refused() {
    let door = closed(|_| {});
    for path in [
        "?token=x",
        "/chats?Limit=1",
        "/chats?limit=-1",
        "/chats?limit=1&limit=2",
        "/chats?limit=1.5",
        "/chats?limit=99999999999999999999999",
        "/chats?archived=yes",
        "/chats/a?limit=1",
        "/chats/a/messages?before=1",
        "/chats/a/log?after=x",
        "/chats/a/log?after=9007199254740993",
        "/search",
        "/search?text=tea&chatId=..",
        "/export?format=pdf",
    ] {
        let answer = door.ask(Method::GET, path, None).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{path}");
    }
    let hello = json!({ "parts": [{ "type": "text", "text": "hello" }] });
    let answer = door.ask(Method::POST, "/chats/a/prompts?wait=idle", Some(&hello)).await;
    assert_eq!(answer.problem(), (400, "invalid_input".into()));
    door.nothing_arrived();
}

// issue 6: the field that is wrong is named
#[tokio::test]
async fn a_body_that_makes_no_sense_is_refused_with_the_field_that_is_wrong() {
    let door = closed(|_| {});
    for (path, body, what) in [
        ("/chats/a/prompts", json!({}), "body"),
        ("/chats/a/prompts", json!([]), "body"),
        ("/chats/a/prompts", json!(null), "body"),
        // Lists that have something for each field.
        ("/chats", json!([]), "body"),
        ("/chats/a/close", json!([]), "body"),
        ("/chats/a/cancel", json!([null]), "body"),
        ("/chats/a/prompts", json!({ "parts": "hello" }), "parts"),
        ("/chats/a/prompts", json!({ "parts": [{ "type": "text" }] }), "parts[0]"),
        ("/chats/a/prompts", json!({ "parts": [], "mode": "later" }), "mode"),
        ("/chats/a/prompts", json!({ "parts": [], "metadata": 1 }), "metadata"),
        ("/chats/a/prompts", json!({ "parts": [], "promptId": "" }), "promptId"),
        ("/chats/a/prompts", json!({ "parts": [], "promptId": ".." }), "promptId"),
        ("/chats/a/prompts", json!({ "parts": [], "promptId": "a\nb" }), "promptId"),
        ("/chats/a/prompts", json!({ "parts": [], "chatId": "b" }), "chatId"),
        ("/chats/a/cancel", json!({ "turnId": "7" }), "turnId"),
        ("/chats/a/cancel", json!({ "turnId": 9_007_199_254_740_992_u64 }), "turnId"),
        ("/chats/a/close", json!({ "force": true }), "force"),
        ("/chats/a/fork", json!({ "at": 1, "chat": { "title": 5 } }), "chat.title"),
        ("/chats/a/revise", json!({ "target": { "kind": "all" } }), "target"),
        ("/chats/a/approvals/4.0", json!({}), "body"),
        ("/chats/a/approvals/4", json!({ "decision": { "kind": "allowOnce" } }), "toolCallId"),
        ("/chats", json!({ "chatId": "." }), "chatId"),
        ("/chats/import", json!({ "chat": {}, "source": "x", "history": [{}] }), "history[0]"),
    ] {
        let answer = door.ask(Method::POST, path, Some(&body)).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{path} {body}");
        let said = answer.json();
        let named = said["what"].as_str().unwrap();
        assert!(named.starts_with(what), "{path} {body}: {said}");
    }
    // What is allowed is said with it.
    let later = json!({ "parts": [], "mode": "later" });
    let answer = door.ask(Method::POST, "/chats/a/prompts", Some(&later)).await;
    let why = answer.json()["why"].to_string();
    assert!(why.contains("expected one of `queue`, `steer`, `interrupt`, `reject`"), "{why}");
    assert!(!why.contains("later"), "{why}");
    let agent = json!({ "agent": { "model": "m", "params": { "temperature": "hot" } } });
    let answer = door.ask(Method::PUT, "/agents/a", Some(&agent)).await;
    assert_eq!(answer.json()["what"], "agent.params.temperature");
    door.nothing_arrived();
}

// issue 6: malformed requests; NFR-4: what is refused repeats no contents
#[tokio::test]
async fn what_is_no_json_is_refused_and_not_repeated() {
    let door = closed(|_| {});
    let deep = format!("{{\"parts\":{}", "[".repeat(100_000));
    for body in ["{", "{}{}", "nul", "\u{feff}{}", "{\"parts\":[],\"parts\":[]}", &deep, "secret"] {
        let answer = door.post("/chats/a/prompts", JSON, body.to_owned()).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{body:.20}");
    }
    let invalid_utf8 = vec![b'"', 0xff, b'"'];
    let answer = door.post("/chats/a/prompts", JSON, invalid_utf8).await;
    assert_eq!(answer.problem(), (400, "invalid_input".into()));
    let secret = json!({ "parts": { "secret": 1 } });
    let answer = door.ask(Method::POST, "/chats/a/prompts", Some(&secret)).await;
    assert!(!answer.json().to_string().contains("secret"), "{answer:?}");
    door.nothing_arrived();
}

// issue 6: what a page of another site can send unasked is not taken for a command
#[tokio::test]
async fn a_body_that_is_not_said_to_be_json_is_refused_as_such() {
    let door = closed(|_| {});
    let body = "{\"parts\":[]}";
    for media in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain; application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonp"),
        Some("image/x+json"),
    ] {
        let answer = door.post("/chats/a/prompts", media, body).await;
        assert_eq!(answer.problem(), (415, "unsupported".into()), "{media:?}");
    }
    let request = Request::post("/v1/worlds/w/chats")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_ENCODING, "gzip")
        .body(Body::from("{}"));
    let answer = send(&door.router, request.unwrap()).await;
    assert_eq!(answer.problem(), (415, "unsupported".into()));
    door.nothing_arrived();
    for media in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
        let answer = door.post("/chats/a/close", Some(media), "{}").await;
        assert_eq!(answer.status, StatusCode::OK, "{media}");
    }
    assert_eq!(door.post("/chats/a/close", None, "").await.status, StatusCode::OK);
}

// law 7: the bound is exact, also for a body that does not say how long it is
#[tokio::test]
async fn a_body_beyond_the_bound_is_refused_before_it_is_read_further() {
    let body = json!({ "title": "x".repeat(100) }).to_string();
    let pieces = |body: &str| {
        let pieces: Vec<_> = body.as_bytes().chunks(7).map(<[u8]>::to_vec).collect();
        let pieces = pieces.into_iter().map(Ok::<_, std::convert::Infallible>);
        Body::from_stream(futures_util::stream::iter(pieces))
    };
    let exact = closed(|options| options.wire.command_bytes_max = body.len());
    for sent in [Body::from(body.clone()), pieces(&body)] {
        assert_eq!(exact.post("/chats", JSON, sent).await.status, StatusCode::CREATED);
    }
    let short = closed(|options| options.wire.command_bytes_max = body.len() - 1);
    for sent in [Body::from(body.clone()), pieces(&body)] {
        let answer = short.post("/chats", JSON, sent).await;
        assert_eq!(answer.problem(), (413, "too_large".into()));
        let said = answer.json();
        assert_eq!((&said["bytes"], &said["max"]), (&json!(body.len()), &json!(body.len() - 1)));
    }
    // A length alone is enough to be refused: nobody waits for what will not be taken.
    let request = Request::post("/v1/worlds/w/chats")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, "4611686018427387904")
        .body(
            Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()),
        );
    assert_eq!(send(&short.router, request.unwrap()).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    short.nothing_arrived();
    let few = closed(|options| options.wire.command_values_max = 3);
    let many = json!({ "metadata": { "a": [1, 2, 3, 4] } });
    let answer = few.ask(Method::POST, "/chats", Some(&many)).await;
    assert_eq!(answer.problem(), (413, "too_large".into()));
    few.nothing_arrived();
}

// law 7: a body that breaks off is none
#[tokio::test]
async fn a_body_that_breaks_off_does_nothing() {
    let door = closed(|_| {});
    let pieces = [Ok("{\"title\":\"x\"}"), Err(std::io::Error::other("gone"))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let answer = door.post("/chats", JSON, body).await;
    assert_eq!(answer.problem(), (400, "invalid_input".into()));
    door.nothing_arrived();
}

// issue 6: path tricks
#[tokio::test]
async fn paths_are_decoded_once_and_lead_nowhere_else() {
    let door = closed(|_| {});
    for path in [
        "/chats/.",
        "/chats/..",
        "/chats/%2e",
        "/chats/%2E%2e",
        "/chats/%00",
        "/chats/a%0d%0ab",
        "/chats/a%2Fb",
        "/chats/%2e%2e%2fother",
        "/chats/%ff",
        "/chats/../prompts",
        "/chats//prompts",
        "/chats/%2e%2e/prompts/p",
        "/chats/a/prompts/%2e%2e",
        "/chats/a/prompts/p%2fq",
    ] {
        let answer = door.ask(Method::GET, path, None).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{path}");
    }
    let long = format!("/chats/{}", "a".repeat(129));
    assert_eq!(door.ask(Method::GET, &long, None).await.status, StatusCode::BAD_REQUEST);
    for path in [
        "/",
        "//",
        "/nothing",
        "/chats/",
        "/chats//",
        "/chats/a/",
        "/chats/a/../b",
        "/chats/a/prompts/../../b",
        "/chats/../../../v1/worlds/w/chats",
        "/chats/a/prompts/p/x",
    ] {
        let answer = door.ask(Method::GET, path, None).await;
        assert_eq!(answer.problem(), (404, "unsupported".into()), "{path}");
    }
    for world in ["..", "%2e%2e", "w%2fchats", "%00", "%ff"] {
        let request = Request::get(format!("/v1/worlds/{world}/chats")).body(Body::empty());
        let answer = send(&door.router, request.unwrap()).await;
        assert_eq!(answer.problem(), (400, "invalid_input".into()), "{world}");
    }
    door.nothing_arrived();
}

// issue 6: 405 for undeclared methods
#[tokio::test]
async fn a_method_that_a_route_does_not_have_is_refused_with_those_that_it_has() {
    let door = closed(|_| {});
    for (path, has) in [
        ("", "GET,HEAD"),
        ("/settings", "PATCH"),
        ("/chats", "GET,HEAD,POST"),
        ("/chats/a", "GET,HEAD,PATCH,DELETE"),
        ("/chats/a/close", "POST"),
        ("/chats/a/prompts/p", "GET,HEAD,PATCH,DELETE"),
        ("/agents/guide", "PUT,DELETE"),
        ("/search", "GET,HEAD"),
    ] {
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] {
            if has.split(',').any(|one| one == method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = door.ask(method.clone(), path, None).await;
            assert_eq!(answer.problem(), (405, "unsupported".into()), "{method} {path}");
            assert_eq!(answer.header(header::ALLOW), has, "{method} {path}");
        }
    }
    door.nothing_arrived();
}

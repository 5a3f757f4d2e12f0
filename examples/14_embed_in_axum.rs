//! Polychat within an axum program of one's own: people sign in, all of them are in one world, and
//! nobody is told anything of anybody else's chats.
//!
//! ```text
//! cargo run --example 14_embed_in_axum
//! ```
//!
//! Who somebody is (authentication) is this program's: a session, found by a cookie. What they may
//! do (authorisation) is a policy about chats, through which the world is handed out. The requests
//! are put to the router itself here, so that the example ends; `axum::serve` would take it as it is.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::post,
};
use polychat::{
    Access, ChatId, DemoModel, NewChat, Refusal, ScopePolicy, SqliteStore, World, WorldBuilder,
    WorldId,
    transport::http::{self, HttpOptions, NotFound},
};
use serde_json::{Value, json};
use tower::ServiceExt;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Whoever holds this may do as this person. A real program gives sessions an end, and sets `Secure`.
type Sessions = Arc<Mutex<HashMap<String, String>>>;

/// What one person may do: everything in chats whose names begin with theirs, and nothing else.
struct Person(String);

impl ScopePolicy for Person {
    fn chat(&self, chat: &ChatId) -> Access {
        let theirs = chat.as_str().strip_prefix(&self.0).is_some_and(|rest| rest.starts_with('-'));
        if theirs { Access::Write } else { Access::None }
    }

    fn admit(&self, chat: &mut NewChat) -> Result<(), Refusal> {
        // Whoever names no chat gets one that this policy knows again.
        if chat.id.is_none() {
            let name = format!("{}-{}", self.0, uuid::Uuid::now_v7());
            chat.id = ChatId::new(name).ok();
        }
        Ok(())
    }
}

/// The program: its own routes, and the world's beside them.
fn program(world: World) -> Router {
    let sessions = Sessions::default();
    let known = Arc::clone(&sessions);
    let resolve = move |asked: &WorldId, request: &Parts| {
        let person = signed_in(&known, &request.headers).ok_or(StatusCode::UNAUTHORIZED)?;
        if asked.as_str() != "office" {
            return Err(NotFound.into());
        }
        Ok(world.scoped(Arc::new(Person(person))).service())
    };
    Router::new()
        .route("/sign-in", post(sign_in).with_state(sessions))
        .nest("/chats", http::router(resolve, HttpOptions::default()))
}

/// Anybody may be anybody here; a real program would ask for more than a name.
async fn sign_in(State(sessions): State<Sessions>, name: String) -> Response {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase()) {
        return (StatusCode::BAD_REQUEST, "a name is lower-case letters").into_response();
    }
    let session = uuid::Uuid::now_v7().to_string();
    let cookie = format!("session={session}; HttpOnly; SameSite=Strict; Path=/");
    sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(session, name);
    ([(header::SET_COOKIE, cookie)], StatusCode::NO_CONTENT).into_response()
}

fn signed_in(sessions: &Sessions, headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let session = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session="))?;
    sessions.lock().unwrap_or_else(PoisonError::into_inner).get(session).cloned()
}

#[tokio::main]
async fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteStore::open(folder.path().join("office.db"))?);
    let world = WorldBuilder::new("office", DemoModel::new()).keep_in(store).open().await?;
    let app = program(world.clone());
    let (ada, bob) = (Browser::sign_in(&app, "ada").await?, Browser::sign_in(&app, "bob").await?);

    println!("Both talk in one world, each in a chat of their own:");
    for (browser, chat) in [(&ada, "ada-plans"), (&bob, "bob-diary")] {
        browser.send(Method::POST, "/chats", Some(json!({ "chatId": chat }))).await?;
        let prompt = json!({ "parts": [{ "type": "text", "text": "my name is a secret" }] });
        let path = format!("/chats/{chat}/prompts?wait=outcome");
        let answer = browser.send(Method::POST, &path, Some(prompt)).await?.1;
        println!("  {chat}: {}", text(&answer, "/outcome/kind"));
    }

    println!("What Ada's list and search hold:");
    for (path, list) in [("/chats", "chats"), ("/search?text=secret", "hits")] {
        let found = ada.send(Method::GET, path, None).await?.1;
        let found = found.get(list).and_then(Value::as_array).ok_or("no list")?.iter();
        let chats: BTreeSet<_> = found.filter_map(|one| one.get("chatId")?.as_str()).collect();
        println!("  {path}: {chats:?}");
    }

    println!("What Ada gets for a chat of Bob's, and for one that nobody has:");
    for chat in ["bob-diary", "bob-dreams"] {
        let (status, problem) = ada.send(Method::GET, &format!("/chats/{chat}"), None).await?;
        println!("  {chat}: {status}, {}", text(&problem, "/code"));
    }
    let (status, problem) =
        ada.send(Method::POST, "/chats", Some(json!({ "chatId": "bob-plans" }))).await?;
    println!("  to make one in his name: {status}, {}", text(&problem, "/code"));

    let nobody = Browser { app, cookie: "session=guessed".into() };
    println!("Who is not signed in: {}", nobody.send(Method::GET, "/chats", None).await?.0);
    world.shutdown().await;
    Ok(())
}

/// One person's requests.
struct Browser {
    app: Router,
    cookie: String,
}

impl Browser {
    async fn sign_in(app: &Router, name: &str) -> Outcome<Self> {
        let request = Request::post("/sign-in").body(Body::from(name.to_owned()))?;
        let answer = app.clone().oneshot(request).await?;
        let cookie = answer.headers().get(header::SET_COOKIE).ok_or("no session")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { app: app.clone(), cookie })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Outcome<(StatusCode, Value)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("/chats/v1/worlds/office{path}"))
            .header(header::COOKIE, &self.cookie)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
        let answer = self.app.clone().oneshot(request).await?;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// What stands at this place, if it is text.
fn text<'a>(json: &'a Value, place: &str) -> &'a str {
    json.pointer(place).and_then(Value::as_str).unwrap_or_default()
}

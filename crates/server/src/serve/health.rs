//! Whether the server lives, and whether it is of use at the moment.
//!
//! Both answer without a token, because whoever watches over processes has none; so they say one
//! word, and however often they are asked, the worlds are asked once a second at most.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use polychat::{ChatFilter, Command, Page, ports::WorldService};
use serde_json::json;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// How long a world may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// For how long an answer holds.
const FRESH: Duration = Duration::from_secs(1);

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> Response {
    said(StatusCode::OK, "alive")
}

/// `GET /readyz`: every world answers, and reads from its store.
pub(crate) async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    if readiness.is_ready().await {
        said(StatusCode::OK, "ready")
    } else {
        said(StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}

/// The worlds, and what they said last.
pub(crate) struct Readiness {
    worlds: Vec<Arc<dyn WorldService>>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Readiness {
    pub(crate) fn of(worlds: Vec<Arc<dyn WorldService>>) -> Self {
        Self { worlds, last: Mutex::default() }
    }

    async fn is_ready(&self) -> bool {
        // Whoever comes while the worlds are being asked waits for that answer.
        let mut last = self.last.lock().await;
        if let Some((at, ready)) = *last
            && at.elapsed() < FRESH
        {
            return ready;
        }
        let asked = futures_util::future::join_all(self.worlds.iter().map(answers));
        let ready = asked.await.into_iter().all(|answered| answered);
        *last = Some((Instant::now(), ready));
        ready
    }
}

/// The first chat of a list is read from the store, and settings come from the world itself.
async fn answers(world: &Arc<dyn WorldService>) -> bool {
    let list = Command::ListChats { page: Page::first(1), filter: ChatFilter::default() };
    let asked =
        async { world.call(list).await.is_ok() && world.call(Command::GetWorld).await.is_ok() };
    timeout(PATIENCE, asked).await.unwrap_or(false)
}

fn said(status: StatusCode, word: &str) -> Response {
    let mut response = (status, Json(json!({ "status": word }))).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! `GET /`: where the printed link leads. It takes the token out of the address and leaves it in a
//! cookie that no script can read.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{Connection, authenticate::cookie_name, denied::Denied, grants::Grants};

/// What is there until there is more.
const PAGE: &str = include_str!("entrance.html");

/// What the link says.
#[derive(Deserialize)]
pub(crate) struct Link {
    token: Option<String>,
}

pub(crate) async fn open(
    State(grants): State<Arc<Grants>>,
    Extension(Connection { local, .. }): Extension<Connection>,
    uri: Uri,
) -> Response {
    let link = Query::<Link>::try_from_uri(&uri);
    let Some(token) = link.ok().and_then(|Query(link)| link.token) else {
        return Html(PAGE).into_response();
    };
    if grants.of(&token).is_none() {
        return Denied::WrongToken.into_response();
    }
    let mut headers = HeaderMap::from_iter([
        (header::LOCATION, HeaderValue::from_static("/")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]);
    // A token that was not asked for is nobody's; and a known one fits into a header.
    if let Grants::Tokens(_) = *grants
        && let Ok(cookie) = cookie(local.port(), &token).parse()
    {
        headers.insert(header::SET_COOKIE, cookie);
    }
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn cookie(port: u16, token: &str) -> String {
    format!("{}={token}; HttpOnly; SameSite=Strict; Path=/", cookie_name(port))
}

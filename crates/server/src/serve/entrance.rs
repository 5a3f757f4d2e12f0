//! `GET /`: where the printed link leads. It takes the token out of the address, leaves it in a
//! cookie that no script can read, and shows the desk.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Connection, authenticate::cookie_name, denied::Denied, desk, grants::Grants};

/// What the link says.
#[derive(Deserialize)]
pub(crate) struct Link {
    token: Option<String>,
}

pub(crate) async fn open(
    State(grants): State<Arc<Grants>>,
    Extension(Connection { local, .. }): Extension<Connection>,
    uri: Uri,
    asked: HeaderMap,
) -> Response {
    let link = Query::<Link>::try_from_uri(&uri);
    let Some(token) = link.ok().and_then(|Query(link)| link.token) else {
        return desk::page(asked).await;
    };
    if grants.of(&token).is_none() {
        return refused(&asked).await;
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

/// A link that does not lead in any more: a person gets the page, which says what to do, and a
/// program the reason.
async fn refused(asked: &HeaderMap) -> Response {
    let refused = Denied::WrongToken.into_response();
    let accepts = asked.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if !accepts.is_some_and(|accept| accept.contains("text/html")) {
        return refused;
    }
    // All that is told of the refusal but its words.
    let (mut told, _) = refused.into_parts();
    let (page, words) = desk::page(HeaderMap::new()).await.into_parts();
    told.headers.extend(page.headers);
    Response::from_parts(told, words)
}

fn cookie(port: u16, token: &str) -> String {
    format!("{}={token}; HttpOnly; SameSite=Strict; Path=/", cookie_name(port))
}

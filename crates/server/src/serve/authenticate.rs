//! Who sends a request: by the token in its `Authorization` header, or in the cookie that opening
//! the printed link leaves in a browser.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Connection, denied::Denied, grants::Grants, site, stay::Stay};

/// What the name of the cookie begins with. The port follows, because cookies know no ports: two
/// servers of one machine would take each other's.
const COOKIE: &str = "polychat-";

/// Lets through who shows a token, with its [`Grant`](super::grants::Grant) among the extensions.
pub(crate) async fn check(
    State(grants): State<Arc<Grants>>,
    mut request: Request,
    next: Next,
) -> Response {
    let port = request.extensions().get::<Connection>().map(|connection| connection.local.port());
    let cookie = cookie_name(port.unwrap_or_default());
    let grant = match shown(request.headers(), &cookie) {
        Shown::Nothing => match &*grants {
            Grants::Everybody(grant) => Ok(grant),
            Grants::Tokens(_) => Err(Denied::NoToken),
        },
        Shown::Bearer(token) => grants.of(token).ok_or(Denied::WrongToken),
        Shown::Cookies(tokens) => {
            let found = tokens.iter().find_map(|token| grants.of(token));
            found.ok_or(Denied::WrongToken).and_then(|grant| {
                // The browser adds the cookie whoever asks. What changes something, or could be
                // read from anywhere once it is open, must come from our own page.
                let harmless = matches!(*request.method(), Method::GET | Method::HEAD)
                    && !request.headers().contains_key(header::UPGRADE);
                let ours = harmless || site::sent_by_our_page(request.headers());
                if ours { Ok(grant) } else { Err(Denied::ForeignOrigin) }
            })
        }
    };
    match grant.map(Arc::clone) {
        Ok(grant) => {
            if let Some(stay) = request.extensions().get::<Arc<Stay>>() {
                stay.note_caller();
            }
            request.extensions_mut().insert(grant);
            next.run(request).await
        }
        Err(denied) => denied.into_response(),
    }
}

/// The cookie of the server at this port.
pub(crate) fn cookie_name(port: u16) -> String {
    format!("{COOKIE}{port}")
}

/// What a request shows.
enum Shown<'a> {
    Nothing,
    Bearer(&'a str),
    /// Other programs of this machine can set one of the same name beside ours.
    Cookies(Vec<&'a str>),
}

fn shown<'a>(headers: &'a HeaderMap, cookie: &str) -> Shown<'a> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = authorizations.next() {
        // Whatever it is, it is meant to be looked at: then no cookie counts.
        let bearer = value.to_str().ok().and_then(bearer);
        let token = bearer.filter(|_| authorizations.next().is_none());
        return Shown::Bearer(token.unwrap_or_default());
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        (name.trim() == cookie).then_some(value.trim())
    });
    let tokens: Vec<&str> = pairs.collect();
    if tokens.is_empty() { Shown::Nothing } else { Shown::Cookies(tokens) }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

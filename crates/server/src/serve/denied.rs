//! Requests that never reach a world: why, as problem details (RFC 9457).
//!
//! What the library has a refusal for is said by that one, so that a client hears the same code
//! whatever stands between it and the chat. Here is only what a library that knows no users, hosts
//! and pipes has no word for.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use polychat::{Refusal, transport::http::Problem};
use serde_json::json;

/// Why a request never reached a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token was shown.
    NoToken,
    /// What was shown is no token of this server.
    WrongToken,
    /// It is meant for a host that this server is not.
    ForeignHost,
    /// A page of another site sent it.
    ForeignOrigin,
    /// Its body took too long to arrive.
    TooSlow,
    /// Its body broke off.
    BrokenOff,
}

impl Denied {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NoToken | Self::WrongToken => "unauthenticated",
            Self::ForeignHost => "foreign_host",
            Self::ForeignOrigin => "foreign_origin",
            Self::TooSlow => "too_slow",
            Self::BrokenOff => "broken_off",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenOff => StatusCode::BAD_REQUEST,
        }
    }

    fn detail(self) -> &'static str {
        match self {
            Self::NoToken => {
                "a token is needed: programs send `Authorization: Bearer TOKEN`, browsers open \
                 /?token=TOKEN once, as the printed link does"
            }
            Self::WrongToken => {
                "this token is not known here: it is sent as `Bearer TOKEN`, and one that a server \
                 made for itself ends with it"
            }
            Self::ForeignHost => {
                "this server is not known by that host name; --allow-host adds one"
            }
            Self::ForeignOrigin => {
                "pages of other sites may not ask this server, and with a cookie only its own page \
                 may change something; programs send a token"
            }
            Self::TooSlow => "the body took too long to arrive",
            Self::BrokenOff => "the body broke off",
        }
    }

    /// What RFC 6750 has a client told.
    fn challenge(self) -> Option<&'static str> {
        match self {
            Self::NoToken => Some("Bearer realm=\"polychat\""),
            Self::WrongToken => Some("Bearer realm=\"polychat\", error=\"invalid_token\""),
            _ => None,
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": self.detail(),
            "code": self.code(),
            "retryable": matches!(self, Self::TooSlow | Self::BrokenOff),
            "message": self.detail(),
        });
        let mut response = (status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.challenge() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// There is nothing at this path.
pub(crate) async fn nothing_here() -> Problem {
    let refusal = Refusal::Unsupported { what: "this path".into() };
    Problem::with_status(StatusCode::NOT_FOUND, &refusal.into())
}

/// There is something at this path, but not by this method.
pub(crate) async fn not_by_this_method() -> Problem {
    let refusal = Refusal::Unsupported { what: "this method".into() };
    Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, &refusal.into())
}

/// Part of a request has more bytes than it may have.
pub(crate) fn too_large(status: StatusCode, what: &str, bytes: usize, max: usize) -> Problem {
    Problem::with_status(status, &Refusal::TooLarge { what: what.into(), bytes, max }.into())
}

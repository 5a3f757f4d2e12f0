//! What every request and every answer has: an id, a span, a record, and headers that keep browsers
//! from guessing.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use tracing::Instrument;

use super::denied::{Denied, too_large};

/// The header of the id, in requests and answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of an id that a caller chose, at most.
const ID_BYTES_MAX: usize = 64;

/// Gives the request its id and its span, and records how it was answered.
///
/// The span is `request`; the path is without the query, which may hold a token.
pub(crate) async fn follow(mut request: Request, next: Next) -> Response {
    let id = id_of(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let (method, begun) = (name_of(request.method()), Instant::now());
    let span = tracing::info_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        method,
        path = ?request.uri().path(),
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    let denied = response.extensions().get::<Denied>().map(|denied| denied.code());
    span.in_scope(|| {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status, duration_ms, denied, "request answered");
    });
    let labels = [("method", method.to_owned()), ("status", status.to_string())];
    metrics::counter!("polychat_http_requests_total", &labels).increment(1);
    metrics::histogram!("polychat_http_request_seconds").record(took.as_secs_f64());
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// Turns away what names more than a path and a query of this length.
pub(crate) async fn bound_url(max: usize, request: Request, next: Next) -> Response {
    let bytes = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if bytes > max {
        return too_large(StatusCode::URI_TOO_LONG, "address", bytes, max).into_response();
    }
    next.run(request).await
}

/// Has browsers neither guess what an answer is, nor show it elsewhere, nor say where they were.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // The desk has a policy of its own; nothing else is a page.
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    response
}

/// The caller's own id, if it is harmless wherever it is written; otherwise a fresh one.
fn id_of(headers: &HeaderMap) -> HeaderValue {
    let harmless = |id: &&HeaderValue| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain)
    };
    let own = headers.get(REQUEST_ID).filter(harmless).cloned();
    own.unwrap_or_else(|| {
        let fresh = uuid::Uuid::now_v7().to_string();
        fresh.parse().unwrap_or(HeaderValue::from_static("none"))
    })
}

/// A word for each method that there is, and one for all that people invent.
fn name_of(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

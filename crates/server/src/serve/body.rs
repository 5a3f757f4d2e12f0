//! Bodies: read as a whole, within bytes and time, before anything is done with them.
//!
//! All of them are small documents that are needed whole. Reading them here holds no more memory
//! than reading them later, and whoever drips byte by byte holds nothing but a connection.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::denied::{Denied, too_large};

/// What a body may have of bytes and time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyBound {
    pub(crate) bytes_max: usize,
    pub(crate) duration_max: Duration,
}

/// Hands on the request with a body that is there.
pub(crate) async fn read(bound: BodyBound, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    match timeout(bound.duration_max, whole(body, bound.bytes_max)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(response)) => response,
        Err(_) => Denied::TooSlow.into_response(),
    }
}

async fn whole(mut body: Body, max: usize) -> Result<Bytes, Response> {
    let refuse =
        |bytes| too_large(StatusCode::PAYLOAD_TOO_LARGE, "body", bytes, max).into_response();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(refuse(announced));
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Denied::BrokenOff.into_response())?;
        let Ok(data) = frame.into_data() else { continue };
        let length = data.len().saturating_add(bytes.len());
        if length > max {
            return Err(refuse(length));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

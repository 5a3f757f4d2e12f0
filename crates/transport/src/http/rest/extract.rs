//! How paths, queries and bodies are read: strictly, within bounds, and refused as problems.

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use polychat_core::Refusal;
use serde::de::DeserializeOwned;

use crate::{
    error::{RejectedCommand, claim, why},
    http::{problem::Problem, state::Http},
    wire::{WireLimits, values},
};

/// What the path names.
///
/// It is decoded once, by the router, after it chose the route: nothing in a name can lead anywhere.
#[derive(Debug)]
pub(in crate::http) struct Path<T>(pub(in crate::http) T);

/// What the query asks for.
#[derive(Debug)]
pub(in crate::http) struct Query<T>(pub(in crate::http) T);

/// What the body holds. No body is one that holds nothing.
#[derive(Debug)]
pub(in crate::http) struct Body<T>(pub(in crate::http) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Http> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Http) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, http).await;
        path.map(|path| Self(path.0)).map_err(|error| invalid("path", &error.body_text()))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Http> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Http) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|error| invalid("query", &error.body_text()))
    }
}

impl<T: DeserializeOwned> FromRequest<Http> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, http: &Http) -> Result<Self, Problem> {
        let limits = &http.options().wire;
        let is_json = is_json(request.headers())?;
        let bytes = read(request, limits.command_bytes_max).await?;
        if bytes.is_empty() {
            return parse(b"{}", limits).map(Self);
        }
        if !is_json {
            return Err(unsupported_media("a body that is not said to be application/json"));
        }
        parse(&bytes, limits).map(Self)
    }
}

/// Whether the body is said to be JSON, as it is.
///
/// What a page of another site can send without being asked first is never said to be so, and is
/// refused where a body is needed.
fn is_json(headers: &HeaderMap) -> Result<bool, Problem> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(unsupported_media("a body with a content encoding"));
    }
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    let media = said.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let media = media.to_ascii_lowercase();
    if media == "application/json"
        || (media.starts_with("application/") && media.ends_with("+json"))
    {
        return Ok(true);
    }
    Err(unsupported_media("a body that is not application/json"))
}

async fn read(mut request: Request, max: usize) -> Result<Bytes, Problem> {
    let too_large = |bytes| Problem::from(RejectedCommand::TooLarge { bytes, max });
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if let Some(bytes) = length.filter(|bytes| *bytes > max) {
        return Err(too_large(bytes));
    }
    DefaultBodyLimit::max(max).apply(&mut request);
    Bytes::from_request(request, &()).await.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            too_large(max.saturating_add(1))
        }
        _ => invalid("body", "it broke off"),
    })
}

fn parse<T: DeserializeOwned>(json: &[u8], limits: &WireLimits) -> Result<T, Problem> {
    let max = limits.command_values_max;
    if values::more_than(max, json) {
        return Err(RejectedCommand::TooManyValues { max }.into());
    }
    // A list could be read as the fields in their order, which nobody has promised.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(invalid("body", "not an object"));
    }
    let mut source = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let field = error.path().to_string();
        invalid(if field == "." { "body" } else { &field }, &why(error.inner()))
    })?;
    source.end().map_err(|error| invalid("body", &why(&error)))?;
    Ok(value)
}

/// Something in the request makes no sense; whatever of it is repeated is short.
pub(super) fn invalid(what: &str, why: &str) -> Problem {
    Refusal::InvalidInput { what: claim(what).into(), why: claim(why).into() }.into()
}

fn unsupported_media(what: &str) -> Problem {
    let refusal = Refusal::Unsupported { what: what.into() };
    Problem::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, &refusal.into())
}

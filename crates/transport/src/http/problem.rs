//! Refusals and faults as problem details (RFC 9457), with the stable `code`.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use polychat_core::{CommandError, FaultKind, Refusal};
use serde::Serialize;

use crate::{
    error::{RejectedCommand, RejectedReply},
    wire::WireError,
};

/// The media type of problem details.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was not done: `{type, title, status, detail, code, …facts, retryable, retryAfterMs?, message}`.
///
/// Everything from `code` on is what every transport says of the same error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Problem {
    /// What sort of problem: `about:blank`, because `code` is what tells sorts apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    /// The stable `code`, the facts, whether to try again.
    #[serde(flatten)]
    error: Box<WireError>,
}

impl Problem {
    /// The problem that this error is.
    #[must_use]
    pub fn new(error: &CommandError) -> Self {
        Self::with_status(status_of(error), error)
    }

    /// The problem that this error is, under a status of its own.
    #[must_use]
    pub fn with_status(status: StatusCode, error: &CommandError) -> Self {
        let error = Box::new(WireError::from(error));
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: error.message.clone(),
            error,
        }
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        Self::new(&error)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(&refusal.into())
    }
}

impl From<RejectedCommand> for Problem {
    fn from(rejected: RejectedCommand) -> Self {
        Self::new(&rejected.into())
    }
}

impl From<RejectedReply> for Problem {
    fn from(rejected: RejectedReply) -> Self {
        Self::new(&rejected.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // Strings and numbers always have a form in JSON.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(after) = self.error.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.div_ceil(1_000)));
        }
        response
    }
}

/// The answer to whoever asks for a world that is not there, or not theirs to see.
#[derive(Debug, Clone, Copy)]
pub struct NotFound;

impl IntoResponse for NotFound {
    /// It names nothing that was asked for.
    fn into_response(self) -> Response {
        let refusal = Refusal::Unsupported { what: "this world".into() };
        Problem::with_status(StatusCode::NOT_FOUND, &refusal.into()).into_response()
    }
}

/// The status of a refusal or fault.
fn status_of(error: &CommandError) -> StatusCode {
    match error {
        CommandError::Refused(refusal) => status_of_refusal(refusal),
        CommandError::Fault(fault) => match fault.kind {
            FaultKind::StoreUnavailable | FaultKind::ChatRestarted => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::BAD_GATEWAY,
        },
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn status_of_refusal(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::UnknownChat { .. }
        | Refusal::UnknownPrompt { .. }
        | Refusal::UnknownMessage { .. }
        | Refusal::UnknownTurn { .. }
        | Refusal::UnknownAgent { .. }
        | Refusal::UnknownCall { .. } => StatusCode::NOT_FOUND,
        Refusal::ChatDeleted { .. } => StatusCode::GONE,
        Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::InvalidInput { .. } => StatusCode::BAD_REQUEST,
        Refusal::QueueFull { .. }
        | Refusal::Overloaded { .. }
        | Refusal::LiveChatsFull { .. }
        | Refusal::SubscribersFull { .. }
        | Refusal::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Refusal::ChatStalled { .. } | Refusal::WorldClosed {} => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Unsupported { .. } => StatusCode::NOT_IMPLEMENTED,
        Refusal::Forbidden {} => StatusCode::FORBIDDEN,
        Refusal::ChatFull { .. } | Refusal::LogFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
        // What the chat is at the moment stands against it.
        _ => StatusCode::CONFLICT,
    }
}

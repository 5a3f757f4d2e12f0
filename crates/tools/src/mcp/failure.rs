//! What a model hears when a call has no result.

use std::error::Error;

use polychat_core::{Failure, FailureKind};
use rmcp::{
    model::ErrorCode,
    service::ServiceError,
    transport::{DynamicTransportError, streamable_http_client::StreamableHttpError},
};

use super::server::Unavailable;

type HttpError = StreamableHttpError<reqwest::Error>;

/// The server cannot be called now.
pub(super) fn unavailable(server: &str, unavailable: &Unavailable) -> Failure {
    let Unavailable { reason, pause } = unavailable;
    let again = if pause.is_zero() {
        String::new()
    } else {
        format!("; it is tried again in {} s at the earliest", pause.as_secs().max(1))
    };
    let text = format!("the server {server} is not available: {reason}{again}");
    Failure::new(FailureKind::ToolFailed, &text).retryable()
}

/// The connection ended under the call.
pub(super) fn ended(server: &str, why: &str) -> Failure {
    let text =
        format!("the server {server} is gone: {why}; whether the call took effect is not known");
    Failure::new(FailureKind::ToolFailed, &text).retryable()
}

/// The server answered with an error, or could not be asked.
pub(super) fn of_service(server: &str, error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => {
            let kind = if error.code == ErrorCode::INVALID_PARAMS {
                FailureKind::InvalidArguments
            } else {
                FailureKind::ToolFailed
            };
            Failure::new(kind, &error.message)
        }
        ServiceError::TransportSend(error) => {
            let text = format!("the server {server} could not be asked: {}", send_reason(error));
            Failure::new(FailureKind::ToolFailed, &text).retryable()
        }
        other => Failure::new(FailureKind::ToolFailed, &other.to_string()),
    }
}

/// Why a connection is of no more use, if that is what an error says: the next call makes another.
pub(super) fn useless(error: &ServiceError) -> Option<String> {
    let ServiceError::TransportSend(error) = error else { return None };
    let gone = match error.error.downcast_ref::<HttpError>()? {
        HttpError::Client(error) => error.is_connect(),
        HttpError::SessionExpired
        | HttpError::SessionRecoveryTimeout
        | HttpError::ReinitializationFailed(_) => true,
        // An answer with a status is an answer: the server is there.
        _ => false,
    };
    gone.then(|| send_reason(error))
}

/// Why something could not be sent. It names no address and no header.
pub(super) fn send_reason(error: &DynamicTransportError) -> String {
    match error.error.downcast_ref::<HttpError>() {
        Some(HttpError::Client(error)) => innermost(error),
        Some(error) => error.to_string(),
        None => innermost(&*error.error),
    }
}

/// The innermost cause, which says the most.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

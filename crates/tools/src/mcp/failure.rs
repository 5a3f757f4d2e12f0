//! What a model hears when a call has no result.

use std::error::Error;

use polychat_core::{Failure, FailureKind};
use rmcp::{
    model::ErrorCode,
    service::ServiceError,
    transport::{DynamicTransportError, streamable_http_client::HttpStatusError},
};

use super::connection::innermost;

/// The connection ended under the call.
pub(super) fn ended(server: &str, why: &str) -> Failure {
    let text =
        format!("the server {server:?} is gone: {why}; whether the call took effect is not known");
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
            let text = format!("the server {server:?} could not be asked: {}", send_reason(error));
            Failure::new(FailureKind::ToolFailed, &text).retryable()
        }
        other => Failure::new(FailureKind::ToolFailed, &other.to_string()),
    }
}

/// Why a server cannot be reached through this connection any more, if that is what an error says.
pub(super) fn unreachable(error: &ServiceError) -> Option<String> {
    let ServiceError::TransportSend(error) = error else { return None };
    // An answer with a status is an answer: the server is there.
    let answered = chain(&*error.error).any(|it| it.is::<HttpStatusError>());
    let connected = chain(&*error.error)
        .filter_map(|it| it.downcast_ref::<reqwest::Error>())
        .all(|it| !it.is_connect());
    (!answered && !connected).then(|| send_reason(error))
}

fn send_reason(error: &DynamicTransportError) -> String {
    innermost(&*error.error)
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

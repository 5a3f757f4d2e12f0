//! What went wrong, in our words: kinds, retryable or not, and never a key or a conversation.

use std::time::Duration;

use polychat_core::{
    outcome::cut,
    ports::{ModelError, ModelErrorKind},
};
use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::{Secret, retry_after};

/// How much of what a provider says about an error is kept, in bytes.
const SAID_BYTES_MAX: usize = 500;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body ended before the provider had said that the answer was complete.
pub(super) fn broke_off() -> ModelError {
    ModelError::new(ModelErrorKind::Unavailable, "the answer broke off").retryable()
}

/// The body held nothing that could be an answer.
pub(super) fn no_answer() -> ModelError {
    ModelError::new(ModelErrorKind::InvalidResponse, "the server sent no event stream")
}

/// An error of `genai`, at the beginning or inside of a stream.
pub(super) fn of_genai(error: genai::Error, key: Option<&Secret>) -> ModelError {
    if let (Some(status), Some(headers)) = (error.status(), error.headers()) {
        let body = match &error {
            genai::Error::HttpError { body, .. } => body.as_str(),
            _ => "",
        };
        return of_status(status, headers, body, key);
    }
    match error {
        genai::Error::WebStream { error, .. } => of_transport(error, key),
        genai::Error::ChatResponse { body, .. } => of_event(&body, key),
        // JSON that ends too early is an answer that broke off; other errors are nonsense.
        genai::Error::StreamParse { serde_error, .. } if serde_error.is_eof() => broke_off(),
        genai::Error::StreamParse { serde_error, .. } => {
            let position = (serde_error.line(), serde_error.column());
            let message = format!("an event is no valid json at {position:?}");
            ModelError::new(ModelErrorKind::InvalidResponse, message)
        }
        genai::Error::WebModelCall { webc_error: genai::webc::Error::Reqwest(error), .. } => {
            of_reqwest(error)
        }
        // What is left concerns the request; its text names models and roles, and may quote it.
        other => refused(&said(&other.to_string(), key)),
    }
}

/// A request that cannot be made.
pub(super) fn refused(message: &str) -> ModelError {
    ModelError::new(ModelErrorKind::Refused, message)
}

fn of_transport(error: BoxError, key: Option<&Secret>) -> ModelError {
    let error = match error.downcast::<genai::Error>() {
        Ok(error) => return of_genai(*error, key),
        Err(error) => error,
    };
    match error.downcast::<reqwest::Error>() {
        Ok(error) => of_reqwest(*error),
        // Bytes that are no text.
        Err(_) => ModelError::new(ModelErrorKind::InvalidResponse, "the answer is no valid utf-8"),
    }
}

fn of_reqwest(error: reqwest::Error) -> ModelError {
    // An address may hold a key, and an error is shown to people.
    let error = error.without_url();
    if error.is_builder() {
        return refused(
            "the request cannot be built, for example for a key that is no header value",
        );
    }
    let message = if error.is_connect() {
        "the server cannot be reached"
    } else if error.is_timeout() {
        "the server took too long"
    } else {
        "the answer broke off"
    };
    ModelError::new(ModelErrorKind::Unavailable, message).retryable().caused_by(error)
}

fn of_status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
    key: Option<&Secret>,
) -> ModelError {
    let message = format!("status {}{}", status.as_u16(), prefixed(&said_in(body, key)));
    match kind_of(status) {
        None => ModelError::new(ModelErrorKind::Refused, message),
        Some(kind) => retryable(ModelError::new(kind, message), retry_after::of(headers)),
    }
}

fn retryable(error: ModelError, pause: Option<Duration>) -> ModelError {
    match pause {
        Some(pause) => error.retry_after(pause),
        None => error.retryable(),
    }
}

/// The kind of a status that may pass; `None` for one that would come again.
fn kind_of(status: StatusCode) -> Option<ModelErrorKind> {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Some(ModelErrorKind::RateLimited),
        StatusCode::REQUEST_TIMEOUT => Some(ModelErrorKind::Unavailable),
        status if status.is_server_error() => Some(ModelErrorKind::Unavailable),
        _ => None,
    }
}

/// An error that a provider sends as an event of a stream which began well.
fn of_event(error: &Value, key: Option<&Secret>) -> ModelError {
    let code = error.get("code").or_else(|| error.get("status"));
    let number = code.and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = number.and_then(|code| StatusCode::from_u16(code).ok());
    let words = [error.get("type"), code].into_iter().flatten().filter_map(Value::as_str);
    let word = words.map(kind_of_word).find(Option::is_some).flatten();
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    let message = format!("an error inside the answer{}", prefixed(&said(text.unwrap_or(""), key)));
    match status.and_then(kind_of).or(word) {
        Some(kind) => ModelError::new(kind, message).retryable(),
        None => refused(&message),
    }
}

/// The words that OpenAI, Anthropic and their imitators use for what may pass.
fn kind_of_word(word: &str) -> Option<ModelErrorKind> {
    match word {
        "rate_limit_error" | "rate_limit_exceeded" | "requests" | "tokens" => {
            Some(ModelErrorKind::RateLimited)
        }
        "server_error" | "internal_error" | "overloaded_error" | "api_error" | "timeout" => {
            Some(ModelErrorKind::Unavailable)
        }
        _ => None,
    }
}

/// What an error body says, if it has the usual form; other bodies are not quoted.
fn said_in(body: &str, key: Option<&Secret>) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&body);
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    said(text.unwrap_or(""), key)
}

fn said(text: &str, key: Option<&Secret>) -> String {
    // Struck out before it is cut: half a key is still half a key.
    let text = key.map_or_else(|| text.to_owned(), |key| key.strike(text));
    cut(&text, SAID_BYTES_MAX).to_owned()
}

fn prefixed(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

#[cfg(test)]
mod tests {
    use polychat_core::ports::ModelErrorKind;
    use serde_json::json;

    use super::of_event;

    #[test]
    fn an_error_event_is_retryable_only_when_its_words_say_that_it_may_pass() {
        let table = [
            (json!({"type": "overloaded_error"}), ModelErrorKind::Unavailable, true),
            (
                json!({"type": "x", "code": "rate_limit_exceeded"}),
                ModelErrorKind::RateLimited,
                true,
            ),
            (json!({"code": 503}), ModelErrorKind::Unavailable, true),
            (json!({"code": 429, "message": "slow"}), ModelErrorKind::RateLimited, true),
            (json!({"code": 400}), ModelErrorKind::Refused, false),
            (json!({"type": "invalid_request_error"}), ModelErrorKind::Refused, false),
            (json!("just words"), ModelErrorKind::Refused, false),
            (json!(null), ModelErrorKind::Refused, false),
        ];
        for (event, kind, retryable) in table {
            let error = of_event(&event, None);
            assert_eq!((error.kind, error.retryable), (kind, retryable), "{event}");
        }
    }
}

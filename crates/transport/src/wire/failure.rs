//! Refusals and faults on the wire: a stable `code`, the facts as fields, whether to try again.

use polychat_core::{CommandError, Fault, FaultKind, Refusal};
use serde::{Deserialize, Serialize};

use super::WireLimits;
use crate::error::{RejectedReply, claim, why};

/// A refusal or fault as it travels.
///
/// `retryable`, `retryAfterMs` and `message` follow from the code and the facts; they are there for
/// readers that know neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "WorldError"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "WorldError"))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WireError {
    /// The code, and the facts beside it.
    #[serde(flatten)]
    pub cause: WireCause,
    /// Whether the very same command may well succeed later.
    pub retryable: bool,
    /// After how long a retry makes sense, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub retry_after_ms: Option<u64>,
    /// What happened, for people.
    pub message: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "ErrorCause"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "ErrorCause"))]
#[serde(untagged)]
#[non_exhaustive]
pub enum WireCause {
    /// Declined; nothing has happened.
    Refused(Refusal),
    /// Broken on the way; sending it again is safe.
    Fault {
        /// The sort of fault.
        code: FaultKind,
    },
}

impl WireError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        match &self.cause {
            WireCause::Refused(refusal) => refusal.code(),
            WireCause::Fault { code } => code.as_str(),
        }
    }
}

impl From<&CommandError> for WireError {
    fn from(error: &CommandError) -> Self {
        let (cause, message) = match error {
            CommandError::Refused(refusal) => {
                (WireCause::Refused(refusal.clone()), refusal.to_string())
            }
            CommandError::Fault(fault) => {
                (WireCause::Fault { code: fault.kind }, String::from(&*fault.message))
            }
            other => (WireCause::Fault { code: FaultKind::Protocol }, other.to_string()),
        };
        Self {
            cause,
            retryable: error.retryable(),
            retry_after_ms: error
                .retry_after()
                .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
            message,
        }
    }
}

/// The bytes of a refusal or fault.
#[must_use]
pub fn encode_error(error: &CommandError) -> Vec<u8> {
    // Strings, numbers and ids always have a form in JSON; the fallback keeps the promise anyway.
    serde_json::to_vec(&WireError::from(error)).unwrap_or_else(|_| {
        br#"{"code":"protocol","retryable":false,"message":"the error has no form on the wire"}"#
            .to_vec()
    })
}

/// The refusal or fault that these bytes are.
///
/// # Errors
///
/// A [`RejectedReply`] for whatever is none, also for a code newer than this wire.
pub fn decode_error(bytes: &[u8], limits: &WireLimits) -> Result<CommandError, RejectedReply> {
    #[derive(Deserialize)]
    struct Code {
        code: String,
    }
    #[derive(Deserialize)]
    struct FaultOnly {
        code: FaultKind,
        message: String,
    }

    let max = limits.reply_bytes_max;
    if bytes.len() > max {
        return Err(RejectedReply::TooLarge { bytes: bytes.len(), max });
    }
    let malformed = |error: serde_json::Error| RejectedReply::Malformed { why: why(&error) };
    if let Ok(FaultOnly { code, message }) = serde_json::from_slice(bytes) {
        return Ok(CommandError::Fault(Fault::new(code, &message)));
    }
    let Code { code } = serde_json::from_slice(bytes).map_err(malformed)?;
    match serde_json::from_slice::<Refusal>(bytes) {
        Ok(refusal) => Ok(CommandError::Refused(refusal)),
        Err(error) if error.to_string().starts_with("unknown variant") => {
            Err(RejectedReply::WrongKind { expected: "error", found: claim(&code) })
        }
        Err(error) => Err(malformed(error)),
    }
}

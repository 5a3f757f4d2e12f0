//! Who asked and who answers: the messages of JSON-RPC 2.0, as they come and as they go.
//!
//! Reading one looks only at the envelope; parameters and results stay the bytes they are, for the
//! decoders of [`crate::wire`]. Writing one splices bytes that exist already, so nothing is
//! encoded twice. Nothing here knows a method; both ends use it in both directions, so a server may
//! ask its client too (tools and models of the host).

use std::borrow::Cow;

use polychat_core::CommandError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IgnoredAny};
use serde_json::value::RawValue;

use super::error::{RejectedFrame, RejectedMessage};
use crate::{
    error::{RejectedCommand, claim, why},
    wire::WireError,
};

mod begin;

pub use begin::{Begun, begun};

/// Bytes of an id at most.
pub const ID_BYTES_MAX: usize = 256;

/// The id of a request, a string or a number; given back exactly as it came.
///
/// Two ids are the same when their text is, so `1` and `1.0` are two.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "string | number"))]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The id of a request of ours.
    #[must_use]
    pub fn number(number: u64) -> Self {
        Self(number.to_string().into())
    }

    /// Its JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The number that it is; `None` for what we never gave out.
    #[must_use]
    pub fn as_number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn of(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let fits = text.len() <= ID_BYTES_MAX;
        let is_id = text.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        (fits && is_id).then(|| Self(text.into()))
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // It is a piece of JSON that was parsed, so this copies it.
        serde_json::from_str::<&RawValue>(&self.0)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(&raw).ok_or_else(|| serde::de::Error::custom("an id is a string or a number"))
    }
}

/// A message that came in.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming<'a> {
    /// Asks for an answer.
    Request {
        /// Names the answer.
        id: RequestId,
        /// What is asked.
        method: Cow<'a, str>,
        /// With what; `None` when left out.
        params: Option<&'a RawValue>,
    },
    /// Tells.
    Notification {
        /// What is told.
        method: Cow<'a, str>,
        /// With what; `None` when left out.
        params: Option<&'a RawValue>,
    },
    /// Answers; without an id when the question could not be read.
    Answer {
        /// The question.
        id: Option<RequestId>,
        /// The result, or the error object.
        outcome: Result<&'a RawValue, &'a RawValue>,
    },
}

/// The members of a message, none of them looked at.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// A member that is `null` is there all the same.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The message that a frame is.
///
/// How deep its parameters go is not looked at here; whoever reads them bounds that.
///
/// # Errors
///
/// A [`RejectedMessage`] for whatever is none, with the id where there is one.
pub fn parse(frame: &[u8]) -> Result<Incoming<'_>, RejectedMessage> {
    let text = std::str::from_utf8(frame)
        .map_err(|_| RejectedMessage::NotJson { why: "not UTF-8".into() })?;
    let not_json = |error: &serde_json::Error| RejectedMessage::NotJson { why: why(error) };
    let invalid = |why: &str| RejectedMessage::Invalid { id: None, why: why.into() };
    // An array would be taken for the members in order.
    if !text.trim_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
        return Err(invalid("it is no object; batches are not taken"));
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)
        .map_err(|error| if error.is_data() { invalid(&why(&error)) } else { not_json(&error) })?;
    envelope.open()
}

impl<'a> Envelope<'a> {
    fn open(self) -> Result<Incoming<'a>, RejectedMessage> {
        let id = self.id.and_then(RequestId::of);
        let invalid = |why: &str| RejectedMessage::Invalid { id: id.clone(), why: why.into() };
        if self.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
            return Err(invalid("its member jsonrpc is not \"2.0\""));
        }
        let id_is_null = self.id.is_some_and(|raw| raw.get() == "null");
        if self.id.is_some() && id.is_none() && !id_is_null {
            return Err(invalid("its id is no short string or number"));
        }
        let Some(method) = self.method else {
            let outcome = match (self.result, self.error) {
                (Some(result), None) => Ok(result),
                (None, Some(error)) => Err(error),
                _ => return Err(invalid("it has neither a method, nor one of result and error")),
            };
            return Ok(Incoming::Answer { id, outcome });
        };
        let method = text(method).ok_or_else(|| invalid("its method is no string"))?;
        match id {
            Some(id) => Ok(Incoming::Request { id, method, params: self.params }),
            None if id_is_null => Err(invalid("the id of a request is null")),
            None => Ok(Incoming::Notification { method, params: self.params }),
        }
    }
}

/// The string that this is; borrowed unless something in it is escaped.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(raw.get()).ok().map(|Text(text)| text)
}

/// What an object holds, for parameters and results; why it cannot be read.
///
/// By itself `serde` would take a list, too, for the members in order.
pub(super) fn members<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, String> {
    if !raw.get().starts_with('{') {
        return Err("it is no object".into());
    }
    serde_json::from_str(raw.get()).map_err(|error| why(&error))
}

/// The version that every message names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Version {
    /// The only one.
    #[serde(rename = "2.0")]
    V2,
}

/// A request that goes out.
#[derive(Debug, Serialize)]
pub struct Request<'a, P> {
    jsonrpc: Version,
    id: &'a RequestId,
    method: &'a str,
    params: P,
}

impl<'a, P: Serialize> Request<'a, P> {
    /// Asks for an answer of this id.
    #[must_use]
    pub fn new(id: &'a RequestId, method: &'a str, params: P) -> Self {
        Self { jsonrpc: Version::V2, id, method, params }
    }
}

/// A notification that goes out.
#[derive(Debug, Serialize)]
pub struct Notification<'a, P> {
    jsonrpc: Version,
    method: &'a str,
    params: P,
}

impl<'a, P: Serialize> Notification<'a, P> {
    /// Tells.
    #[must_use]
    pub fn new(method: &'a str, params: P) -> Self {
        Self { jsonrpc: Version::V2, method, params }
    }
}

/// A result that goes out.
#[derive(Debug, Serialize)]
pub struct Success<'a, R> {
    jsonrpc: Version,
    id: &'a RequestId,
    result: R,
}

impl<'a, R: Serialize> Success<'a, R> {
    /// Answers the request of this id.
    #[must_use]
    pub fn new(id: &'a RequestId, result: R) -> Self {
        Self { jsonrpc: Version::V2, id, result }
    }
}

/// An error that goes out; its id is `null` when the question's could not be read.
#[derive(Debug, Serialize)]
pub struct Failure<'a> {
    jsonrpc: Version,
    id: Option<&'a RequestId>,
    error: ErrorObject,
}

impl<'a> Failure<'a> {
    /// Answers the request of this id.
    #[must_use]
    pub fn new(id: Option<&'a RequestId>, error: ErrorObject) -> Self {
        Self { jsonrpc: Version::V2, id, error }
    }
}

/// The request that a command's bytes become: JSON-RPC spells it the same way, and adds two
/// members.
#[must_use]
pub fn request_of_command(id: &RequestId, command: &[u8]) -> Vec<u8> {
    let members = command.strip_prefix(b"{").unwrap_or(command);
    [br#"{"jsonrpc":"2.0","id":"#, id.as_json().as_bytes(), b",", members].concat()
}

/// What went wrong, as JSON-RPC says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ErrorObject {
    /// The sort of error: the standard's, or [`ErrorCode::REFUSED`] and its neighbours.
    pub code: ErrorCode,
    /// What happened, for people.
    pub message: String,
    /// The stable `code`, the facts, `retryable`, `retryAfterMs`; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub data: Option<Box<ErrorData>>,
}

/// What an error says beside its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
#[non_exhaustive]
pub enum ErrorData {
    /// A refusal or fault of the world.
    World(WireError),
    /// A mistake in the protocol.
    Protocol(ProtocolFault),
}

/// A mistake in the protocol; nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProtocolFault {
    /// Which.
    pub code: ProtocolFaultCode,
    /// The bound, where one was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub max: Option<usize>,
    /// Always `false`.
    pub retryable: bool,
    /// What happened, for people.
    pub message: String,
}

/// The sorts of mistake in the protocol, stable on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProtocolFaultCode {
    /// Not JSON, or not UTF-8.
    NotJson,
    /// A frame of more bytes than are taken.
    TooLarge,
    /// No message of JSON-RPC, or one that has no place at this moment.
    InvalidRequest,
    /// No such method.
    UnknownMethod,
    /// Parameters that cannot be read.
    InvalidInput,
    /// `initialize` comes first.
    NotInitialized,
}

impl ProtocolFaultCode {
    /// The stable word used on the wire and in diagnostics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooLarge => "too_large",
            Self::InvalidRequest => "invalid_request",
            Self::UnknownMethod => "unknown_method",
            Self::InvalidInput => "invalid_input",
            Self::NotInitialized => "not_initialized",
        }
    }

    /// What an error of this number is without further facts.
    fn of(code: ErrorCode) -> Option<Self> {
        match code {
            ErrorCode::NOT_JSON => Some(Self::NotJson),
            ErrorCode::INVALID_REQUEST => Some(Self::InvalidRequest),
            ErrorCode::UNKNOWN_METHOD => Some(Self::UnknownMethod),
            ErrorCode::INVALID_PARAMS => Some(Self::InvalidInput),
            ErrorCode::NOT_INITIALIZED => Some(Self::NotInitialized),
            _ => None,
        }
    }
}

/// The number of a sort of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(transparent)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// No JSON.
    pub const NOT_JSON: Self = Self(-32_700);
    /// No message of JSON-RPC, or one that has no place here.
    pub const INVALID_REQUEST: Self = Self(-32_600);
    /// No such method.
    pub const UNKNOWN_METHOD: Self = Self(-32_601);
    /// Parameters that cannot be read.
    pub const INVALID_PARAMS: Self = Self(-32_602);
    /// A bug on this side. Whether the command took effect is not known.
    pub const INTERNAL: Self = Self(-32_603);
    /// `initialize` has not come yet.
    pub const NOT_INITIALIZED: Self = Self(-32_002);
    /// The world declined, nothing has happened; `data` says why.
    pub const REFUSED: Self = Self(-32_000);
    /// Something broke, sending it again is safe; `data` says what.
    pub const FAULT: Self = Self(-32_001);
    /// The client cancelled the request. Whether it took effect is not known.
    pub const CANCELLED: Self = Self(-32_800);
}

impl ErrorObject {
    /// An error without facts other than what its number says.
    #[must_use]
    pub fn plain(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        match ProtocolFaultCode::of(code) {
            Some(fault) => Self::protocol(code, fault, None, message),
            None => Self { code, message, data: None },
        }
    }

    /// The stable code: that of its `data`, or `internal`.
    #[must_use]
    pub fn stable_code(&self) -> &str {
        match self.data.as_deref() {
            Some(ErrorData::World(error)) => error.code(),
            Some(ErrorData::Protocol(fault)) => fault.code.as_str(),
            None => "internal",
        }
    }

    fn protocol(
        code: ErrorCode,
        fault: ProtocolFaultCode,
        max: Option<usize>,
        message: String,
    ) -> Self {
        let data = ProtocolFault { code: fault, max, retryable: false, message: message.clone() };
        Self { code, message, data: Some(Box::new(ErrorData::Protocol(data))) }
    }

    fn with_facts(code: ErrorCode, error: &CommandError) -> Self {
        let data = WireError::from(error);
        let message = data.message.clone();
        Self { code, message, data: Some(Box::new(ErrorData::World(data))) }
    }
}

impl From<&CommandError> for ErrorObject {
    fn from(error: &CommandError) -> Self {
        let code = match error {
            CommandError::Refused(_) => ErrorCode::REFUSED,
            _ => ErrorCode::FAULT,
        };
        Self::with_facts(code, error)
    }
}

impl From<RejectedCommand> for ErrorObject {
    fn from(rejected: RejectedCommand) -> Self {
        let code = match rejected {
            RejectedCommand::UnknownMethod { .. } => {
                return Self::plain(ErrorCode::UNKNOWN_METHOD, rejected.to_string());
            }
            RejectedCommand::TooLarge { .. } | RejectedCommand::TooManyValues { .. } => {
                ErrorCode::REFUSED
            }
            _ => ErrorCode::INVALID_PARAMS,
        };
        Self::with_facts(code, &rejected.into())
    }
}

impl From<&RejectedFrame> for ErrorObject {
    fn from(rejected: &RejectedFrame) -> Self {
        let RejectedFrame::TooLong { max, .. } = rejected;
        let (fault, message) = (ProtocolFaultCode::TooLarge, rejected.to_string());
        Self::protocol(ErrorCode::INVALID_REQUEST, fault, Some(*max), message)
    }
}

impl From<&RejectedMessage> for ErrorObject {
    fn from(rejected: &RejectedMessage) -> Self {
        let code = match rejected {
            RejectedMessage::NotJson { .. } => ErrorCode::NOT_JSON,
            RejectedMessage::Invalid { .. } => ErrorCode::INVALID_REQUEST,
        };
        Self::plain(code, claim(&rejected.to_string()))
    }
}

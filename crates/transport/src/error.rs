//! What a transport rejects, typed: commands that make no sense, records that do not belong.
//!
//! Nothing here is a panic: whatever bytes come in, the answer is one of these values.

use polychat_core::{
    CommandError, Fault, FaultKind, Refusal, diagnostic::DiagnosticKind, outcome::cut,
};

/// How much of a foreign text is repeated in an error, in bytes.
pub const CLAIM_BYTES_MAX: usize = 128;

/// A command or subscription that cannot be read. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedCommand {
    /// More bytes than the reader takes.
    #[error("{bytes} bytes, at most {max} are taken")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// More values than the reader takes.
    #[error("more than {max} values")]
    TooManyValues {
        /// The bound.
        max: usize,
    },
    /// No JSON of the right shape: broken, too deep, a field missing or unknown.
    #[error("not a command: {why}")]
    Malformed {
        /// What the parser says; never the contents.
        why: String,
    },
    /// No command has this name.
    #[error("there is no command {method:?}")]
    UnknownMethod {
        /// The name, cut at [`CLAIM_BYTES_MAX`].
        method: String,
    },
    /// A field is there, but its value makes no sense.
    #[error("{field}: {why}")]
    InvalidField {
        /// The field on the wire.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A command that this version of the wire has no form for.
    #[error("{name} has no form on the wire")]
    NoWireForm {
        /// Its name.
        name: &'static str,
    },
}

impl RejectedCommand {
    pub(crate) fn field(field: &'static str, why: impl std::fmt::Display) -> Self {
        Self::InvalidField { field, why: why.to_string() }
    }
}

impl From<RejectedCommand> for CommandError {
    fn from(rejected: RejectedCommand) -> Self {
        let why = rejected.to_string();
        Self::Refused(match rejected {
            RejectedCommand::TooLarge { bytes, max } => {
                Refusal::TooLarge { what: "command".into(), bytes, max }
            }
            RejectedCommand::TooManyValues { max } => {
                let what = "number of values in a command".into();
                Refusal::TooLarge { what, bytes: max + 1, max }
            }
            RejectedCommand::UnknownMethod { method } => {
                Refusal::Unsupported { what: method.into() }
            }
            RejectedCommand::NoWireForm { name } => Refusal::Unsupported { what: name.into() },
            RejectedCommand::InvalidField { field, why } => {
                Refusal::InvalidInput { what: field.into(), why: why.into() }
            }
            RejectedCommand::Malformed { .. } => {
                Refusal::InvalidInput { what: "command".into(), why: why.into() }
            }
        })
    }
}

/// A record that a reader refuses to take (REQ-13).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedRecord {
    /// More bytes than the reader takes.
    #[error("{bytes} bytes, at most {max} are taken")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// No JSON of the right shape: broken, too deep, a field missing or wrong.
    #[error("not a record: {why}")]
    Malformed {
        /// What the parser says; never the contents.
        why: String,
    },
    /// It names no world, or another one.
    #[error("it is of world {claimed:?}")]
    ForeignWorld {
        /// What it says; empty when it says nothing. Cut at [`CLAIM_BYTES_MAX`].
        claimed: String,
    },
    /// It names no chat.
    #[error("it has no chatId")]
    MissingChatId,
    /// What it names cannot be a chat.
    #[error("its chatId {claimed} is invalid")]
    InvalidChatId {
        /// What it says, as JSON. Cut at [`CLAIM_BYTES_MAX`].
        claimed: String,
    },
    /// It names another chat than the one watched.
    #[error("it is of chat {claimed:?}")]
    ForeignChat {
        /// The chat it names.
        claimed: String,
    },
    /// Nothing of this name exists where it came in.
    #[error("there is no record of type {name:?} here")]
    UnknownType {
        /// The name, cut at [`CLAIM_BYTES_MAX`].
        name: String,
    },
}

impl RejectedRecord {
    /// The diagnostic that surfaces it, with the path on which the record came in.
    ///
    /// A record that cannot be read names no chat that could be trusted, so it is a foreign one
    /// that claims nothing.
    #[must_use]
    pub fn diagnostic(&self, path: &str) -> DiagnosticKind {
        let claimed = match self {
            Self::ForeignWorld { claimed }
            | Self::InvalidChatId { claimed }
            | Self::ForeignChat { claimed } => claimed.as_str(),
            Self::TooLarge { .. }
            | Self::Malformed { .. }
            | Self::MissingChatId
            | Self::UnknownType { .. } => "",
        };
        DiagnosticKind::ForeignRecord { claimed: claimed.into(), path: path.into() }
    }
}

/// An answer that does not fit its command, or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectedReply {
    /// More bytes than the reader takes.
    #[error("the answer has {bytes} bytes, at most {max} are taken")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// No JSON of the right shape.
    #[error("the answer cannot be read: {why}")]
    Malformed {
        /// What the parser says; never the contents.
        why: String,
    },
    /// It is of another kind than the command asks for.
    #[error("the answer is {found:?} where {expected:?} was asked for")]
    WrongKind {
        /// What the command asks for.
        expected: &'static str,
        /// What came; cut at [`CLAIM_BYTES_MAX`].
        found: String,
    },
    /// It is about another prompt.
    #[error("the answer is about another prompt")]
    WrongPrompt,
    /// It is about another chat, or holds a record of one.
    #[error("the answer holds a foreign record: {0}")]
    Foreign(#[from] RejectedRecord),
    /// An answer that this version of the wire has no form for.
    #[error("the answer has no form on the wire")]
    NoWireForm,
}

impl From<RejectedReply> for CommandError {
    fn from(rejected: RejectedReply) -> Self {
        Self::Fault(Fault::new(FaultKind::Protocol, &rejected.to_string()))
    }
}

/// What a parser says, without the values that it repeats: they may be contents of messages.
pub(crate) fn why(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let names_a_field = ["missing field", "unknown field", "duplicate field"]
        .iter()
        .any(|beginning| text.starts_with(beginning));
    if let Some(expected) = expected(&text) {
        return claim(&format!("an unknown value, expected {expected}"));
    }
    if error.is_data() && !names_a_field {
        return format!("a value of the wrong kind at line {}", error.line());
    }
    claim(&text)
}

/// What a parser that met an unknown word of a few says it knows; the last thing that it says, behind
/// the word itself, which may hold anything.
fn expected(text: &str) -> Option<&str> {
    let (_, expected) = text.strip_prefix("unknown variant `")?.rsplit_once("`, expected ")?;
    Some(expected)
}

/// A foreign text, short enough to repeat.
pub(crate) fn claim(text: &str) -> String {
    cut(text, CLAIM_BYTES_MAX).into()
}

//! How turns, prompts and calls end.

use serde::{Deserialize, Serialize};

use crate::content::Text;

/// How a turn ended; recorded once in `turn.ended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum TurnOutcome {
    /// The agent said what it had to say.
    Completed,
    /// Somebody stopped it: cancel, interrupt, revise, close or delete.
    Cancelled,
    /// It could not go on.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The process was lost or shut down while it ran. Nothing else ends this way.
    Interrupted,
}

/// How a turn ended, in one word: without the reason that a [`TurnOutcome`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OutcomeKind {
    /// The agent said what it had to say.
    Completed,
    /// Somebody stopped it.
    Cancelled,
    /// It could not go on.
    Failed,
    /// The process was lost or shut down while it ran.
    Interrupted,
}

/// How an accepted prompt ended; every accepted prompt ends in exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase")]
#[non_exhaustive]
pub enum PromptOutcome {
    /// Its turn completed.
    Completed,
    /// Its turn was stopped.
    Cancelled,
    /// Its turn failed.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The process was lost or shut down while its turn ran.
    Interrupted,
    /// It left the queue before a turn took it.
    Withdrawn,
}

impl From<TurnOutcome> for PromptOutcome {
    fn from(outcome: TurnOutcome) -> Self {
        match outcome {
            TurnOutcome::Completed => Self::Completed,
            TurnOutcome::Cancelled => Self::Cancelled,
            TurnOutcome::Failed { failure } => Self::Failed { failure },
            TurnOutcome::Interrupted => Self::Interrupted,
        }
    }
}

impl TurnOutcome {
    /// The outcome without its reason.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Completed => OutcomeKind::Completed,
            Self::Cancelled => OutcomeKind::Cancelled,
            Self::Failed { .. } => OutcomeKind::Failed,
            Self::Interrupted => OutcomeKind::Interrupted,
        }
    }

    /// A stable word for logs, metrics and tables.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }
}

impl OutcomeKind {
    /// The stable word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl PromptOutcome {
    /// A stable word for logs, metrics and tables.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Why a turn, a message or a tool call failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[error("{}: {message}", kind.as_str())]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What happened, for people; bounded, and without secrets.
    pub message: Text,
    /// Whether the same prompt may well succeed later.
    pub retryable: bool,
}

/// The largest length of a failure's message, in bytes.
pub const FAILURE_MESSAGE_BYTES_MAX: usize = 2_048;

impl Failure {
    /// A failure that would come again; its message is cut at [`FAILURE_MESSAGE_BYTES_MAX`].
    #[must_use]
    pub fn new(kind: FailureKind, message: &str) -> Self {
        Self { kind, message: cut(message, FAILURE_MESSAGE_BYTES_MAX).into(), retryable: false }
    }

    /// Marks the failure as one that may well pass.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The longest prefix of `text` that has at most `bytes_max` bytes.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The sorts of failure, stable on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The model could not be reached, or broke off.
    ModelUnavailable,
    /// The provider asked to slow down.
    RateLimited,
    /// The provider refused the request, for example for its key or its size.
    ModelRefused,
    /// The model's answer made no sense.
    InvalidResponse,
    /// Code of a model or a tool panicked.
    Panicked,
    /// More output than the limit allows; the text up to it is kept.
    OutputLimit,
    /// It took longer than allowed altogether.
    Deadline,
    /// It made no progress for longer than allowed.
    NoProgress,
    /// More model calls in one turn than allowed.
    StepsLimit,
    /// Stopped together with its turn.
    Cancelled,
    /// The process was lost or shut down while it ran.
    Interrupted,
    /// It was running when the process was lost: whether it took effect is not known.
    UnknownOutcome,
    /// No tool has this name for this agent.
    UnknownTool,
    /// The arguments do not fit the tool's schema.
    InvalidArguments,
    /// A person or a policy did not allow it.
    Denied,
    /// The tool said so itself.
    ToolFailed,
    /// The host that served the model or tool has gone.
    HostGone,
    /// No agent or model of this name is registered.
    NotConfigured,
}

impl FailureKind {
    /// The stable word used on the wire and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelUnavailable => "model_unavailable",
            Self::RateLimited => "rate_limited",
            Self::ModelRefused => "model_refused",
            Self::InvalidResponse => "invalid_response",
            Self::Panicked => "panicked",
            Self::OutputLimit => "output_limit",
            Self::Deadline => "deadline",
            Self::NoProgress => "no_progress",
            Self::StepsLimit => "steps_limit",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::UnknownOutcome => "unknown_outcome",
            Self::UnknownTool => "unknown_tool",
            Self::InvalidArguments => "invalid_arguments",
            Self::Denied => "denied",
            Self::ToolFailed => "tool_failed",
            Self::HostGone => "host_gone",
            Self::NotConfigured => "not_configured",
        }
    }
}

//! What answers.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_core::Stream;

use super::HostContext;
use crate::{
    agent::ModelParams,
    content::{Part, Text},
    event::FinishReason,
    id::{AgentName, ModelName},
    message::{SharedMessage, Usage},
    tool::{ToolCall, ToolSpec},
};

/// What a model is given. It names no chat: a model cannot address one (law 3).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ModelRequest {
    /// Who is to answer, so that its own messages can be told from those of other agents; `None`
    /// when that does not matter.
    pub agent: Option<AgentName>,
    /// The agent's instructions; empty for none.
    pub system: Text,
    /// The chat's history as far as the context policy lets it through, oldest first; the last one
    /// is a user's, a tool's, or another agent's.
    pub messages: Vec<SharedMessage>,
    /// What the agent asks of the model.
    pub params: ModelParams,
    /// The tools that the agent may use.
    pub tools: Arc<[Arc<ToolSpec>]>,
    /// What the embedder attached; read-only, never to be sent to a provider.
    pub context: HostContext,
}

impl ModelRequest {
    /// A request with these messages and nothing else.
    #[must_use]
    pub fn new(messages: Vec<SharedMessage>) -> Self {
        Self {
            agent: None,
            system: Text::from(""),
            messages,
            params: ModelParams::default(),
            tools: Arc::from([]),
            context: HostContext::default(),
        }
    }
}

/// What a model says, piece by piece.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ModelDelta {
    /// Text of the answer.
    Text(String),
    /// Thinking aloud.
    Reasoning(String),
    /// What the provider wants back unchanged.
    Opaque(Part),
    /// A call, complete with its arguments.
    ToolCall(ToolCall),
    /// What the call cost; the last one counts.
    Usage(Usage),
    /// Why the answer ends where it does; `Stop` when none is sent.
    Finish(FinishReason),
}

/// The answer of a model: deltas until the stream ends. Ending without an error means complete.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelDelta, ModelError>> + Send>>;

/// Answers.
///
/// One model serves all chats at once; each request has a stream of its own. Dropping the stream
/// stops the work for it. A panic inside ends the turn as failed, and nothing else.
///
/// ```
/// use futures_util::stream;
/// use polychat_core::ports::{Model, ModelDelta, ModelRequest, ModelStream};
///
/// struct Echo;
///
/// impl Model for Echo {
///     fn stream(&self, request: ModelRequest) -> ModelStream {
///         let said = request.messages.last().map(|m| m.text()).unwrap_or_default();
///         Box::pin(stream::iter([Ok(ModelDelta::Text(said))]))
///     }
/// }
/// ```
pub trait Model: Send + Sync {
    /// Begins an answer. It must not block; work belongs into the stream.
    fn stream(&self, request: ModelRequest) -> ModelStream;
}

/// Models that come and go while a world is open.
///
/// A world asks it, right before each call, for names that it was not opened with.
pub trait ModelSource: Send + Sync {
    /// The model of this name, if there is one now. It must not block.
    fn get(&self, name: &ModelName) -> Option<Arc<dyn Model>>;
}

/// Why a model could not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {message}")]
#[non_exhaustive]
pub struct ModelError {
    /// What sort of error.
    pub kind: ModelErrorKind,
    /// What happened, for people; without secrets.
    pub message: Text,
    /// Whether trying again makes sense. It is done only before the first delta.
    pub retryable: bool,
    /// How long the provider wants us to wait first.
    pub retry_after: Option<Duration>,
    /// What caused it, for logs.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl ModelError {
    /// An error for which trying again makes no sense.
    pub fn new(kind: ModelErrorKind, message: impl Into<Text>) -> Self {
        Self { kind, message: message.into(), retryable: false, retry_after: None, source: None }
    }

    /// Says that trying again makes sense.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Says that trying again makes sense after this long.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retryable = true;
        self.retry_after = Some(pause);
        self
    }

    /// Says what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

/// The sorts of model error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ModelErrorKind {
    /// It could not be reached, or broke off.
    #[error("unavailable")]
    Unavailable,
    /// It asks to slow down.
    #[error("rate limited")]
    RateLimited,
    /// It refuses the request, for example for its key or size.
    #[error("refused")]
    Refused,
    /// What it said makes no sense.
    #[error("invalid response")]
    InvalidResponse,
    /// The host that served it has gone.
    #[error("host gone")]
    HostGone,
}

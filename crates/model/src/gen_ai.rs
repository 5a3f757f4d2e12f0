//! `GenAiModel`: real providers, through the crate `genai` (feature `genai`).
//!
//! Any OpenAI-compatible server by its base URL, and the other providers by name. This module maps
//! our words to `genai`'s and back; it decides nothing about retries, deadlines or limits, which
//! are the turn runner's. What the embedder attached ([`HostContext`], metadata) never leaves.
//!
//! Read on: `build` (what is configured), `request` (ours to theirs), `answer` (theirs to ours),
//! `error` (what went wrong), `retry_after`, `secret`, `muted`.
//!
//! [`HostContext`]: polychat_core::ports::HostContext

mod answer;
mod build;
mod error;
mod muted;
mod request;
mod retry_after;
mod secret;

use std::{fmt, sync::Arc};

use futures_util::stream;
use genai::{Client, ModelSpec, adapter::AdapterKind};
use polychat_core::ports::{Model, ModelError, ModelRequest, ModelStream};

use answer::Answer;
pub use build::{BuildError, GenAiBuilder};
use muted::Muted;
use request::Names;
pub use secret::{MissingKey, Secret};

/// A model behind an HTTP API.
///
/// One of it serves all chats at once over shared connections; clones share them too. Dropping an
/// answer's stream closes its request.
///
/// # Errors
///
/// The stream ends with a [`ModelError`] of this kind:
///
/// | What happened | Kind | Retryable |
/// |---|---|---|
/// | no connection; status 408 or 5xx; the answer breaks off | `Unavailable` | yes |
/// | status 429 | `RateLimited` | yes |
/// | another status, or a request that cannot be expressed | `Refused` | no |
/// | what came is no event stream, or no JSON | `InvalidResponse` | no |
///
/// `Retry-After` is honoured in seconds, and as a date when the server also tells its own time. An
/// answer is complete only after the provider's own end mark (for OpenAI's protocol `[DONE]`): a body
/// that merely ends is an error, even after a reason to finish.
/// Messages of errors quote the provider, shortened, and never the key.
///
/// # Tools
///
/// Calls come whole, with the provider's own id. Arguments that are no JSON come as the text that
/// they are, so that the tool's schema refuses them and the model can mend it.
///
/// Providers are particular about what they are told later, and one thing that they refuse would
/// make them refuse every later request of the chat. So the results of an answer's calls follow it
/// at once, in the order of the calls; a call without a result stays here, and so does a result
/// without its call. A name, an id or arguments that a provider would refuse are changed on their
/// way. Results are text: a picture in one is told as `[image/png, 1234 bytes]`. What a user said in
/// a row goes out as one message: the templates of many open models want turns to be taken.
///
/// What a provider signed, and what it thought before a call where it wants to see that again, goes
/// back to it unchanged, and to no other. What other agents said goes out as a user's message with
/// their name before it: for a provider, there are only a user and one agent.
///
/// # Limits
///
/// A provider is trusted not to exhaust memory: `genai` keeps an unfinished line, as many tool calls
/// as the highest number that one is given, their arguments, and the body of an error until they are
/// complete, whatever their size. Time is bounded by the turn's own deadlines.
///
/// ```no_run
/// use polychat_model::{GenAiModel, Secret};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let local = GenAiModel::builder("llama3.2").base_url("http://127.0.0.1:11434/v1").build()?;
/// let cloud = GenAiModel::builder("claude-sonnet-4-5")
///     .provider("anthropic")
///     .key(Secret::from_env("ANTHROPIC_API_KEY")?)
///     .build()?;
/// # let _ = (local, cloud);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct GenAiModel(Arc<Inner>);

struct Inner {
    client: Client,
    target: ModelSpec,
    adapter: AdapterKind,
    /// The name as it was given, sent unchanged where the server is not the adapter's own.
    name: String,
    custom_server: bool,
    /// Kept to strike it out of what a provider says.
    key: Option<Secret>,
}

impl GenAiModel {
    /// Begins to configure a model by the name that its provider knows.
    pub fn builder(model: impl Into<String>) -> GenAiBuilder {
        GenAiBuilder::new(model.into())
    }
}

impl Model for GenAiModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let begin = State::Begin(Arc::clone(&self.0), request);
        Box::pin(Muted(Box::pin(stream::unfold(begin, State::next))))
    }
}

impl fmt::Debug for GenAiModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenAiModel")
            .field("model", &self.0.name)
            .field("provider", &self.0.adapter.as_lower_str())
            .finish_non_exhaustive()
    }
}

/// Where an answer stands.
enum State {
    Begin(Arc<Inner>, ModelRequest),
    Under(Arc<Inner>, Answer),
    Over,
}

type Item = Result<polychat_core::ports::ModelDelta, ModelError>;

impl State {
    async fn next(self) -> Option<(Item, Self)> {
        let (inner, mut answer) = match self {
            Self::Over => return None,
            Self::Under(inner, answer) => (inner, answer),
            Self::Begin(inner, request) => match inner.begin(&request).await {
                Ok(answer) => (inner, answer),
                Err(error) => return Some((Err(error), Self::Over)),
            },
        };
        match answer.next(inner.key.as_ref()).await? {
            Ok(delta) => Some((Ok(delta), Self::Under(inner, answer))),
            Err(error) => Some((Err(error), Self::Over)),
        }
    }
}

impl Inner {
    async fn begin(&self, request: &ModelRequest) -> Result<Answer, ModelError> {
        let options = request::options(request, self.adapter, &self.name, self.custom_server)?;
        let names = Names::of(request.tools.iter().map(|spec| &spec.name));
        let chat = request::chat(request, self.adapter, &names);
        let begun = self.client.exec_chat_stream(self.target.clone(), chat, Some(&options)).await;
        match begun {
            Ok(response) => Ok(Answer::new(response.stream, self.adapter, names)),
            Err(error) => Err(error::of_genai(error, self.key.as_ref())),
        }
    }
}

//! `Fallback`: several models that stand in for each other.
//!
//! A wrapper: it says nothing of its own, and knows nothing of the models inside but their errors.
//! Trying the same model again is not its matter, but the turn runner's.

use std::{fmt, sync::Arc, vec};

use futures_util::{StreamExt, stream};
use polychat_core::{
    outcome::cut,
    ports::{Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream},
};

/// How much of each model's error is repeated when none has answered, in bytes.
const SAID_BYTES_MAX: usize = 400;

/// Asks one model, and the next one when that one cannot be had.
///
/// A model is passed over when its answer begins with an error of the kind `Unavailable`,
/// `RateLimited` or `HostGone`. Nothing else passes it over: a refused request is about the request or the key,
/// nonsense and panics are defects, and a stand-in would only hide them. After the first delta
/// nothing does, since what was said was seen; an answer that ends without a word is complete. A
/// model that hangs is not unavailable to this wrapper; give it a time limit of its own.
///
/// All of them are given the same request, with the host context that was resolved for the row as a
/// whole. Each request begins with the first model. Nothing is remembered from one request to the next, so
/// chats cannot feel each other through it.
///
/// # Errors
///
/// When no model answers, the error is that of the model which may be had again the soonest, with
/// what each of them said. It is retryable if one of theirs is; a retry asks all of them again.
///
/// ```
/// use polychat_model::{DemoModel, Fallback};
///
/// let primary = DemoModel::new();
/// let stand_in = DemoModel::new();
/// let model = Fallback::new(primary).then(stand_in);
/// # let _ = model;
/// ```
#[derive(Clone)]
pub struct Fallback {
    models: Vec<Arc<dyn Model>>,
}

impl Fallback {
    /// The model that is asked first.
    #[must_use]
    pub fn new(first: impl Model + 'static) -> Self {
        Self { models: vec![Arc::new(first)] }
    }

    /// Adds the model that is asked when those before it cannot be had.
    #[must_use]
    pub fn then(mut self, next: impl Model + 'static) -> Self {
        self.models.push(Arc::new(next));
        self
    }
}

impl Model for Fallback {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let waiting = self.models.clone().into_iter();
        let begin = Stage::Asking(Asking { request, waiting, errors: Vec::new() });
        Box::pin(stream::unfold(begin, Stage::next))
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback").field("models", &self.models.len()).finish()
    }
}

type Item = Result<ModelDelta, ModelError>;

/// Where an answer stands.
enum Stage {
    /// Nobody has said anything yet.
    Asking(Asking),
    /// One of the models speaks; the answer is its own from now on.
    Answering(ModelStream),
    Over,
}

struct Asking {
    request: ModelRequest,
    /// The models that were not asked yet, in their order.
    waiting: vec::IntoIter<Arc<dyn Model>>,
    /// What those said that were, in the same order.
    errors: Vec<ModelError>,
}

impl Stage {
    async fn next(self) -> Option<(Item, Self)> {
        match self {
            Self::Asking(asking) => asking.first().await,
            Self::Answering(mut stream) => match stream.next().await? {
                Ok(delta) => Some((Ok(delta), Self::Answering(stream))),
                Err(error) => Some((Err(error), Self::Over)),
            },
            Self::Over => None,
        }
    }
}

impl Asking {
    /// The first item that anybody has to say.
    async fn first(mut self) -> Option<(Item, Stage)> {
        while let Some(model) = self.waiting.next() {
            let mut stream = model.stream(self.request.clone());
            let error = match stream.next().await? {
                Ok(delta) => return Some((Ok(delta), Stage::Answering(stream))),
                Err(error) => error,
            };
            let kind = error.kind;
            let passed_over = matches!(
                kind,
                ModelErrorKind::Unavailable
                    | ModelErrorKind::RateLimited
                    | ModelErrorKind::HostGone
            );
            self.errors.push(error);
            if !passed_over {
                break;
            }
            if self.waiting.len() > 0 {
                let place = self.errors.len();
                tracing::warn!(place, %kind, "a model is passed over");
            }
        }
        Some((Err(no_answer(self.errors)?), Stage::Over))
    }
}

/// The error of the model that may be had again the soonest, with what all of them said.
fn no_answer(errors: Vec<ModelError>) -> Option<ModelError> {
    let said: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", error.kind, cut(&error.message, SAID_BYTES_MAX)))
        .collect();
    // Without a time of its provider, the pause before a retry is ours to choose.
    let soonest = |error: &ModelError| (!error.retryable, error.retry_after.unwrap_or_default());
    let several = errors.len() > 1;
    let mut error = errors.into_iter().min_by_key(soonest)?;
    if several {
        error.message = format!("no model answered: {}", said.join("; ")).into();
    }
    Some(error)
}

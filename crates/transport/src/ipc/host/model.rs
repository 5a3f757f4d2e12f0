//! A model that answers in the host's process.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
    vec,
};

use futures_core::Stream;
use polychat_core::{
    ModelName,
    outcome::{FAILURE_MESSAGE_BYTES_MAX, cut},
    ports::{Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream},
};
use serde_json::value::RawValue;

use super::{
    call::{Ear, End, Heard, Inbox},
    failure::{self, HostError},
    line::{Line, NotBegun, Running},
};
use crate::ipc::{
    protocol::{
        host::{CallFailureKind, CallId, ModelStreamParams, ModelStreamResult},
        method,
    },
    rpc::members,
};

/// A model of a host.
pub(super) struct HostModel {
    line: Arc<Line>,
    name: ModelName,
}

impl HostModel {
    pub(super) fn new(line: Arc<Line>, name: ModelName) -> Self {
        Self { line, name }
    }
}

impl Model for HostModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let name = self.name.clone();
        let params = move |call_id: CallId| ModelStreamParams {
            call_id,
            model: name,
            agent: request.agent,
            system: request.system,
            messages: request.messages,
            params: request.params,
            tools: request.tools.to_vec(),
            context: request.context.into(),
        };
        let line = Arc::clone(&self.line);
        let ask = move |ear| line.begin(method::MODEL_STREAM, ear, params);
        Box::pin(Answer { stage: Stage::Asking(Box::new(ask)), inbox: Arc::default() })
    }
}

/// An answer; dropping it gives the call up.
struct Answer {
    stage: Stage,
    inbox: Arc<Inbox>,
}

/// Where an answer stands.
enum Stage {
    /// Nothing was sent; the first poll does.
    Asking(Box<dyn FnOnce(Ear) -> Result<Running, NotBegun> + Send>),
    Listening(Running),
    /// The host has said all; this is what its last word means.
    Ending(vec::IntoIter<ModelDelta>),
    Over,
}

impl Stream for Answer {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Asking(ask) => match ask(Ear::Model(Arc::clone(&self.inbox))) {
                    Ok(running) => self.stage = Stage::Listening(running),
                    Err(declined) => return Poll::Ready(Some(Err(not_begun(&declined)))),
                },
                Stage::Listening(mut running) => match self.inbox.poll_next(cx) {
                    Poll::Ready(Heard::End(end)) => {
                        running.has_ended();
                        match last_deltas(end) {
                            Ok(deltas) => self.stage = Stage::Ending(deltas.into_iter()),
                            Err(error) => return Poll::Ready(Some(Err(error))),
                        }
                    }
                    heard => {
                        self.stage = Stage::Listening(running);
                        let Heard::Delta(delta) = ready!(heard) else { continue };
                        return Poll::Ready(Some(Ok(delta)));
                    }
                },
                Stage::Ending(mut deltas) => {
                    let Some(delta) = deltas.next() else { return Poll::Ready(None) };
                    self.stage = Stage::Ending(deltas);
                    return Poll::Ready(Some(Ok(delta)));
                }
                Stage::Over => return Poll::Ready(None),
            }
        }
    }
}

/// What the end of a call adds to the answer.
fn last_deltas(end: End) -> Result<Vec<ModelDelta>, ModelError> {
    match end {
        End::Result(result) => {
            let ModelStreamResult { finish, usage } =
                members(&result).map_err(|why| nonsense(&format!("its result: {why}")))?;
            let deltas = [usage.map(ModelDelta::Usage), finish.map(ModelDelta::Finish)];
            Ok(deltas.into_iter().flatten().collect())
        }
        End::Error(error) => Err(said(&error)),
        End::Broken(why) => Err(nonsense(&why)),
        End::Gone => Err(ModelError::new(ModelErrorKind::HostGone, failure::GONE).retryable()),
    }
}

/// The error that the host answered with.
fn said(error: &RawValue) -> ModelError {
    let HostError { message, failure } = match HostError::read(error) {
        Ok(error) => error,
        Err(why) => return nonsense(&why),
    };
    let kind = match failure.kind {
        Some(CallFailureKind::RateLimited) => ModelErrorKind::RateLimited,
        Some(CallFailureKind::Refused) => ModelErrorKind::Refused,
        Some(CallFailureKind::InvalidResponse) => ModelErrorKind::InvalidResponse,
        Some(CallFailureKind::Unavailable) | None => ModelErrorKind::Unavailable,
    };
    let error = ModelError::new(kind, cut(&message, FAILURE_MESSAGE_BYTES_MAX));
    match failure.retry_after_ms {
        Some(pause) => error.retry_after(Duration::from_millis(pause)),
        None if failure.retryable => error.retryable(),
        None => error,
    }
}

fn nonsense(why: &str) -> ModelError {
    let text = format!("what the host said cannot be used: {why}");
    ModelError::new(ModelErrorKind::InvalidResponse, cut(&text, FAILURE_MESSAGE_BYTES_MAX))
}

fn not_begun(declined: &NotBegun) -> ModelError {
    let error = |kind| ModelError::new(kind, declined.to_string());
    match declined {
        NotBegun::Gone => error(ModelErrorKind::HostGone).retryable(),
        NotBegun::TooMany { .. } | NotBegun::Slow { .. } => {
            error(ModelErrorKind::Unavailable).retryable()
        }
        NotBegun::TooLarge { .. } | NotBegun::NoWireForm(_) => error(ModelErrorKind::Refused),
    }
}

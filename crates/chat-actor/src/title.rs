//! Thinking of a title: a model call beside the turns, which never disturbs the chat.
//!
//! Started by the chat after its first completed turn, where the world wants titles. It reports a
//! proposal by mail and nothing else: a model that fails, hangs or panics here leaves the chat with
//! the title it has. It touches no feed, and takes no place among the running turns: it has a bound
//! and a deadline of its own.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, StreamExt};
use polychat_core::{
    ChatId,
    outcome::cut,
    ports::{Callee, Model, ModelDelta, ModelRequest},
    rules::{TitleRequest, TurnInput},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    actor::{ChatRef, Mail},
    environment::Environment,
    host::{self, Stored},
};

/// How much of an answer is looked at, in bytes. A title is a line near its beginning.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How much a model may think aloud before it says something, in bytes.
const REASONING_BYTES_MAX: usize = 64 * 1024;

/// Everything that thinking of one title needs.
pub(crate) struct Assignment {
    pub(crate) environment: Arc<Environment>,
    pub(crate) chat: ChatId,
    pub(crate) mailbox: ChatRef,
    pub(crate) model: Arc<dyn Model>,
    pub(crate) request: TitleRequest,
    pub(crate) stop: CancellationToken,
}

/// Asks the model, and reports what it proposes.
pub(crate) async fn run(assignment: Assignment) {
    let patience = assignment.environment.limits.title_duration_max;
    let thinking = AssertUnwindSafe(timeout(patience, propose(&assignment))).catch_unwind();
    let proposed = tokio::select! {
        biased;
        () = assignment.stop.cancelled() => return,
        proposed = thinking => proposed,
    };
    let reason = match proposed {
        Ok(Ok(Ok(title))) => {
            let title = title.into();
            return assignment.mailbox.mail(Mail::Turn(TurnInput::TitleProposed { title }));
        }
        Ok(Ok(Err(reason))) => reason,
        Ok(Err(_)) => "late",
        Err(_) => "panicked",
    };
    let (world_id, chat_id) = (&assignment.environment.world, &assignment.chat);
    tracing::info!(%world_id, %chat_id, reason, "no title was proposed");
}

/// What the model says, from its beginning; or why it says nothing, in a constant word.
async fn propose(assignment: &Assignment) -> Result<String, &'static str> {
    let environment = &assignment.environment;
    let Ok(_place) = environment.titles.acquire().await else { return Err("closed") };
    let TitleRequest { config, system, params, messages, chat_context, prompt_context, .. } =
        assignment.request.clone();
    let mut request = ModelRequest::new(messages);
    request.system = system;
    request.params = params;
    let stored = Stored { chat: &chat_context, prompt: &prompt_context };
    let callee = Callee::Model(config.model.clone());
    request.context = host::context(environment, &assignment.chat, stored, callee)
        .await
        .map_err(|failure| failure.kind.as_str())?;
    request.agent = Some(config.name.clone());
    let mut answer = assignment.model.stream(request);
    let (mut text, mut reasoning_bytes) = (String::new(), 0);
    while let Some(delta) = answer.next().await {
        match delta.map_err(|_| "model_error")? {
            ModelDelta::Text(piece) => {
                let fitting = cut(&piece, ANSWER_BYTES_MAX - text.len());
                text.push_str(fitting);
                if fitting.len() < piece.len() {
                    break;
                }
            }
            ModelDelta::Reasoning(piece) => reasoning_bytes += piece.len(),
            _ => {}
        }
        if reasoning_bytes > REASONING_BYTES_MAX {
            return Err("too_long");
        }
        // A model that is always ready must not keep others from running.
        tokio::task::coop::consume_budget().await;
    }
    Ok(text)
}

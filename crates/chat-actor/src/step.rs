//! One model call: a task of its own that carries the model's words to the feed.
//!
//! Started by the chat once `message.start` is stored. It reports its end, also a panic, by mail;
//! it never decides anything. What it may touch: the feed through a writer for its own message, the
//! mailbox of its own chat, and the model's stream.

mod draw;
mod watch;

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_util::FutureExt;
use polychat_core::{
    AgentConfig, ChatId, Failure, FailureKind, MessageId, Metadata, TurnId,
    ports::{Callee, HostContext, Model, ModelError, ModelErrorKind, ModelRequest},
    rules::TurnInput,
    tool::{ToolSelection, ToolSpec},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::draw::{Drawn, draw};
pub(crate) use self::watch::{after, deadline_passed};
use crate::{
    actor::{ChatRef, Mail},
    environment::Environment,
    feed::FeedWriter,
    gate::TurnPermit,
    host::{self, Stored},
};

/// Everything that one model call needs. Its chat was stamped by whoever started it (law 3).
pub(crate) struct Assignment {
    pub(crate) environment: Arc<Environment>,
    pub(crate) chat: ChatId,
    pub(crate) mailbox: ChatRef,
    pub(crate) writer: FeedWriter,
    pub(crate) model: Arc<dyn Model>,
    /// What the model is asked; tools and host context are filled in by the task.
    pub(crate) request: ModelRequest,
    pub(crate) config: Arc<AgentConfig>,
    /// The stored host context of the chat.
    pub(crate) chat_context: Metadata,
    /// The stored host context of the prompt that began the turn.
    pub(crate) prompt_context: Metadata,
    pub(crate) turn: TurnId,
    pub(crate) message: MessageId,
    pub(crate) stop: CancellationToken,
    /// When the turn's time is over.
    pub(crate) deadline: Instant,
    /// What earlier messages of the turn have used of its output limit.
    pub(crate) output_bytes_before: usize,
    /// Up while a checkpoint was asked for and not yet taken.
    pub(crate) checkpoint_due: Arc<AtomicBool>,
    /// Held for as long as the work really lasts.
    pub(crate) _permit: Option<TurnPermit>,
}

/// How a model call ended.
enum End {
    Done(Drawn),
    Failed(Failure),
    /// Nobody wants to hear of it any more.
    Stopped,
}

/// Runs a model call to its end and reports it.
pub(crate) async fn run(mut assignment: Assignment) {
    let message = assignment.message;
    let end = AssertUnwindSafe(attempts(&mut assignment)).catch_unwind().await;
    let mut thrown = None;
    let input = match end {
        Ok(End::Stopped) => return,
        Ok(End::Done(drawn)) => TurnInput::MessageDone {
            message,
            opaque: drawn.opaque,
            tool_calls: drawn.tool_calls,
            usage: drawn.usage,
            finish: drawn.finish,
        },
        Ok(End::Failed(failure)) => TurnInput::MessageFailed { message, failure },
        Err(panic) => {
            let failure = Failure::new(FailureKind::Panicked, panic_text(&*panic));
            let (world_id, chat_id) = (&assignment.environment.world, &assignment.chat);
            let turn_id = assignment.turn;
            tracing::warn!(%world_id, %chat_id, %turn_id, "a model panicked");
            thrown = Some(panic);
            TurnInput::MessageFailed { message, failure }
        }
    };
    assignment.mailbox.mail(Mail::Turn(input));
    // Only now: what was thrown may panic once more when it goes.
    drop(thrown);
}

/// Asks the model, again where that makes sense: before its first delta, and only for what the
/// driver calls retryable.
async fn attempts(assignment: &mut Assignment) -> End {
    let environment = Arc::clone(&assignment.environment);
    let limits = &environment.limits;
    if let Err(end) = in_turn(assignment, offer_tools(assignment)).await.map(|tools| {
        assignment.request.tools = tools;
    }) {
        return end;
    }
    let mut attempt = 1;
    let mut pause = limits.model_retry_delay;
    loop {
        if assignment.stop.is_cancelled() {
            // Stopped before it began: a model that nobody listens to is not even asked.
            return End::Stopped;
        }
        match in_turn(assignment, context(assignment)).await {
            Ok(Ok(context)) => assignment.request.context = context,
            Ok(Err(failure)) => return End::Failed(failure),
            Err(end) => return end,
        }
        let error = match draw(assignment).await {
            Ok(drawn) => return End::Done(drawn),
            Err(draw::Interruption::Stopped) => return End::Stopped,
            Err(draw::Interruption::Failed(failure)) => return End::Failed(failure),
            Err(draw::Interruption::Model { error, began }) => {
                if began || !error.retryable || attempt >= limits.model_attempts_max {
                    return End::Failed(failure_of(&error));
                }
                error
            }
        };
        let wait = error.retry_after.unwrap_or(pause).max(Duration::from_millis(1));
        if wait > limits.model_retry_delay_max {
            return End::Failed(failure_of(&error));
        }
        let (world_id, chat_id) = (&assignment.environment.world, &assignment.chat);
        let (turn_id, kind) = (assignment.turn, error.kind);
        tracing::warn!(%world_id, %chat_id, %turn_id, attempt, %kind, "a model call is tried again");
        metrics::counter!("polychat_model_retries_total").increment(1);
        tokio::select! {
            biased;
            () = assignment.stop.cancelled() => return End::Stopped,
            () = tokio::time::sleep_until(assignment.deadline) => {
                return End::Failed(deadline_passed(limits));
            }
            () = tokio::time::sleep(wait) => {}
        }
        attempt += 1;
        pause = pause.saturating_mul(2).min(limits.model_retry_delay_max);
    }
}

/// Waits for what a call needs, for as long as somebody wants the call and the turn has time. A turn
/// that waits for it makes no progress.
async fn in_turn<T>(assignment: &Assignment, needed: impl Future<Output = T>) -> Result<T, End> {
    let limits = &assignment.environment.limits;
    let patience = after(Instant::now(), limits.turn_progress_duration_max);
    tokio::select! {
        biased;
        () = assignment.stop.cancelled() => Err(End::Stopped),
        found = needed => Ok(found),
        () = tokio::time::sleep_until(assignment.deadline.min(patience)) => {
            if assignment.deadline <= patience {
                return Err(End::Failed(deadline_passed(limits)));
            }
            let silence = limits.turn_progress_duration_max;
            let text = format!("what the model call needs did not come within {silence:?}");
            Err(End::Failed(Failure::new(FailureKind::NoProgress, &text).retryable()))
        }
    }
}

/// The tools that the agent may use, made ready.
async fn offer_tools(assignment: &Assignment) -> Arc<[Arc<ToolSpec>]> {
    let (tools, selection) = (&assignment.environment.tools, &assignment.config.tools);
    if *selection == ToolSelection::None {
        return Arc::from([]);
    }
    tools.prepare(selection).await;
    let specs = tools.catalog().specs();
    specs.into_iter().filter(|spec| selection.includes(&spec.name)).collect()
}

async fn context(assignment: &Assignment) -> Result<HostContext, Failure> {
    let stored = Stored { chat: &assignment.chat_context, prompt: &assignment.prompt_context };
    let callee = Callee::Model(assignment.config.model.clone());
    host::context(&assignment.environment, &assignment.chat, stored, callee).await
}

/// What a model's error means for its turn.
fn failure_of(error: &ModelError) -> Failure {
    let kind = match error.kind {
        ModelErrorKind::RateLimited => FailureKind::RateLimited,
        ModelErrorKind::Refused => FailureKind::ModelRefused,
        ModelErrorKind::InvalidResponse => FailureKind::InvalidResponse,
        ModelErrorKind::HostGone => FailureKind::HostGone,
        _ => FailureKind::ModelUnavailable,
    };
    let failure = Failure::new(kind, &error.message);
    if error.retryable { failure.retryable() } else { failure }
}

/// What a panic said, where it said text.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}

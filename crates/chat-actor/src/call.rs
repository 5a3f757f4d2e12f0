//! One tool call: a task of its own that carries the tool's output to the feed.
//!
//! Started by the chat once `tool.start` is stored. It reports its end, also a panic, by mail; it
//! never decides anything. What it may touch: the feed through a writer for its own call, the
//! mailbox of its own chat, and the tool's future.

mod fit;
mod sink;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use polychat_core::{
    ChatId, Failure, FailureKind, Metadata, ToolCallId, TurnId,
    ports::{Callee, Tool, ToolInput},
    rules::TurnInput,
    tool::{ToolCall, ToolOutput, ToolSpec},
};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::{
    fit::{fit, fit_failure},
    sink::Sink,
};
use crate::{
    actor::{ChatRef, Mail},
    environment::Environment,
    feed::ToolWriter,
    gate::TurnPermit,
    host::{self, Stored},
    step::{after, deadline_passed, panic_text},
};

/// Everything that one tool call needs. Its chat was stamped by whoever started it (law 3).
pub(crate) struct Assignment {
    pub(crate) environment: Arc<Environment>,
    pub(crate) chat: ChatId,
    pub(crate) mailbox: ChatRef,
    pub(crate) writer: ToolWriter,
    pub(crate) tool: Arc<dyn Tool>,
    pub(crate) call: ToolCall,
    /// The stored host context of the chat.
    pub(crate) chat_context: Metadata,
    /// The stored host context of the prompt that began the turn.
    pub(crate) prompt_context: Metadata,
    pub(crate) turn: TurnId,
    pub(crate) id: ToolCallId,
    pub(crate) stop: CancellationToken,
    /// When the turn's time is over.
    pub(crate) turn_deadline: Instant,
    /// Held for as long as the task lasts.
    pub(crate) _permit: Option<TurnPermit>,
}

/// How a call ended.
enum End {
    Done(ToolOutput),
    Failed(Failure),
    /// The turn's time is over.
    TurnOver(Failure),
    /// Nobody wants to hear of it any more.
    Stopped,
}

/// Runs a tool call to its end and reports it.
pub(crate) async fn run(assignment: Assignment) {
    let began = Instant::now();
    let sink = Arc::new(Sink::new(&assignment));
    let end = AssertUnwindSafe(work(&assignment, &sink)).catch_unwind().await;
    let unshown = sink.close();
    metrics::histogram!("polychat_tool_seconds").record(began.elapsed());
    let call = assignment.id;
    let mut thrown = None;
    let input = match end {
        Ok(End::Stopped) => return,
        Ok(End::Done(output)) => TurnInput::ToolDone {
            call,
            output: ToolOutput { unshown_bytes: output.unshown_bytes.max(unshown), ..output },
        },
        Ok(End::Failed(failure)) => {
            TurnInput::ToolFailed { call, failure: fit_failure(failure, unshown) }
        }
        Ok(End::TurnOver(failure)) => TurnInput::TurnFailed { turn: assignment.turn, failure },
        Err(panic) => {
            let (world_id, chat_id) = (&assignment.environment.world, &assignment.chat);
            let (turn_id, tool_call_id) = (assignment.turn, assignment.id);
            tracing::warn!(%world_id, %chat_id, %turn_id, %tool_call_id, "a tool panicked");
            let failure = Failure::new(FailureKind::Panicked, panic_text(&*panic));
            thrown = Some(panic);
            TurnInput::ToolFailed { call, failure: fit_failure(failure, unshown) }
        }
    };
    assignment.mailbox.mail(Mail::Turn(input));
    // Only now: what was thrown may panic once more when it goes.
    drop(thrown);
}

async fn work(assignment: &Assignment, sink: &Arc<Sink>) -> End {
    let limits = &assignment.environment.limits;
    if assignment.stop.is_cancelled() {
        // Stopped before it began: a tool that nobody listens to is not even called.
        return End::Stopped;
    }
    let spec = assignment.tool.spec();
    let duration_max = spec
        .duration_max_ms
        .map_or(limits.tool_duration_max, Duration::from_millis)
        .min(limits.tool_duration_max);
    let deadline = after(Instant::now(), duration_max);
    tokio::select! {
        biased;
        () = assignment.stop.cancelled() => End::Stopped,
        ended = called(assignment, &spec, sink) => ended,
        () = sleep_until(deadline.min(assignment.turn_deadline)) => {
            if assignment.turn_deadline <= deadline {
                End::TurnOver(deadline_passed(limits))
            } else {
                let text = format!("the tool took longer than {duration_max:?}");
                End::Failed(Failure::new(FailureKind::Deadline, &text).retryable())
            }
        }
    }
}

async fn called(assignment: &Assignment, spec: &ToolSpec, sink: &Arc<Sink>) -> End {
    let stored = Stored { chat: &assignment.chat_context, prompt: &assignment.prompt_context };
    let callee = Callee::Tool(Arc::clone(&assignment.call.name));
    let context =
        match host::context(&assignment.environment, &assignment.chat, stored, callee).await {
            Ok(context) => context,
            Err(failure) => return End::Failed(failure),
        };
    let input = ToolInput::new(assignment.call.arguments.clone(), context);
    let bytes_max = assignment.environment.limits.tool_result_bytes_max;
    let bytes_max = spec.result_bytes_max.unwrap_or(bytes_max).min(bytes_max);
    match assignment.tool.call(input, Arc::clone(sink) as _).await {
        Ok(output) => End::Done(fit(output, bytes_max)),
        Err(failure) => End::Failed(failure),
    }
}

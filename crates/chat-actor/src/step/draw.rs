//! Drawing a model's stream into the feed.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll},
};

use futures_core::Stream;
use polychat_core::{
    Failure, FailureKind, Part,
    event::FinishReason,
    message::Usage,
    outcome::cut,
    ports::{ModelDelta, ModelError, ModelStream},
    tool::ToolCall,
};
use tokio::time::Instant;
use tokio_util::sync::WaitForCancellationFuture;

use super::{
    Assignment,
    watch::{Tick, Watch},
};
use crate::{actor::Mail, feed::PushError};

/// After how many deltas without a pause the time is looked at.
const DELTAS_BETWEEN_LOOKS: u32 = 64;

/// What a call costs besides what stands in it: many small ones are large, too.
const CALL_BYTES: usize = 64;

/// What a model said besides its text, which is in the feed.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) opaque: Vec<Part>,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) usage: Usage,
    pub(super) finish: FinishReason,
}

/// Why drawing ended before the stream did.
pub(super) enum Interruption {
    Stopped,
    Failed(Failure),
    /// The model's own error; `began` says whether it had said anything before.
    Model {
        error: ModelError,
        began: bool,
    },
}

/// Draws one answer, from the request to the end of the stream.
pub(super) async fn draw(assignment: &Assignment) -> Result<Drawn, Interruption> {
    let asked = Instant::now();
    let limits = &assignment.environment.limits;
    let mut stream = assignment.model.stream(assignment.request.clone());
    let mut stop = std::pin::pin!(assignment.stop.cancelled());
    let mut drawing = Drawing {
        assignment,
        watch: Watch::new(limits, assignment.deadline),
        drawn: Drawn::default(),
        began: false,
        text_bytes: 0,
        unsaved_bytes: 0,
        deltas: 0,
        silent: false,
    };
    loop {
        match poll_fn(|cx| drawing.poll_next(cx, &mut stream, stop.as_mut())).await {
            Next::Delta(Some(Ok(delta))) => {
                if !drawing.began {
                    drawing.began = true;
                    metrics::histogram!("polychat_first_chunk_seconds").record(asked.elapsed());
                }
                drawing.take(delta)?;
            }
            Next::Delta(Some(Err(error))) => {
                let began = drawing.began;
                return Err(Interruption::Model { error, began });
            }
            Next::Delta(None) => return Ok(drawing.drawn),
            Next::Moment(now) => drawing.look(now)?,
            Next::Stopped => return Err(Interruption::Stopped),
        }
        // A model that is always ready must not keep others from running.
        tokio::task::coop::consume_budget().await;
    }
}

enum Next {
    Delta(Option<Result<ModelDelta, ModelError>>),
    Moment(Instant),
    Stopped,
}

struct Drawing<'a> {
    assignment: &'a Assignment,
    watch: Watch,
    drawn: Drawn,
    began: bool,
    text_bytes: usize,
    /// Text since a checkpoint was last asked for.
    unsaved_bytes: usize,
    /// Deltas since the time was last looked at.
    deltas: u32,
    /// Whether the model was silent when it was last asked, so that the time is being watched.
    silent: bool,
}

impl Drawing<'_> {
    /// The next delta; while there is none, whether to stop or to look at the time.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut ModelStream,
        stop: Pin<&mut WaitForCancellationFuture<'_>>,
    ) -> Poll<Next> {
        if let Poll::Ready(item) = Pin::new(stream).poll_next(cx) {
            self.silent = false;
            return Poll::Ready(Next::Delta(item));
        }
        if stop.poll(cx).is_ready() {
            return Poll::Ready(Next::Stopped);
        }
        if !self.silent {
            self.silent = true;
            self.deltas = 0;
            self.watch.heard(Instant::now(), self.unsaved_bytes > 0);
        }
        self.watch.poll_moment(cx).map(Next::Moment)
    }

    fn take(&mut self, delta: ModelDelta) -> Result<(), Interruption> {
        match delta {
            ModelDelta::Text(text) => {
                self.show(&text, |fitting| self.assignment.writer.text(fitting))?;
            }
            ModelDelta::Reasoning(text) => {
                self.show(&text, |fitting| self.assignment.writer.reasoning(fitting))?;
            }
            ModelDelta::Opaque(part) => {
                self.count(part.bytes())?;
                self.drawn.opaque.push(part);
            }
            ModelDelta::ToolCall(call) => {
                let id = call.provider_call_id.as_ref().map_or(0, |id| id.len());
                self.count(CALL_BYTES + call.name.len() + id + call.arguments_bytes())?;
                self.drawn.tool_calls.push(call);
            }
            ModelDelta::Usage(usage) => self.drawn.usage = usage,
            ModelDelta::Finish(finish) => self.drawn.finish = finish,
            _ => {}
        }
        self.deltas += 1;
        if self.deltas >= DELTAS_BETWEEN_LOOKS {
            self.deltas = 0;
            let now = Instant::now();
            self.watch.heard(now, self.unsaved_bytes > 0);
            self.look(now)?;
            if self.assignment.stop.is_cancelled() {
                return Err(Interruption::Stopped);
            }
        }
        Ok(())
    }

    /// Shows text as far as the turn's output limit allows.
    fn show(
        &mut self,
        text: &str,
        push: impl FnOnce(&str) -> Result<(), PushError>,
    ) -> Result<(), Interruption> {
        let fitting = cut(text, self.bytes_left());
        if !fitting.is_empty() {
            push(fitting).map_err(|error| match error {
                PushError::OverLimit => Interruption::Failed(self.too_much()),
                PushError::Sealed | PushError::StaleEpoch => Interruption::Stopped,
            })?;
            self.text_bytes += fitting.len();
            self.unsaved_bytes += fitting.len();
            if self.unsaved_bytes >= self.assignment.environment.limits.checkpoint_bytes {
                self.ask_for_checkpoint();
            }
        }
        if fitting.len() < text.len() {
            return Err(Interruption::Failed(self.too_much()));
        }
        Ok(())
    }

    /// Counts what is kept beside the text against the same limit.
    fn count(&mut self, bytes: usize) -> Result<(), Interruption> {
        if bytes > self.bytes_left() {
            return Err(Interruption::Failed(self.too_much()));
        }
        self.text_bytes += bytes;
        Ok(())
    }

    fn bytes_left(&self) -> usize {
        let used = self.assignment.output_bytes_before + self.text_bytes;
        self.assignment.environment.limits.turn_output_bytes_max.saturating_sub(used)
    }

    fn too_much(&self) -> Failure {
        let max = self.assignment.environment.limits.turn_output_bytes_max;
        Failure::new(FailureKind::OutputLimit, &format!("the turn said more than {max} bytes"))
    }

    fn look(&mut self, now: Instant) -> Result<(), Interruption> {
        match self.watch.tick(now, &self.assignment.environment.limits) {
            Some(Tick::Over(failure)) => Err(Interruption::Failed(failure)),
            Some(Tick::Checkpoint) => {
                self.ask_for_checkpoint();
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Asks the chat to save what was shown; at most one such mail is under way.
    fn ask_for_checkpoint(&mut self) {
        self.unsaved_bytes = 0;
        let due = &self.assignment.checkpoint_due;
        if !due.swap(true, Ordering::AcqRel) {
            let mail = Mail::CheckpointDue(self.assignment.message, due.clone());
            self.assignment.mailbox.mail(mail);
        }
    }
}

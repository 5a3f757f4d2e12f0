//! The work of the running turn, ended when the state does not show it any more.

use std::{collections::HashMap, sync::Arc, time::Duration};

use polychat_core::{
    Diagnostic, MessageId, PromptId, Timestamp, ToolCallId, TurnId,
    diagnostic::DiagnosticKind,
    rules::{Effect, Input, TurnInput},
};
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

use super::{Broken, Chat, Phase, turn_clock::TurnClock};
use crate::{actor::Mail, gate::TurnPermit};

/// What runs for the chat, and when it began.
#[derive(Default)]
pub(super) struct Running {
    /// The model call; dropping it stops it.
    pub(super) model: Option<Job<MessageId>>,
    /// The tool calls; as many as may run at once.
    pub(super) tools: Vec<Job<ToolCallId>>,
    /// Stops the thinking about a title.
    pub(super) title: Option<DropGuard>,
    /// What is recorded as begun and waits for a place; as much as one decision begins.
    pub(super) postponed: Vec<Effect>,
    pub(super) clock: TurnClock,
    /// When the waiting prompts were accepted; as many as wait.
    accepted: HashMap<PromptId, Timestamp>,
}

/// A task that works for the chat. Dropping it stops it.
pub(super) struct Job<Id> {
    pub(super) turn: TurnId,
    pub(super) id: Id,
    pub(super) task: JoinHandle<()>,
    pub(super) stop: DropGuard,
}

impl Running {
    pub(super) fn prompt_accepted(&mut self, prompt: &PromptId, at: Timestamp) {
        self.accepted.insert(prompt.clone(), at);
    }

    pub(super) fn prompt_started(&mut self, prompt: &PromptId, at: Timestamp) {
        if let Some(accepted) = self.accepted.remove(prompt) {
            let waited = Duration::from_millis(at.0.saturating_sub(accepted.0));
            metrics::histogram!("polychat_queue_wait_seconds").record(waited);
        }
        if self.accepted.is_empty() {
            // An idle chat keeps no table.
            self.accepted = HashMap::new();
        }
    }

    /// What reports its end has ended by itself.
    pub(super) fn heard_from(&mut self, input: &TurnInput) {
        match input {
            TurnInput::MessageDone { message, .. } | TurnInput::MessageFailed { message, .. } => {
                self.model.take_if(|job| job.id == *message);
            }
            TurnInput::ToolDone { call, .. } | TurnInput::ToolFailed { call, .. } => {
                self.tools.retain(|job| job.id != *call);
            }
            TurnInput::TitleProposed { .. } => self.title = None,
            TurnInput::Checkpoint { .. } | TurnInput::TurnFailed { .. } => {}
        }
    }

    pub(super) fn prompt_gone(&mut self, prompt: &PromptId) {
        self.accepted.remove(prompt);
    }
}

impl Chat {
    /// Stops what the state does not show as open, and takes, asks for, or gives back a place among
    /// the running turns as the state needs it.
    pub(super) fn settle_work(&mut self) {
        let Phase::Ready(ready) = &self.phase else { return };
        let (state, running) = (&ready.state, &mut self.running);
        let open = state.open_message();
        let model = running.model.take_if(|job| Some(job.id) != open);
        let tools = running.tools.extract_if(.., |job| !state.is_call_running(job.id));
        let tools: Vec<_> = tools.collect();
        if running.tools.is_empty() {
            // An idle chat keeps no table.
            running.tools = Vec::new();
        }
        if !state.is_working() {
            running.clock.pause();
        }
        if !state.wants_title() {
            running.title = None;
        }
        if let Some(job) = model {
            self.watch_end(job);
        }
        for job in tools {
            self.watch_end(job);
        }
        let working = ready.state.is_working();
        let wants = ready.state.wants_to_run();
        self.slot.set_resting(!wants && ready.stall.is_none());
        if !working {
            self.permit = None;
            self.running.postponed = Vec::new();
        }
        let waits = wants && !working || !self.running.postponed.is_empty();
        if waits && !self.in_line && ready.stall.is_none() {
            self.in_line = true;
            let (place, myself) = (self.environment.gate.enter(), self.myself.clone());
            tokio::spawn(async move { myself.mail(Mail::Admitted(place.await)) });
        }
    }

    /// Reports a task that does not end in time. Nobody waits for it; its place among the running
    /// turns does.
    fn watch_end<Id>(&self, job: Job<Id>) {
        let Job { turn: turn_id, task, stop, .. } = job;
        drop(stop);
        if task.is_finished() {
            return;
        }
        let (environment, chat) = (Arc::clone(&self.environment), self.slot.chat.clone());
        tokio::spawn(async move {
            let patience = environment.limits.shutdown_drain_duration;
            if tokio::time::timeout(patience, task).await.is_err() {
                let (at, kind) = (environment.clock.now(), DiagnosticKind::TaskLingers { turn_id });
                environment.reporter.diagnostic(Diagnostic::of_chat(at, chat, kind));
            }
        });
    }

    pub(super) async fn handle_admitted(
        &mut self,
        permit: Option<TurnPermit>,
    ) -> Result<(), Broken> {
        if permit.is_none() {
            // The world shuts down. What waits stays in the log, and `in_line` keeps it from asking.
            return Ok(());
        }
        self.in_line = false;
        let Phase::Ready(ready) = &self.phase else { return Ok(()) };
        let (wants, working) = (ready.state.wants_to_run(), ready.state.is_working());
        if !wants || ready.stall.is_some() {
            // A stalled chat gets back in line once it has healed.
            return Ok(());
        }
        if working {
            self.begin_postponed(permit);
            return Ok(());
        }
        if self.permit.is_some() {
            return Ok(());
        }
        self.permit = permit;
        self.input(Input::Admitted, None).await
    }

    /// Begins what had no place; nothing is decided, because it is recorded already.
    fn begin_postponed(&mut self, permit: Option<TurnPermit>) {
        if self.running.postponed.is_empty() {
            return;
        }
        self.permit = self.permit.take().or(permit);
        for work in std::mem::take(&mut self.running.postponed) {
            self.begin(work);
        }
        self.settle_work();
    }

    /// The text of an open message that no checkpoint has saved.
    pub(super) fn unsaved(&self, message: MessageId) -> Option<TurnInput> {
        let Phase::Ready(ready) = &self.phase else { return None };
        if ready.state.open_message() != Some(message) || ready.stall.is_some() {
            return None;
        }
        let (text_from, reasoning_from) = ready.state.saved_bytes();
        let shown = self.slot.feed.shown_after(message, text_from, reasoning_from)?;
        if shown.text.is_empty() && shown.reasoning.is_empty() {
            return None;
        }
        Some(TurnInput::Checkpoint { message, text: shown.text, reasoning: shown.reasoning })
    }
}

//! The work of the running turn: begun by effects, ended when the state does not show it any more.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use polychat_core::{
    Diagnostic, Failure, FailureKind, MessageId, PromptId, Timestamp, TurnId,
    diagnostic::DiagnosticKind,
    ports::{HostContext, ModelRequest},
    rules::{Decision, Effect, Input, TurnInput},
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Broken, Chat, Phase};
use crate::{
    actor::Mail,
    gate::TurnPermit,
    step::{self, Assignment},
};

/// What runs for the chat, and when it began.
#[derive(Default)]
pub(super) struct Running {
    /// The model call; dropping it stops it.
    model: Option<ModelCall>,
    /// When the running turn began, in this life of the actor, and when its time is over.
    turn: Option<(TurnId, Instant)>,
    /// When the waiting prompts were accepted; as many as wait.
    accepted: HashMap<PromptId, Timestamp>,
}

struct ModelCall {
    turn: TurnId,
    message: MessageId,
    task: JoinHandle<()>,
    stop: DropGuard,
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

    /// A model call that reports its end has ended by itself.
    pub(super) fn heard_from(&mut self, input: &TurnInput) {
        if let TurnInput::MessageDone { message, .. } | TurnInput::MessageFailed { message, .. } =
            input
        {
            self.model.take_if(|call| call.message == *message);
        }
    }

    pub(super) fn prompt_gone(&mut self, prompt: &PromptId) {
        self.accepted.remove(prompt);
    }

    /// How long a turn that has ended took.
    pub(super) fn turn_ended(&mut self, turn: TurnId) -> Option<Duration> {
        let (_, began) = self.turn.take_if(|(running, _)| *running == turn)?;
        Some(began.elapsed())
    }

    /// When a turn of this chat began; now, if it was not known.
    fn turn_began(&mut self, turn: TurnId) -> Instant {
        match self.turn {
            Some((running, began)) if running == turn => began,
            _ => self.turn.insert((turn, Instant::now())).1,
        }
    }
}

impl Chat {
    /// Carries out what a decision begins, and settles the rest.
    pub(super) async fn take_effect(&mut self, decision: Decision) -> Result<(), Broken> {
        let mut remove = false;
        for effect in decision.effects {
            match effect {
                Effect::CallModel { message, .. } => self.call_model(message),
                Effect::CallTool { id, call, .. } => {
                    let message = format!("nothing here runs the tool {:?}", call.name);
                    let failure = Failure::new(FailureKind::NotConfigured, &message);
                    self.myself.mail(Mail::Turn(TurnInput::ToolFailed { call: id, failure }));
                }
                Effect::ProposeTitle => {}
                Effect::RemoveLog => remove = true,
            }
        }
        self.settle_work();
        if remove { self.remove_log().await } else { Ok(()) }
    }

    fn call_model(&mut self, message: MessageId) {
        let Phase::Ready(ready) = &self.phase else { return };
        let Some(step) = ready.state.step().filter(|step| step.message == message) else { return };
        let environment = &self.environment;
        let Some(model) = environment.models.get(&step.config.model) else {
            let text = format!("no model is registered as {}", step.config.model);
            let failure = Failure::new(FailureKind::NotConfigured, &text);
            return self.myself.mail(Mail::Turn(TurnInput::MessageFailed { message, failure }));
        };
        let tools = environment
            .tools
            .catalog()
            .specs()
            .into_iter()
            .filter(|spec| step.config.tools.includes(&spec.name))
            .collect();
        let mut request = ModelRequest::new(step.messages);
        request.system = step.config.system.clone();
        request.params = step.config.params.clone();
        request.tools = tools;
        let mut context = HostContext::default();
        context.chat = step.chat_context;
        context.prompt = step.prompt_context;
        context.handle.clone_from(&environment.handle);
        request.context = context;

        let began = self.running.turn_began(step.turn);
        let token = CancellationToken::new();
        let assignment = Assignment {
            environment: Arc::clone(environment),
            chat: self.slot.chat.clone(),
            mailbox: self.myself.clone(),
            writer: self.slot.feed.writer(ready.epoch, step.turn, message),
            model: Arc::clone(model),
            request,
            turn: step.turn,
            message,
            stop: token.clone(),
            deadline: step::after(began, environment.limits.turn_duration_max),
            output_bytes_before: step.output_bytes,
            checkpoint_due: Arc::new(AtomicBool::new(false)),
            _permit: self.permit.clone(),
        };
        let task = environment.tasks.spawn(step::run(assignment));
        let stop = token.drop_guard();
        self.running.model = Some(ModelCall { turn: step.turn, message, task, stop });
    }

    /// Stops what the state does not show as open, and takes, asks for, or gives back a place among
    /// the running turns as the state needs it.
    pub(super) fn settle_work(&mut self) {
        let Phase::Ready(ready) = &self.phase else { return };
        let open = ready.state.open_message();
        if let Some(stopped) = self.running.model.take_if(|call| Some(call.message) != open) {
            self.watch_end(stopped);
        }
        let working = ready.state.is_working();
        let wants = ready.state.wants_to_run();
        self.slot.set_resting(!wants && ready.stall.is_none());
        if !working {
            self.permit = None;
        }
        if wants && !working && !self.in_line && ready.stall.is_none() {
            self.in_line = true;
            let (place, myself) = (self.environment.gate.enter(), self.myself.clone());
            tokio::spawn(async move { myself.mail(Mail::Admitted(place.await)) });
        }
    }

    /// Reports a task that does not end in time. Nobody waits for it; its place among the running
    /// turns does.
    fn watch_end(&self, call: ModelCall) {
        let ModelCall { turn: turn_id, task, stop, .. } = call;
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
        if self.permit.is_some() || !wants || working || ready.stall.is_some() {
            // A stalled chat gets back in line once it has healed.
            return Ok(());
        }
        self.permit = permit;
        self.input(Input::Admitted, None).await
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

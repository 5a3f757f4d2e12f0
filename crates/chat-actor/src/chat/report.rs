//! What the world, operators and metrics hear of a chat. Never the contents of messages.

use std::sync::Arc;

use polychat_core::{
    ChatStatus, Diagnostic, Event, Recorded, Seq, StatusKind, Timestamp, content::Text,
    diagnostic::DiagnosticKind,
};

use super::{Chat, Phase, status_of};

impl Chat {
    /// Says what was just recorded.
    pub(super) fn report(&mut self, events: &[Arc<Recorded>]) {
        let (mut created, mut deleted) = (false, false);
        for recorded in events {
            self.trace(recorded);
            created |= matches!(recorded.event, Event::ChatCreated { .. });
            deleted |= matches!(recorded.event, Event::ChatDeleted {});
        }
        if deleted {
            self.slot.feed.end(polychat_core::EndReason::Deleted);
            self.environment.reporter.deleted(self.status());
        } else if created {
            self.environment.reporter.created(self.status());
        } else {
            self.report_status();
        }
    }

    fn trace(&mut self, recorded: &Recorded) {
        let (world_id, chat_id) = (&self.environment.world, &recorded.chat_id);
        let (seq, event) = (recorded.seq.get(), recorded.event.name());
        match &recorded.event {
            Event::TurnEnded { turn_id, outcome } => {
                let outcome_word = outcome.as_str();
                tracing::info!(%world_id, %chat_id, %turn_id, seq, outcome = outcome_word, "turn ended");
                metrics::counter!("polychat_turns_total", "outcome" => outcome_word).increment(1);
                if let Some(started) = self.running.clock.ended(*turn_id) {
                    metrics::histogram!("polychat_turn_seconds").record(started);
                }
                if let polychat_core::TurnOutcome::Failed { failure } = outcome {
                    let failure = failure.kind.as_str().into();
                    self.report_diagnostic(DiagnosticKind::TurnFailed {
                        turn_id: *turn_id,
                        failure,
                    });
                }
            }
            Event::TurnStarted { prompt_ids, .. } => {
                let turn_id = recorded.seq;
                tracing::info!(%world_id, %chat_id, %turn_id, seq, "turn started");
                for prompt in prompt_ids {
                    self.running.prompt_started(prompt, recorded.at);
                }
            }
            Event::PromptAccepted { prompt_id, .. } => {
                tracing::debug!(%world_id, %chat_id, %prompt_id, seq, "prompt accepted");
                metrics::counter!("polychat_prompts_accepted_total").increment(1);
                self.running.prompt_accepted(prompt_id, recorded.at);
            }
            Event::PromptJoined { prompt_id, turn_id } => {
                tracing::debug!(%world_id, %chat_id, %turn_id, %prompt_id, seq, "prompt joined");
                self.running.prompt_started(prompt_id, recorded.at);
            }
            Event::PromptWithdrawn { prompt_id, .. } => {
                tracing::debug!(%world_id, %chat_id, %prompt_id, seq, "prompt withdrawn");
                self.running.prompt_gone(prompt_id);
            }
            _ => tracing::debug!(%world_id, %chat_id, seq, event, "recorded"),
        }
    }

    /// What the chat is doing, as far as this actor knows.
    pub(super) fn status(&self) -> ChatStatus {
        let other = |kind| ChatStatus {
            chat_id: self.slot.chat.clone(),
            kind,
            turn_id: None,
            last_outcome: None,
            queued: 0,
            head: self.slot.feed.head(),
            title: Text::from(""),
        };
        match &self.phase {
            Phase::Ready(ready) => status_of(ready),
            Phase::Unread(_) => other(StatusKind::Stalled),
            Phase::Quarantined(_) => other(StatusKind::Failed),
            Phase::Absent | Phase::Deleted => other(StatusKind::Closed),
        }
    }

    /// A chat of which nothing is known yet has no status: it may not even exist. Nor has one that
    /// was deleted, whatever its log still has to go through.
    pub(super) fn report_status(&self) {
        let status = self.status();
        if status.head > Seq::ZERO && !self.slot.feed.is_deleted() {
            self.environment.reporter.status(status);
        }
    }

    pub(super) fn report_stall(&self, reason: &str) {
        self.report_diagnostic(DiagnosticKind::Stalled { reason: reason.into() });
        self.report_status();
    }

    pub(super) fn report_diagnostic(&self, kind: DiagnosticKind) {
        let at: Timestamp = self.environment.clock.now();
        let diagnostic = Diagnostic::of_chat(at, self.slot.chat.clone(), kind);
        self.environment.reporter.diagnostic(diagnostic);
    }
}

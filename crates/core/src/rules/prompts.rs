//! Prompts: taken, changed, withdrawn, and where they stand in the queue.

use std::collections::VecDeque;

use super::{
    ChatState, Decision, Facts,
    create::{check_metadata, check_size},
    draft::Draft,
    fingerprint::fingerprint,
    state::{Life, Queued, Stage},
};
use crate::{
    command::{Accepted, PromptChange},
    content::{Part, bytes_of},
    event::{Event, PromptBody, PromptMode, WithdrawReason},
    id::PromptId,
    outcome::{PromptOutcome, TurnOutcome},
    refusal::Refusal,
};

/// Where a prompt of this mode goes in the queue: an interrupt before everything, a steer behind
/// interrupts and older steers, all else to the end.
pub(super) fn position(queue: &VecDeque<Queued>, mode: PromptMode) -> usize {
    match mode {
        PromptMode::Interrupt => 0,
        PromptMode::Steer => queue
            .iter()
            .take_while(|queued| matches!(queued.mode, PromptMode::Interrupt | PromptMode::Steer))
            .count(),
        PromptMode::Queue | PromptMode::Reject => queue.len(),
    }
}

impl ChatState {
    pub(super) fn decide_send(
        &self,
        prompt: PromptId,
        mode: PromptMode,
        body: PromptBody,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        if let Some(answer) = self.sent_before(&prompt, Some(&body)) {
            return answer;
        }
        self.check_body(&body, facts)?;
        if mode == PromptMode::Reject && (self.turn.is_some() || !self.queue.is_empty()) {
            let turn_id = self.turn.as_ref().map(|turn| turn.id);
            return Err(Refusal::ChatBusy { turn_id, queued: self.queue.len() });
        }
        let interrupts = mode == PromptMode::Interrupt && self.turn.is_some();
        let runs_now = facts.may_run && (self.turn.is_none() || interrupts);
        if !runs_now {
            self.room_in_queue(facts)?;
        }
        let mut draft = Draft::new(self, facts.at);
        if interrupts {
            self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
        }
        let queued = accept(&mut draft, prompt, mode, body, facts);
        if runs_now {
            let first = match self.queue.front() {
                Some(front) if position(&self.queue, mode) > 0 => front,
                _ => &queued,
            };
            self.start_turn(&mut draft, first, usize::MAX, facts);
        }
        Ok(draft.done())
    }

    /// The answer to a prompt id that was used before; `None` for a fresh one.
    pub(super) fn sent_before(
        &self,
        prompt: &PromptId,
        body: Option<&PromptBody>,
    ) -> Option<Result<Decision, Refusal>> {
        let record = self.prompts.get(prompt)?;
        if body.is_some_and(|body| fingerprint(body) != record.fingerprint) {
            return Some(Err(Refusal::Conflict { prompt_id: prompt.clone() }));
        }
        let accepted = Accepted { prompt_id: prompt.clone(), accepted_seq: record.accepted };
        Some(Ok(Decision { accepted: Some(accepted), ..Decision::default() }))
    }

    /// Refuses what a chat in this state cannot take, whatever the queue looks like.
    pub(super) fn check_body(&self, body: &PromptBody, facts: &Facts<'_>) -> Result<(), Refusal> {
        if self.life == Life::Closed {
            return Err(Refusal::ChatClosed {});
        }
        check_parts(&body.parts, facts)?;
        check_metadata("metadata", &body.metadata, facts.limits)?;
        check_metadata("context", &body.context, facts.limits)?;
        if let Some(agent) = &body.agent
            && facts.agents.get(agent).is_none()
        {
            return Err(Refusal::UnknownAgent { agent: agent.clone() });
        }
        self.room_for_more(facts)
    }

    pub(super) fn room_in_queue(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let max = facts.limits.prompts_queued_max;
        if self.queue.len() >= max { Err(Refusal::QueueFull { max }) } else { Ok(()) }
    }

    fn waiting(&self, prompt: &PromptId) -> Result<&Queued, Refusal> {
        let prompt_id = prompt.clone();
        match self.queue.iter().find(|queued| queued.id == *prompt) {
            Some(queued) => Ok(queued),
            None if self.prompts.contains_key(prompt) => {
                Err(Refusal::PromptNotWaiting { prompt_id })
            }
            None => Err(Refusal::UnknownPrompt { prompt_id }),
        }
    }

    pub(super) fn decide_edit(
        &self,
        prompt: &PromptId,
        change: PromptChange,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        let waiting = self.waiting(prompt)?;
        let PromptChange { parts, mode } = change;
        if let Some(parts) = &parts {
            check_parts(parts, facts)?;
        }
        if mode == Some(PromptMode::Reject) {
            let why = "a prompt that waits cannot be rejected any more; withdraw it".into();
            return Err(Refusal::InvalidInput { what: "mode".into(), why });
        }
        let parts = parts.filter(|parts| *parts != waiting.body.parts);
        // An interrupt acts as if it had just been sent so, also when an older one is made newer.
        let first = self.turn.is_none() && self.queue.front().is_some_and(|q| q.id == *prompt);
        let again = |mode: PromptMode| mode == PromptMode::Interrupt && !first;
        let mode = mode.filter(|mode| *mode != waiting.mode || again(*mode));
        let mut draft = Draft::new(self, facts.at);
        if parts.is_none() && mode.is_none() {
            return Ok(draft.done());
        }
        self.room_for_more(facts)?;
        let interrupts = mode == Some(PromptMode::Interrupt);
        if interrupts {
            self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
        }
        let prompt_id = prompt.clone();
        draft.push(Event::PromptEdited { prompt_id, parts: parts.clone(), mode });
        if interrupts && facts.may_run {
            let mut first = waiting.clone();
            first.body.parts = parts.unwrap_or(first.body.parts);
            self.start_turn(&mut draft, &first, usize::MAX, facts);
        }
        Ok(draft.done())
    }

    pub(super) fn decide_withdraw(
        &self,
        prompt: &PromptId,
        facts: &Facts<'_>,
    ) -> Result<Decision, Refusal> {
        let stage = self.prompts.get(prompt).map(|record| &record.stage);
        if let Some(Stage::Ended(_, PromptOutcome::Withdrawn)) = stage {
            return Ok(Decision::default());
        }
        let prompt_id = self.waiting(prompt)?.id.clone();
        let mut draft = Draft::new(self, facts.at);
        draft.push(Event::PromptWithdrawn { prompt_id, reason: WithdrawReason::Requested });
        Ok(draft.done())
    }
}

/// Records that a prompt is taken, and answers with what then waits.
pub(super) fn accept(
    draft: &mut Draft<'_>,
    id: PromptId,
    mode: PromptMode,
    body: PromptBody,
    facts: &Facts<'_>,
) -> Queued {
    let event = Event::PromptAccepted { prompt_id: id.clone(), mode, body: body.clone() };
    let accepted = draft.push(event);
    draft.accepted(Accepted { prompt_id: id.clone(), accepted_seq: accepted });
    Queued { id, mode, accepted, at: facts.at, body }
}

fn check_parts(parts: &[Part], facts: &Facts<'_>) -> Result<(), Refusal> {
    let bytes = bytes_of(parts);
    if bytes == 0 {
        let (what, why) = ("parts".into(), "a prompt must say something".into());
        return Err(Refusal::InvalidInput { what, why });
    }
    check_size("prompt", bytes, facts.limits.prompt_bytes_max)
}

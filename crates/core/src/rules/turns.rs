//! How turns begin, go from step to step, and end.

use std::sync::Arc;

use super::{
    ChatState, Decision, Effect, Facts, Shown,
    context::{before_turn, within_turn},
    decide::{EVENTS_PER_CALL, EVENTS_PER_TURN},
    draft::Draft,
    routing::{Answerers, answerers, answers_next, config_of},
    state::{Phase, Queued, Turn, Work},
};
use crate::{
    agent::AgentConfig,
    content::{Part, bytes_of},
    event::{Event, FinishReason, PromptMode},
    id::AgentName,
    message::{Omitted, Usage},
    outcome::{Failure, FailureKind, TurnOutcome},
    seq::{MessageId, ToolCallId, TurnId},
    tool::ToolCall,
};

/// How a model call ended well.
pub(super) struct MessageEnd {
    pub(super) opaque: Vec<Part>,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) usage: Usage,
    pub(super) finish: FinishReason,
}

impl ChatState {
    /// Starts the turn of the first waiting prompt, if a turn may follow at once.
    pub(super) fn start_next(&self, draft: &mut Draft<'_>, facts: &mut Facts<'_>) {
        let may_run = if self.turn.is_some() { facts.may_run_next } else { facts.may_run };
        if may_run && let Some(next) = self.queue.front() {
            self.start_turn(draft, next, self.history.len(), facts);
        }
    }

    /// Starts a turn with a prompt, behind the first `history` messages and those that the draft
    /// adds.
    pub(super) fn start_turn(
        &self,
        draft: &mut Draft<'_>,
        prompt: &Queued,
        history: usize,
        facts: &Facts<'_>,
    ) {
        let Answerers { first, then } = answerers(prompt, self.info.agent.as_ref(), facts.agents);
        let turn = TurnId(draft.next_seq());
        draft.push(Event::TurnStarted {
            prompt_ids: vec![prompt.id.clone()],
            agent: first.name.clone(),
            then,
        });
        let omitted = before_turn(draft, history, bytes_of(&prompt.body.parts), facts);
        begin_message(draft, turn, 1, first, omitted);
    }

    pub(super) fn decide_message_done(
        &self,
        message_id: MessageId,
        end: MessageEnd,
        facts: &mut Facts<'_>,
    ) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        let Some((turn, step)) = self.open_step().filter(|(_, step)| step.message == message_id)
        else {
            return draft.done();
        };
        if let Some(failure) = self.too_many_calls(end.tool_calls.len(), facts) {
            self.end_turn(&mut draft, TurnOutcome::Failed { failure }, facts);
            self.start_next(&mut draft, facts);
            return draft.done();
        }
        let Shown { text, reasoning } = self.seal(message_id, facts);
        let MessageEnd { opaque, tool_calls, usage, finish } = end;
        draft.push(Event::MessageEnd {
            message_id,
            text: Arc::clone(&text),
            reasoning,
            opaque,
            tool_calls: tool_calls.clone(),
            finish,
            usage,
        });
        if !tool_calls.is_empty() {
            self.begin_calls(&mut draft, turn, step, &tool_calls, facts);
        } else if let Some(to) = answers_next(turn, &text, facts.agents) {
            let (turn_id, from, to) = (turn.id, turn.agent.clone(), to.clone());
            draft.push(Event::TurnHandedOff { turn_id, from, to: to.clone() });
            self.next_step(&mut draft, turn, &to, facts);
        } else {
            draft.push(Event::TurnEnded { turn_id: turn.id, outcome: TurnOutcome::Completed });
            self.propose_title(&mut draft, facts);
            self.start_next(&mut draft, facts);
        }
        draft.done()
    }

    /// Why a step cannot ask for so many calls.
    fn too_many_calls(&self, calls: usize, facts: &Facts<'_>) -> Option<Failure> {
        let max = facts.limits.tool_calls_per_step_max.min(usize::from(u16::MAX));
        let (kind, message) = if calls > max {
            (FailureKind::InvalidResponse, format!("the model asked for {calls} calls at once"))
        } else if calls > 0 && !self.has_room(EVENTS_PER_CALL * calls as u64, facts) {
            (FailureKind::StepsLimit, "the log has no room for more calls".to_owned())
        } else {
            return None;
        };
        Some(Failure::new(kind, &message))
    }

    /// Why a turn cannot take another step.
    fn no_more_steps(&self, turn: &Turn, facts: &Facts<'_>) -> Option<Failure> {
        let message = if turn.step >= facts.limits.steps_max {
            format!("the turn took {} model calls", turn.step)
        } else if !self.has_room(EVENTS_PER_TURN, facts) {
            "the log has no room for another step".to_owned()
        } else {
            return None;
        };
        Some(Failure::new(FailureKind::StepsLimit, &message))
    }

    /// Goes on with a turn that has found its place among the running ones again.
    pub(super) fn resume(&self, draft: &mut Draft<'_>, facts: &mut Facts<'_>) {
        let Some(turn) = &self.turn else { return };
        match &turn.work {
            Work::Between => self.next_step(draft, turn, &turn.agent, facts),
            Work::Calls(calls) => {
                self.advance_calls(draft, turn, &mut calls.board(), facts);
            }
            Work::Message(_) => {}
        }
    }

    /// Begins the next model call of a turn, if it may run; prompts that steer join here.
    pub(super) fn next_step(
        &self,
        draft: &mut Draft<'_>,
        turn: &Turn,
        agent: &AgentName,
        facts: &mut Facts<'_>,
    ) {
        if !facts.may_run {
            return;
        }
        if let Some(failure) = self.no_more_steps(turn, facts) {
            let outcome = TurnOutcome::Failed { failure };
            draft.push(Event::TurnEnded { turn_id: turn.id, outcome });
            return self.start_next(draft, facts);
        }
        let mut added = 0;
        for steer in self.queue.iter().filter(|queued| queued.mode == PromptMode::Steer) {
            added += bytes_of(&steer.body.parts);
            let prompt_id = steer.id.clone();
            draft.push(Event::PromptJoined { prompt_id, turn_id: turn.id });
        }
        let config = config_of(turn, agent, facts.agents);
        let omitted = within_turn(draft, added, facts);
        begin_message(draft, turn.id, turn.step + 1, config, omitted);
    }

    /// Ends the running turn, if one runs, and everything that is open in it.
    pub(super) fn end_turn(
        &self,
        draft: &mut Draft<'_>,
        outcome: TurnOutcome,
        facts: &mut Facts<'_>,
    ) {
        let Some(turn) = &self.turn else { return };
        match &turn.work {
            Work::Between => {}
            Work::Message(step) => {
                let Shown { text, reasoning } = self.seal(step.message, facts);
                let failure = failure_with(&outcome, FailureKind::Interrupted);
                let message_id = step.message;
                draft.push(Event::MessageError { message_id, text, reasoning, failure });
            }
            Work::Calls(calls) => {
                for (index, (_, phase)) in (0..=u16::MAX).zip(&calls.calls) {
                    let tool_call_id = ToolCallId { message: calls.message, index };
                    let failure = match phase {
                        Phase::Ended => continue,
                        Phase::Running => failure_with(&outcome, FailureKind::UnknownOutcome),
                        Phase::Ready => failure_with(&outcome, FailureKind::Interrupted),
                        Phase::Awaiting(_) => {
                            draft.push(Event::ApprovalResolved { tool_call_id, decision: None });
                            failure_with(&outcome, FailureKind::Interrupted)
                        }
                    };
                    draft.push(Event::ToolError { tool_call_id, failure });
                }
            }
        }
        draft.push(Event::TurnEnded { turn_id: turn.id, outcome });
    }

    /// All that was shown of an open message: from the feed, or else as far as it was saved.
    fn seal(&self, message: MessageId, facts: &mut Facts<'_>) -> Shown {
        (facts.seal)(message).unwrap_or_else(|| {
            let saved = self.open_step().map(|(_, step)| step);
            Shown {
                text: saved.map(|step| step.saved_text.as_str()).unwrap_or_default().into(),
                reasoning: saved
                    .map(|step| step.saved_reasoning.as_str())
                    .unwrap_or_default()
                    .into(),
            }
        })
    }
}

fn begin_message(
    draft: &mut Draft<'_>,
    turn_id: TurnId,
    step: u32,
    agent: Arc<AgentConfig>,
    omitted: Omitted,
) {
    let message = MessageId(draft.push(Event::MessageStart { turn_id, step, agent, omitted }));
    draft.effect(Effect::CallModel { turn: turn_id, message });
}

/// Why something open ends together with its turn.
fn failure_with(outcome: &TurnOutcome, when_lost: FailureKind) -> Failure {
    match outcome {
        TurnOutcome::Failed { failure } => failure.clone(),
        TurnOutcome::Interrupted => Failure::new(when_lost, "the process ended or was shut down"),
        TurnOutcome::Cancelled | TurnOutcome::Completed => {
            Failure::new(FailureKind::Cancelled, "stopped together with its turn")
        }
    }
}

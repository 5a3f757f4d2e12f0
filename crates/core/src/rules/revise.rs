//! Revisions: an earlier user message is replaced, and all after it goes.

use super::{ChatState, Decision, Facts, draft::Draft, prompts::accept, state::PromptRecord};
use crate::{
    command::ReviseTarget,
    event::{Event, PromptBody, PromptMode},
    id::PromptId,
    message::{Message, Role},
    outcome::TurnOutcome,
    refusal::Refusal,
    seq::TurnId,
};

impl ChatState {
    /// One append: the running turn ends, the history is cut, the new prompt is taken and runs
    /// next; the queue stays behind it.
    pub(super) fn decide_revise(
        &self,
        target: ReviseTarget,
        prompt: PromptId,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        let (position, body) = match target {
            ReviseTarget::Message { id, body } => {
                if let Some(answer) = self.sent_before(&prompt, Some(&body)) {
                    return answer;
                }
                let found = self.history.position(id);
                let user = found.and_then(|at| self.history.entries().get(at));
                match (found, user) {
                    (Some(at), Some(message)) if message.is_user() => (at, body),
                    _ => return Err(Refusal::UnknownMessage { message_id: id }),
                }
            }
            ReviseTarget::Turn(turn_id) => {
                let found = self.history.first_of_turn(turn_id);
                let first = found.and_then(|at| Some((at, self.history.entries().get(at)?)));
                let Some((at, message)) = first else {
                    return self.retried_before(turn_id, &prompt);
                };
                let body = self.body_of(message);
                if let Some(answer) = self.sent_before(&prompt, Some(&body)) {
                    return answer;
                }
                (at, body)
            }
        };
        self.check_body(&body, facts)?;
        if !facts.may_run {
            self.room_in_queue(facts)?;
        }
        let Some(first) = self.history.entries().get(position) else {
            return Ok(Decision::default());
        };
        let mut draft = Draft::new(self, facts.at);
        self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
        draft.push(Event::HistoryTruncated { from: first.id });
        // Recorded as an interrupt, which is what puts it before the waiting ones.
        let queued = accept(&mut draft, prompt, PromptMode::Interrupt, body, facts);
        if facts.may_run {
            self.start_turn(&mut draft, &queued, position, facts);
        }
        Ok(draft.done())
    }

    /// The answer to a retry of a turn that the history does not have: the retry was accepted
    /// before, if a prompt of this name came after the turn, or else there is no such turn.
    fn retried_before(&self, turn_id: TurnId, prompt: &PromptId) -> Result<Decision, Refusal> {
        // With the turn went the body to compare with.
        let accepted_later =
            self.prompts.get(prompt).is_some_and(|record| record.accepted > turn_id.0);
        let answer = accepted_later.then(|| self.sent_before(prompt, None)).flatten();
        answer.unwrap_or(Err(Refusal::UnknownTurn { turn_id }))
    }

    /// What was submitted as this message.
    fn body_of(&self, message: &Message) -> PromptBody {
        let record: Option<&PromptRecord> = match &message.role {
            Role::User { prompt_id: Some(id) } => self.prompts.get(id),
            _ => None,
        };
        PromptBody {
            parts: message.parts.clone(),
            metadata: message.metadata.clone(),
            agent: record.and_then(|record| record.agent.clone()),
            context: record.map(|record| record.context.clone()).unwrap_or_default(),
        }
    }
}

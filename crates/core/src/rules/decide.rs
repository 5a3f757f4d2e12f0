//! From an input to a decision or a refusal.

use super::{
    ChatCommand, ChatState, Decision, Facts, Input, TurnInput,
    create::{check_metadata, check_title, given_by_hand},
    draft::Draft,
    state::{Life, Work},
};
use crate::{
    command::{CancelTarget, ChatChange},
    event::{Event, WithdrawReason},
    outcome::TurnOutcome,
    refusal::Refusal,
    seq::TurnId,
};

/// What a prompt needs at most from its acceptance to the end of a turn of one step: start, start
/// and end of a message, end; joined or withdrawn instead; handed on before each further step; and
/// some to spare.
pub(super) const EVENTS_PER_TURN: u64 = 8;

/// What a call needs at most: asked, decided, started, ended.
pub(super) const EVENTS_PER_CALL: u64 = 4;

impl ChatState {
    /// Judges an input against the state. Nothing changes until the decision's events are applied.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for a command that the rules decline. Reports of a turn are never refused: one
    /// about something that has ended decides nothing.
    pub fn decide(&self, input: Input, facts: &mut Facts<'_>) -> Result<Decision, Refusal> {
        match self.life {
            Life::Absent => {
                return Err(Refusal::UnknownChat { chat_id: self.chat_id.clone() });
            }
            Life::Deleted => return self.decide_deleted(&input),
            Life::Open | Life::Closed => {}
        }
        match input {
            Input::Command(command) => self.decide_command(command, facts),
            Input::Turn(input) => Ok(self.decide_turn_input(input, facts)),
            Input::Admitted => Ok(self.decide_admitted(facts)),
            Input::Recover => Ok(self.decide_recover(facts)),
            Input::Interrupt => Ok(self.decide_interrupt(facts)),
        }
    }

    /// A log that ends in `chat.deleted` finishes the job, and refuses the rest.
    fn decide_deleted(&self, input: &Input) -> Result<Decision, Refusal> {
        match input {
            Input::Command(ChatCommand::Delete) | Input::Recover => {
                let mut decision = Decision::default();
                decision.effects.push(super::Effect::RemoveLog);
                Ok(decision)
            }
            Input::Command(_) => Err(Refusal::ChatDeleted { chat_id: self.chat_id.clone() }),
            Input::Turn(_) | Input::Admitted | Input::Interrupt => Ok(Decision::default()),
        }
    }

    fn decide_command(
        &self,
        command: ChatCommand,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        match command {
            ChatCommand::Update(change) => self.decide_update(change, facts),
            ChatCommand::Close => Ok(self.decide_close(facts)),
            ChatCommand::Reopen => self.decide_reopen(facts),
            ChatCommand::Delete => Ok(self.decide_delete(facts)),
            ChatCommand::Send { prompt, mode, body } => self.decide_send(prompt, mode, body, facts),
            ChatCommand::Edit { prompt, change } => self.decide_edit(&prompt, change, facts),
            ChatCommand::Withdraw { prompt } => self.decide_withdraw(&prompt, facts),
            ChatCommand::Cancel(target) => self.decide_cancel(target, facts),
            ChatCommand::Revise { target, prompt } => self.decide_revise(target, prompt, facts),
            ChatCommand::Decide { call, decision } => self.decide_approval(call, decision, facts),
        }
    }

    fn decide_turn_input(&self, input: TurnInput, facts: &mut Facts<'_>) -> Decision {
        match input {
            TurnInput::MessageDone { message, opaque, tool_calls, usage, finish } => {
                let end = super::turns::MessageEnd { opaque, tool_calls, usage, finish };
                self.decide_message_done(message, end, facts)
            }
            TurnInput::MessageFailed { message, failure } => match self.open_step() {
                Some((turn, step)) if step.message == message => {
                    let turn = turn.id;
                    self.decide_turn_failed(turn, failure, facts)
                }
                _ => Decision::default(),
            },
            TurnInput::Checkpoint { message, text, reasoning } => match self.open_step() {
                Some((_, step))
                    if step.message == message
                        && !(text.is_empty() && reasoning.is_empty())
                        && self.has_room(EVENTS_PER_TURN, facts) =>
                {
                    let mut draft = Draft::new(self, facts.at);
                    draft.push(Event::MessageCheckpoint { message_id: message, text, reasoning });
                    draft.done()
                }
                _ => Decision::default(),
            },
            TurnInput::ToolDone { call, output } => self.decide_tool_ended(call, Ok(output), facts),
            TurnInput::ToolFailed { call, failure } => {
                self.decide_tool_ended(call, Err(failure), facts)
            }
            TurnInput::TitleProposed { title } => self.decide_title(&title, facts),
            TurnInput::TurnFailed { turn, failure } => {
                self.decide_turn_failed(turn, failure, facts)
            }
        }
    }

    fn decide_update(&self, change: ChatChange, facts: &Facts<'_>) -> Result<Decision, Refusal> {
        let ChatChange { title, metadata, archived, agent } = change;
        if let Some(title) = &title {
            check_title(title, facts.limits)?;
        }
        if let Some(metadata) = &metadata {
            check_metadata("metadata", metadata, facts.limits)?;
        }
        if let Some(agent) = &agent
            && facts.agents.get(agent).is_none()
        {
            return Err(Refusal::UnknownAgent { agent: agent.clone() });
        }
        let given = title.map(|title| (given_by_hand(&title), title));
        let given = given.filter(|(provenance, title)| {
            *title != self.info.title || *provenance != self.info.provenance
        });
        let (provenance, title) = given.unzip();
        let metadata = metadata.filter(|metadata| *metadata != self.info.metadata);
        let archived = archived.filter(|archived| *archived != self.info.archived);
        let agent = agent.filter(|agent| self.info.agent.as_ref() != Some(agent));
        let mut draft = Draft::new(self, facts.at);
        if title.is_some() || metadata.is_some() || archived.is_some() || agent.is_some() {
            self.room_for_more(facts)?;
            draft.push(Event::ChatUpdated { title, provenance, metadata, archived, agent });
        }
        Ok(draft.done())
    }

    fn decide_close(&self, facts: &mut Facts<'_>) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        if self.life == Life::Open {
            self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
            self.withdraw_all(&mut draft, WithdrawReason::Closed);
            draft.push(Event::ChatClosed {});
        }
        draft.done()
    }

    fn decide_reopen(&self, facts: &Facts<'_>) -> Result<Decision, Refusal> {
        let mut draft = Draft::new(self, facts.at);
        if self.life == Life::Closed {
            self.room_for_more(facts)?;
            draft.push(Event::ChatReopened {});
        }
        Ok(draft.done())
    }

    fn decide_delete(&self, facts: &mut Facts<'_>) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
        self.withdraw_all(&mut draft, WithdrawReason::Deleted);
        draft.push(Event::ChatDeleted {});
        draft.effect(super::Effect::RemoveLog);
        draft.done()
    }

    fn withdraw_all(&self, draft: &mut Draft<'_>, reason: WithdrawReason) {
        for queued in &self.queue {
            draft.push(Event::PromptWithdrawn { prompt_id: queued.id.clone(), reason });
        }
    }

    fn decide_cancel(
        &self,
        target: CancelTarget,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        let running = self.turn.as_ref().map(|turn| turn.id);
        match target {
            CancelTarget::Running if running.is_none() => return Err(Refusal::NothingRunning {}),
            CancelTarget::Turn(turn_id) if running != Some(turn_id) => {
                return Err(Refusal::TurnNotRunning { turn_id, running });
            }
            CancelTarget::Running | CancelTarget::Turn(_) => {}
        }
        let mut draft = Draft::new(self, facts.at);
        self.end_turn(&mut draft, TurnOutcome::Cancelled, facts);
        self.start_next(&mut draft, facts);
        Ok(draft.done())
    }

    fn decide_turn_failed(
        &self,
        turn: TurnId,
        failure: crate::outcome::Failure,
        facts: &mut Facts<'_>,
    ) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        if self.turn.as_ref().is_some_and(|running| running.id == turn) {
            self.end_turn(&mut draft, TurnOutcome::Failed { failure }, facts);
            self.start_next(&mut draft, facts);
        }
        draft.done()
    }

    fn decide_admitted(&self, facts: &mut Facts<'_>) -> Decision {
        // Being admitted is having a place.
        facts.may_run = true;
        let mut draft = Draft::new(self, facts.at);
        if self.turn.is_some() {
            self.resume(&mut draft, facts);
        } else if self.life == Life::Open
            && let Some(next) = self.queue.front()
        {
            self.start_turn(&mut draft, next, self.history.len(), facts);
        }
        draft.done()
    }

    /// What began and did not end has an unknown or an interrupted end; what only waits goes on
    /// waiting. Nothing is run again.
    fn decide_recover(&self, facts: &mut Facts<'_>) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        match &self.turn {
            Some(turn) if turn.is_resting() => {
                if facts.may_run {
                    self.resume(&mut draft, facts);
                }
            }
            Some(_) => {
                self.end_turn(&mut draft, TurnOutcome::Interrupted, facts);
                self.start_next(&mut draft, facts);
            }
            None => self.start_next(&mut draft, facts),
        }
        draft.done()
    }

    fn decide_interrupt(&self, facts: &mut Facts<'_>) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        if self.turn.as_ref().is_some_and(|turn| !turn.is_resting()) {
            self.end_turn(&mut draft, TurnOutcome::Interrupted, facts);
        }
        draft.done()
    }

    /// Refuses what would add to a log that is nearly full.
    pub(super) fn room_for_more(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let (events, max) = (self.head.get(), facts.limits.log_events_max);
        let room = self.has_room(4 * EVENTS_PER_TURN, facts);
        if room { Ok(()) } else { Err(Refusal::ChatFull { events, max }) }
    }

    /// Whether `more` events fit into the log besides those that everything accepted needs to end,
    /// and the chat to be closed and deleted.
    pub(super) fn has_room(&self, more: u64, facts: &Facts<'_>) -> bool {
        let turn = match self.turn.as_ref().map(|turn| &turn.work) {
            None => 0,
            Some(Work::Between | Work::Message(_)) => EVENTS_PER_TURN,
            Some(Work::Calls(calls)) => {
                EVENTS_PER_TURN + EVENTS_PER_CALL * calls.calls.len() as u64
            }
        };
        let owed = EVENTS_PER_TURN * (1 + self.queue.len() as u64) + turn;
        self.head.get() + owed + more <= facts.limits.log_events_max
    }
}

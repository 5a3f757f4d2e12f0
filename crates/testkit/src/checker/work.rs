//! Law 5 for what a turn does: turns and messages, each with one end; calls are in their own file.

use std::{collections::HashMap, sync::Arc};

use polychat_core::{AgentConfig, AgentName, Event, Recorded, Seq, TurnId, seq::MessageId};

use super::{
    calls::Calls,
    told::Moment,
    violation::{LogFault, OpenWork},
};

/// What was recorded of one message's text.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) turn: TurnId,
    /// Who writes it, as configured.
    pub(super) agent: Arc<AgentConfig>,
    /// Saved by checkpoints.
    pub(super) text_saved: String,
    pub(super) reasoning_saved: String,
    /// Where it ended; `None` while it is open.
    pub(super) end: Option<WrittenEnd>,
}

/// How a message ended.
#[derive(Debug, Clone)]
pub(super) struct WrittenEnd {
    pub(super) seq: Seq,
    pub(super) text: Arc<str>,
    pub(super) reasoning: Arc<str>,
}

/// The turn that runs, and all that turns did.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) turn: Option<TurnId>,
    pub(super) open: Option<MessageId>,
    pub(super) written: HashMap<MessageId, Written>,
    pub(super) calls: Calls,
    interrupted: bool,
    steps: u32,
}

impl Work {
    /// Judges one event and takes it over.
    pub(super) fn apply(
        &mut self,
        recorded: &Recorded,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        self.calls.apply(recorded.seq, &recorded.event, self.turn, moment, faults);
        match &recorded.event {
            Event::TurnStarted { .. } => self.turn_started(TurnId(recorded.seq), faults),
            Event::TurnHandedOff { turn_id, .. } => self.in_turn(*turn_id, faults),
            Event::TurnEnded { turn_id, .. } => self.turn_ended(*turn_id, faults),
            Event::PromptJoined { turn_id, .. } => {
                self.in_turn(*turn_id, faults);
                self.not_interrupted(faults);
            }
            Event::MessageStart { turn_id, step, agent, .. } => {
                self.in_turn(*turn_id, faults);
                self.not_interrupted(faults);
                self.steps_on(*step, faults);
                self.message_start(MessageId(recorded.seq), *turn_id, agent);
            }
            Event::MessageCheckpoint { message_id, text, reasoning } => {
                self.checkpoint(*message_id, text, reasoning, faults);
            }
            Event::MessageEnd { message_id, text, reasoning, tool_calls, .. } => {
                let end = written_end(recorded.seq, text, reasoning);
                if let Some((turn, agent)) = self.message_end(*message_id, end, faults)
                    && self.turn == Some(turn)
                {
                    self.calls.asked(*message_id, turn, &agent, tool_calls, moment);
                }
            }
            Event::MessageError { message_id, text, reasoning, .. } => {
                let end = written_end(recorded.seq, text, reasoning);
                self.message_end(*message_id, end, faults);
            }
            Event::HistoryTruncated { .. } => {
                if let Some(running) = self.turn {
                    faults.push(LogFault::TruncatedMidTurn { running });
                }
            }
            Event::ToolStart { .. } => self.not_interrupted(faults),
            _ => {}
        }
    }

    /// The running turn was interrupted by a prompt: it may end, and nothing else.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = self.turn.is_some();
    }

    /// Something that is not ended, if there is any.
    pub(super) fn open_work(&self) -> Option<OpenWork> {
        let message = self.open.map(OpenWork::Message);
        let approval = || self.calls.pending().map(OpenWork::Approval);
        let call = || self.calls.unended().map(OpenWork::Call);
        message.or_else(approval).or_else(call)
    }

    /// Who wrote the message that ends here.
    pub(super) fn writer_of(&self, event: &Event) -> Option<&AgentName> {
        let (Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. }) = event
        else {
            return None;
        };
        self.written.get(message_id).map(|written| &written.agent.name)
    }

    /// Whether at least one call waits for a person.
    pub(super) fn waits(&self) -> bool {
        self.calls.pending().is_some()
    }

    /// Whether the turn can do nothing until a person decides.
    pub(super) fn only_waits(&self) -> bool {
        self.open.is_none() && self.calls.only_wait()
    }

    fn turn_started(&mut self, turn: TurnId, faults: &mut Vec<LogFault>) {
        if let Some(running) = self.turn {
            faults.push(LogFault::TwoTurns { running });
        }
        self.turn = Some(turn);
        self.steps = 0;
        self.interrupted = false;
    }

    fn turn_ended(&mut self, turn: TurnId, faults: &mut Vec<LogFault>) {
        self.in_turn(turn, faults);
        if self.turn != Some(turn) {
            return;
        }
        if let Some(open) = self.open_work() {
            faults.push(LogFault::EndedWithOpen { open });
        }
        self.turn = None;
        self.open = None;
        self.calls.close();
    }

    fn in_turn(&self, named: TurnId, faults: &mut Vec<LogFault>) {
        if self.turn != Some(named) {
            faults.push(LogFault::ForeignTurn { named, running: self.turn });
        }
    }

    fn not_interrupted(&self, faults: &mut Vec<LogFault>) {
        if let (true, Some(turn)) = (self.interrupted, self.turn) {
            faults.push(LogFault::WorkAfterInterrupt { turn });
        }
    }

    fn steps_on(&mut self, step: u32, faults: &mut Vec<LogFault>) {
        if let Some(open) = self.open {
            faults.push(LogFault::TwoMessages { open });
        }
        if let Some(missing) = self.calls.unended() {
            faults.push(LogFault::StepBeforeResults { missing });
        }
        let expected = self.steps.saturating_add(1);
        if step != expected {
            faults.push(LogFault::StepOutOfOrder { expected, got: step });
        }
        self.steps = step;
    }

    fn message_start(&mut self, message: MessageId, turn: TurnId, agent: &Arc<AgentConfig>) {
        self.open = Some(message);
        let written = Written {
            turn,
            agent: Arc::clone(agent),
            text_saved: String::new(),
            reasoning_saved: String::new(),
            end: None,
        };
        self.written.insert(message, written);
    }

    fn checkpoint(
        &mut self,
        message: MessageId,
        text: &str,
        reasoning: &str,
        faults: &mut Vec<LogFault>,
    ) {
        match self.written.get_mut(&message) {
            None => faults.push(LogFault::MessageNotOpen { message }),
            Some(Written { end: Some(_), .. }) => {
                faults.push(LogFault::MessageEndedTwice { message });
            }
            Some(written) => {
                written.text_saved.push_str(text);
                written.reasoning_saved.push_str(reasoning);
            }
        }
    }

    fn message_end(
        &mut self,
        message: MessageId,
        end: WrittenEnd,
        faults: &mut Vec<LogFault>,
    ) -> Option<(TurnId, Arc<AgentConfig>)> {
        let Some(written) = self.written.get_mut(&message) else {
            faults.push(LogFault::MessageNotOpen { message });
            return None;
        };
        if written.end.is_some() {
            faults.push(LogFault::MessageEndedTwice { message });
            return None;
        }
        let prefix = end.text.starts_with(&written.text_saved)
            && end.reasoning.starts_with(&written.reasoning_saved);
        if !prefix {
            faults.push(LogFault::CheckpointNotPrefix { message });
        }
        let of = (written.turn, Arc::clone(&written.agent));
        written.end = Some(end);
        if self.open == Some(message) {
            self.open = None;
        }
        Some(of)
    }
}

fn written_end(seq: Seq, text: &Arc<str>, reasoning: &Arc<str>) -> WrittenEnd {
    WrittenEnd { seq, text: Arc::clone(text), reasoning: Arc::clone(reasoning) }
}

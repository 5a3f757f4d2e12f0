//! Law 5 for what a turn does: turns, messages, tool calls and approvals, each with one end.

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

use polychat_core::{
    Event, Recorded, Seq, ToolCallId, TurnId, seq::MessageId, tool::ApprovalDecision,
};

use super::violation::{LogFault, OpenWork};

/// What was recorded of one message's text.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) turn: TurnId,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Approval {
    NotAsked,
    Pending,
    Given,
    Answered,
    NotGiven,
}

/// One tool call of the running turn or an earlier one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    approval: Approval,
    turn: TurnId,
    pub(super) start: Option<Seq>,
    pub(super) end: Option<Seq>,
}

/// The turn that runs, and all that turns did.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) turn: Option<TurnId>,
    pub(super) open: Option<MessageId>,
    pub(super) written: HashMap<MessageId, Written>,
    pub(super) calls: HashMap<ToolCallId, Call>,
    interrupted: bool,
    steps: u32,
    // The calls of the running turn that have not ended, and those of them that wait for a person.
    unended: BTreeMap<ToolCallId, ()>,
    pending: BTreeMap<ToolCallId, ()>,
}

impl Work {
    /// Judges one event and takes it over.
    pub(super) fn apply(&mut self, recorded: &Recorded, faults: &mut Vec<LogFault>) {
        match &recorded.event {
            Event::TurnStarted { .. } => self.turn_started(TurnId(recorded.seq), faults),
            Event::TurnHandedOff { turn_id, .. } => self.in_turn(*turn_id, faults),
            Event::TurnEnded { turn_id, .. } => self.turn_ended(*turn_id, faults),
            Event::PromptJoined { turn_id, .. } => {
                self.in_turn(*turn_id, faults);
                self.not_interrupted(faults);
            }
            Event::MessageStart { turn_id, step, .. } => {
                self.in_turn(*turn_id, faults);
                self.not_interrupted(faults);
                self.message_start(MessageId(recorded.seq), *turn_id, *step, faults);
            }
            Event::MessageCheckpoint { message_id, text, reasoning } => {
                self.checkpoint(*message_id, text, reasoning, faults);
            }
            Event::MessageEnd { message_id, text, reasoning, tool_calls, .. } => {
                let end = written_end(recorded.seq, text, reasoning);
                if let Some(turn) = self.message_end(*message_id, end, faults) {
                    self.asked(*message_id, turn, tool_calls.len());
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
            event => self.apply_to_call(recorded.seq, event, faults),
        }
    }

    /// The running turn was interrupted by a prompt: it may end, and nothing else.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = self.turn.is_some();
    }

    /// Something that is not ended, if there is any.
    pub(super) fn open_work(&self) -> Option<OpenWork> {
        let message = self.open.map(OpenWork::Message);
        let approval = || self.pending.keys().next().copied().map(OpenWork::Approval);
        let call = || self.unended.keys().next().copied().map(OpenWork::Call);
        message.or_else(approval).or_else(call)
    }

    /// Whether at least one call waits for a person.
    pub(super) fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the turn can do nothing until a person decides.
    pub(super) fn only_waits(&self) -> bool {
        self.waits() && self.open.is_none() && self.pending.len() == self.unended.len()
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
        self.unended.clear();
        self.pending.clear();
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

    fn message_start(
        &mut self,
        message: MessageId,
        turn: TurnId,
        step: u32,
        faults: &mut Vec<LogFault>,
    ) {
        if let Some(open) = self.open {
            faults.push(LogFault::TwoMessages { open });
        }
        if let Some((&missing, ())) = self.unended.iter().next() {
            faults.push(LogFault::StepBeforeResults { missing });
        }
        let expected = self.steps.saturating_add(1);
        if step != expected {
            faults.push(LogFault::StepOutOfOrder { expected, got: step });
        }
        self.steps = step;
        self.open = Some(message);
        let written =
            Written { turn, text_saved: String::new(), reasoning_saved: String::new(), end: None };
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
    ) -> Option<TurnId> {
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
        let turn = written.turn;
        written.end = Some(end);
        if self.open == Some(message) {
            self.open = None;
        }
        Some(turn)
    }

    fn asked(&mut self, message: MessageId, turn: TurnId, calls: usize) {
        for index in 0..u16::try_from(calls).unwrap_or(u16::MAX) {
            let call = ToolCallId { message, index };
            let asked = Call { approval: Approval::NotAsked, turn, start: None, end: None };
            self.calls.insert(call, asked);
            if self.turn == Some(turn) {
                self.unended.insert(call, ());
            }
        }
    }

    fn apply_to_call(&mut self, seq: Seq, event: &Event, faults: &mut Vec<LogFault>) {
        let (Event::ToolStart { tool_call_id, .. }
        | Event::ToolResult { tool_call_id, .. }
        | Event::ToolError { tool_call_id, .. }
        | Event::ApprovalRequested { tool_call_id, .. }
        | Event::ApprovalResolved { tool_call_id, .. }) = event
        else {
            return;
        };
        let id = *tool_call_id;
        let running = self.turn;
        let Some(call) = self.calls.get_mut(&id).filter(|call| Some(call.turn) == running) else {
            let known = self.calls.get(&id).is_some_and(|call| call.end.is_some());
            faults.push(if known {
                LogFault::CallEndedTwice { call: id }
            } else {
                LogFault::UnknownCall { call: id }
            });
            return;
        };
        if let Some(fault) = call.apply(id, seq, event) {
            faults.push(fault);
        }
        if matches!(event, Event::ToolStart { .. }) {
            self.not_interrupted(faults);
        }
        self.sort_in(id);
    }

    fn sort_in(&mut self, id: ToolCallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let put = |set: &mut BTreeMap<ToolCallId, ()>, member| {
            if member {
                set.insert(id, ())
            } else {
                set.remove(&id)
            };
        };
        put(&mut self.unended, call.end.is_none());
        put(&mut self.pending, call.approval == Approval::Pending);
    }
}

fn written_end(seq: Seq, text: &Arc<str>, reasoning: &Arc<str>) -> WrittenEnd {
    WrittenEnd { seq, text: Arc::clone(text), reasoning: Arc::clone(reasoning) }
}

impl Call {
    fn apply(&mut self, call: ToolCallId, seq: Seq, event: &Event) -> Option<LogFault> {
        // An approval may be withdrawn after the error that ended its call, in the same append.
        if let Event::ApprovalResolved { decision, .. } = event {
            return self.resolve(call, decision.as_ref());
        }
        if self.end.is_some() {
            return Some(LogFault::CallEndedTwice { call });
        }
        match event {
            Event::ApprovalRequested { .. } => self.ask(call),
            Event::ToolStart { .. } => self.begin(call, seq),
            Event::ToolResult { .. } => {
                self.end = Some(seq);
                // The answer to a question is its result; nothing was run.
                let ran = self.start.is_some() || self.approval == Approval::Answered;
                (!ran).then_some(LogFault::CallNotStarted { call })
            }
            // A denied, invalid or cancelled call ends in an error without a start.
            _ => {
                self.end = Some(seq);
                None
            }
        }
    }

    fn ask(&mut self, call: ToolCallId) -> Option<LogFault> {
        if self.start.is_some() {
            return Some(LogFault::ApprovalAfterStart { call });
        }
        if self.approval != Approval::NotAsked {
            return Some(LogFault::ApprovalAskedTwice { call });
        }
        self.approval = Approval::Pending;
        None
    }

    fn resolve(
        &mut self,
        call: ToolCallId,
        decision: Option<&ApprovalDecision>,
    ) -> Option<LogFault> {
        if self.approval != Approval::Pending {
            return Some(LogFault::ApprovalNotPending { call });
        }
        self.approval = match decision {
            Some(ApprovalDecision::AllowOnce | ApprovalDecision::AllowForChat) => Approval::Given,
            Some(ApprovalDecision::Answer { .. }) => Approval::Answered,
            Some(_) | None => Approval::NotGiven,
        };
        None
    }

    fn begin(&mut self, call: ToolCallId, seq: Seq) -> Option<LogFault> {
        if self.start.is_some() {
            return Some(LogFault::CallStartedTwice { call });
        }
        self.start = Some(seq);
        // An answered question may be recorded as started or not: its answer is the result.
        let allowed = !matches!(self.approval, Approval::Pending | Approval::NotGiven);
        (!allowed).then_some(LogFault::StartWithoutApproval { call })
    }
}

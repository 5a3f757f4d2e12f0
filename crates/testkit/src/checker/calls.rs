//! Law 5 for tool calls: asked for, allowed, begun and ended in this order, each once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use polychat_core::{
    AgentConfig, Event, Failure, FailureKind, Seq, ToolCallId, TurnId,
    content::{Part, Text, text_of},
    event::ApprovalKind,
    outcome::{FAILURE_MESSAGE_BYTES_MAX, cut},
    seq::MessageId,
    tool::{ApprovalDecision, ToolCall, ToolOutput, Verdict},
};
use serde_json::Value;

use super::{told::Moment, violation::LogFault};

/// Where a call stands with a person.
#[derive(Debug, Clone, PartialEq)]
enum Approval {
    NotAsked,
    Pending(ApprovalKind),
    Given,
    Answered(Value),
    Denied(Text),
    /// The turn ended before anybody decided.
    Ended,
}

/// One tool call of the running turn or an earlier one.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) asked: ToolCall,
    pub(super) turn: TurnId,
    pub(super) start: Option<Seq>,
    pub(super) end: Option<Seq>,
    /// Whether a person is asked for the result, so that no tool may run.
    pub(super) is_question: bool,
    approval: Approval,
    /// Whether the agent may use the tool at all.
    is_selected: bool,
    /// Whether it may run with nobody being asked, as far as was known when the model asked.
    may_skip_approval: bool,
    /// Whether somebody may have to be asked, likewise.
    may_be_asked: bool,
}

/// All calls of a chat.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    all: HashMap<ToolCallId, Call>,
    // The calls of the running turn that have not ended, those of them that wait for a person, and
    // those that run.
    unended: BTreeSet<ToolCallId>,
    pending: BTreeMap<ToolCallId, ApprovalKind>,
    running: BTreeSet<ToolCallId>,
    /// The tools that a person allowed for this chat.
    allowed: BTreeSet<Text>,
    /// The tool that the event before allowed for the chat.
    just_allowed: Option<Text>,
}

impl Calls {
    pub(super) fn get(&self, id: &ToolCallId) -> Option<&Call> {
        self.all.get(id)
    }

    /// A call of the running turn that has not ended.
    pub(super) fn unended(&self) -> Option<ToolCallId> {
        self.unended.first().copied()
    }

    /// A call of the running turn that waits for a person.
    pub(super) fn pending(&self) -> Option<ToolCallId> {
        self.pending.keys().next().copied()
    }

    /// Whether calls are open and all of them wait for a person.
    pub(super) fn only_wait(&self) -> bool {
        !self.pending.is_empty() && self.pending.len() == self.unended.len()
    }

    /// The turn has ended: nothing of it is open any more, rightly or not.
    pub(super) fn close(&mut self) {
        self.unended.clear();
        self.pending.clear();
        self.running.clear();
    }

    /// A message of the running turn asks for calls.
    pub(super) fn asked(
        &mut self,
        message: MessageId,
        turn: TurnId,
        agent: &AgentConfig,
        calls: &[ToolCall],
        moment: Moment<'_>,
    ) {
        for (index, asked) in (0..=u16::MAX).zip(calls) {
            let id = ToolCallId { message, index };
            let tool = &asked.name;
            let may = |verdict| moment.policy_may_say(agent, tool, verdict);
            let call = Call {
                asked: asked.clone(),
                turn,
                start: None,
                end: None,
                is_question: false,
                approval: Approval::NotAsked,
                is_selected: agent.tools.includes(tool),
                may_skip_approval: may(Verdict::Allow)
                    || (may(Verdict::Ask)
                        && self.allowed.contains(tool)
                        && moment.is_question(tool) != Some(true)),
                may_be_asked: may(Verdict::Ask),
            };
            self.all.insert(id, call);
            self.unended.insert(id);
        }
    }

    /// Judges one event, if it is about a call, and takes it over.
    pub(super) fn apply(
        &mut self,
        seq: Seq,
        event: &Event,
        running: Option<TurnId>,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        self.follow_allowed(event, faults);
        let (Event::ToolStart { tool_call_id: id, .. }
        | Event::ToolResult { tool_call_id: id, .. }
        | Event::ToolError { tool_call_id: id, .. }
        | Event::ApprovalRequested { tool_call_id: id, .. }
        | Event::ApprovalResolved { tool_call_id: id, .. }) = event
        else {
            return;
        };
        let id = *id;
        let known = self.all.get(&id).is_some_and(|call| call.end.is_some());
        let Some(call) = self.all.get_mut(&id).filter(|call| Some(call.turn) == running) else {
            faults.push(if known {
                LogFault::CallEndedTwice { call: id }
            } else {
                LogFault::UnknownCall { call: id }
            });
            return;
        };
        let asks = matches!(event, Event::ApprovalRequested { kind: ApprovalKind::Permission, .. });
        if asks && self.allowed.contains(&call.asked.name) {
            faults.push(LogFault::AskedThoughAllowed { call: id });
        }
        call.apply(id, seq, event, faults);
        self.sort_in(id, moment, faults);
    }

    /// What a person allows for the chat holds at once for all that wait beside it.
    fn follow_allowed(&mut self, event: &Event, faults: &mut Vec<LogFault>) {
        let allows = match event {
            Event::ApprovalResolved {
                tool_call_id,
                decision: Some(ApprovalDecision::AllowForChat),
            } => self.all.get(tool_call_id).map(|call| Arc::clone(&call.asked.name)),
            _ => None,
        };
        if let Some(before) =
            self.just_allowed.take().filter(|before| Some(before) != allows.as_ref())
        {
            let waits = |(id, kind): (&ToolCallId, &ApprovalKind)| {
                let of_tool = self.all.get(id).is_some_and(|call| call.asked.name == before);
                (of_tool && *kind == ApprovalKind::Permission).then_some(*id)
            };
            let still = self.pending.iter().find_map(waits);
            faults.extend(still.map(|call| LogFault::AskedThoughAllowed { call }));
        }
        self.allowed.extend(allows.clone());
        self.just_allowed = allows;
    }

    fn sort_in(&mut self, id: ToolCallId, moment: Moment<'_>, faults: &mut Vec<LogFault>) {
        let Some(call) = self.all.get(&id) else { return };
        if call.end.is_some() {
            self.unended.remove(&id);
        }
        match call.approval {
            Approval::Pending(kind) => self.pending.insert(id, kind),
            _ => self.pending.remove(&id),
        };
        // A question that is answered is recorded as begun, and nothing of it runs.
        if call.start.is_some() && call.end.is_none() && !call.is_question {
            let is_new = self.running.insert(id);
            let (running, max) = (self.running.len(), moment.parallel_calls_max());
            if let Some(max) = max.filter(|max| is_new && running > *max) {
                faults.push(LogFault::TooManyCallsAtOnce { running, max });
            }
        } else {
            self.running.remove(&id);
        }
    }
}

impl Call {
    fn apply(&mut self, call: ToolCallId, seq: Seq, event: &Event, faults: &mut Vec<LogFault>) {
        // An approval may be withdrawn after the error that ended its call, in the same append.
        if self.end.is_some() && !matches!(event, Event::ApprovalResolved { .. }) {
            return faults.push(LogFault::CallEndedTwice { call });
        }
        let fault = match event {
            Event::ApprovalRequested { kind, name, arguments, .. } => {
                self.ask(call, *kind, name, arguments)
            }
            Event::ApprovalResolved { decision, .. } => self.resolve(call, decision.as_ref()),
            Event::ToolStart { name, .. } => self.begin(call, seq, name),
            Event::ToolResult { output, .. } => {
                self.end = Some(seq);
                self.judge_result(call, output)
            }
            Event::ToolError { failure, .. } => {
                self.end = Some(seq);
                self.judge_error(call, failure)
            }
            _ => None,
        };
        faults.extend(fault);
    }

    fn ask(
        &mut self,
        call: ToolCallId,
        kind: ApprovalKind,
        name: &Text,
        arguments: &Value,
    ) -> Option<LogFault> {
        if self.start.is_some() {
            return Some(LogFault::ApprovalAfterStart { call });
        }
        if self.approval != Approval::NotAsked {
            return Some(LogFault::ApprovalAskedTwice { call });
        }
        self.approval = Approval::Pending(kind);
        self.is_question = kind == ApprovalKind::Question;
        if *name != self.asked.name || *arguments != self.asked.arguments {
            return Some(LogFault::CallChanged { call });
        }
        (!self.is_selected || !self.may_be_asked).then_some(LogFault::AskedInVain { call })
    }

    fn resolve(
        &mut self,
        call: ToolCallId,
        decision: Option<&ApprovalDecision>,
    ) -> Option<LogFault> {
        let Approval::Pending(kind) = self.approval else {
            return Some(LogFault::ApprovalNotPending { call });
        };
        self.approval = match decision {
            Some(ApprovalDecision::AllowOnce | ApprovalDecision::AllowForChat) => Approval::Given,
            Some(ApprovalDecision::Answer { data }) => Approval::Answered(data.clone()),
            Some(ApprovalDecision::Deny { reason }) => Approval::Denied(Arc::clone(reason)),
            Some(_) | None => Approval::Ended,
        };
        let fits = match self.approval {
            Approval::Given => kind == ApprovalKind::Permission,
            Approval::Answered(_) => kind == ApprovalKind::Question,
            _ => true,
        };
        (!fits).then_some(LogFault::DecisionUnfit { call })
    }

    fn begin(&mut self, call: ToolCallId, seq: Seq, name: &Text) -> Option<LogFault> {
        if self.start.is_some() {
            return Some(LogFault::CallStartedTwice { call });
        }
        self.start = Some(seq);
        if *name != self.asked.name {
            return Some(LogFault::CallChanged { call });
        }
        if !self.is_selected {
            return Some(LogFault::CallNotSelected { call });
        }
        let allowed = match self.approval {
            Approval::NotAsked => self.may_skip_approval,
            // The answer to a question is recorded as its start and result.
            Approval::Given | Approval::Answered(_) => true,
            Approval::Pending(_) | Approval::Denied(_) | Approval::Ended => false,
        };
        (!allowed).then_some(LogFault::StartWithoutApproval { call })
    }

    fn judge_result(&self, call: ToolCallId, output: &ToolOutput) -> Option<LogFault> {
        if let Approval::Answered(data) = &self.approval {
            // The answer of a person is the result, and nothing was run.
            let said = data.as_str().map_or_else(|| data.to_string(), str::to_owned);
            return (!is_text(&output.parts, &said)).then_some(LogFault::DecisionUnfit { call });
        }
        self.start.is_none().then_some(LogFault::CallNotStarted { call })
    }

    fn judge_error(&self, call: ToolCallId, failure: &Failure) -> Option<LogFault> {
        let fits = match &self.approval {
            Approval::Denied(reason) => {
                let heard = cut(reason, FAILURE_MESSAGE_BYTES_MAX);
                failure.kind == FailureKind::Denied && *failure.message == *heard
            }
            Approval::Answered(_) => false,
            _ => true,
        };
        if !fits {
            return Some(LogFault::DecisionUnfit { call });
        }
        // Whether it took effect is unknown only of what has begun.
        let unknown = failure.kind == FailureKind::UnknownOutcome;
        (unknown && self.start.is_none()).then_some(LogFault::CallNotStarted { call })
    }
}

fn is_text(parts: &[Part], said: &str) -> bool {
    text_of(parts) == said
}

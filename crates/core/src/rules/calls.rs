//! Tool calls of a step: allowed, asked about, run, answered.

use super::{
    ChatState, Decision, Effect, Facts,
    create::check_size,
    draft::Draft,
    state::{Calls, OpenStep, Phase, Turn},
};
use crate::{
    agent::AgentConfig,
    content::json_bytes,
    event::{ApprovalKind, Event},
    outcome::{Failure, FailureKind},
    refusal::Refusal,
    seq::{MessageId, ToolCallId},
    tool::{ApprovalDecision, ToolCall, ToolKind, ToolOutput, Verdict},
};

/// The calls of a step while a decision is made: phases change here first.
pub(super) struct Board<'a> {
    message: MessageId,
    calls: Vec<(&'a ToolCall, Phase)>,
}

impl Calls {
    pub(super) fn board(&self) -> Board<'_> {
        Board {
            message: self.message,
            calls: self.calls.iter().map(|(call, phase)| (call, *phase)).collect(),
        }
    }
}

impl<'a> Board<'a> {
    fn id(&self, index: usize) -> ToolCallId {
        ToolCallId { message: self.message, index: u16::try_from(index).unwrap_or(u16::MAX) }
    }

    fn set(&mut self, index: usize, phase: Phase) {
        if let Some((_, slot)) = self.calls.get_mut(index) {
            *slot = phase;
        }
    }

    fn get(&self, index: usize) -> Option<(&'a ToolCall, Phase)> {
        self.calls.get(index).copied()
    }

    /// A person has decided: the call waits no longer.
    fn resolve(&mut self, draft: &mut Draft<'_>, index: usize, decision: ApprovalDecision) {
        self.set(index, Phase::Ready);
        let tool_call_id = self.id(index);
        draft.push(Event::ApprovalResolved { tool_call_id, decision: Some(decision) });
    }

    /// Allows a tool for the chat: every call of it that waits for permission may run.
    fn allow_all(&mut self, draft: &mut Draft<'_>, tool: &str) {
        for index in 0..self.calls.len() {
            if let Some((call, Phase::Awaiting(ApprovalKind::Permission))) = self.get(index)
                && *call.name == *tool
            {
                self.resolve(draft, index, ApprovalDecision::AllowForChat);
            }
        }
    }

    fn fail(&mut self, draft: &mut Draft<'_>, index: usize, failure: Failure) {
        self.set(index, Phase::Ended);
        draft.push(Event::ToolError { tool_call_id: self.id(index), failure });
    }
}

impl ChatState {
    /// Judges the calls that a message asks for and begins those that may run.
    pub(super) fn begin_calls(
        &self,
        draft: &mut Draft<'_>,
        turn: &Turn,
        step: &OpenStep,
        calls: &[ToolCall],
        facts: &mut Facts<'_>,
    ) {
        let mut board = Board {
            message: step.message,
            calls: calls.iter().map(|call| (call, Phase::Ready)).collect(),
        };
        for (index, call) in calls.iter().enumerate() {
            match self.judge(&step.config, call, facts) {
                Ok(None) => {}
                Ok(Some(kind)) => {
                    board.set(index, Phase::Awaiting(kind));
                    draft.push(Event::ApprovalRequested {
                        tool_call_id: board.id(index),
                        kind,
                        name: call.name.clone(),
                        arguments: call.arguments.clone(),
                    });
                }
                Err(failure) => board.fail(draft, index, failure),
            }
        }
        self.advance_calls(draft, turn, &mut board, facts);
    }

    /// Whether a call may run (`None`), or what a person has to be asked first.
    fn judge(
        &self,
        agent: &AgentConfig,
        call: &ToolCall,
        facts: &Facts<'_>,
    ) -> Result<Option<ApprovalKind>, Failure> {
        if !agent.tools.includes(&call.name) {
            let message = format!("agent {} has no tool named {:?}", agent.name, call.name);
            return Err(Failure::new(FailureKind::UnknownTool, &message));
        }
        let spec = facts.tools.check(call)?;
        if spec.kind == ToolKind::Question {
            return Ok(Some(ApprovalKind::Question));
        }
        let policy = agent.policy.as_ref().unwrap_or(&facts.agents.settings.policy);
        match policy.verdict(&spec) {
            Verdict::Allow => Ok(None),
            Verdict::Ask if self.allowed_tools.contains(&call.name) => Ok(None),
            Verdict::Ask => Ok(Some(ApprovalKind::Permission)),
            Verdict::Deny => {
                Err(Failure::new(FailureKind::Denied, "the policy allows reading tools only"))
            }
        }
    }

    /// Starts calls while there is room, and the next step once all have ended.
    pub(super) fn advance_calls(
        &self,
        draft: &mut Draft<'_>,
        turn: &Turn,
        board: &mut Board<'_>,
        facts: &mut Facts<'_>,
    ) {
        if !facts.may_run {
            return;
        }
        let mut running = board.calls.iter().filter(|(_, phase)| *phase == Phase::Running).count();
        for index in 0..board.calls.len() {
            let Some((call, Phase::Ready)) = board.get(index) else { continue };
            if running >= facts.limits.tool_calls_parallel_max.max(1) {
                break;
            }
            // Tools may have changed while a person thought about it.
            if let Err(failure) = runnable(call, facts) {
                board.fail(draft, index, failure);
                continue;
            }
            running += 1;
            board.set(index, Phase::Running);
            let id = board.id(index);
            draft.push(Event::ToolStart { tool_call_id: id, name: call.name.clone() });
            draft.effect(Effect::CallTool { turn: turn.id, id, call: call.clone() });
        }
        if board.calls.iter().all(|(_, phase)| *phase == Phase::Ended) {
            self.next_step(draft, turn, &turn.agent, facts);
        }
    }

    pub(super) fn decide_tool_ended(
        &self,
        id: ToolCallId,
        result: Result<ToolOutput, Failure>,
        facts: &mut Facts<'_>,
    ) -> Decision {
        let mut draft = Draft::new(self, facts.at);
        let Some((turn, calls)) = self.calls().filter(|(_, calls)| calls.message == id.message)
        else {
            return draft.done();
        };
        let (index, mut board) = (usize::from(id.index), calls.board());
        let Some((_, Phase::Running)) = board.get(index) else { return draft.done() };
        match result {
            Ok(output) => {
                board.set(index, Phase::Ended);
                draft.push(Event::ToolResult { tool_call_id: id, output });
            }
            Err(failure) => board.fail(&mut draft, index, failure),
        }
        self.advance_calls(&mut draft, turn, &mut board, facts);
        draft.done()
    }

    pub(super) fn decide_approval(
        &self,
        id: ToolCallId,
        decision: ApprovalDecision,
        facts: &mut Facts<'_>,
    ) -> Result<Decision, Refusal> {
        let not_pending = Refusal::ApprovalNotPending { tool_call_id: id };
        let Some((turn, calls)) = self.calls().filter(|(_, calls)| calls.message == id.message)
        else {
            return Err(not_pending);
        };
        let (index, mut board) = (usize::from(id.index), calls.board());
        let Some((call, Phase::Awaiting(kind))) = board.get(index) else { return Err(not_pending) };
        check_decision(id, kind, &decision, facts)?;
        let mut draft = Draft::new(self, facts.at);
        match decision {
            ApprovalDecision::AllowOnce => board.resolve(&mut draft, index, decision),
            ApprovalDecision::AllowForChat => board.allow_all(&mut draft, &call.name),
            ApprovalDecision::Deny { ref reason } => {
                let failure = Failure::new(FailureKind::Denied, reason);
                board.resolve(&mut draft, index, decision);
                board.fail(&mut draft, index, failure);
            }
            ApprovalDecision::Answer { ref data } => {
                let text = match data {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                board.resolve(&mut draft, index, decision);
                board.set(index, Phase::Ended);
                draft.push(Event::ToolStart { tool_call_id: id, name: call.name.clone() });
                let output = ToolOutput::text(text);
                draft.push(Event::ToolResult { tool_call_id: id, output });
            }
        }
        self.advance_calls(&mut draft, turn, &mut board, facts);
        Ok(draft.done())
    }
}

/// Whether a call that was allowed can still be run.
fn runnable(call: &ToolCall, facts: &Facts<'_>) -> Result<(), Failure> {
    match facts.tools.check(call)?.kind {
        ToolKind::Read | ToolKind::Act => Ok(()),
        // It was allowed as another tool of this name; a question is asked and never run.
        ToolKind::Question => {
            let message = format!("{:?} has become a question", call.name);
            Err(Failure::new(FailureKind::UnknownTool, &message))
        }
    }
}

/// Refuses a decision that does not fit what was asked, or says too much.
fn check_decision(
    tool_call_id: ToolCallId,
    kind: ApprovalKind,
    decision: &ApprovalDecision,
    facts: &Facts<'_>,
) -> Result<(), Refusal> {
    let max = facts.limits.prompt_bytes_max;
    match (kind, decision) {
        (_, ApprovalDecision::Deny { reason }) => check_size("reason", reason.len(), max),
        (ApprovalKind::Question, ApprovalDecision::Answer { data }) => {
            check_size("answer", json_bytes(data), max)
        }
        (
            ApprovalKind::Permission,
            ApprovalDecision::AllowOnce | ApprovalDecision::AllowForChat,
        ) => Ok(()),
        _ => Err(Refusal::DecisionMismatch { tool_call_id }),
    }
}

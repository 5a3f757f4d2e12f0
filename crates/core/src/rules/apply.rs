//! From a log to a state. The only place where a state changes.

use std::sync::Arc;

use super::{
    ChatState,
    prompts::position,
    state::{
        Calls, Info, Life, OpenStep, Phase, PromptRecord, Queued, Stage, Turn, Work, fingerprint,
    },
};
use crate::{
    content::{Metadata, Part, Text},
    event::{Event, ImportedMessage, Recorded},
    id::{ChatId, PromptId},
    message::{Message, Role, Usage},
    outcome::{Failure, PromptOutcome, TurnOutcome},
    seq::{MessageId, Seq, Timestamp, ToolCallId, TurnId},
    tool::{ApprovalDecision, ToolCall, ToolOutput},
};

/// A log that contradicts itself, or is another chat's. The chat is quarantined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {seq}: {reason}")]
#[non_exhaustive]
pub struct LogError {
    /// The first position that is wrong.
    pub seq: Seq,
    /// What is wrong.
    pub reason: Text,
    /// The chat that the record names, when it is not this log's.
    pub claimed: Option<ChatId>,
}

impl LogError {
    /// A log that is wrong at a position.
    #[must_use]
    pub fn at(seq: Seq, reason: &str) -> Self {
        Self { seq, reason: reason.into(), claimed: None }
    }
}

type Applied = Result<(), &'static str>;

impl ChatState {
    /// Folds a log.
    ///
    /// # Errors
    ///
    /// [`LogError`] at the first record that cannot follow the ones before it.
    pub fn replay<'a>(
        chat_id: &ChatId,
        log: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, LogError> {
        let mut state = Self::empty(chat_id.clone());
        for recorded in log {
            state.apply(recorded)?;
        }
        Ok(state)
    }

    /// The state of a log with nothing in it.
    #[must_use]
    pub fn of_empty_log(chat_id: &ChatId) -> Self {
        Self::empty(chat_id.clone())
    }

    /// Takes in the next record.
    ///
    /// # Errors
    ///
    /// [`LogError`] when the record is another chat's, not the next one, or contradicts the state.
    /// The state must not be used any more then.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), LogError> {
        let wrong =
            |reason: &str| LogError { seq: recorded.seq, reason: reason.into(), claimed: None };
        if recorded.chat_id != self.chat_id {
            let claimed = Some(recorded.chat_id.clone());
            return Err(LogError { claimed, ..wrong("a record of another chat") });
        }
        if recorded.seq != self.head.next() {
            return Err(LogError {
                seq: self.head.next(),
                ..wrong("a record is missing or out of order")
            });
        }
        let created = matches!(recorded.event, Event::ChatCreated { .. });
        if created != (self.life == Life::Absent) {
            return Err(wrong("a log begins with chat.created, and has one"));
        }
        if self.life == Life::Deleted {
            return Err(wrong("a record after chat.deleted"));
        }
        self.apply_event(recorded.seq, recorded.at, &recorded.event).map_err(wrong)?;
        self.head = recorded.seq;
        self.info.updated_at = recorded.at;
        Ok(())
    }

    fn apply_event(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::ChatCreated { .. }
            | Event::ChatUpdated { .. }
            | Event::ChatClosed {}
            | Event::ChatReopened {}
            | Event::ChatDeleted {} => {
                self.apply_chat(at, event);
                Ok(())
            }
            Event::MessageImported { message, written_at, metadata } => {
                self.apply_imported(seq, message, *written_at, metadata)
            }
            Event::PromptAccepted { .. }
            | Event::PromptEdited { .. }
            | Event::PromptWithdrawn { .. }
            | Event::PromptJoined { .. } => self.apply_prompt(seq, at, event),
            Event::TurnStarted { .. } | Event::TurnHandedOff { .. } | Event::TurnEnded { .. } => {
                self.apply_turn(seq, event)
            }
            Event::MessageStart { .. }
            | Event::MessageCheckpoint { .. }
            | Event::MessageEnd { .. }
            | Event::MessageError { .. } => self.apply_message(seq, at, event),
            Event::ToolStart { tool_call_id, .. } => {
                self.move_call(*tool_call_id, &[Phase::Ready], Phase::Running).map(|_| ())
            }
            Event::ToolResult { tool_call_id, output } => {
                self.apply_tool_end(seq, at, *tool_call_id, output.clone(), None)
            }
            Event::ToolError { tool_call_id, failure } => {
                let output = ToolOutput::default();
                self.apply_tool_end(seq, at, *tool_call_id, output, Some(failure.clone()))
            }
            Event::ApprovalRequested { tool_call_id, .. } => {
                self.move_call(*tool_call_id, &[Phase::Ready], Phase::Awaiting).map(|_| ())
            }
            Event::ApprovalResolved { tool_call_id, decision } => {
                let call = self.move_call(*tool_call_id, &[Phase::Awaiting], Phase::Ready)?;
                if let Some(ApprovalDecision::AllowForChat) = decision {
                    self.allowed_tools.insert(call.name);
                }
                Ok(())
            }
            Event::HistoryTruncated { from } => {
                if self.turn.is_some() {
                    return Err("the history is cut while a turn runs");
                }
                let at = self.history.position(*from).ok_or("no such message to cut at")?;
                self.history.truncate(at);
                Ok(())
            }
        }
    }

    fn apply_chat(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::ChatCreated { title, provenance, metadata, agent, context, origin } => {
                self.life = Life::Open;
                self.info = Info {
                    title: title.clone(),
                    provenance: *provenance,
                    metadata: metadata.clone(),
                    context: context.clone(),
                    agent: agent.clone(),
                    origin: origin.clone(),
                    archived: false,
                    created_at: at,
                    updated_at: at,
                };
            }
            Event::ChatUpdated { title, provenance, metadata, archived, agent } => {
                let info = &mut self.info;
                info.title = title.clone().unwrap_or_else(|| Arc::clone(&info.title));
                info.provenance = provenance.unwrap_or(info.provenance);
                info.metadata = metadata.clone().unwrap_or_else(|| info.metadata.clone());
                info.archived = archived.unwrap_or(info.archived);
                info.agent = agent.clone().or_else(|| info.agent.clone());
            }
            Event::ChatClosed {} => self.life = Life::Closed,
            Event::ChatReopened {} => self.life = Life::Open,
            Event::ChatDeleted {} => self.life = Life::Deleted,
            _ => {}
        }
    }

    fn apply_imported(
        &mut self,
        seq: Seq,
        message: &ImportedMessage,
        at: Timestamp,
        metadata: &Metadata,
    ) -> Applied {
        let (role, parts, failure) = match message {
            ImportedMessage::User { parts } => {
                (Role::User { prompt_id: None }, parts.clone(), None)
            }
            ImportedMessage::Assistant { author, parts, tool_calls } => {
                let role = Role::Assistant {
                    author: author.clone(),
                    reasoning: Text::from(""),
                    tool_calls: tool_calls.clone(),
                    usage: Usage::default(),
                };
                (role, parts.clone(), None)
            }
            ImportedMessage::Tool { index, output, failure } => {
                let asked = self.history.entries().iter().rev().find(|entry| entry.is_assistant());
                let message = asked.ok_or("a tool's result without its call")?.id;
                let role = Role::Tool { tool_call_id: ToolCallId { message, index: *index } };
                (role, output.parts.clone(), failure.clone())
            }
        };
        let (id, metadata) = (MessageId(seq), metadata.clone());
        self.history.push(Message { id, turn_id: None, at, role, parts, failure, metadata });
        Ok(())
    }

    fn apply_prompt(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::PromptAccepted { prompt_id, mode, body } => {
                if self.prompts.contains_key(prompt_id) {
                    return Err("a prompt accepted twice");
                }
                let record = PromptRecord {
                    accepted: seq,
                    fingerprint: fingerprint(body),
                    agent: body.agent.clone(),
                    context: body.context.clone(),
                    stage: Stage::Waiting,
                };
                self.prompts.insert(prompt_id.clone(), record);
                let queued = Queued {
                    id: prompt_id.clone(),
                    mode: *mode,
                    accepted: seq,
                    at,
                    body: body.clone(),
                };
                self.queue.insert(position(&self.queue, *mode), queued);
            }
            Event::PromptEdited { prompt_id, parts, mode } => {
                let at = self.waiting_at(prompt_id)?;
                if let (Some(parts), Some(queued)) = (parts, self.queue.get_mut(at)) {
                    queued.body.parts.clone_from(parts);
                }
                if let Some(mode) = mode
                    && let Some(mut queued) = self.queue.remove(at)
                {
                    queued.mode = *mode;
                    self.queue.insert(position(&self.queue, *mode), queued);
                }
            }
            Event::PromptWithdrawn { prompt_id, .. } => {
                let at = self.waiting_at(prompt_id)?;
                self.queue.remove(at);
                self.set_stage(prompt_id, Stage::Ended(None, PromptOutcome::Withdrawn));
            }
            Event::PromptJoined { prompt_id, turn_id } => {
                if self.turn.as_ref().map(|turn| turn.id) != Some(*turn_id) {
                    return Err("a prompt joins a turn that does not run");
                }
                self.take_into_turn(prompt_id, *turn_id)?;
                if let Some(turn) = &mut self.turn {
                    turn.prompts.push(prompt_id.clone());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn waiting_at(&self, prompt: &PromptId) -> Result<usize, &'static str> {
        self.queue.iter().position(|queued| queued.id == *prompt).ok_or("the prompt does not wait")
    }

    fn set_stage(&mut self, prompt: &PromptId, stage: Stage) {
        if let Some(record) = self.prompts.get_mut(prompt) {
            record.stage = stage;
        }
    }

    /// Moves a waiting prompt into the running turn: its message becomes part of the history.
    fn take_into_turn(
        &mut self,
        prompt: &PromptId,
        turn: TurnId,
    ) -> Result<Metadata, &'static str> {
        let at = self.waiting_at(prompt)?;
        let queued = self.queue.remove(at).ok_or("the prompt does not wait")?;
        self.set_stage(prompt, Stage::Running(turn));
        self.history.push(Message {
            id: MessageId(queued.accepted),
            turn_id: Some(turn),
            at: queued.at,
            role: Role::User { prompt_id: Some(queued.id) },
            parts: queued.body.parts,
            failure: None,
            metadata: queued.body.metadata,
        });
        Ok(queued.body.context)
    }

    fn apply_turn(&mut self, seq: Seq, event: &Event) -> Applied {
        match event {
            Event::TurnStarted { prompt_ids, agent } => {
                if self.turn.is_some() {
                    return Err("a turn starts while another one runs");
                }
                let id = TurnId(seq);
                let mut context = Metadata::NONE;
                for prompt in prompt_ids {
                    context = self.take_into_turn(prompt, id)?;
                }
                self.turn = Some(Turn {
                    id,
                    agent: agent.clone(),
                    prompts: prompt_ids.clone(),
                    context,
                    step: 0,
                    handoffs: 0,
                    output_bytes: 0,
                    work: Work::Between,
                });
            }
            Event::TurnHandedOff { turn_id, to, .. } => {
                let turn = self.running(*turn_id)?;
                turn.agent = to.clone();
                turn.handoffs += 1;
            }
            Event::TurnEnded { turn_id, outcome } => {
                if !matches!(self.running(*turn_id)?.work, Work::Between) {
                    return Err("a turn ends with something open in it");
                }
                self.end_prompts(outcome);
            }
            _ => {}
        }
        Ok(())
    }

    fn end_prompts(&mut self, outcome: &TurnOutcome) {
        let Some(turn) = self.turn.take() else { return };
        for prompt in &turn.prompts {
            self.set_stage(prompt, Stage::Ended(Some(turn.id), outcome.clone().into()));
        }
    }

    fn running(&mut self, turn_id: TurnId) -> Result<&mut Turn, &'static str> {
        self.turn.as_mut().filter(|turn| turn.id == turn_id).ok_or("the turn does not run")
    }

    fn apply_message(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::MessageStart { turn_id, step, agent, omitted } => {
                let turn = self.running(*turn_id)?;
                if !matches!(turn.work, Work::Between) || *step != turn.step + 1 {
                    return Err("a message starts out of turn");
                }
                turn.step = *step;
                turn.work = Work::Message(OpenStep {
                    message: MessageId(seq),
                    config: Arc::clone(agent),
                    omitted_messages: omitted.messages as usize,
                    saved_text: String::new(),
                    saved_reasoning: String::new(),
                });
                Ok(())
            }
            Event::MessageCheckpoint { message_id, text, reasoning } => {
                let turn = self.turn.as_mut().ok_or("a checkpoint outside a turn")?;
                match &mut turn.work {
                    Work::Message(step) if step.message == *message_id => {
                        step.saved_text.push_str(text);
                        step.saved_reasoning.push_str(reasoning);
                        Ok(())
                    }
                    _ => Err("a checkpoint of a message that is not open"),
                }
            }
            Event::MessageEnd {
                message_id, text, reasoning, opaque, tool_calls, usage, ..
            } => {
                let calls = tool_calls.clone();
                let mut parts: Vec<Part> = Vec::with_capacity(1 + opaque.len());
                parts.extend((!text.is_empty()).then(|| Part::Text { text: Arc::clone(text) }));
                parts.extend(opaque.iter().cloned());
                let answer = Answer { parts, reasoning, calls, usage: *usage, failure: None };
                self.close_message(*message_id, at, answer)
            }
            Event::MessageError { message_id, text, reasoning, failure } => {
                let text = (!text.is_empty()).then(|| Part::Text { text: Arc::clone(text) });
                let answer = Answer {
                    parts: text.into_iter().collect(),
                    reasoning,
                    calls: Vec::new(),
                    usage: Usage::default(),
                    failure: Some(failure.clone()),
                };
                self.close_message(*message_id, at, answer)
            }
            _ => Ok(()),
        }
    }

    fn close_message(&mut self, id: MessageId, at: Timestamp, answer: Answer<'_>) -> Applied {
        let turn = self.turn.as_mut().ok_or("a message ends outside a turn")?;
        let Work::Message(step) = &turn.work else { return Err("the message is not open") };
        if step.message != id {
            return Err("another message is open");
        }
        let Answer { parts, reasoning, calls, usage, failure } = answer;
        turn.output_bytes += crate::content::bytes_of(&parts) + reasoning.len();
        let (turn_id, author) = (turn.id, turn.agent.clone());
        turn.work = if calls.is_empty() {
            Work::Between
        } else {
            Work::Calls(Calls {
                message: id,
                config: Arc::clone(&step.config),
                calls: calls.iter().map(|call| (call.clone(), Phase::Ready)).collect(),
            })
        };
        self.history.push(Message {
            id,
            turn_id: Some(turn_id),
            at,
            role: Role::Assistant {
                author: Some(author),
                reasoning: Arc::clone(reasoning),
                tool_calls: calls,
                usage,
            },
            parts,
            failure,
            metadata: Metadata::NONE,
        });
        Ok(())
    }

    /// Moves a call of the running step from one of `from` to `to`, and answers with the call.
    fn move_call(
        &mut self,
        id: ToolCallId,
        from: &[Phase],
        to: Phase,
    ) -> Result<ToolCall, &'static str> {
        let turn = self.turn.as_mut().ok_or("a call outside a turn")?;
        let Work::Calls(calls) = &mut turn.work else { return Err("no calls are open") };
        if calls.message != id.message {
            return Err("a call of another message");
        }
        let slot = calls.calls.get_mut(usize::from(id.index)).ok_or("no such call")?;
        if !from.contains(&slot.1) {
            return Err("the call is not at this point");
        }
        slot.1 = to;
        Ok(slot.0.clone())
    }

    fn apply_tool_end(
        &mut self,
        seq: Seq,
        at: Timestamp,
        id: ToolCallId,
        output: ToolOutput,
        failure: Option<Failure>,
    ) -> Applied {
        // A call that was refused, denied or stopped ends without a start; a result needs one.
        let from: &[Phase] =
            if failure.is_some() { &[Phase::Ready, Phase::Running] } else { &[Phase::Running] };
        self.move_call(id, from, Phase::Ended)?;
        let turn = self.turn.as_mut().ok_or("a call outside a turn")?;
        let turn_id = turn.id;
        if let Work::Calls(calls) = &turn.work
            && calls.calls.iter().all(|(_, phase)| *phase == Phase::Ended)
        {
            turn.work = Work::Between;
        }
        self.history.push_tool(Message {
            id: MessageId(seq),
            turn_id: Some(turn_id),
            at,
            role: Role::Tool { tool_call_id: id },
            parts: output.parts,
            failure,
            metadata: Metadata::NONE,
        });
        Ok(())
    }
}

/// What becomes of an open message.
struct Answer<'a> {
    parts: Vec<Part>,
    reasoning: &'a Text,
    calls: Vec<ToolCall>,
    usage: Usage,
    failure: Option<Failure>,
}

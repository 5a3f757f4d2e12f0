//! From a log to a state. The only place where a state changes.

mod step;

use std::sync::Arc;

use step::is_ready;

use super::{
    ChatState,
    create::times,
    fingerprint::fingerprint,
    prompts::position,
    state::{Info, Life, Phase, PromptRecord, Queued, Stage, Turn, Work},
};
use crate::{
    content::{Metadata, Text},
    event::{Event, ImportedMessage, Recorded},
    id::{ChatId, PromptId},
    message::{Message, Role},
    outcome::{PromptOutcome, TurnOutcome},
    seq::{MessageId, Seq, Timestamp, ToolCallId, TurnId},
    tool::ApprovalDecision,
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

pub(super) type Applied = Result<(), &'static str>;

/// What a copied message brings with it besides itself.
struct Copied {
    source_id: Option<Text>,
    at: Timestamp,
    metadata: Metadata,
}

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
        if !matches!(recorded.event, Event::ChatCreated { .. } | Event::MessageImported { .. }) {
            self.info.updated_at = recorded.at;
        }
        Ok(())
    }

    fn apply_event(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::ChatCreated { .. }
            | Event::ChatUpdated { .. }
            | Event::ChatClosed {}
            | Event::ChatReopened {}
            | Event::ChatDeleted {} => {
                self.check_life(event)?;
                self.apply_chat(at, event);
                Ok(())
            }
            Event::MessageImported { source_id, message, written_at, metadata } => {
                let (source_id, metadata) = (source_id.clone(), metadata.clone());
                self.apply_imported(seq, message, Copied { source_id, at: *written_at, metadata })
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
                self.move_call(*tool_call_id, is_ready, Phase::Running).map(|_| ())
            }
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                self.apply_tool_end(seq, at, *tool_call_id, event)
            }
            Event::ApprovalRequested { tool_call_id, kind, .. } => {
                self.move_call(*tool_call_id, is_ready, Phase::Awaiting(*kind)).map(|_| ())
            }
            Event::ApprovalResolved { tool_call_id, decision } => {
                let awaits = |phase| matches!(phase, Phase::Awaiting(_));
                let call = self.move_call(*tool_call_id, awaits, Phase::Ready)?;
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
                self.last_outcome = None;
                Ok(())
            }
        }
    }

    /// Closing and deleting leave nothing open behind; lives follow one another.
    fn check_life(&self, event: &Event) -> Applied {
        let ends = matches!(event, Event::ChatClosed {} | Event::ChatDeleted {});
        if ends && (self.turn.is_some() || !self.queue.is_empty()) {
            return Err("the chat ends with something open in it");
        }
        match (event, self.life) {
            (Event::ChatClosed {}, Life::Closed) => Err("the chat is closed twice"),
            (Event::ChatReopened {}, Life::Open) => Err("an open chat is reopened"),
            _ => Ok(()),
        }
    }

    fn apply_chat(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::ChatCreated {
                title,
                provenance,
                metadata,
                agent,
                context,
                origin,
                archived,
            } => {
                self.life = Life::Open;
                let (created_at, updated_at) = times(origin.as_deref(), at);
                self.info = Info {
                    title: title.clone(),
                    provenance: *provenance,
                    metadata: metadata.clone(),
                    context: context.clone(),
                    agent: agent.clone(),
                    origin: origin.as_deref().cloned(),
                    archived: *archived,
                    created_at,
                    updated_at,
                };
            }
            Event::ChatUpdated { title, provenance, metadata, archived, agent } => {
                let info = &mut self.info;
                info.title = title.clone().unwrap_or_else(|| Arc::clone(&info.title));
                info.provenance = provenance.unwrap_or(info.provenance);
                info.metadata = metadata.clone().unwrap_or_else(|| info.metadata.clone());
                info.archived = archived.unwrap_or(info.archived);
                info.agent = agent.clone().or_else(|| info.agent.clone());
                if title.is_some() {
                    self.end_titling();
                }
            }
            Event::ChatClosed {} => {
                self.life = Life::Closed;
                self.end_titling();
            }
            Event::ChatReopened {} => self.life = Life::Open,
            Event::ChatDeleted {} => {
                self.life = Life::Deleted;
                self.end_titling();
            }
            _ => {}
        }
    }

    fn apply_imported(&mut self, seq: Seq, message: &ImportedMessage, copied: Copied) -> Applied {
        let (role, parts, failure) = match message {
            ImportedMessage::User { parts } => {
                (Role::User { prompt_id: None }, parts.clone(), None)
            }
            ImportedMessage::Assistant { author, parts, reasoning, tool_calls, usage, failure } => {
                let role = Role::Assistant {
                    author: author.clone(),
                    reasoning: reasoning.clone(),
                    tool_calls: tool_calls.clone(),
                    usage: *usage,
                };
                (role, parts.clone(), failure.clone())
            }
            ImportedMessage::Tool { index, output, failure } => {
                let asked = self.history.entries().iter().rev().find(|entry| entry.is_assistant());
                let message = asked.ok_or("a tool's result without its call")?.id;
                let role = Role::Tool { tool_call_id: ToolCallId { message, index: *index } };
                (role, output.parts.clone(), failure.clone())
            }
        };
        let (id, Copied { source_id, at, metadata }) = (MessageId(seq), copied);
        let message = Message { id, turn_id: None, source_id, at, role, parts, failure, metadata };
        self.history.push(Arc::new(message));
        Ok(())
    }

    fn apply_prompt(&mut self, seq: Seq, at: Timestamp, event: &Event) -> Applied {
        match event {
            Event::PromptAccepted { prompt_id, mode, body } => {
                if self.life == Life::Closed {
                    return Err("a closed chat takes a prompt");
                }
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
        self.history.push(Arc::new(Message {
            id: MessageId(queued.accepted),
            turn_id: Some(turn),
            source_id: None,
            at: queued.at,
            role: Role::User { prompt_id: Some(queued.id) },
            parts: queued.body.parts,
            failure: None,
            metadata: queued.body.metadata,
        }));
        Ok(queued.body.context)
    }

    fn apply_turn(&mut self, seq: Seq, event: &Event) -> Applied {
        match event {
            Event::TurnStarted { prompt_ids, agent, then } => {
                if self.turn.is_some() {
                    return Err("a turn starts while another one runs");
                }
                let id = TurnId(seq);
                let (first, others) = prompt_ids.split_first().ok_or("a turn without a prompt")?;
                let context = self.take_into_turn(first, id)?;
                for prompt in others {
                    self.take_into_turn(prompt, id)?;
                }
                self.turn = Some(Box::new(Turn {
                    id,
                    agent: agent.clone(),
                    then: then.clone(),
                    prompts: prompt_ids.clone(),
                    context,
                    step: 0,
                    handoffs: 0,
                    output_bytes: 0,
                    configs: Vec::new(),
                    work: Work::Between,
                }));
            }
            Event::TurnHandedOff { turn_id, to, .. } => {
                self.running(*turn_id)?.hand_on(to);
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
        self.last_outcome = Some(outcome.kind());
        for prompt in &turn.prompts {
            self.set_stage(prompt, Stage::Ended(Some(turn.id), outcome.clone().into()));
        }
        self.follow_titling(&turn, outcome);
    }

    fn running(&mut self, turn_id: TurnId) -> Result<&mut Turn, &'static str> {
        self.turn.as_deref_mut().filter(|turn| turn.id == turn_id).ok_or("the turn does not run")
    }
}

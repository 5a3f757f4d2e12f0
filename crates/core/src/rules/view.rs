//! What may be read off a state.

use std::sync::Arc;

use super::{
    ChatState,
    state::{Life, Phase, Queued, Stage, Work},
};
use crate::{
    agent::AgentConfig,
    command::{
        MessagePage, OpenMessage, Page, PendingApproval, PromptState, Snapshot, WaitingPrompt,
    },
    content::{Metadata, Text, json_bytes},
    id::{ChatId, PromptId},
    limits::Limits,
    message::SharedMessage,
    notice::Cursor,
    refusal::Refusal,
    seq::{MessageId, Seq, ToolCallId, TurnId},
    status::{ChatStatus, StatusKind, Summary},
    tool::ToolCall,
};

/// What a model call is made of, besides the world's tools.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The turn.
    pub turn: TurnId,
    /// The message that the answer becomes.
    pub message: MessageId,
    /// The agent's configuration used.
    pub config: Arc<AgentConfig>,
    /// The history as far as the context policy lets it through.
    pub messages: Vec<SharedMessage>,
    /// Stored host context of the chat.
    pub chat_context: Metadata,
    /// Stored host context of the prompt that began the turn.
    pub prompt_context: Metadata,
    /// Text and reasoning of earlier messages of the turn, in bytes.
    pub output_bytes: usize,
}

impl ChatState {
    /// The chat.
    #[must_use]
    pub fn chat_id(&self) -> &ChatId {
        &self.chat_id
    }

    /// The last record of the log; [`Seq::ZERO`] when there is none.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Whether the log ends in `chat.deleted`.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.life == Life::Deleted
    }

    /// The running turn, also while it waits for a person.
    #[must_use]
    pub fn turn(&self) -> Option<TurnId> {
        self.turn.as_ref().map(|turn| turn.id)
    }

    /// The message that is being written.
    #[must_use]
    pub fn open_message(&self) -> Option<MessageId> {
        self.open_step().map(|(_, step)| step.message)
    }

    /// How much text and reasoning of the open message checkpoints have saved, in bytes.
    #[must_use]
    pub fn saved_bytes(&self) -> (usize, usize) {
        self.open_step()
            .map(|(_, step)| (step.saved_text.len(), step.saved_reasoning.len()))
            .unwrap_or_default()
    }

    /// Whether this call is running.
    #[must_use]
    pub fn is_call_running(&self, id: ToolCallId) -> bool {
        self.calls().is_some_and(|(_, calls)| {
            calls.message == id.message
                && matches!(calls.calls.get(usize::from(id.index)), Some((_, Phase::Running)))
        })
    }

    /// Whether a turn should have a place among the world's running turns: one runs and does not
    /// only wait for a person, or a prompt waits for one.
    #[must_use]
    pub fn wants_to_run(&self) -> bool {
        match &self.turn {
            Some(turn) => !turn.is_awaiting(),
            None => self.life == Life::Open && !self.queue.is_empty(),
        }
    }

    /// Whether nothing is under way, so that the chat's actor may end. A turn that only waits for
    /// a person is no obstacle.
    #[must_use]
    pub fn may_rest(&self) -> bool {
        !self.wants_to_run()
    }

    /// What the open message's model call is made of.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        let (turn, step) = self.open_step()?;
        let omitted = step.omitted_messages.min(self.history.len());
        Some(Step {
            turn: turn.id,
            message: step.message,
            config: Arc::clone(&step.config),
            messages: self.history.entries().get(omitted..).unwrap_or_default().to_vec(),
            chat_context: self.info.context.clone(),
            prompt_context: turn.context.clone(),
            output_bytes: turn.output_bytes,
        })
    }

    /// The stored host context of the chat, and of the prompt that began the running turn.
    #[must_use]
    pub fn host_context(&self) -> (Metadata, Metadata) {
        let of_turn = self.turn.as_ref().map(|turn| turn.context.clone());
        (self.info.context.clone(), of_turn.unwrap_or_default())
    }

    /// What the log says the chat is doing.
    #[must_use]
    pub fn status(&self) -> ChatStatus {
        let kind = match (&self.turn, self.life) {
            (_, Life::Closed | Life::Deleted | Life::Absent) => StatusKind::Closed,
            (Some(turn), _) if turn.is_awaiting() => StatusKind::Awaiting,
            (Some(_), _) => StatusKind::Running,
            (None, Life::Open) if self.queue.is_empty() => StatusKind::Idle,
            (None, Life::Open) => StatusKind::Running,
        };
        ChatStatus {
            chat_id: self.chat_id.clone(),
            kind,
            turn_id: self.turn(),
            last_outcome: self.last_outcome,
            queued: self.queue.len(),
            head: self.head,
            title: Arc::clone(&self.info.title),
        }
    }

    /// What a list shows of the chat.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            chat_id: self.chat_id.clone(),
            kind: self.status().kind,
            last_outcome: self.last_outcome,
            title: Arc::clone(&self.info.title),
            provenance: self.info.provenance,
            archived: self.info.archived,
            agent: self.info.agent.clone(),
            metadata: self.info.metadata.clone(),
            origin: self.info.origin.clone(),
            created_at: self.info.created_at,
            updated_at: self.info.updated_at,
            head: self.head,
            messages: self.history.len(),
            queued: self.queue.len(),
        }
    }

    /// The messages of the history.
    #[must_use]
    pub fn messages(&self) -> &[SharedMessage] {
        self.history.entries()
    }

    /// One page of the history; `page.after` is a message id.
    ///
    /// # Errors
    ///
    /// [`Refusal::InvalidInput`] when `page.after` is none, [`Refusal::UnknownMessage`] when that
    /// message is not part of the history.
    pub fn message_page(&self, page: &Page, limits: &Limits) -> Result<MessagePage, Refusal> {
        let begin = match &page.after {
            None => 0,
            Some(after) => {
                let id = after.parse::<u64>().ok().and_then(|n| Seq::try_from(n).ok());
                let message_id = MessageId(id.ok_or_else(|| Refusal::InvalidInput {
                    what: "page.after".into(),
                    why: "not a message id".into(),
                })?);
                let unknown = Refusal::UnknownMessage { message_id };
                self.history.position(message_id).ok_or(unknown)? + 1
            }
        };
        let limit = page.limit.clamp(1, limits.page_max.max(1));
        let mut bytes = 0_usize;
        let mut messages = Vec::new();
        for message in self.history.entries().iter().skip(begin).take(limit) {
            bytes = bytes.saturating_add(json_bytes(message));
            if bytes > limits.page_bytes_max && !messages.is_empty() {
                break;
            }
            messages.push(SharedMessage::clone(message));
        }
        let more = begin + messages.len() < self.history.len();
        let next = messages.last().filter(|_| more).map(|last| last.id.to_string().into());
        Ok(MessagePage { messages, next })
    }

    /// The waiting prompts in the order in which they will run.
    #[must_use]
    pub fn waiting_prompts(&self) -> Vec<WaitingPrompt> {
        let waiting = |queued: &Queued| WaitingPrompt {
            prompt_id: queued.id.clone(),
            accepted_seq: queued.accepted,
            at: queued.at,
            mode: queued.mode,
            parts: queued.body.parts.clone(),
        };
        self.queue.iter().map(waiting).collect()
    }

    /// Where an accepted prompt stands.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownPrompt`] when it was never accepted here.
    pub fn prompt(&self, prompt: &PromptId) -> Result<PromptState, Refusal> {
        let unknown = || Refusal::UnknownPrompt { prompt_id: prompt.clone() };
        let record = self.prompts.get(prompt).ok_or_else(unknown)?;
        let accepted_seq = record.accepted;
        Ok(match &record.stage {
            Stage::Waiting => PromptState::Queued { accepted_seq },
            Stage::Running(turn_id) => PromptState::Running { accepted_seq, turn_id: *turn_id },
            Stage::Ended(turn_id, outcome) => {
                PromptState::Ended { accepted_seq, turn_id: *turn_id, outcome: outcome.clone() }
            }
        })
    }

    /// Calls that wait for a person, and what is asked. The log says it all; the world's present
    /// tools do not matter.
    #[must_use]
    pub fn approvals(&self) -> Vec<PendingApproval> {
        let Some((turn, calls)) = self.calls() else { return Vec::new() };
        let pending = |(index, (call, phase)): (u16, &(ToolCall, Phase))| match phase {
            Phase::Awaiting(kind) => Some(PendingApproval {
                chat_id: self.chat_id.clone(),
                tool_call_id: ToolCallId { message: calls.message, index },
                turn_id: turn.id,
                name: call.name.clone(),
                arguments: call.arguments.clone(),
                kind: *kind,
            }),
            Phase::Ready | Phase::Running | Phase::Ended => None,
        };
        (0..=u16::MAX).zip(&calls.calls).filter_map(pending).collect()
    }

    /// The message that is being written, with the text shown of it as far as `shown` knows;
    /// otherwise as far as it was saved.
    #[must_use]
    pub fn open(&self, shown: Option<(Text, Text)>) -> Option<OpenMessage> {
        let (turn, step) = self.open_step()?;
        let (text, reasoning) = shown.unwrap_or_else(|| {
            (step.saved_text.as_str().into(), step.saved_reasoning.as_str().into())
        });
        let author = step.config.name.clone();
        Some(OpenMessage { message_id: step.message, turn_id: turn.id, author, text, reasoning })
    }

    /// The chat as a whole.
    #[must_use]
    pub fn snapshot(
        &self,
        status: ChatStatus,
        open: Option<OpenMessage>,
        cursor: Cursor,
    ) -> Snapshot {
        Snapshot {
            summary: self.summary(),
            status,
            messages: self.history.entries().to_vec(),
            prompts: self.waiting_prompts(),
            open,
            approvals: self.approvals(),
            cursor,
        }
    }

    /// Whether a turn runs whose work is under way, as opposed to waiting.
    #[must_use]
    pub fn is_working(&self) -> bool {
        self.turn.as_ref().is_some_and(|turn| match turn.work {
            Work::Between => false,
            Work::Message(_) => true,
            Work::Calls(_) => !turn.is_resting(),
        })
    }
}

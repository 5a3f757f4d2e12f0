//! The summary that goes with an append: what the state will say once the events are stored.
//!
//! Applying first and undoing on failure would need a copy of the whole chat; a summary needs only
//! a few counts, so they are counted forward from the present state.

use std::sync::Arc;

use super::{
    ChatState,
    create::times,
    state::{Life, Phase, Work},
};
use crate::{
    event::{Event, Recorded},
    seq::ToolCallId,
    status::{StatusKind, Summary},
};

/// The few things of a state that decide its [`StatusKind`].
struct Outlook {
    life: Life,
    in_turn: bool,
    calls: Vec<Phase>,
}

impl ChatState {
    /// The summary after these events, which follow this state.
    #[must_use]
    pub fn summary_after(&self, events: &[Arc<Recorded>]) -> Summary {
        let mut summary = self.summary();
        let mut outlook = Outlook {
            life: self.life,
            in_turn: self.turn.is_some(),
            calls: match self.turn.as_ref().map(|turn| &turn.work) {
                Some(Work::Calls(calls)) => calls.calls.iter().map(|(_, phase)| *phase).collect(),
                _ => Vec::new(),
            },
        };
        for recorded in events {
            summary.head = recorded.seq;
            match &recorded.event {
                Event::ChatCreated { origin, .. } => {
                    (summary.created_at, summary.updated_at) =
                        times(origin.as_deref(), recorded.at);
                }
                Event::MessageImported { .. } => {}
                _ => summary.updated_at = recorded.at,
            }
            self.count(&mut summary, &recorded.event);
            outlook.follow(&recorded.event);
        }
        summary.kind = outlook.kind(summary.queued);
        summary
    }

    fn count(&self, summary: &mut Summary, event: &Event) {
        match event {
            Event::ChatCreated { title, provenance, metadata, agent, origin, archived, .. } => {
                summary.archived = *archived;
                summary.title.clone_from(title);
                summary.provenance = *provenance;
                summary.metadata.clone_from(metadata);
                summary.agent.clone_from(agent);
                summary.origin = origin.as_deref().cloned();
            }
            Event::ChatUpdated { title, provenance, metadata, archived, agent } => {
                summary.title = title.clone().unwrap_or_else(|| Arc::clone(&summary.title));
                summary.provenance = provenance.unwrap_or(summary.provenance);
                summary.metadata = metadata.clone().unwrap_or_else(|| summary.metadata.clone());
                summary.archived = archived.unwrap_or(summary.archived);
                summary.agent = agent.clone().or_else(|| summary.agent.clone());
            }
            Event::PromptAccepted { .. } => summary.queued += 1,
            Event::PromptWithdrawn { .. } => summary.queued = summary.queued.saturating_sub(1),
            Event::PromptJoined { .. } => {
                summary.queued = summary.queued.saturating_sub(1);
                summary.messages += 1;
            }
            Event::TurnStarted { prompt_ids, .. } => {
                summary.queued = summary.queued.saturating_sub(prompt_ids.len());
                summary.messages += prompt_ids.len();
            }
            Event::MessageImported { .. }
            | Event::MessageEnd { .. }
            | Event::MessageError { .. }
            | Event::ToolResult { .. }
            | Event::ToolError { .. } => summary.messages += 1,
            Event::TurnEnded { outcome, .. } => summary.last_outcome = Some(outcome.kind()),
            Event::HistoryTruncated { from } => {
                summary.last_outcome = None;
                summary.messages = self.history.position(*from).unwrap_or(summary.messages);
            }
            _ => {}
        }
    }
}

impl Outlook {
    fn follow(&mut self, event: &Event) {
        match event {
            Event::ChatCreated { .. } | Event::ChatReopened {} => self.life = Life::Open,
            Event::ChatClosed {} => self.life = Life::Closed,
            Event::ChatDeleted {} => self.life = Life::Deleted,
            Event::TurnStarted { .. } => self.in_turn = true,
            Event::TurnEnded { .. } => self.in_turn = false,
            Event::MessageStart { .. } => self.calls.clear(),
            Event::MessageEnd { tool_calls, .. } => {
                self.calls = vec![Phase::Ready; tool_calls.len()];
            }
            Event::ApprovalRequested { tool_call_id, kind, .. } => {
                self.set(*tool_call_id, Phase::Awaiting(*kind));
            }
            Event::ApprovalResolved { tool_call_id, .. } => self.set(*tool_call_id, Phase::Ready),
            Event::ToolStart { tool_call_id, .. } => self.set(*tool_call_id, Phase::Running),
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                self.set(*tool_call_id, Phase::Ended);
            }
            _ => {}
        }
    }

    fn set(&mut self, id: ToolCallId, phase: Phase) {
        if let Some(slot) = self.calls.get_mut(usize::from(id.index)) {
            *slot = phase;
        }
    }

    fn kind(&self, queued: usize) -> StatusKind {
        let has = |phase| self.calls.contains(&phase);
        let asks = self.calls.iter().any(|phase| matches!(phase, Phase::Awaiting(_)));
        match self.life {
            Life::Closed | Life::Deleted | Life::Absent => StatusKind::Closed,
            Life::Open if self.in_turn => {
                if asks && !has(Phase::Ready) && !has(Phase::Running) {
                    StatusKind::Awaiting
                } else {
                    StatusKind::Running
                }
            }
            Life::Open if queued == 0 => StatusKind::Idle,
            Life::Open => StatusKind::Running,
        }
    }
}

//! Where one prompt stands in what its chat records.

use polychat_core::{Event, PromptId, PromptOutcome, Recorded, TurnId};

/// Follows a prompt through the events after its acceptance, each heard once and in order.
#[derive(Debug)]
pub(crate) struct Follow {
    prompt: PromptId,
    /// Its turn, once it has one.
    turn: Option<TurnId>,
}

/// Whose an event is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Not the prompt's.
    Elsewhere,
    /// Its turn's.
    Within(TurnId),
    /// The end of the prompt; nothing of it follows.
    Over(PromptOutcome),
}

impl Follow {
    pub(crate) fn new(prompt: PromptId) -> Self {
        Self { prompt, turn: None }
    }

    /// Hears the next event.
    pub(crate) fn hear(&mut self, recorded: &Recorded) -> Place {
        match &recorded.event {
            Event::PromptWithdrawn { prompt_id, .. } if *prompt_id == self.prompt => {
                return Place::Over(PromptOutcome::Withdrawn);
            }
            Event::TurnStarted { prompt_ids, .. } if prompt_ids.contains(&self.prompt) => {
                self.turn = Some(TurnId(recorded.seq));
            }
            Event::PromptJoined { prompt_id, turn_id } if *prompt_id == self.prompt => {
                self.turn = Some(*turn_id);
            }
            Event::TurnEnded { turn_id, outcome } if self.turn == Some(*turn_id) => {
                return Place::Over(outcome.clone().into());
            }
            _ => {}
        }
        // One turn at a time: whatever is recorded until its end is its own.
        self.turn.map_or(Place::Elsewhere, Place::Within)
    }
}

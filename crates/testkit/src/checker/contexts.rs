//! What an embedder attached to a chat and its prompts, against what models and tools saw (law 3).

use std::collections::HashMap;

use polychat_core::{
    ChatId, Event, Metadata, Recorded, TurnId, TurnOutcome,
    ports::{Callee, HostContext},
};

use super::{prompts::Prompts, violation::ContextPart};
use crate::history::Stamp;

/// The stored host contexts of a chat.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts {
    chat: Metadata,
    /// That of the prompt that began each turn.
    turns: HashMap<TurnId, Metadata>,
    /// The first turn that completed: a title is proposed in its context.
    titled: Option<TurnId>,
}

impl Contexts {
    /// Takes over one event.
    pub(super) fn apply(&mut self, recorded: &Recorded, prompts: &Prompts) {
        match &recorded.event {
            Event::ChatCreated { context, .. } => self.chat = context.clone(),
            Event::TurnStarted { prompt_ids, .. } => {
                let first = prompt_ids.first().and_then(|id| prompts.all.get(id));
                let context = first.map(|first| first.body.context.clone()).unwrap_or_default();
                self.turns.insert(TurnId(recorded.seq), context);
            }
            Event::TurnEnded { turn_id, outcome: TurnOutcome::Completed } => {
                self.titled.get_or_insert(*turn_id);
            }
            _ => {}
        }
    }

    /// The turn in whose context a title is proposed.
    pub(super) fn titled(&self) -> Option<TurnId> {
        self.titled
    }

    /// The part of a context that is not what was attached to this chat and turn, if there is one.
    pub(super) fn differs(
        &self,
        chat: &ChatId,
        turn: TurnId,
        callee: &Callee,
        seen: &HostContext,
    ) -> Option<ContextPart> {
        if seen.chat != self.chat {
            return Some(ContextPart::Chat);
        }
        if self.turns.get(&turn).is_some_and(|prompt| *prompt != seen.prompt) {
            return Some(ContextPart::Prompt);
        }
        let stamp = seen.resolved_as::<Stamp>()?;
        let own = stamp.chat == *chat
            && stamp.chat_context == seen.chat
            && stamp.prompt_context == seen.prompt
            && stamp.callee == *callee;
        (!own).then_some(ContextPart::Resolved)
    }
}

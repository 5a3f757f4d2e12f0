//! Law 5 for prompts: each accepted once, taken in order, ended once.

use std::collections::{BTreeMap, HashMap};

use polychat_core::{
    Event, PromptId, PromptOutcome, Recorded, Seq, TurnId,
    content::Part,
    event::{PromptBody, PromptMode},
};

use super::{
    place::{Class, Place},
    violation::LogFault,
};

/// Where a prompt stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing {
    Waiting,
    In(TurnId),
    Ended(Option<TurnId>, PromptOutcome),
}

/// One accepted prompt.
#[derive(Debug, Clone)]
pub(super) struct Prompt {
    pub(super) accepted: Seq,
    /// As it was submitted; what it was edited to is in `parts`.
    pub(super) body: PromptBody,
    pub(super) parts: Vec<Part>,
    pub(super) standing: Standing,
    /// What it asks for, as last edited.
    pub(super) mode: PromptMode,
    /// Whether it came in by revising the history.
    pub(super) revises: bool,
    place: Place,
}

/// All prompts of a chat.
#[derive(Debug, Clone, Default)]
pub(super) struct Prompts {
    pub(super) all: HashMap<PromptId, Prompt>,
    queue: BTreeMap<Place, PromptId>,
    running: Vec<PromptId>,
}

impl Prompts {
    /// Judges one event and takes it over. `after_cut` says that the event before cut the history.
    pub(super) fn apply(
        &mut self,
        recorded: &Recorded,
        busy: Busy,
        after_cut: AfterCut,
        faults: &mut Vec<LogFault>,
    ) {
        match &recorded.event {
            Event::PromptAccepted { prompt_id, mode, body } => {
                if *mode == PromptMode::Reject && (busy == Busy::Running || self.waiting() > 0) {
                    faults.push(LogFault::AcceptedWhileBusy { prompt: prompt_id.clone() });
                }
                self.accept(prompt_id, *mode, body, recorded.seq, after_cut, faults);
            }
            Event::PromptEdited { prompt_id, parts, mode } => {
                self.edit(prompt_id, parts.as_ref(), *mode, recorded.seq, faults);
            }
            Event::PromptWithdrawn { prompt_id, .. } => self.withdraw(prompt_id, faults),
            Event::PromptJoined { prompt_id, turn_id } => {
                self.join(prompt_id, *turn_id, faults);
            }
            Event::TurnStarted { prompt_ids, .. } => {
                if prompt_ids.is_empty() {
                    faults.push(LogFault::TurnWithoutPrompts);
                }
                for prompt in prompt_ids {
                    self.in_order(prompt, Class::First, faults);
                    self.take(prompt, TurnId(recorded.seq), faults);
                }
            }
            Event::TurnEnded { turn_id, outcome } => {
                for id in std::mem::take(&mut self.running) {
                    if let Some(prompt) = self.all.get_mut(&id) {
                        prompt.standing = Standing::Ended(Some(*turn_id), outcome.clone().into());
                    }
                }
            }
            _ => {}
        }
    }

    /// How many prompts wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    fn accept(
        &mut self,
        id: &PromptId,
        mode: PromptMode,
        body: &PromptBody,
        seq: Seq,
        after_cut: AfterCut,
        faults: &mut Vec<LogFault>,
    ) {
        if self.all.contains_key(id) {
            faults.push(LogFault::AcceptedTwice { prompt: id.clone() });
            return;
        }
        let revises = after_cut == AfterCut::Yes;
        let place = if revises { Place::first(seq) } else { Place::sent(mode, seq) };
        let prompt = Prompt {
            accepted: seq,
            body: body.clone(),
            parts: body.parts.clone(),
            standing: Standing::Waiting,
            mode,
            revises,
            place,
        };
        self.all.insert(id.clone(), prompt);
        self.queue.insert(place, id.clone());
    }

    fn edit(
        &mut self,
        id: &PromptId,
        parts: Option<&Vec<Part>>,
        mode: Option<PromptMode>,
        seq: Seq,
        faults: &mut Vec<LogFault>,
    ) {
        let Some(prompt) = self.all.get_mut(id) else {
            faults.push(LogFault::UnknownPrompt { prompt: id.clone() });
            return;
        };
        if prompt.standing != Standing::Waiting {
            faults.push(LogFault::PromptNotWaiting { prompt: id.clone() });
            return;
        }
        if let Some(parts) = parts {
            prompt.parts.clone_from(parts);
        }
        if let Some(mode) = mode {
            prompt.mode = mode;
            self.queue.remove(&prompt.place);
            prompt.place = Place::moved(mode, seq);
            self.queue.insert(prompt.place, id.clone());
        }
    }

    fn withdraw(&mut self, id: &PromptId, faults: &mut Vec<LogFault>) {
        let Some(prompt) = self.all.get_mut(id) else {
            faults.push(LogFault::UnknownPrompt { prompt: id.clone() });
            return;
        };
        if prompt.standing != Standing::Waiting {
            faults.push(LogFault::TwoOutcomes { prompt: id.clone() });
            return;
        }
        prompt.standing = Standing::Ended(None, PromptOutcome::Withdrawn);
        self.queue.remove(&prompt.place);
    }

    fn join(&mut self, id: &PromptId, turn: TurnId, faults: &mut Vec<LogFault>) {
        let waiting = self.all.get(id).filter(|prompt| prompt.standing == Standing::Waiting);
        if waiting.is_some_and(|prompt| prompt.place.class != Class::Steering) {
            faults.push(LogFault::JoinedWithoutSteering { prompt: id.clone() });
        } else if waiting.is_some() {
            self.in_order(id, Class::Steering, faults);
        }
        self.take(id, turn, faults);
    }

    fn take(&mut self, id: &PromptId, turn: TurnId, faults: &mut Vec<LogFault>) {
        let fault = match self.all.get_mut(id) {
            None => LogFault::UnknownPrompt { prompt: id.clone() },
            Some(prompt) => match prompt.standing {
                Standing::Waiting => {
                    prompt.standing = Standing::In(turn);
                    self.queue.remove(&prompt.place);
                    self.running.push(id.clone());
                    return;
                }
                Standing::Ended(None, _) => LogFault::TwoOutcomes { prompt: id.clone() },
                Standing::In(_) | Standing::Ended(Some(_), _) => {
                    LogFault::PromptInTwoTurns { prompt: id.clone() }
                }
            },
        };
        faults.push(fault);
    }

    /// Whether this waiting prompt comes before all others of `class` and behind.
    fn in_order(&self, id: &PromptId, class: Class, faults: &mut Vec<LogFault>) {
        let Some(place) = self.all.get(id).map(|prompt| prompt.place) else { return };
        if !self.queue.contains_key(&place) {
            return;
        }
        let from = Place { class, key: i128::MIN };
        let Some((first_place, first)) = self.queue.range(from..).next() else { return };
        let free = place.class == Class::Requeued && first_place.class >= Class::Queued;
        if first != id && !free {
            faults.push(LogFault::QueueOrder { taken: id.clone(), first: first.clone() });
        }
    }
}

/// Whether a turn runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    Running,
    Not,
}

/// Whether the event before cut the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterCut {
    Yes,
    No,
}

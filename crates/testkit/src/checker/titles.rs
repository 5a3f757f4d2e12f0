//! Titles that a model proposed: only where a world wants them, and never over somebody's own.

use polychat_core::{Event, ModelName, TurnOutcome, event::TitleProvenance};

use super::{past::Past, told::Moment, violation::LogFault};

/// Who gave a chat its title.
#[derive(Debug, Clone, Default)]
pub(super) struct Titles {
    provenance: TitleProvenance,
    /// Whether a turn has completed.
    has_completed: bool,
    /// Whether titles may have been wanted when the first one did.
    may_be_wanted: bool,
    /// Through which model the last message was written.
    model: Option<ModelName>,
    /// Through which the last message of the first turn that completed was.
    of_first: Option<ModelName>,
    /// What the chat began with when that turn completed.
    beginning: Option<String>,
}

impl Titles {
    /// Judges one event and takes it over.
    pub(super) fn apply(
        &mut self,
        event: &Event,
        past: &Past,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        match event {
            Event::ChatCreated { provenance, .. } => self.provenance = *provenance,
            Event::ChatUpdated { provenance: Some(provenance), title, .. } => {
                let has_title = title.as_ref().is_some_and(|title| !title.is_empty());
                if *provenance == TitleProvenance::Auto && !(self.may_be_titled() && has_title) {
                    faults.push(LogFault::TitleNotWanted);
                }
                self.provenance = *provenance;
            }
            Event::MessageStart { agent, .. } => self.model = Some(agent.model.clone()),
            Event::TurnEnded { outcome: TurnOutcome::Completed, .. } if !self.has_completed => {
                self.has_completed = true;
                self.of_first.clone_from(&self.model);
                self.beginning = past.first_asked().map(str::to_owned);
                self.may_be_wanted = moment.settings_may(|settings| settings.titles);
            }
            _ => {}
        }
    }

    /// What a request for a title must hold.
    pub(super) fn beginning(&self) -> &str {
        self.beginning.as_deref().unwrap_or_default()
    }

    /// The model that may be asked.
    pub(super) fn model(&self) -> Option<&ModelName> {
        self.of_first.as_ref()
    }

    /// Whether a title that was thought of may be taken. Thinking that has begun may go on after
    /// somebody has given one.
    pub(super) fn may_be_asked(&self) -> bool {
        self.has_completed && self.may_be_wanted
    }

    fn may_be_titled(&self) -> bool {
        self.provenance == TitleProvenance::Default && self.may_be_asked()
    }
}

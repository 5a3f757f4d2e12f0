//! What an append means for the search: a plan, made before the append waits for the writer.
//!
//! A message is found once it belongs to the history of its chat, in the order of that history. A
//! prompt belongs to it when it joins a turn; until then it waits, and may be edited or withdrawn.
//! A prompt that joins within the append that accepts it never waits in a table.

use polychat_core::{
    Event, PromptId, Seq, content::text_of as text_of_parts, event::ImportedMessage, ports::Entry,
    seq::MessageId,
};

use super::{TEXT_BYTES_MAX, words::spread};

/// One step of keeping the search up with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// A message joins the history, with the words to find it by.
    Add { message: Seq, event: Seq, words: String },
    /// A prompt waits; its text stands in `event`.
    Wait { prompt: PromptId, message: Seq, event: Seq },
    /// The text of a prompt that waits in the table stands elsewhere now.
    Edit { prompt: PromptId, event: Seq },
    /// A prompt that waits in the table will not join.
    Forget { prompt: PromptId },
    /// A prompt that waits in the table joins the history.
    Join { prompt: PromptId },
    /// The history from this message on no longer counts.
    Cut { from: Seq },
}

/// What these entries of one log mean for the search, in their order.
pub(in super::super) fn plan(entries: &[Entry]) -> Vec<Step> {
    let mut plan = Plan::default();
    for entry in entries {
        if let Entry::Chat(recorded) = entry {
            plan.take(recorded.seq, &recorded.event, entry);
        }
    }
    plan.done()
}

/// The text that is searched of a message that stands in this entry.
pub(in super::super) fn text_of(entry: &Entry) -> Option<String> {
    let Entry::Chat(recorded) = entry else { return None };
    match &recorded.event {
        Event::PromptAccepted { body, .. } => Some(text_of_parts(&body.parts)),
        Event::PromptEdited { parts, .. } => parts.as_deref().map(text_of_parts),
        Event::MessageEnd { text, .. } | Event::MessageError { text, .. } => {
            Some(text.as_ref().to_owned())
        }
        Event::MessageImported { message, .. } => match &**message {
            ImportedMessage::User { parts } | ImportedMessage::Assistant { parts, .. } => {
                Some(text_of_parts(parts))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A text as the index takes it.
pub(in super::super) fn words_of(text: &str) -> String {
    spread(text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default())
}

/// A prompt that was accepted by the entries at hand, and has not joined.
struct Waiting {
    prompt: PromptId,
    message: Seq,
    event: Seq,
    text: String,
}

#[derive(Default)]
struct Plan {
    steps: Vec<Step>,
    waiting: Vec<Waiting>,
}

impl Plan {
    fn take(&mut self, seq: Seq, event: &Event, entry: &Entry) {
        match event {
            Event::PromptAccepted { prompt_id, .. } => {
                let text = text_of(entry).unwrap_or_default();
                let prompt = prompt_id.clone();
                self.waiting.push(Waiting { prompt, message: seq, event: seq, text });
            }
            Event::PromptEdited { prompt_id, .. } => {
                if let Some(text) = text_of(entry) {
                    self.edit(prompt_id, seq, text);
                }
            }
            Event::PromptWithdrawn { prompt_id, .. } => self.withdraw(prompt_id),
            Event::PromptJoined { prompt_id, .. } => self.join(prompt_id),
            Event::TurnStarted { prompt_ids, .. } => {
                prompt_ids.iter().for_each(|prompt| self.join(prompt));
            }
            Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. } => {
                self.add(*message_id, seq, &text_of(entry).unwrap_or_default());
            }
            Event::MessageImported { .. } => {
                // Outputs of tools are no text that anybody said.
                if let Some(text) = text_of(entry) {
                    self.add(MessageId(seq), seq, &text);
                }
            }
            Event::HistoryTruncated { from } => self.steps.push(Step::Cut { from: from.0 }),
            _ => {}
        }
    }

    fn add(&mut self, message: MessageId, event: Seq, text: &str) {
        self.steps.push(Step::Add { message: message.0, event, words: words_of(text) });
    }

    fn edit(&mut self, prompt: &PromptId, seq: Seq, text: String) {
        match self.waiting.iter_mut().find(|waiting| waiting.prompt == *prompt) {
            Some(waiting) => (waiting.event, waiting.text) = (seq, text),
            None => self.steps.push(Step::Edit { prompt: prompt.clone(), event: seq }),
        }
    }

    fn withdraw(&mut self, prompt: &PromptId) {
        if self.leave(prompt).is_none() {
            self.steps.push(Step::Forget { prompt: prompt.clone() });
        }
    }

    fn leave(&mut self, prompt: &PromptId) -> Option<Waiting> {
        let at = self.waiting.iter().position(|waiting| waiting.prompt == *prompt)?;
        Some(self.waiting.remove(at))
    }

    fn join(&mut self, prompt: &PromptId) {
        match self.leave(prompt) {
            Some(Waiting { message, event, text, .. }) => {
                self.steps.push(Step::Add { message, event, words: words_of(&text) });
            }
            None => self.steps.push(Step::Join { prompt: prompt.clone() }),
        }
    }

    fn done(mut self) -> Vec<Step> {
        self.steps.extend(self.waiting.into_iter().map(|waiting| {
            let Waiting { prompt, message, event, .. } = waiting;
            Step::Wait { prompt, message, event }
        }));
        self.steps
    }
}

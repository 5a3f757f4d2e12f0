//! A chat's history as its own log says: what a model may be given, and nothing else (REQ-2).

use std::{collections::HashMap, sync::Arc};

use polychat_core::{
    AgentName, Event, Message, PromptId, Recorded, ToolCallId,
    content::text_of,
    event::ImportedMessage,
    message::{Role, SharedMessage},
    ports::ModelRequest,
    seq::MessageId,
};

use super::{
    prompts::Prompts,
    violation::{LogFault, RequestFault},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    Tool,
}

#[derive(Debug, Clone)]
struct Said {
    id: MessageId,
    speaker: Speaker,
    /// The call that a tool answered.
    call: Option<ToolCallId>,
    /// `None` where the log does not fix the text, as for a failed tool.
    text: Option<Arc<str>>,
    /// Who wrote it, if it is an agent's.
    author: Option<AgentName>,
    /// Whether a request that reaches back this far must hold it.
    needed: bool,
}

/// The messages of a chat in the order in which turns took or wrote them.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    said: Vec<Said>,
    places: HashMap<MessageId, usize>,
}

impl Past {
    /// Takes over one event, after `prompts` has; `writer` is who wrote the message that it ends.
    pub(super) fn apply(
        &mut self,
        recorded: &Recorded,
        writer: Option<&AgentName>,
        prompts: &Prompts,
        faults: &mut Vec<LogFault>,
    ) {
        let here = MessageId(recorded.seq);
        match &recorded.event {
            Event::MessageImported { message, .. } => self.import(here, message),
            Event::TurnStarted { prompt_ids, .. } => {
                for prompt in prompt_ids {
                    self.user(prompt, prompts);
                }
            }
            Event::PromptJoined { prompt_id, .. } => self.user(prompt_id, prompts),
            Event::MessageEnd { message_id, text, .. } => {
                self.answer(*message_id, writer, Some(Arc::clone(text)), !text.is_empty());
            }
            Event::MessageError { message_id, text, .. } => {
                self.answer(*message_id, writer, Some(Arc::clone(text)), false);
            }
            Event::ToolResult { tool_call_id, output } => {
                self.result(here, *tool_call_id, Some(text_of(&output.parts).into()));
            }
            Event::ToolError { tool_call_id, .. } => self.result(here, *tool_call_id, None),
            Event::HistoryTruncated { from } => self.truncate(*from, faults),
            _ => {}
        }
    }

    /// Whether a request holds this history, older turns possibly left out, and nothing else.
    pub(super) fn judge(&self, request: &ModelRequest) -> Option<RequestFault> {
        let mut next = None;
        for given in &request.messages {
            let message = given.id;
            let Some(&place) = self.places.get(&message) else {
                return Some(RequestFault::ForeignMessage { message });
            };
            let said = self.said.get(place)?;
            if !said.is(given) {
                return Some(RequestFault::AlteredMessage { message });
            }
            let from = next.unwrap_or(place);
            if place < from {
                return Some(RequestFault::OutOfOrder { message });
            }
            if let Some(missing) = self.said.get(from..place)?.iter().find(|said| said.needed) {
                return Some(RequestFault::MissingMessage { message: missing.id });
            }
            next = Some(place + 1);
        }
        // With nothing given, the last user's message is missing at least.
        let rest = match next {
            Some(next) => self.said.get(next..)?.iter().find(|said| said.needed),
            None => self.said.iter().rev().find(|said| said.speaker == Speaker::User),
        };
        rest.map(|said| RequestFault::MissingMessage { message: said.id })
    }

    /// Whether this is the whole history; the first message that is not what it should be.
    pub(super) fn differs(&self, told: &[SharedMessage]) -> Option<MessageId> {
        let pairs = self.said.iter().zip(told);
        let wrong = pairs.into_iter().find(|(said, told)| said.id != told.id || !said.is(told));
        let longer = self.said.get(told.len()).map(|said| said.id);
        let more = told.get(self.said.len()).map(|told| told.id);
        wrong.map(|(said, _)| said.id).or(longer).or(more)
    }

    /// The text of the first user's message that says something.
    pub(super) fn first_asked(&self) -> Option<&str> {
        let asked = self.said.iter().filter(|said| said.speaker == Speaker::User);
        asked.filter_map(|said| said.text.as_deref()).find(|text| !text.trim().is_empty())
    }

    fn user(&mut self, id: &PromptId, prompts: &Prompts) {
        if let Some(prompt) = prompts.all.get(id) {
            let text = text_of(&prompt.parts).into();
            self.push(Said::new(MessageId(prompt.accepted), Speaker::User, Some(text), true));
        }
    }

    fn import(&mut self, id: MessageId, message: &ImportedMessage) {
        let text = |parts: &[_]| Some(Arc::from(text_of(parts)));
        match message {
            ImportedMessage::User { parts } => {
                self.push(Said::new(id, Speaker::User, text(parts), true));
            }
            ImportedMessage::Assistant { author, parts, .. } => {
                self.answer(id, author.as_ref(), text(parts), false);
            }
            ImportedMessage::Tool { .. } => self.push(Said::new(id, Speaker::Tool, None, false)),
            _ => {}
        }
    }

    fn answer(
        &mut self,
        id: MessageId,
        author: Option<&AgentName>,
        text: Option<Arc<str>>,
        needed: bool,
    ) {
        let said = Said::new(id, Speaker::Assistant, text, needed);
        self.push(Said { author: author.cloned(), ..said });
    }

    fn push(&mut self, said: Said) {
        if !self.places.contains_key(&said.id) {
            self.places.insert(said.id, self.said.len());
            self.said.push(said);
        }
    }

    /// Results stand in the order of their calls, whichever came first.
    fn result(&mut self, id: MessageId, call: ToolCallId, text: Option<Arc<str>>) {
        let later = |said: &Said| {
            said.call.is_some_and(|other| other.message == call.message && other.index > call.index)
        };
        let behind = self.said.iter().rev().take_while(|said| later(said)).count();
        let place = self.said.len().saturating_sub(behind);
        let needed = text.is_some();
        let said = Said { call: Some(call), ..Said::new(id, Speaker::Tool, text, needed) };
        self.said.insert(place, said);
        for (place, said) in (place..).zip(self.said.iter().skip(place)) {
            self.places.insert(said.id, place);
        }
    }

    fn truncate(&mut self, from: MessageId, faults: &mut Vec<LogFault>) {
        let Some(&place) = self.places.get(&from) else {
            faults.push(LogFault::TruncatedUnknown { from });
            return;
        };
        for said in self.said.drain(place..) {
            self.places.remove(&said.id);
        }
    }
}

impl Said {
    fn new(id: MessageId, speaker: Speaker, text: Option<Arc<str>>, needed: bool) -> Self {
        Self { id, speaker, call: None, text, author: None, needed }
    }

    fn is(&self, message: &Message) -> bool {
        let (speaker, author) = match &message.role {
            Role::User { .. } => (Speaker::User, None),
            Role::Assistant { author, .. } => (Speaker::Assistant, author.as_ref()),
            _ => (Speaker::Tool, None),
        };
        let same_text = self.text.as_ref().is_none_or(|text| **text == *message.text());
        speaker == self.speaker && author == self.author.as_ref() && same_text
    }
}

//! What models were given and what they let go of, against the chat's own log (REQ-2, law 3).

use std::collections::{HashMap, HashSet};

use polychat_core::{
    AgentConfig, ChatId, Event, Recorded, Seq, TurnId,
    content::Text,
    event::TitleProvenance,
    outcome::cut,
    ports::{Callee, ModelDelta, ModelRequest},
    rules::{TITLE_EXCERPT_BYTES_MAX, TITLE_INSTRUCTIONS},
    seq::MessageId,
};

use super::{
    log::LogWalk,
    violation::{LogFault, RequestFault, Violation},
};
use crate::history::RequestId;

/// What a model released for one message.
#[derive(Debug, Clone, Default)]
pub(super) struct Released {
    pub(super) text: String,
    pub(super) reasoning: String,
}

/// All model calls of a history.
#[derive(Debug, Default)]
pub(super) struct Requests {
    messages: HashMap<RequestId, (ChatId, MessageId)>,
    /// Requests for titles, and what was said to each chat's.
    titles: HashMap<RequestId, ChatId>,
    proposed: HashMap<ChatId, String>,
    released: HashMap<ChatId, HashMap<MessageId, Released>>,
    /// What the chats have asked before, as the ids of the messages given.
    asked: HashSet<(ChatId, Vec<MessageId>)>,
}

impl Requests {
    /// Judges a request at the moment it was made.
    pub(super) fn requested(
        &mut self,
        request: RequestId,
        walk: Option<&LogWalk>,
        chat: Option<&ChatId>,
        content: &ModelRequest,
        found: &mut Vec<Violation>,
    ) {
        let (Some(walk), Some(chat)) = (walk, chat) else {
            found.push(Violation::Request { request, fault: RequestFault::UnknownChat });
            return;
        };
        if *content.system == *TITLE_INSTRUCTIONS {
            self.titles.insert(request, chat.clone());
            let fault = title_fault(walk, chat, content);
            found.extend(fault.map(|fault| Violation::Request { request, fault }));
            return;
        }
        // A task that has not heard yet of its turn's end may still ask, for nobody.
        let Some(message) = walk.work.open else { return };
        if let Some(written) = walk.work.written.get(&message) {
            let fault = agent_fault(walk, written.turn, &written.agent, content);
            found.extend(fault.map(|fault| Violation::Request { request, fault }));
        }
        let ids = content.messages.iter().map(|message| message.id).collect();
        let again = !self.asked.insert((chat.clone(), ids));
        if let Some(fault) = walk.past.judge(content) {
            if again && walk.unconfirmed {
                // Another attempt, by a chat that has not heard yet that the turn's end is stored.
                return;
            }
            found.push(Violation::Request { request, fault });
        }
        let of_chat = self.released.entry(chat.clone()).or_default();
        let released = of_chat.entry(message).or_default();
        if !released.text.is_empty() || !released.reasoning.is_empty() {
            let fault = RequestFault::RetriedAfterText { message };
            found.push(Violation::Request { request, fault });
        }
        self.messages.insert(request, (chat.clone(), message));
    }

    /// Takes over what a model released.
    pub(super) fn released(&mut self, request: RequestId, delta: &ModelDelta) {
        if let (Some(chat), ModelDelta::Text(text)) = (self.titles.get(&request), delta) {
            self.proposed.entry(chat.clone()).or_default().push_str(text);
        }
        let Some((chat, message)) = self.messages.get(&request) else { return };
        let of_chat = self.released.get_mut(chat);
        let Some(released) = of_chat.and_then(|of_chat| of_chat.get_mut(message)) else { return };
        match delta {
            ModelDelta::Text(text) => released.text.push_str(text),
            ModelDelta::Reasoning(text) => released.reasoning.push_str(text),
            _ => {}
        }
    }

    /// What was released for a message; `None` when no recorded model was asked for it.
    pub(super) fn of(&self, chat: &ChatId, message: MessageId) -> Option<&Released> {
        self.released.get(chat)?.get(&message)
    }

    /// Judges the recorded end of a message: all that was released, or as far as it went; and a
    /// title that a model proposed.
    pub(super) fn ended(&self, chat: &ChatId, recorded: &Recorded, found: &mut Vec<Violation>) {
        if let Event::ChatUpdated { title, provenance: Some(TitleProvenance::Auto), .. } =
            &recorded.event
            && !self.is_proposed(chat, title.as_ref())
        {
            let (seq, fault) = (recorded.seq, LogFault::TitleNotProposed);
            found.push(Violation::Log { chat: chat.clone(), seq, fault });
        }
        let (message, same) = match &recorded.event {
            Event::MessageEnd { message_id, text, reasoning, .. } => {
                let same = |released: &Released| {
                    **text == *released.text && **reasoning == *released.reasoning
                };
                (*message_id, self.of(chat, *message_id).is_none_or(same))
            }
            Event::MessageError { message_id, text, reasoning, .. } => {
                let same = |released: &Released| {
                    released.text.starts_with(&**text)
                        && released.reasoning.starts_with(&**reasoning)
                };
                (*message_id, self.of(chat, *message_id).is_none_or(same))
            }
            _ => return,
        };
        if !same {
            let (seq, fault): (Seq, _) = (recorded.seq, LogFault::TextNotReleased { message });
            found.push(Violation::Log { chat: chat.clone(), seq, fault });
        }
    }

    /// Whether a title is of what this chat's model said, but for white space and what stands
    /// around it; yes when no model is recorded.
    fn is_proposed(&self, chat: &ChatId, title: Option<&Text>) -> bool {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = self.proposed.get(chat).map(|said| words(said)).unwrap_or_default();
        self.released.is_empty() || title.is_some_and(|title| said.contains(&words(title)))
    }
}

/// What is wrong with a request as a request of the agent that writes the open message.
fn agent_fault(
    walk: &LogWalk,
    turn: TurnId,
    agent: &AgentConfig,
    content: &ModelRequest,
) -> Option<RequestFault> {
    let same = content.agent.as_ref() == Some(&agent.name)
        && content.system == agent.system
        && content.params == agent.params;
    if !same {
        return Some(RequestFault::AgentDiffers);
    }
    if let Some(tool) = content.tools.iter().find(|tool| !agent.tools.includes(&tool.name)) {
        return Some(RequestFault::ToolNotSelected { tool: tool.name.clone() });
    }
    let callee = Callee::Model(agent.model.clone());
    let part = walk.contexts.differs(&walk.chat, turn, &callee, &content.context);
    part.map(|part| RequestFault::ContextDiffers { part })
}

/// What is wrong with a request for a title.
fn title_fault(walk: &LogWalk, chat: &ChatId, content: &ModelRequest) -> Option<RequestFault> {
    let Some(turn) = walk.contexts.titled().filter(|_| walk.titles.may_be_asked()) else {
        return Some(RequestFault::TitleNotWanted);
    };
    let told = content.messages.first().map(|message| message.text()).unwrap_or_default();
    let beginning = cut(walk.titles.beginning().trim(), TITLE_EXCERPT_BYTES_MAX);
    if !told.contains(beginning) {
        return Some(RequestFault::TitleOfSomethingElse);
    }
    if let Some(tool) = content.tools.first() {
        return Some(RequestFault::ToolNotSelected { tool: tool.name.clone() });
    }
    let callee = Callee::Model(walk.titles.model()?.clone());
    let part = walk.contexts.differs(chat, turn, &callee, &content.context);
    part.map(|part| RequestFault::ContextDiffers { part })
}

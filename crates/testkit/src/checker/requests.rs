//! What models were given and what they let go of, against the chat's own log (REQ-2, law 3).

use std::collections::{HashMap, HashSet};

use polychat_core::{
    ChatId, Event, Recorded, Seq,
    ports::{ModelDelta, ModelRequest},
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
        // A task that has not heard yet of its turn's end may still ask, for nobody.
        let Some(message) = walk.work.open else { return };
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

    /// Judges the recorded end of a message: all that was released, or as far as it went.
    pub(super) fn ended(&self, chat: &ChatId, recorded: &Recorded, found: &mut Vec<Violation>) {
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
}

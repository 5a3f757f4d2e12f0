//! Text that was shown against text that was recorded: nothing lost, added or changed (law 1, 5).

use std::{collections::HashMap, sync::Arc};

use polychat_core::{ChatId, seq::MessageId};

use super::{
    log::LogWalk,
    requests::Requests,
    violation::{DeliveryFault, Violation},
    work::WrittenEnd,
};
use crate::history::SubscriberId;

/// Which text of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Voice {
    Said,
    Thought,
}

/// One piece of a message's text, as one subscriber received it.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) subscriber: SubscriberId,
    pub(super) message: MessageId,
    pub(super) voice: Voice,
    pub(super) offset: u64,
    pub(super) text: Arc<str>,
}

/// Pieces of messages whose final text is not known yet.
#[derive(Debug, Default)]
pub(super) struct Shown {
    waiting: HashMap<ChatId, HashMap<MessageId, Vec<Waiting>>>,
}

#[derive(Debug)]
struct Waiting {
    piece: Piece,
    // Shown by a process that was lost: recovery may record less of it.
    superseded: bool,
}

impl Shown {
    /// Judges a piece now as far as possible, and again when its message ends.
    pub(super) fn piece(
        &mut self,
        walk: &LogWalk,
        chat: &ChatId,
        piece: Piece,
        requests: &Requests,
        found: &mut Vec<Violation>,
    ) {
        if let Some(released) = requests.of(chat, piece.message) {
            let source = match piece.voice {
                Voice::Said => &released.text,
                Voice::Thought => &released.reasoning,
            };
            if at(source, piece.offset, piece.text.len()) != Some(&*piece.text) {
                let (message, offset) = (piece.message, piece.offset);
                let fault = DeliveryFault::TextNotReleased { message, offset };
                found.push(piece.violation(chat, fault));
                return;
            }
        }
        match walk.work.written.get(&piece.message).and_then(|written| written.end.as_ref()) {
            Some(end) => piece.judge(chat, end, false, found),
            None => {
                let of_chat = self.waiting.entry(chat.clone()).or_default();
                let waiting = Waiting { piece, superseded: false };
                of_chat.entry(waiting.piece.message).or_default().push(waiting);
            }
        }
    }

    /// Judges all pieces of a message that has just ended.
    pub(super) fn ended(
        &mut self,
        walk: &LogWalk,
        chat: &ChatId,
        message: MessageId,
        found: &mut Vec<Violation>,
    ) {
        let pieces = self.waiting.get_mut(chat).and_then(|of_chat| of_chat.remove(&message));
        let end = walk.work.written.get(&message).and_then(|written| written.end.as_ref());
        if let (Some(pieces), Some(end)) = (pieces, end) {
            for waiting in pieces {
                waiting.piece.judge(chat, end, waiting.superseded, found);
            }
        }
    }

    /// The process is lost: what was shown and not saved is superseded.
    pub(super) fn process_lost(&mut self) {
        for waiting in self.waiting.values_mut().flat_map(HashMap::values_mut).flatten() {
            waiting.superseded = true;
        }
    }
}

impl Piece {
    fn judge(&self, chat: &ChatId, end: &WrittenEnd, superseded: bool, found: &mut Vec<Violation>) {
        let text = match self.voice {
            Voice::Said => &end.text,
            Voice::Thought => &end.reasoning,
        };
        let (message, offset, recorded) = (self.message, self.offset, text.len() as u64);
        let shown_to = offset.saturating_add(self.text.len() as u64);
        let inside = recorded.saturating_sub(offset).min(self.text.len() as u64);
        let inside = usize::try_from(inside).unwrap_or(usize::MAX);
        let differs =
            inside > 0 && at_bytes(text, offset, inside) != self.text.as_bytes().get(..inside);
        if differs {
            let fault = DeliveryFault::TextDiffers { message, offset };
            found.push(self.violation(chat, fault));
        } else if shown_to > recorded && !superseded {
            let fault = DeliveryFault::TextAfterSeal { message, shown_to, recorded };
            found.push(self.violation(chat, fault));
        }
    }

    fn violation(&self, chat: &ChatId, fault: DeliveryFault) -> Violation {
        Violation::Delivery { subscriber: self.subscriber, chat: Some(chat.clone()), fault }
    }
}

fn at(text: &str, offset: u64, len: usize) -> Option<&str> {
    let start = usize::try_from(offset).ok()?;
    text.get(start..start.checked_add(len)?)
}

fn at_bytes(text: &str, offset: u64, len: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    text.as_bytes().get(start..start.checked_add(len)?)
}

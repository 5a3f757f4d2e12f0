//! What subscribers of the world's feed received: statuses that agree with the logs and never go
//! back, and nothing of a chat after its deletion.

use std::collections::{HashMap, HashSet};

use polychat_core::{ChatId, EndReason, Notice, Scope, Seq, notice::WorldNotice};

use super::{
    log::LogWalk,
    statuses::judge_status,
    violation::{DeliveryFault, Violation},
};
use crate::history::SubscriberId;

#[derive(Debug, Default)]
struct Watcher {
    heads: HashMap<ChatId, Seq>,
    deleted: HashSet<ChatId>,
    ended: Option<EndReason>,
}

/// All subscribers of the world's feed.
#[derive(Debug, Default)]
pub(super) struct WorldFeeds {
    watchers: HashMap<SubscriberId, Watcher>,
}

impl WorldFeeds {
    /// A subscription was granted; those of a chat are judged elsewhere.
    pub(super) fn subscribed(&mut self, subscriber: SubscriberId, scope: &Scope) {
        if *scope == Scope::World {
            self.watchers.insert(subscriber, Watcher::default());
        }
    }

    /// Judges what a subscriber of the world received; nothing when it watches a chat.
    pub(super) fn noticed(
        &mut self,
        subscriber: SubscriberId,
        notice: &Notice,
        walks: &HashMap<ChatId, LogWalk>,
        found: &mut Vec<Violation>,
    ) {
        let Some(watcher) = self.watchers.get_mut(&subscriber) else { return };
        let fault = match (watcher.ended, notice) {
            (Some(reason), _) => Some(DeliveryFault::AfterEnd { reason }),
            (None, Notice::World(notice)) => watcher.noticed(notice, walks, found),
            (None, Notice::Ended(reason)) => {
                watcher.ended = Some(*reason);
                None
            }
            (None, Notice::Recorded { event, .. }) => {
                Some(DeliveryFault::Misrouted { of: Some(event.chat_id.clone()) })
            }
            (None, Notice::Live { event, .. }) => {
                Some(DeliveryFault::Misrouted { of: Some(event.chat_id.clone()) })
            }
            (None, _) => None,
        };
        let delivery = |fault| Violation::Delivery { subscriber, chat: None, fault };
        found.extend(fault.map(delivery));
    }
}

impl Watcher {
    fn noticed(
        &mut self,
        notice: &WorldNotice,
        walks: &HashMap<ChatId, LogWalk>,
        found: &mut Vec<Violation>,
    ) -> Option<DeliveryFault> {
        match notice {
            WorldNotice::Status { status } => {
                let chat = &status.chat_id;
                if self.deleted.contains(chat) {
                    return Some(DeliveryFault::AfterDelete);
                }
                let seen = self.heads.insert(chat.clone(), status.head).unwrap_or(Seq::ZERO);
                if status.head < seen {
                    return Some(DeliveryFault::StatusBackwards { seen, got: status.head });
                }
                judge_status(walks.get(chat), status, found);
                None
            }
            WorldNotice::Created { chat_id } => {
                let stored = walks.get(chat_id).is_some_and(|walk| walk.head >= Seq::FIRST);
                (!stored).then_some(DeliveryFault::ShownBeforeStored { seq: Seq::FIRST })
            }
            WorldNotice::Deleted { chat_id } => {
                let walk = walks.get(chat_id);
                let again = !self.deleted.insert(chat_id.clone());
                let next = walk.map_or(Seq::FIRST, |walk| walk.head.next());
                match walk.and_then(|walk| walk.deleted) {
                    None => Some(DeliveryFault::ShownBeforeStored { seq: next }),
                    Some(_) => again.then_some(DeliveryFault::AfterDelete),
                }
            }
            _ => None,
        }
    }
}

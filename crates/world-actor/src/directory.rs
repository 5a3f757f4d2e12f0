//! Where the slots of chats are found, without passing anybody's mailbox.

use std::sync::Arc;

use dashmap::DashMap;
use polychat_chat_actor::slot::Slot;
use polychat_core::{ChatId, Limits, Seq, WorldId, ports::LogKey};

/// The slots of all chats that are live, watched, or failed. A chat that is none of these has no
/// entry, and costs nothing here.
pub(crate) struct Directory {
    world: WorldId,
    limits: Limits,
    slots: DashMap<ChatId, Arc<Slot>>,
}

impl Directory {
    pub(crate) fn new(world: WorldId, limits: Limits) -> Self {
        Self { world, limits, slots: DashMap::new() }
    }

    pub(crate) fn get(&self, chat: &ChatId) -> Option<Arc<Slot>> {
        self.slots.get(chat).map(|slot| Arc::clone(&slot))
    }

    /// The chat's slot; a new one if there is none.
    pub(crate) fn get_or_make(&self, chat: &ChatId) -> Arc<Slot> {
        if let Some(slot) = self.get(chat) {
            return slot;
        }
        let make = || {
            let key = LogKey::Chat(self.world.clone(), chat.clone());
            Arc::new(Slot::new(key, chat.clone(), Seq::ZERO, &self.limits))
        };
        Arc::clone(&self.slots.entry(chat.clone()).or_insert_with(make))
    }

    /// Forgets a slot that nobody uses: no actor, no watcher, no command on its way. Whoever holds
    /// a slot has cloned it under the same lock that is taken here.
    pub(crate) fn forget_unused(&self, chat: &ChatId) {
        self.slots.remove_if(chat, |_, slot| is_unused(slot));
    }

    /// Forgets all slots that nobody uses.
    pub(crate) fn forget_all_unused(&self) {
        self.slots.retain(|_, slot| !is_unused(slot));
        if self.slots.len() * 4 < self.slots.capacity() {
            self.slots.shrink_to_fit();
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        self.slots.iter().map(|slot| Arc::clone(slot.value())).collect()
    }
}

fn is_unused(slot: &Arc<Slot>) -> bool {
    Arc::strong_count(slot) == 1 && slot.is_vacant()
}

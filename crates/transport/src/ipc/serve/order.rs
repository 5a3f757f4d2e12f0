//! What is to change in one chat changes in the order in which it was asked for.
//!
//! Requests run side by side, and the world would take two of one chat as they come. They come in
//! any order when the chat has to be revived first, or its actor was about to end. So on one
//! connection what changes a chat waits until what was to change in it before has its answer. What
//! only reads waits for nothing.

use std::{collections::HashMap, sync::Arc};

use polychat_core::{ChatId, Command};
use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::unconstrained,
};

/// The chats in which something is to change on one connection.
#[derive(Default)]
pub(super) struct Order {
    by_chat: HashMap<ChatId, Arc<Mutex<()>>>,
}

impl Order {
    /// The place of a command behind those that change the same chat and came before.
    pub(super) fn place_of(&mut self, command: &Command) -> Place {
        let chat = match command {
            // It only reads the chat that is copied; what follows is asked of the new one.
            Command::ForkChat { chat, .. } => chat.id.as_ref(),
            other if only_reads(other) => None,
            other => other.chat(),
        };
        Place(chat.map(|chat| self.queue(chat)))
    }

    /// Fair: whoever asks first has it first.
    fn queue(&mut self, chat: &ChatId) -> Arc<Mutex<()>> {
        if let Some(queue) = self.by_chat.get(chat) {
            return Arc::clone(queue);
        }
        // Before the map would grow, those in which nothing changes any more go.
        if self.by_chat.len() == self.by_chat.capacity() {
            self.by_chat.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        let queue = Arc::default();
        self.by_chat.insert(chat.clone(), Arc::clone(&queue));
        queue
    }
}

/// A command's place among those that change its chat; none for what waits for nothing.
pub(super) struct Place(Option<Arc<Mutex<()>>>);

impl Place {
    /// Waits until it is this command's turn, which lasts as long as what this returns.
    ///
    /// The place is taken when this is polled for the first time.
    pub(super) async fn turn(self) -> Option<OwnedMutexGuard<()>> {
        // Otherwise tokio would make a task that has done much wait here, though it is its turn, and
        // requests of other chats that came later would begin before.
        Some(unconstrained(self.0?.lock_owned()).await)
    }
}

fn only_reads(command: &Command) -> bool {
    matches!(
        command,
        Command::Snapshot { .. }
            | Command::ListPrompts { .. }
            | Command::LookUpPrompt { .. }
            | Command::ListMessages { .. }
            | Command::ReadLog { .. }
            | Command::Search { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(chat: &str) -> Command {
        Command::CloseChat { chat: ChatId::new(chat).unwrap() }
    }

    // law 7
    #[test]
    fn chats_in_which_nothing_changes_any_more_are_forgotten() {
        let mut order = Order::default();
        let Place(asked) = order.place_of(&close("asked"));
        for n in 0..10_000 {
            order.place_of(&close(&n.to_string()));
        }
        assert!(order.by_chat.len() < 16);
        assert!(Arc::ptr_eq(&asked.unwrap(), &order.queue(&ChatId::new("asked").unwrap())));
    }
}

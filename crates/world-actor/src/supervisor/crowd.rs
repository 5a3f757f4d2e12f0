//! Who waits for room in a full world: as many newcomers as chats were asked to end early.
//!
//! A chat that is asked decides itself and may decline. Then its newcomer asks another one, or is
//! refused: nobody waits for a place that may never come free.

use std::{collections::HashSet, collections::VecDeque, sync::Arc};

use polychat_chat_actor::slot::Slot;
use polychat_core::{ChatId, Diagnostic, Refusal, diagnostic::DiagnosticKind};
use ractor::ActorRef;

use super::{Life, Order, Supervisor, Waiter};

/// Newcomers and the chats that make room for them. There are never more newcomers than such chats.
#[derive(Default)]
pub(super) struct Crowd {
    newcomers: VecDeque<Newcomer>,
    /// Asked to end early, and neither ended nor declined yet.
    asked: HashSet<ChatId>,
}

/// Somebody who needs a chat that is not live.
pub(super) struct Newcomer {
    pub(super) slot: Arc<Slot>,
    pub(super) insist: bool,
    pub(super) reply: Waiter,
}

impl Crowd {
    /// Nobody is let in any more.
    pub(super) fn send_away(&mut self) {
        for newcomer in self.newcomers.drain(..) {
            let _ = newcomer.reply.send(Err(Refusal::WorldClosed {}));
        }
    }
}

impl Supervisor {
    /// Lets one idle chat end early, and the newcomer wait for that.
    pub(super) fn make_room(&mut self, myself: &ActorRef<Order>, newcomer: Newcomer) {
        for _ in 0..self.rotation.len() {
            let Some(candidate) = self.rotation.pop_front() else { break };
            let Some(chat) = self.names.get(&candidate).cloned() else { continue };
            let Some(entry) = self.chats.get(&chat) else { continue };
            if !matches!(entry.life, Life::Actor) {
                continue;
            }
            let slot = Arc::clone(&entry.slot);
            self.rotation.push_back(candidate);
            let Some(actor) = slot.actor() else { continue };
            if slot.is_resting() && self.crowd.asked.insert(chat.clone()) {
                let (declined, myself) = (actor.make_room(), myself.clone());
                tokio::spawn(async move {
                    if declined.await {
                        let _ = myself.send_message(Order::Declined(chat));
                    }
                });
                self.crowd.newcomers.push_back(newcomer);
                return;
            }
        }
        let max = self.environment.limits.live_chats_max;
        let limit = DiagnosticKind::LimitReached { limit: "live_chats_max".into() };
        let at = self.environment.clock.now();
        let chat = newcomer.slot.chat.clone();
        self.environment.reporter.diagnostic(Diagnostic::of_chat(at, chat, limit));
        let _ = newcomer.reply.send(Err(Refusal::LiveChatsFull { max }));
    }

    /// A chat that was asked to end early has ended, or will not.
    pub(super) async fn answered(&mut self, myself: &ActorRef<Order>, chat: &ChatId) {
        self.crowd.asked.remove(chat);
        if self.stopping {
            return;
        }
        while self.names.len() < self.environment.limits.live_chats_max
            && let Some(Newcomer { slot, insist, reply }) = self.crowd.newcomers.pop_front()
        {
            // The newcomer's chat may have got an actor in the meantime.
            Box::pin(self.start(myself, slot, insist, reply)).await;
        }
        while self.crowd.newcomers.len() > self.crowd.asked.len()
            && let Some(newcomer) = self.crowd.newcomers.pop_front()
        {
            self.make_room(myself, newcomer);
        }
    }
}

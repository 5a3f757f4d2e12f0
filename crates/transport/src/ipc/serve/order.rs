//! What is to change in one chat changes in the order in which it was asked for.
//!
//! Requests run side by side, and the world would take two of one chat as they come. They come in
//! any order when the chat has to be revived first, or its actor was about to end. So on one
//! connection what changes a chat waits until what was to change in it before has its answer. What
//! only reads waits for nothing.
//!
//! What ends work that its command names passes prompts of the chat that only want to be queued, so
//! that it need not wait for as many slow appends; but never the very prompt that it is meant for.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polychat_core::{ChatId, Command, PromptId, command::CancelTarget, event::PromptMode};
use tokio::{sync::oneshot, task::unconstrained};

/// The chats in which something is to change on one connection.
#[derive(Default)]
pub(super) struct Order {
    by_chat: HashMap<ChatId, Arc<Queue>>,
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
        Place(chat.map(|chat| Queue::enter(self.queue(chat), Manner::of(command))))
    }

    fn queue(&mut self, chat: &ChatId) -> Arc<Queue> {
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

/// How a command goes among those that change its chat.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Manner {
    /// After everything before it; a prompt that is to be queued, so that it may be passed.
    Prompt(PromptId),
    /// After everything before it, and passed by nothing.
    InTurn,
    /// After everything before it but such prompts.
    PassesPrompts,
    /// After everything before it but other such prompts than this.
    PassesAllPromptsBut(PromptId),
}

impl Manner {
    fn of(command: &Command) -> Self {
        match command {
            // The other modes mean the turn that runs when the prompt arrives.
            Command::SendPrompt { prompt, mode: PromptMode::Queue, .. } => {
                Self::Prompt(prompt.clone())
            }
            Command::WithdrawPrompt { prompt, .. } => Self::PassesAllPromptsBut(prompt.clone()),
            Command::DecideApproval { .. } | Command::DeleteChat { .. } => Self::PassesPrompts,
            Command::CancelTurn { target: CancelTarget::Turn(_), .. } => Self::PassesPrompts,
            // To cancel what runs may be meant for a prompt before it, and to close a chat is to
            // have the prompts before it accepted.
            _ => Self::InTurn,
        }
    }

    fn waits_for(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::PassesPrompts, Self::Prompt(_)) => false,
            (Self::PassesAllPromptsBut(its_own), Self::Prompt(other)) => its_own == other,
            _ => true,
        }
    }
}

/// The commands of one chat that have begun or are to begin, in the order in which they came.
///
/// They are as many as requests of the connection may run, so that looking through them is quick.
#[derive(Default)]
struct Queue(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    /// Commands so far; the next one's number.
    numbered: u64,
    present: VecDeque<Entry>,
}

struct Entry {
    number: u64,
    manner: Manner,
    /// Who is to hear that it may begin; `None` once it has.
    waits: Option<oneshot::Sender<()>>,
}

impl Queue {
    fn enter(queue: Arc<Self>, manner: Manner) -> Queued {
        let (waits, may_begin) = oneshot::channel();
        let mut entries = queue.lock();
        entries.numbered += 1;
        let number = entries.numbered;
        entries.present.push_back(Entry { number, manner, waits: Some(waits) });
        entries.begin_ready();
        drop(entries);
        Queued { queue, number, may_begin: Some(may_begin) }
    }

    fn leave(&self, number: u64) {
        let mut entries = self.lock();
        entries.present.retain(|entry| entry.number != number);
        entries.begin_ready();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Lets all begin that wait for nothing that is still there.
    fn begin_ready(&mut self) {
        let mut prompts: Vec<&Manner> = Vec::new();
        for entry in &mut self.present {
            let held_up = prompts.iter().any(|earlier| entry.manner.waits_for(earlier));
            if !held_up && let Some(waits) = entry.waits.take() {
                // Who has gone leaves by itself.
                let _ = waits.send(());
            }
            if !matches!(entry.manner, Manner::Prompt(_)) {
                // Nothing passes it.
                return;
            }
            prompts.push(&entry.manner);
        }
    }
}

/// A command's place among those that change its chat; none for what waits for nothing.
///
/// The place is taken when this is made, and lasts until it is dropped.
pub(super) struct Place(Option<Queued>);

struct Queued {
    queue: Arc<Queue>,
    number: u64,
    may_begin: Option<oneshot::Receiver<()>>,
}

impl Place {
    /// Waits until it is this command's turn, which lasts as long as what this returns.
    pub(super) async fn turn(mut self) -> Self {
        let may_begin = self.0.as_mut().and_then(|queued| queued.may_begin.take());
        if let Some(may_begin) = may_begin {
            // Otherwise tokio would make a task that has done much wait here, though it is its turn,
            // and requests of other chats that came later would begin before. The sender is in the
            // queue until it has said so.
            let _ = unconstrained(may_begin).await;
        }
        self
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.queue.leave(self.number);
    }
}

/// Whether a command changes nothing, so that it may be done in any order, and more than once.
pub(super) fn only_reads(command: &Command) -> bool {
    matches!(
        command,
        Command::Snapshot { .. }
            | Command::ListPrompts { .. }
            | Command::LookUpPrompt { .. }
            | Command::ListMessages { .. }
            | Command::ReadLog { .. }
            | Command::ListChats { .. }
            | Command::GetWorld
            | Command::Search { .. }
    )
}

#[cfg(test)]
mod tests;

//! The WorldActor: it starts the actors of chats and decides what happens when one ends.
//!
//! One for one: whatever ends a chat's actor, no other chat notices. Nothing here does I/O, waits
//! for a chat, or returns an error, because supervision events wait behind whatever it does.

mod crowd;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use polychat_chat_actor::{
    environment::Environment,
    slot::Slot,
    supervise::{self, ChatRef},
};
use polychat_core::{
    ChatId, ChatStatus, Diagnostic, EndReason, Refusal, StatusKind, content::Text,
    diagnostic::DiagnosticKind,
};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::{sync::oneshot, time::Instant};

use self::crowd::{Crowd, Newcomer};
use crate::directory::Directory;

/// What reaches the supervisor.
pub(crate) enum Order {
    /// A chat's actor is needed.
    Start {
        slot: Arc<Slot>,
        /// Whether to try again although it failed too often.
        insist: bool,
        reply: oneshot::Sender<Result<ChatRef, Refusal>>,
    },
    /// A pause before a restart is over.
    Restart(ChatId),
    /// A chat that was asked to make room has something to do.
    Declined(ChatId),
    /// End all chats, then the supervisor.
    Shutdown,
    /// The time for that is over.
    ShutdownOverdue,
}

pub(crate) struct WorldActor;

pub(crate) struct Arguments {
    pub(crate) environment: Arc<Environment>,
    pub(crate) directory: Arc<Directory>,
}

/// The chats that have an actor, had one that failed, or wait for one.
pub(crate) struct Supervisor {
    environment: Arc<Environment>,
    directory: Arc<Directory>,
    chats: HashMap<ChatId, Entry>,
    names: HashMap<ActorId, ChatId>,
    /// Live chats, least recently looked at first: candidates to passivate when the world is full.
    rotation: VecDeque<ActorId>,
    /// Who waits for another chat to make room; bounded by the world's lanes.
    crowd: Crowd,
    stopping: bool,
}

type Waiter = oneshot::Sender<Result<ChatRef, Refusal>>;

struct Entry {
    slot: Arc<Slot>,
    life: Life,
    /// When its actor failed, within the restart window.
    failures: VecDeque<Instant>,
    /// Who waits for the next actor; bounded by the chat's lanes.
    waiters: Vec<Waiter>,
}

enum Life {
    /// The actor lives, or has begun to end.
    Actor,
    /// It is started again after a pause.
    Pausing,
    /// It is not started again by itself.
    Failed(Text),
}

impl Actor for WorldActor {
    type Msg = Order;
    type State = Supervisor;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        _myself: ActorRef<Order>,
        arguments: Arguments,
    ) -> Result<Supervisor, ActorProcessingErr> {
        Ok(Supervisor {
            environment: arguments.environment,
            directory: arguments.directory,
            chats: HashMap::new(),
            names: HashMap::new(),
            rotation: VecDeque::new(),
            crowd: Crowd::default(),
            stopping: false,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        supervisor: &mut Supervisor,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Start { slot, insist, reply } => {
                supervisor.start(&myself, slot, insist, reply).await;
            }
            Order::Restart(chat) => supervisor.restart(&myself, &chat).await,
            Order::Declined(chat) => supervisor.answered(&myself, &chat).await,
            Order::Shutdown => supervisor.shut_down(&myself),
            Order::ShutdownOverdue => myself.stop(None),
        }
        Ok(())
    }

    /// The default would end the world with its first chat; this one never fails.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Order>,
        event: SupervisionEvent,
        supervisor: &mut Supervisor,
    ) -> Result<(), ActorProcessingErr> {
        let (actor, fault) = match event {
            SupervisionEvent::ActorFailed(who, error) => {
                (who.get_id(), Some(supervise::fault_of(&error)))
            }
            // A killed actor reports a termination, not a failure.
            SupervisionEvent::ActorTerminated(who, _, Some(reason)) if reason == "killed" => {
                (who.get_id(), Some(reason))
            }
            SupervisionEvent::ActorTerminated(who, _, _) => (who.get_id(), None),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {
                return Ok(());
            }
        };
        supervisor.ended(&myself, actor, fault).await;
        Ok(())
    }

    /// Children of a supervisor that ends are killed; those that live get time to end in order.
    async fn post_stop(
        &self,
        _myself: ActorRef<Order>,
        supervisor: &mut Supervisor,
    ) -> Result<(), ActorProcessingErr> {
        supervisor.environment.gate.close();
        for slot in supervisor.directory.all() {
            if let Some(actor) = slot.actor() {
                actor.interrupt();
            }
            slot.feed.end(EndReason::WorldClosed);
        }
        Ok(())
    }
}

impl Supervisor {
    async fn start(
        &mut self,
        myself: &ActorRef<Order>,
        slot: Arc<Slot>,
        insist: bool,
        reply: Waiter,
    ) {
        if self.stopping {
            let _ = reply.send(Err(Refusal::WorldClosed {}));
            return;
        }
        if let Some(entry) = self.chats.get_mut(&slot.chat) {
            match &entry.life {
                Life::Actor => match entry.slot.actor() {
                    Some(actor) => {
                        let _ = reply.send(Ok(actor));
                    }
                    // It has begun to end; its successor begins when it has.
                    None => entry.waiters.push(reply),
                },
                Life::Pausing => entry.waiters.push(reply),
                Life::Failed(reason) if !insist => {
                    let _ = reply.send(Err(Refusal::ChatFailed { reason: reason.clone() }));
                }
                Life::Failed(_) => {
                    entry.failures.clear();
                    entry.waiters.push(reply);
                    let chat = slot.chat.clone();
                    self.spawn(myself, &chat).await;
                }
            }
            return;
        }
        if self.names.len() >= self.environment.limits.live_chats_max {
            self.make_room(myself, Newcomer { slot, insist, reply });
            return;
        }
        self.admit(myself, slot, reply).await;
    }

    async fn admit(&mut self, myself: &ActorRef<Order>, slot: Arc<Slot>, reply: Waiter) {
        let chat = slot.chat.clone();
        let entry =
            Entry { slot, life: Life::Pausing, failures: VecDeque::new(), waiters: vec![reply] };
        self.chats.insert(chat.clone(), entry);
        self.spawn(myself, &chat).await;
    }

    /// Starts an actor for an entry, and tells who waits.
    async fn spawn(&mut self, myself: &ActorRef<Order>, chat: &ChatId) {
        let Some(entry) = self.chats.get_mut(chat) else { return };
        let (environment, slot) = (Arc::clone(&self.environment), Arc::clone(&entry.slot));
        match supervise::start(environment, Arc::clone(&slot), myself.get_cell()).await {
            Ok((actor, id)) => {
                slot.occupy(actor.clone());
                entry.life = Life::Actor;
                for waiter in entry.waiters.drain(..) {
                    let _ = waiter.send(Ok(actor.clone()));
                }
                self.names.insert(id, chat.clone());
                self.rotation.push_back(id);
            }
            Err(error) => {
                let reason: Text = error.to_string().into();
                for waiter in entry.waiters.drain(..) {
                    let _ = waiter.send(Err(Refusal::ChatFailed { reason: reason.clone() }));
                }
                self.chats.remove(chat);
            }
        }
    }

    async fn restart(&mut self, myself: &ActorRef<Order>, chat: &ChatId) {
        let pausing = self.chats.get(chat).is_some_and(|entry| matches!(entry.life, Life::Pausing));
        if pausing && !self.stopping {
            self.spawn(myself, chat).await;
            // The log must be settled even if nobody asks for anything.
            if let Some(actor) = self.chats.get(chat).and_then(|entry| entry.slot.actor()) {
                actor.load();
            }
        }
    }

    /// A chat's actor has ended, in order or not.
    async fn ended(&mut self, myself: &ActorRef<Order>, actor: ActorId, fault: Option<String>) {
        let Some(chat) = self.names.remove(&actor) else { return };
        if self.rotation.len() > 2 * self.names.len() + 64 {
            // Names of actors that have ended are left behind, and cleared away now and then.
            self.rotation.retain(|live| self.names.contains_key(live));
        }
        if let Some(entry) = self.chats.get(&chat) {
            entry.slot.vacate();
        }
        match fault {
            Some(reason) if !self.stopping => self.failed(myself, &chat, &reason).await,
            _ => self.ended_in_order(myself, &chat).await,
        }
        self.answered(myself, &chat).await;
        if self.stopping && self.names.is_empty() {
            myself.stop(None);
        }
    }

    async fn ended_in_order(&mut self, myself: &ActorRef<Order>, chat: &ChatId) {
        let wanted = self.chats.get(chat).is_some_and(|entry| !entry.waiters.is_empty());
        if wanted && !self.stopping {
            return self.spawn(myself, chat).await;
        }
        if let Some(entry) = self.chats.remove(chat) {
            for waiter in entry.waiters {
                let _ = waiter.send(Err(Refusal::WorldClosed {}));
            }
        }
        self.directory.forget_unused(chat);
        self.shrink();
    }

    /// Gives back what a crowd that has gone needed.
    fn shrink(&mut self) {
        if self.chats.len() * 4 < self.chats.capacity() {
            self.chats.shrink_to(self.chats.len() * 2);
            self.names.shrink_to(self.names.len() * 2);
            self.rotation.shrink_to(self.rotation.len() * 2);
        }
    }

    /// Starts it again, after a pause that grows; after too many failures in a row no more.
    async fn failed(&mut self, myself: &ActorRef<Order>, chat: &ChatId, reason: &str) {
        let (now, at) = (Instant::now(), self.environment.clock.now());
        let limits = &self.environment.limits;
        let Some(entry) = self.chats.get_mut(chat) else { return };
        entry.failures.push_back(now);
        let too_old = |failure: &Instant| now.duration_since(*failure) > limits.restart_window;
        while entry.failures.front().is_some_and(too_old) {
            entry.failures.pop_front();
        }
        let failures = u32::try_from(entry.failures.len()).unwrap_or(u32::MAX);
        let reason = polychat_core::outcome::cut(reason, 512);
        metrics::counter!("polychat_actor_failures_total").increment(1);
        if failures > limits.restarts_max {
            let text: Text = reason.into();
            entry.life = Life::Failed(text.clone());
            for waiter in entry.waiters.drain(..) {
                let _ = waiter.send(Err(Refusal::ChatFailed { reason: text.clone() }));
            }
            let status = failed_status(&entry.slot);
            entry.slot.set_failed(text.clone());
            let kind = DiagnosticKind::GaveUp { reason: text };
            self.environment.reporter.diagnostic(Diagnostic::of_chat(at, chat.clone(), kind));
            self.environment.reporter.status(status);
            return entry.slot.feed.end(EndReason::Failed);
        }
        let kind = DiagnosticKind::Restarted { restarts: failures, reason: reason.into() };
        self.environment.reporter.diagnostic(Diagnostic::of_chat(at, chat.clone(), kind));
        entry.life = Life::Pausing;
        let pause = match failures {
            0 | 1 => Duration::ZERO,
            more => limits.restart_delay.saturating_mul(1 << (more - 2).min(16)),
        };
        if pause.is_zero() {
            return self.restart(myself, chat).await;
        }
        let (myself, chat) = (myself.clone(), chat.clone());
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = myself.send_message(Order::Restart(chat));
        });
    }

    fn shut_down(&mut self, myself: &ActorRef<Order>) {
        self.stopping = true;
        self.crowd.send_away();
        for entry in self.chats.values_mut() {
            for waiter in entry.waiters.drain(..) {
                let _ = waiter.send(Err(Refusal::WorldClosed {}));
            }
            if let Some(actor) = entry.slot.actor() {
                actor.interrupt();
            }
        }
        if self.names.is_empty() {
            return myself.stop(None);
        }
        let (myself, pause) = (myself.clone(), self.environment.limits.shutdown_drain_duration);
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let _ = myself.send_message(Order::ShutdownOverdue);
        });
    }
}

fn failed_status(slot: &Slot) -> ChatStatus {
    ChatStatus {
        chat_id: slot.chat.clone(),
        kind: StatusKind::Failed,
        turn_id: None,
        last_outcome: None,
        queued: 0,
        head: slot.feed.head(),
        title: Text::from(""),
    }
}

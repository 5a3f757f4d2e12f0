//! One live chat: input → decide → append → apply → publish → reply → effects.
//!
//! Called by the actor shell, one mail at a time. Only the store is ever awaited here; models and
//! tools run in tasks of their own and report by mail.

mod append;
mod begin;
mod load;
mod report;
mod turn_clock;
mod work;

use std::{collections::VecDeque, sync::Arc};

use polychat_core::{
    ChatStatus, CommandError, Fault, FaultKind, Refusal, Reply, StatusKind,
    content::Text,
    ports::Fence,
    rules::{ChatCommand, ChatState, Decision, Effect, Facts, Input, Shown, TurnInput},
};

use self::{append::Stall, work::Running};
use crate::{
    actor::{ChatRef, Mail},
    envelope::{Envelope, Responder, Work},
    environment::Environment,
    gate::TurnPermit,
    query::{Query, View},
    slot::Slot,
    toolbox::Guarded,
};

/// A bug, or a store that breaks its promises: the actor ends and is started again from its log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(pub(crate) String);

/// One live chat. Dropping it stops all its work.
pub(crate) struct Chat {
    environment: Arc<Environment>,
    slot: Arc<Slot>,
    myself: ChatRef,
    phase: Phase,
    running: Running,
    permit: Option<TurnPermit>,
    /// Whether a place among the running turns was asked for and has not come yet.
    in_line: bool,
    /// Whether the actor has begun to end: whatever still comes in is returned untouched.
    retiring: bool,
    /// How often in a row the store could not be reached.
    store_failures: u32,
    /// Whether another try is on its way.
    store_try_due: bool,
}

enum Phase {
    /// The log was not read yet; a reason when that was tried and failed.
    Unread(Option<Text>),
    /// There is no log.
    Absent,
    /// There is a tombstone.
    Deleted,
    /// The log cannot be used.
    Quarantined(Text),
    Ready(Box<Ready>),
}

struct Ready {
    state: ChatState,
    fence: Fence,
    /// The epoch in which this actor writes to the feed. A fence may be renewed, this is not.
    epoch: polychat_core::Epoch,
    stall: Option<Stall>,
    /// What turns reported while stalled; bounded by what one turn runs at once.
    held: VecDeque<TurnInput>,
}

impl Ready {
    fn new(state: ChatState, fence: Fence) -> Self {
        let epoch = fence.epoch;
        Self { state, fence, epoch, stall: None, held: VecDeque::new() }
    }
}

impl Chat {
    pub(crate) fn new(environment: Arc<Environment>, slot: Arc<Slot>, myself: ChatRef) -> Self {
        Self {
            environment,
            slot,
            myself,
            phase: Phase::Unread(None),
            running: Running::default(),
            permit: None,
            in_line: false,
            retiring: false,
            store_failures: 0,
            store_try_due: false,
        }
    }

    pub(crate) async fn handle(&mut self, mail: Mail) -> Result<(), Broken> {
        if self.retiring {
            // Dropping an envelope returns it to its sender, who asks for another actor.
            return Ok(());
        }
        match mail {
            Mail::Envelope(envelope) => self.handle_envelope(envelope).await,
            Mail::Turn(input) => {
                self.running.heard_from(&input);
                self.input(Input::Turn(input), None).await
            }
            Mail::CheckpointDue(message, due) => {
                // Lowered first: text that is shown from here on asks again.
                due.store(false, std::sync::atomic::Ordering::Release);
                match self.unsaved(message) {
                    Some(input) => self.input(Input::Turn(input), None).await,
                    None => Ok(()),
                }
            }
            Mail::Admitted(permit) => self.handle_admitted(permit).await,
            Mail::Load => {
                self.read_log_once().await?;
                self.retire_if_there_is_nothing();
                Ok(())
            }
            Mail::TryStore => {
                self.store_try_due = false;
                self.try_store().await
            }
            Mail::Rest { unused_since } => {
                if self.slot.last_used() <= unused_since {
                    self.rest();
                }
                Ok(())
            }
            Mail::MakeRoom(decline) => {
                self.rest();
                if !self.retiring {
                    // Nobody asks again before there is nothing to do.
                    self.slot.set_resting(false);
                    let _ = decline.send(());
                }
                Ok(())
            }
            Mail::Interrupt => self.handle_interrupt().await,
        }
    }

    async fn handle_envelope(&mut self, envelope: Envelope) -> Result<(), Broken> {
        let Some((work, responder)) = envelope.open() else { return Ok(()) };
        if let Work::Create(decision) = work {
            return self.create(*decision, responder).await;
        }
        let deletes = is_delete(&work);
        if (deletes || is_reopen(&work)) && matches!(self.phase, Phase::Quarantined(_)) {
            // Damage that was in the reading alone has passed.
            self.phase = Phase::Unread(None);
        }
        self.read_log_once().await?;
        match (&mut self.phase, work) {
            (Phase::Quarantined(_), _) if deletes => self.remove_unusable_log(responder).await,
            (Phase::Ready(_), Work::Change(command)) => {
                self.input(Input::Command(*command), Some(responder)).await
            }
            (Phase::Ready(ready), Work::Ask(query)) => {
                let status = status_of(ready);
                let answer = answer(&self.environment, &self.slot, ready, status, &query);
                responder.answer(answer.map_err(Into::into));
                Ok(())
            }
            (_, work) => {
                self.decline(&work, responder);
                Ok(())
            }
        }
    }

    /// Answers for a chat that is not ready, and lets an actor end that nobody needs.
    fn decline(&mut self, work: &Work, responder: Responder) {
        use polychat_core::rules::ChatCommand::Delete;
        let chat_id = self.slot.chat.clone();
        let command = match work {
            Work::Change(command) => Some(&**command),
            Work::Create(_) | Work::Ask(_) => None,
        };
        let (error, over): (CommandError, bool) = match &self.phase {
            Phase::Deleted if matches!(command, Some(Delete)) => {
                responder.answer(Ok(Reply::Done));
                return self.retire();
            }
            Phase::Absent => (Refusal::UnknownChat { chat_id }.into(), true),
            Phase::Deleted => (Refusal::ChatDeleted { chat_id }.into(), true),
            Phase::Quarantined(reason) => {
                (Refusal::ChatFailed { reason: reason.clone() }.into(), is_reopen(work))
            }
            Phase::Unread(reason) => {
                let reason = reason.clone().unwrap_or_default();
                (Refusal::ChatStalled { reason }.into(), false)
            }
            Phase::Ready(_) => (Fault::new(FaultKind::ChatRestarted, "try again").into(), false),
        };
        responder.answer(Err(error));
        if over {
            self.retire();
        }
    }

    /// Judges an input, records what follows from it, and answers.
    async fn input(&mut self, input: Input, responder: Option<Responder>) -> Result<(), Broken> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        self.slot.touch(self.environment.tick());
        if let Some(stall) = &ready.stall {
            match (input, responder) {
                (Input::Turn(input), _) => ready.held.push_back(input),
                (Input::Command(ChatCommand::Delete), Some(responder)) => {
                    // `input` and this call each other, which a future can only do on the heap.
                    return Box::pin(self.delete_stalled(responder)).await;
                }
                (_, Some(responder)) => {
                    responder.refuse(Refusal::ChatStalled { reason: stall.reason.clone() });
                }
                // Whatever else comes is asked for again once the store is back.
                (_, None) => {}
            }
            return Ok(());
        }
        // What a caller asks for, or a free place offers, may be asked for again. A deletion stands:
        // what turns reported meanwhile ends with it.
        let is_deletion = input == Input::Command(ChatCommand::Delete);
        let is_offer = (responder.is_some() && !is_deletion) || input == Input::Admitted;
        let held = self.permit.is_some();
        self.permit = self.permit.take().or_else(|| self.environment.gate.try_enter());
        let may_run = self.permit.is_some();
        let agents = self.environment.agents.get();
        let tools = Guarded::catalog(&*self.environment.tools);
        let feed = &self.slot.feed;
        let mut sealed = false;
        let decided = ready.state.decide(
            input,
            &mut Facts {
                at: self.environment.clock.now(),
                limits: &self.environment.limits,
                agents: &agents,
                tools: &tools,
                context: &*self.environment.context_policy,
                may_run,
                may_run_next: if held { self.environment.gate.is_calm() } else { may_run },
                seal: &mut |message| {
                    sealed = true;
                    let shown = feed.seal(message)?;
                    Some(Shown { text: shown.text, reasoning: shown.reasoning })
                },
            },
        );
        match decided {
            Ok(decision) => {
                if decision.effects.is_empty() && !ready.state.is_working() {
                    // The place is for a turn; a slow append is no reason to keep it from others.
                    self.permit = None;
                }
                self.record(decision, responder, sealed || !is_offer).await
            }
            Err(refusal) => {
                if let Some(responder) = responder {
                    responder.refuse(refusal);
                }
                self.settle_work();
                Ok(())
            }
        }
    }

    /// Stores a decision, then lets it take effect.
    ///
    /// `binding` says that it stands even if the store cannot be reached: something was sealed, or
    /// something has really happened.
    async fn record(
        &mut self,
        decision: Decision,
        responder: Option<Responder>,
        binding: bool,
    ) -> Result<(), Broken> {
        if decision.events.is_empty() {
            answer_with(responder, &decision);
            return self.take_effect(decision).await;
        }
        match self.append(&decision).await {
            Ok(()) => self.commit(decision, responder).await,
            Err(error) => {
                if let Some(responder) = responder {
                    let message = error.inner().to_string();
                    responder.answer(Err(Fault::new(FaultKind::StoreUnavailable, &message).into()));
                }
                self.stall(&error, decision, binding)
            }
        }
    }

    /// The events are stored: apply, publish, reply, effects.
    async fn commit(
        &mut self,
        decision: Decision,
        responder: Option<Responder>,
    ) -> Result<(), Broken> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        for recorded in &decision.events {
            ready.state.apply(recorded).map_err(|error| Broken(error.to_string()))?;
        }
        self.slot
            .feed
            .publish(ready.epoch, &decision.events)
            .map_err(|error| Broken(error.to_string()))?;
        self.report(&decision.events);
        if decision.effects.contains(&Effect::RemoveLog) {
            // Whoever is told that a chat is deleted finds it in no list and no search.
            let removed = self.take_effect(decision).await;
            if let Some(responder) = responder {
                responder.answer(Ok(Reply::Done));
            }
            return removed;
        }
        // After publishing, so that whoever is told a seq can subscribe after it.
        answer_with(responder, &decision);
        self.take_effect(decision).await
    }

    /// Ends an actor whose chat does not exist.
    fn retire_if_there_is_nothing(&mut self) {
        if matches!(self.phase, Phase::Absent | Phase::Deleted) {
            self.retire();
        }
    }

    /// Ends the actor. What is still in its mailbox returns to its senders.
    fn retire(&mut self) {
        self.retiring = true;
        self.running = Running::default();
        self.permit = None;
        self.slot.vacate();
        self.myself.drain();
    }

    /// Ends the actor if nothing is under way.
    fn rest(&mut self) {
        let may_rest = match &self.phase {
            Phase::Ready(ready) => ready.stall.is_none() && ready.state.may_rest(),
            Phase::Absent | Phase::Deleted | Phase::Quarantined(_) | Phase::Unread(None) => true,
            // A log that could not be read may have something to settle.
            Phase::Unread(Some(_)) => false,
        };
        if may_rest {
            self.retire();
        }
    }

    async fn handle_interrupt(&mut self) -> Result<(), Broken> {
        // What could not be stored until now gets one more chance; afterwards it is lost.
        self.try_store().await?;
        self.input(Input::Interrupt, None).await?;
        self.retire();
        Ok(())
    }
}

fn is_reopen(work: &Work) -> bool {
    use polychat_core::rules::ChatCommand::Reopen;
    matches!(work, Work::Change(command) if matches!(**command, Reopen))
}

fn is_delete(work: &Work) -> bool {
    use polychat_core::rules::ChatCommand::Delete;
    matches!(work, Work::Change(command) if matches!(**command, Delete))
}

/// What the chat is doing, the troubles of its actor included.
fn status_of(ready: &Ready) -> ChatStatus {
    let mut status = ready.state.status();
    if ready.stall.is_some() {
        status.kind = StatusKind::Stalled;
    }
    status
}

fn answer(
    environment: &Environment,
    slot: &Slot,
    ready: &Ready,
    status: ChatStatus,
    query: &Query,
) -> Result<Reply, Refusal> {
    let now = slot.feed.snapshot();
    let open = now.open.filter(|(message, _)| Some(*message) == ready.state.open_message());
    let view = View {
        state: &ready.state,
        status,
        open: ready.state.open(open.map(|(_, shown)| (shown.text, shown.reasoning))),
        cursor: now.cursor,
    };
    view.answer(query, &environment.limits)
}

fn answer_with(responder: Option<Responder>, decision: &Decision) {
    let Some(responder) = responder else { return };
    let reply = match &decision.accepted {
        Some(accepted) => Reply::Accepted(accepted.clone()),
        None => Reply::Done,
    };
    responder.answer(Ok(reply));
}

//! The store seen from a chat: appends with a deadline, and what to do when it is away.
//!
//! An unavailable store is no crash. The chat is `stalled`, keeps what it had to decide, tries
//! again with growing pauses, and heals by itself.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use polychat_core::{
    MessageId, Refusal, Reply,
    content::Text,
    diagnostic::DiagnosticKind,
    ports::{AppendError, Entry, OpenMode, StoreError, StoreErrorKind},
    rules::{ChatCommand, Decision, Input},
};
use tokio::time::timeout;

use super::{Broken, Chat, Phase};
use crate::{
    actor::Mail,
    envelope::Responder,
    gate::{LeftPlace, TurnPermit},
    replay::{in_time, is_passing},
};

/// What a chat could not store.
pub(super) struct Stall {
    pub(super) reason: Text,
    /// What was to be stored. Whether it was is not known until the log is opened again.
    decision: Decision,
    /// Whether it has to be stored if it was not: something was sealed, or has really happened.
    binding: bool,
    /// The place among the running turns, which work that is under way may still hold.
    place: LeftPlace,
}

impl Chat {
    /// Appends a decision's events. Taking longer than allowed counts as ambiguous.
    pub(super) async fn append(&mut self, decision: &Decision) -> Result<(), AppendError> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        let summary = ready.state.summary_after(&decision.events);
        let entries: Vec<Entry> =
            decision.events.iter().map(|recorded| Entry::Chat(recorded.clone())).collect();
        let began = Instant::now();
        let append = self.environment.store.append(
            &ready.fence,
            ready.state.head(),
            &entries,
            Some(&summary),
        );
        let result = timeout(self.environment.limits.append_duration_max, append).await;
        metrics::histogram!("polychat_append_seconds").record(began.elapsed());
        result.unwrap_or_else(|_| {
            let late = StoreError::new(StoreErrorKind::Unavailable, "the append took too long");
            Err(AppendError::Ambiguous(late))
        })
    }

    /// Takes in that an append was not acknowledged.
    pub(super) fn stall(
        &mut self,
        error: &AppendError,
        decision: Decision,
        binding: bool,
    ) -> Result<(), Broken> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        match error.inner().kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Full => {}
            // Somebody else holds the log, or it is not what it was: begin again from the log.
            _ => return Err(Broken(error.to_string())),
        }
        // The place is for a turn that runs. Work that is still under way holds it itself; what was to
        // begin or go on asks again when the store is back.
        let place = self.permit.take().map(TurnPermit::leave).unwrap_or_default();
        // A turn does not have to answer for the time that the store takes.
        self.running.clock.pause();
        let reason = error.inner().to_string().into();
        ready.stall = Some(Stall { reason, decision, binding, place });
        self.report_stall(&error.inner().to_string());
        self.try_store_later();
        Ok(())
    }

    /// Asks for another try after a pause that doubles each time, unless one is asked for already.
    pub(super) fn try_store_later(&mut self) {
        if std::mem::replace(&mut self.store_try_due, true) {
            return;
        }
        let limits = &self.environment.limits;
        let doubled = 1u32.checked_shl(self.store_failures.min(20)).unwrap_or(u32::MAX);
        let pause: Duration =
            limits.stall_retry_delay.saturating_mul(doubled).min(limits.stall_retry_delay_max);
        self.store_failures = self.store_failures.saturating_add(1);
        let myself = self.myself.clone();
        // The task holds no more than a way to an actor that may have ended by then.
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            myself.mail(Mail::TryStore);
        });
    }

    /// Settles what is not known, stores what has to be, and goes on.
    pub(super) async fn try_store(&mut self) -> Result<(), Broken> {
        let ready = match &mut self.phase {
            Phase::Ready(ready) => ready,
            Phase::Unread(Some(_)) => {
                self.read_log().await?;
                self.retire_if_there_is_nothing();
                return Ok(());
            }
            Phase::Unread(None) | Phase::Absent | Phase::Deleted | Phase::Quarantined(_) => {
                return Ok(());
            }
        };
        if ready.state.is_deleted() {
            return self.remove_log().await;
        }
        if ready.stall.is_none() {
            return Ok(());
        }
        match self.find_out().await? {
            Some(landed) => self.settle(landed).await,
            None => {
                self.try_store_later();
                Ok(())
            }
        }
    }

    /// Opens the log again: did the append land? `None` if the store does not say yet. After that
    /// it does not land any more.
    async fn find_out(&mut self) -> Result<Option<bool>, Broken> {
        let open = self.environment.store.open(&self.slot.key, OpenMode::Existing);
        let opened = in_time(self.environment.limits.append_duration_max, open).await;
        let (fence, head) = match opened {
            Ok(opened) => opened,
            Err(error) => return unless_passing(&error),
        };
        if let Phase::Ready(ready) = &mut self.phase {
            ready.fence = fence;
        }
        let Phase::Ready(ready) = &self.phase else { return Ok(None) };
        let Some(stall) = &ready.stall else { return Ok(None) };
        let before = ready.state.head();
        if head == before {
            return Ok(Some(false));
        }
        let has_grown = head == before.plus(stall.decision.events.len() as u64);
        let landed = match has_grown {
            true => self.is_stored(&stall.decision).await,
            false => Ok(false),
        };
        match landed {
            Ok(true) => Ok(Some(true)),
            Ok(false) => {
                Err(Broken(format!("the log ends at {head}, and not as it was written here")))
            }
            Err(error) => unless_passing(&error),
        }
    }

    /// What could not be stored has landed, or certainly has not.
    async fn settle(&mut self, landed: bool) -> Result<(), Broken> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        let Some(stall) = ready.stall.take() else { return Ok(()) };
        // A turn never holds two places.
        self.permit = stall.place.again().or_else(|| self.environment.gate.try_enter());
        if landed {
            self.healed();
            self.commit(stall.decision, None).await?;
        } else if stall.binding {
            if let Err(error) = self.append(&stall.decision).await {
                return self.stall(&error, stall.decision, true);
            }
            self.healed();
            self.commit(stall.decision, None).await?;
        } else {
            self.healed();
        }
        self.catch_up().await
    }

    /// Deletes a chat whose store takes nothing more: a full disk has room for that alone. What was
    /// still to be stored ends with the chat.
    pub(super) async fn delete_stalled(&mut self, responder: Responder) -> Result<(), Broken> {
        let found = self.find_out().await?;
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        let (Some(landed), Some(stall)) = (found, ready.stall.take_if(|_| found.is_some())) else {
            let reason = ready.stall.as_ref().map(|stall| stall.reason.clone());
            responder.refuse(Refusal::ChatStalled { reason: reason.unwrap_or_default() });
            return Ok(());
        };
        ready.held.clear();
        if landed {
            self.commit(stall.decision, None).await?;
        }
        let is_gone = match &self.phase {
            Phase::Ready(ready) => ready.state.is_deleted(),
            _ => true,
        };
        if is_gone {
            // What had landed was a deletion.
            responder.answer(Ok(Reply::Done));
            return Ok(());
        }
        self.input(Input::Command(ChatCommand::Delete), Some(responder)).await
    }

    /// Whether the log holds exactly what a decision was to append. A log of the same length may
    /// have been written by somebody else.
    async fn is_stored(&self, decision: &Decision) -> Result<bool, StoreError> {
        let Phase::Ready(ready) = &self.phase else { return Ok(false) };
        let (store, key) = (&self.environment.store, &self.slot.key);
        let read = store.read(key, ready.state.head(), decision.events.len());
        let stored = in_time(self.environment.limits.append_duration_max, read).await?;
        let same = |(entry, event): (&Entry, _)| matches!(entry, Entry::Chat(it) if it == event);
        Ok(stored.len() == decision.events.len() && stored.iter().zip(&decision.events).all(same))
    }

    /// Takes in what turns reported while the store was away.
    async fn catch_up(&mut self) -> Result<(), Broken> {
        loop {
            let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
            if ready.stall.is_some() {
                return Ok(());
            }
            match ready.held.pop_front() {
                Some(input) => self.input(Input::Turn(input), None).await?,
                None => break,
            }
        }
        self.settle_work();
        if let Some(message) = self.open_message() {
            // What was shown in the meantime is not saved, and nobody asks again before more is.
            let due = Arc::new(AtomicBool::new(true));
            self.myself.mail(Mail::CheckpointDue(message, due));
        }
        Ok(())
    }

    fn open_message(&self) -> Option<MessageId> {
        match &self.phase {
            Phase::Ready(ready) => ready.state.open_message(),
            _ => None,
        }
    }

    fn healed(&mut self) {
        self.store_failures = 0;
        self.report_diagnostic(DiagnosticKind::Recovered {});
        self.report_status();
    }
}

/// Nothing is found out yet, unless the store says something that no later try will change.
fn unless_passing(error: &StoreError) -> Result<Option<bool>, Broken> {
    if is_passing(error.kind) { Ok(None) } else { Err(Broken(error.to_string())) }
}

//! How a chat comes to life: its log is created, or opened and folded.

use polychat_core::{
    EndReason, Refusal, Reply,
    diagnostic::DiagnosticKind,
    ports::{Fence, OpenMode, StoreError, StoreErrorKind},
    rules::{ChatState, Decision, Input},
};
use tokio::time::timeout;

use super::{Broken, Chat, Phase, Ready};
use crate::{
    envelope::Responder,
    replay::{ReplayError, in_time, is_passing, replay},
};

impl Chat {
    /// Reads the log unless that was done.
    pub(super) async fn read_log_once(&mut self) -> Result<(), Broken> {
        match self.phase {
            Phase::Unread(None) => self.read_log().await,
            _ => Ok(()),
        }
    }

    /// Opens and folds the log, and settles what the last life left open.
    pub(super) async fn read_log(&mut self) -> Result<(), Broken> {
        match self.open_and_replay().await {
            Ok((fence, state)) => self.begin_life(fence, state).await,
            Err(ReplayError::Damaged(error)) => {
                for kind in ReplayError::Damaged(error.clone()).diagnostics() {
                    self.report_diagnostic(kind);
                }
                self.phase = Phase::Quarantined(error.to_string().into());
                self.slot.set_resting(true);
                self.report_status();
                self.slot.feed.end(EndReason::Failed);
                Ok(())
            }
            Err(ReplayError::Store(error)) => match error.kind {
                StoreErrorKind::NotFound => {
                    self.phase = Phase::Absent;
                    Ok(())
                }
                StoreErrorKind::Deleted => {
                    self.slot.feed.end(EndReason::Deleted);
                    self.phase = Phase::Deleted;
                    Ok(())
                }
                kind if is_passing(kind) => {
                    self.find_out_later(&error);
                    Ok(())
                }
                _ => Err(Broken(error.to_string())),
            },
        }
    }

    async fn open_and_replay(&self) -> Result<(Fence, ChatState), ReplayError> {
        let (store, key) = (&*self.environment.store, &self.slot.key);
        let patience = self.environment.limits.append_duration_max;
        let (fence, head) = in_time(patience, store.open(key, OpenMode::Existing)).await?;
        // Whatever comes now, that much is known of the chat.
        self.slot.feed.learn_head(head);
        let state = replay(store, key, Some(head), patience).await?;
        Ok((fence, state))
    }

    async fn begin_life(&mut self, fence: Fence, state: ChatState) -> Result<(), Broken> {
        if self.store_failures > 0 {
            self.store_failures = 0;
            self.report_diagnostic(DiagnosticKind::Recovered {});
        }
        // Sealed before the epoch begins, so that no late chunk slips in between.
        if let Some(message) = state.open_message() {
            let _ = self.slot.feed.seal(message);
        }
        if state.is_deleted() {
            self.slot.feed.end(EndReason::Deleted);
            self.phase = Phase::Ready(Box::new(Ready::new(state, fence)));
            return self.remove_log().await;
        }
        self.enter(fence, state)?;
        self.report_status();
        self.input(Input::Recover, None).await
    }

    fn enter(&mut self, fence: Fence, state: ChatState) -> Result<(), Broken> {
        self.slot
            .feed
            .begin_epoch(fence.epoch, state.head())
            .map_err(|error| Broken(error.to_string()))?;
        self.phase = Phase::Ready(Box::new(Ready::new(state, fence)));
        Ok(())
    }

    /// Begins a log with its first append.
    pub(super) async fn create(
        &mut self,
        decision: Decision,
        responder: Responder,
    ) -> Result<(), Broken> {
        let chat_id = self.slot.chat.clone();
        match self.phase {
            Phase::Unread(_) | Phase::Absent => {}
            Phase::Deleted => {
                responder.refuse(Refusal::ChatDeleted { chat_id });
                self.retire();
                return Ok(());
            }
            Phase::Quarantined(_) | Phase::Ready(_) => {
                responder.refuse(Refusal::ChatExists { chat_id });
                return Ok(());
            }
        }
        let open = self.environment.store.open(&self.slot.key, OpenMode::Create);
        let error = match in_time(self.environment.limits.append_duration_max, open).await {
            Ok((fence, _)) => return self.create_in(fence, decision, responder).await,
            Err(error) => error,
        };
        match error.kind {
            StoreErrorKind::Exists => {
                responder.refuse(Refusal::ChatExists { chat_id });
                // The store answers again, if it did not before.
                self.phase = Phase::Unread(None);
                self.read_log_once().await
            }
            StoreErrorKind::Deleted => {
                responder.refuse(Refusal::ChatDeleted { chat_id });
                self.retire();
                Ok(())
            }
            _ => {
                responder.answer(Err(store_fault(&error)));
                self.find_out_later(&error);
                Ok(())
            }
        }
    }

    /// The store did not say whether there is a log. There may be one with work left in it, so the
    /// actor stays until it knows.
    fn find_out_later(&mut self, error: &StoreError) {
        self.phase = Phase::Unread(Some(error.to_string().into()));
        self.report_stall(&error.to_string());
        self.try_store_later();
    }

    async fn create_in(
        &mut self,
        fence: Fence,
        decision: Decision,
        responder: Responder,
    ) -> Result<(), Broken> {
        self.enter(fence, ChatState::of_empty_log(&self.slot.chat))?;
        match self.append(&decision).await {
            Ok(()) => {
                let chat = self.slot.chat.clone();
                self.commit(decision, None).await?;
                responder.answer(Ok(Reply::Chat(chat)));
                Ok(())
            }
            Err(error) => {
                responder.answer(Err(store_fault(error.inner())));
                self.find_out_later(error.inner());
                Ok(())
            }
        }
    }

    /// Removes the rows of a log that ends in `chat.deleted`; a tombstone stays.
    pub(super) async fn remove_log(&mut self) -> Result<(), Broken> {
        let Phase::Ready(ready) = &mut self.phase else { return Ok(()) };
        let delete = self.environment.store.delete(&ready.fence);
        let deleted = timeout(self.environment.limits.append_duration_max, delete).await;
        match deleted {
            Ok(Ok(())) => {
                self.phase = Phase::Deleted;
                self.retire();
                Ok(())
            }
            Ok(Err(error)) if !is_passing(error.kind) => Err(Broken(error.to_string())),
            Ok(Err(_)) | Err(_) => {
                self.try_store_later();
                Ok(())
            }
        }
    }

    /// Removes a log that cannot be used: nothing can be appended to it any more, not even its end,
    /// but it can go.
    pub(super) async fn remove_unusable_log(&mut self, responder: Responder) -> Result<(), Broken> {
        let (store, key) = (&self.environment.store, &self.slot.key);
        let removing = async {
            match store.open(key, OpenMode::Existing).await {
                Ok((fence, _)) => store.delete(&fence).await,
                // An earlier try, whose answer was lost, has removed it.
                Err(error) if error.kind == StoreErrorKind::Deleted => Ok(()),
                Err(error) => Err(error),
            }
        };
        match in_time(self.environment.limits.append_duration_max, removing).await {
            Ok(()) => {
                self.phase = Phase::Deleted;
                self.slot.feed.end(EndReason::Deleted);
                self.environment.reporter.deleted(self.status());
                responder.answer(Ok(Reply::Done));
                self.retire();
            }
            Err(error) => responder.answer(Err(store_fault(&error))),
        }
        Ok(())
    }
}

fn store_fault(error: &StoreError) -> polychat_core::CommandError {
    let kind = polychat_core::FaultKind::StoreUnavailable;
    polychat_core::Fault::new(kind, &error.to_string()).into()
}

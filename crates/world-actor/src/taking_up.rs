//! Work that an earlier life of the world left: once the world is open, it is taken up by itself.
//!
//! Queued prompts run, turns that were lost are settled, deletions are finished. Chats that wait for
//! a person stay as they are, and are shown. A store that is away and a world that is full put this
//! off; they never make it forget a chat.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::FutureExt;
use polychat_chat_actor::{environment::Reporter, replay::is_passing};
use polychat_core::{
    ChatStatus, CommandError, Event, Limits, Refusal, Seq, StatusKind, Summary,
    command::Page,
    diagnostic::DiagnosticKind,
    ports::{Entry, StoreError, StoreErrorKind},
};
use tokio::time::sleep;

use crate::world::Shared;

/// Summaries read at once.
const PAGE: usize = 256;

/// Takes up what the logs say is under way, until that is done or the world is gone.
pub(crate) async fn take_up_work(world: Weak<Shared>) {
    let mut page = Page::first(PAGE);
    let Some(mut pauses) = open(&world).map(|shared| Pauses::new(&shared.environment.limits))
    else {
        return;
    };
    loop {
        let Some(shared) = open(&world) else { return };
        let listed = list(&shared, &page).await;
        drop(shared);
        let Some(summaries) = listed else {
            pauses.pause().await;
            continue;
        };
        let Some(last) = summaries.last() else { return };
        page.after = Some(last.chat_id.as_str().into());
        for summary in summaries {
            while let Some(shared) = open(&world) {
                if shared.take_up(&summary).await {
                    pauses.begin_anew();
                    break;
                }
                drop(shared);
                pauses.pause().await;
            }
        }
    }
}

/// The world, unless it is closed. Nobody holds it while nothing can be done.
fn open(world: &Weak<Shared>) -> Option<Arc<Shared>> {
    world.upgrade().filter(|shared| !shared.is_closed())
}

/// One page; `None` if the store did not answer.
async fn list(shared: &Shared, page: &Page) -> Option<Vec<Summary>> {
    let environment = &shared.environment;
    let listed = shared.ask(environment.store.list(&environment.world, page)).await;
    if listed.is_err() {
        shared.report(None, DiagnosticKind::Stalled { reason: "list".into() });
    }
    listed.ok()
}

impl Shared {
    /// Takes up one chat's work; `false` if there is no room for the chat yet.
    async fn take_up(&self, summary: &Summary) -> bool {
        match summary.kind {
            StatusKind::Running => {}
            StatusKind::Closed if self.may_be_half_deleted(summary).await => {}
            StatusKind::Awaiting if self.has_moved_on(summary) => return true,
            StatusKind::Awaiting => {
                self.feed.status(ChatStatus {
                    chat_id: summary.chat_id.clone(),
                    kind: summary.kind,
                    turn_id: None,
                    last_outcome: summary.last_outcome,
                    queued: summary.queued,
                    head: summary.head,
                    title: summary.title.clone(),
                });
                return true;
            }
            _ => return true,
        }
        let slot = self.directory.get_or_make(&summary.chat_id);
        match self.start(&slot, false).await {
            Ok(actor) => actor.load(),
            Err(CommandError::Refused(Refusal::LiveChatsFull { .. })) => return false,
            Err(_) => {}
        }
        true
    }

    /// Waits for the store as long as is allowed. One that panics does not answer either: the work
    /// of all chats hangs on this one task.
    async fn ask<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let panicked = || StoreError::new(StoreErrorKind::Unavailable, "the store panicked");
        let asked = AssertUnwindSafe(self.in_time(work)).catch_unwind().await;
        asked.unwrap_or_else(|_| Err(panicked()))
    }

    /// Whether the chat has come to life since its summary was read: then it tells of itself.
    fn has_moved_on(&self, summary: &Summary) -> bool {
        let slot = self.directory.get(&summary.chat_id);
        slot.is_some_and(|slot| !slot.is_vacant() || slot.feed.head() > summary.head)
    }

    /// Whether a deletion may be stored and its rows still be there: the process was lost in
    /// between. Where the store does not say, the chat's own actor finds out, as soon as it can.
    async fn may_be_half_deleted(&self, summary: &Summary) -> bool {
        let before = summary.head.get().saturating_sub(1);
        let Ok(before) = Seq::try_from(before) else { return false };
        let key = self.key(&summary.chat_id);
        match self.ask(self.environment.store.read(&key, before, 1)).await.as_deref() {
            Ok([Entry::Chat(last)]) => matches!(last.event, Event::ChatDeleted {}),
            Ok(_) => false,
            Err(error) => is_passing(error.kind),
        }
    }
}

/// Pauses that double from the first to the longest.
struct Pauses {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Pauses {
    fn new(limits: &Limits) -> Self {
        let first = limits.stall_retry_delay;
        Self { first, longest: limits.stall_retry_delay_max, next: first }
    }

    fn begin_anew(&mut self) {
        self.next = self.first;
    }

    async fn pause(&mut self) {
        sleep(self.next).await;
        self.next = self.next.saturating_mul(2).min(self.longest);
    }
}

//! Reading chats that nobody holds: from the store, without reviving them.

use std::sync::Arc;

use polychat_chat_actor::{
    query::{Query, View},
    replay::{ReplayError, in_time, replay},
};
use polychat_core::{
    ChatId, CommandError, Cursor, Fault, FaultKind, Recorded, Refusal, Reply, Seq, StatusKind,
    command::{ChatFilter, ChatPage, LogPage, Page},
    content::{Text, json_bytes},
    diagnostic::DiagnosticKind,
    ports::{Entry, LogKey, SearchQuery, StoreError, StoreErrorKind},
    rules::ChatState,
};

use crate::world::Shared;

/// Pages of the store that a call looks at while it looks for chats that fit a filter.
const PAGES_LOOKED_AT_MAX: usize = 4;

/// Records of a log that are read at once for a page of it.
const READ_AT_ONCE_MAX: usize = 64;

impl Shared {
    pub(crate) fn key(&self, chat: &ChatId) -> LogKey {
        LogKey::Chat(self.environment.world.clone(), chat.clone())
    }

    /// Waits for the store as long as an append may take.
    pub(crate) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        in_time(self.environment.limits.append_duration_max, work).await
    }

    /// Folds a chat's stored log.
    pub(crate) async fn replay(&self, chat: &ChatId) -> Result<ChatState, CommandError> {
        let patience = self.environment.limits.append_duration_max;
        let replayed = replay(&*self.environment.store, &self.key(chat), None, patience).await;
        let state = replayed.map_err(|error| match error {
            ReplayError::Store(error) => self.store_error(chat, &error),
            ReplayError::Damaged(_) => {
                for kind in error.diagnostics() {
                    self.report(Some(chat), kind);
                }
                Refusal::ChatFailed { reason: error.to_string().into() }.into()
            }
            _ => Fault::new(FaultKind::StoreUnavailable, &error.to_string()).into(),
        })?;
        if state.head() == Seq::ZERO {
            return Err(Refusal::UnknownChat { chat_id: chat.clone() }.into());
        }
        Ok(state)
    }

    /// Answers a query from the stored log.
    pub(crate) async fn query_stored(
        &self,
        chat: &ChatId,
        query: &Query,
    ) -> Result<Reply, CommandError> {
        let state = self.replay(chat).await?;
        let mut status = state.status();
        if self.directory.get(chat).is_some_and(|slot| slot.failure().is_some()) {
            status.kind = StatusKind::Failed;
        }
        let (open, cursor) = (state.open(None), Cursor::after(state.head()));
        let view = View { state: &state, status, open, cursor };
        Ok(view.answer(query, &self.environment.limits)?)
    }

    /// One page of chats. Who filters may find few among many, so one call looks at some of them
    /// only, and says where the next one goes on.
    pub(crate) async fn list(
        &self,
        mut page: Page,
        filter: &ChatFilter,
    ) -> Result<Reply, CommandError> {
        let largest = self.environment.limits.page_max.max(1);
        let limit = page.limit.clamp(1, largest);
        let wanted = filter.title_contains.as_ref().map(|text| text.to_lowercase());
        let mut chats = Vec::new();
        page.limit = if wanted.is_some() { largest } else { limit };
        for _ in 0..PAGES_LOOKED_AT_MAX {
            let list = self.environment.store.list(&self.environment.world, &page);
            let listed = self.in_time(list).await;
            let read = listed
                .map_err(|error| Fault::new(FaultKind::StoreUnavailable, &error.to_string()))?;
            let is_last = read.len() < page.limit;
            for summary in read {
                page.after = Some(summary.chat_id.as_str().into());
                let fits = wanted
                    .as_ref()
                    .is_none_or(|wanted| summary.title.to_lowercase().contains(wanted));
                if fits && (filter.archived || !summary.archived) {
                    chats.push(summary);
                }
                if chats.len() == limit {
                    return Ok(Reply::Chats(ChatPage { chats, next: page.after }));
                }
            }
            if is_last {
                return Ok(Reply::Chats(ChatPage { chats, next: None }));
            }
            page.limit = largest;
        }
        Ok(Reply::Chats(ChatPage { chats, next: page.after }))
    }

    /// Looks for messages, where the world has a search.
    pub(crate) async fn search(&self, mut query: SearchQuery) -> Result<Reply, CommandError> {
        let Some(search) = &self.search else {
            return Err(Refusal::Unsupported { what: "search".into() }.into());
        };
        let limits = &self.environment.limits;
        let (bytes, max) = (query.text.len(), limits.search_bytes_max);
        if bytes > max {
            return Err(Refusal::TooLarge { what: "text".into(), bytes, max }.into());
        }
        query.page.limit = query.page.limit.min(limits.page_max).max(1);
        let found = self.in_time(search.search(&self.environment.world, &query)).await;
        match found {
            // A search that answers for another chat than the one asked about is not believed.
            Ok(page) => match query.chat {
                Some(chat) if page.hits.iter().any(|hit| hit.chat_id != chat) => {
                    let claimed = page.hits.iter().find(|hit| hit.chat_id != chat);
                    let claimed = claimed.map_or("".into(), |hit| hit.chat_id.as_str().into());
                    let path = "search".into();
                    self.report(Some(&chat), DiagnosticKind::ForeignRecord { claimed, path });
                    Err(Fault::new(FaultKind::Protocol, "a message of another chat").into())
                }
                _ => Ok(Reply::Found(page)),
            },
            Err(error) if error.kind == StoreErrorKind::NotFound => {
                let (what, why) = ("after".into(), error.message);
                Err(Refusal::InvalidInput { what, why }.into())
            }
            Err(error) => Err(Fault::new(FaultKind::StoreUnavailable, &error.to_string()).into()),
        }
    }

    pub(crate) async fn read_log(
        &self,
        chat: &ChatId,
        after: Seq,
        limit: usize,
    ) -> Result<Reply, CommandError> {
        let (store, key) = (&self.environment.store, self.key(chat));
        let limit = limit.min(self.environment.limits.page_max).max(1);
        let refuse = |error: StoreError| self.store_error(chat, &error);
        let head = self.in_time(store.summary(&key)).await.map_err(refuse)?.head;
        let bytes_max = self.environment.limits.page_bytes_max;
        let mut bytes = 0_usize;
        let mut events: Vec<Arc<Recorded>> = Vec::new();
        let mut last = after;
        // By a few, so that what is too much for the page is not held either.
        'page: while events.len() < limit {
            let wanted = (limit - events.len()).min(READ_AT_ONCE_MAX);
            let read = self.in_time(store.read(&key, last, wanted)).await.map_err(refuse)?;
            let is_last = read.len() < wanted;
            for entry in read {
                let recorded = match entry {
                    Entry::Chat(it) if it.chat_id == *chat && it.seq == last.next() => it,
                    other => return Err(self.damaged(chat, &other, last.next())),
                };
                bytes = bytes.saturating_add(json_bytes(&recorded));
                if bytes > bytes_max && !events.is_empty() {
                    break 'page;
                }
                last = recorded.seq;
                events.push(recorded);
            }
            if is_last {
                break;
            }
        }
        let head = if events.is_empty() { head } else { head.max(last) };
        Ok(Reply::Log(LogPage { events, head }))
    }

    /// A record that is not this chat's next one is not handed out, and operators hear of it.
    fn damaged(&self, chat: &ChatId, entry: &Entry, expected: Seq) -> CommandError {
        let claimed: Text = match entry {
            Entry::Chat(recorded) => recorded.chat_id.as_str().into(),
            Entry::World(_) => "".into(),
        };
        let reason: Text = "a record that does not belong here".into();
        if *claimed != *chat.as_str() {
            let path = "store".into();
            self.report(Some(chat), DiagnosticKind::ForeignRecord { claimed, path });
        }
        let kind = DiagnosticKind::Quarantined { seq: expected, reason: reason.clone() };
        self.report(Some(chat), kind);
        Refusal::ChatFailed { reason }.into()
    }

    /// What a store's error means to a caller who asked about a chat.
    pub(crate) fn store_error(&self, chat: &ChatId, error: &StoreError) -> CommandError {
        let chat_id = chat.clone();
        match error.kind {
            StoreErrorKind::NotFound => Refusal::UnknownChat { chat_id }.into(),
            StoreErrorKind::Deleted => Refusal::ChatDeleted { chat_id }.into(),
            StoreErrorKind::Corrupt { seq } => {
                let reason = error.message.clone();
                self.report(Some(chat), DiagnosticKind::Quarantined { seq, reason });
                Refusal::ChatFailed { reason: error.to_string().into() }.into()
            }
            _ => Fault::new(FaultKind::StoreUnavailable, &error.to_string()).into(),
        }
    }
}

//! From a stored log to a state, page by page, trusting nothing that is read.

use std::time::Duration;

use polychat_core::{
    Seq,
    content::Text,
    diagnostic::DiagnosticKind,
    ports::{Entry, LogKey, Store, StoreError, StoreErrorKind},
    rules::{ChatState, LogError},
};

/// Events read at once.
const PAGE: usize = 512;

/// Why a log could not be read into a state.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The store did not answer as it should; trying again later makes sense.
    #[error(transparent)]
    Store(StoreError),
    /// The log is damaged, or another chat's.
    #[error("damaged {0}")]
    Damaged(LogError),
}

impl ReplayError {
    /// What operators should know; `None` for a fault of the store that may pass.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<DiagnosticKind> {
        let Self::Damaged(error) = self else { return Vec::new() };
        let (seq, reason) = (error.seq, error.reason.clone());
        let mut kinds = vec![DiagnosticKind::Quarantined { seq, reason }];
        if let Some(claimed) = &error.claimed {
            let (claimed, path) = (claimed.as_str().into(), Text::from("store"));
            kinds.push(DiagnosticKind::ForeignRecord { claimed, path });
        }
        kinds
    }
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Corrupt { seq } => damaged(seq, &error.message),
            _ => Self::Store(error),
        }
    }
}

/// Waits for a store as long as is allowed; after that it counts as unavailable.
///
/// # Errors
///
/// Those of the store, and `Unavailable` when it took too long.
pub async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = || StoreError::new(StoreErrorKind::Unavailable, "the store took too long");
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(late()))
}

/// Whether asking a store again later makes sense.
#[must_use]
pub fn is_passing(kind: StoreErrorKind) -> bool {
    matches!(kind, StoreErrorKind::Unavailable | StoreErrorKind::Full)
}

/// Reads a chat's log up to `head`; up to its end when `head` is not known. Each call of the store
/// may take as long as `patience`.
///
/// # Errors
///
/// [`ReplayError`]: a fault of the store, or a log that is damaged, has gaps, or ends before `head`.
pub async fn replay(
    store: &dyn Store,
    key: &LogKey,
    head: Option<Seq>,
    patience: Duration,
) -> Result<ChatState, ReplayError> {
    let Some(chat) = key.chat() else {
        return Err(StoreError::new(StoreErrorKind::NotFound, "not a chat's log").into());
    };
    let mut state = ChatState::of_empty_log(chat);
    loop {
        if head.is_some_and(|head| state.head() >= head) {
            return Ok(state);
        }
        let page = in_time(patience, store.read(key, state.head(), PAGE)).await?;
        for entry in &page {
            match entry {
                Entry::Chat(recorded) => state.apply(recorded).map_err(ReplayError::Damaged)?,
                Entry::World(recorded) => {
                    return Err(damaged(recorded.seq, "a record of a world's log"));
                }
            }
        }
        if page.len() < PAGE && head.is_none_or(|head| state.head() >= head) {
            return Ok(state);
        }
        if page.is_empty() {
            return Err(damaged(state.head().next(), "the log ends before its head"));
        }
        tokio::task::coop::consume_budget().await;
    }
}

fn damaged(seq: Seq, reason: &str) -> ReplayError {
    // `LogError` is made by the rules only; a record out of place is how they would say it.
    ReplayError::Damaged(LogError::at(seq, reason))
}

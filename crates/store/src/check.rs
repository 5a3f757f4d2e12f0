//! What every append must look like, whatever the medium: checked whole, before anything is stored.

use polychat_core::{
    ChatId, Seq, Summary,
    ports::{Entry, StoreError, StoreErrorKind},
};

/// Whether these entries and this summary may follow `expected` in the log of `chat`.
pub(crate) fn check(
    chat: Option<&ChatId>,
    expected: Seq,
    entries: &[Entry],
    summary: Option<&Summary>,
) -> Result<(), StoreError> {
    let mut head = expected;
    for entry in entries {
        if entry.seq() != head.next() {
            let message = format!("entry {} does not follow {head}", entry.seq());
            return Err(StoreError::new(StoreErrorKind::WrongHead, message));
        }
        head = head.next();
        let owner = match entry {
            Entry::Chat(recorded) => Some(&recorded.chat_id),
            Entry::World(_) => None,
        };
        if owner != chat {
            let message = "the entry belongs to another log";
            return Err(StoreError::new(StoreErrorKind::Corrupt { seq: head }, message));
        }
    }
    if summary.map(|summary| &summary.chat_id) != chat {
        let message = "an append to a chat's log, and to no other, carries that chat's summary";
        return Err(StoreError::new(StoreErrorKind::Corrupt { seq: head }, message));
    }
    Ok(())
}

pub(crate) fn wrong_head(head: Seq, expected: Seq) -> StoreError {
    StoreError::new(StoreErrorKind::WrongHead, format!("the head is {head}, not {expected}"))
}

pub(crate) fn exists() -> StoreError {
    StoreError::new(StoreErrorKind::Exists, "the log exists already")
}

pub(crate) fn not_found() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, "the log does not exist")
}

pub(crate) fn deleted() -> StoreError {
    StoreError::new(StoreErrorKind::Deleted, "the log was deleted")
}

pub(crate) fn fenced() -> StoreError {
    StoreError::new(StoreErrorKind::Fenced, "the log was opened again since")
}

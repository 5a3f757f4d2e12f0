//! From what SQLite says to what a store says.
//!
//! `Full` where only room is missing, `Unavailable` for all else: each may pass, and the chats
//! that meet it stall until it has. What is wrong with one record is said where records are read.

use polychat_core::ports::{StoreError, StoreErrorKind};
use rusqlite::{ErrorCode, ffi};

pub(super) fn fault(doing: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::new(kind(error), format!("{doing}: {error}"))
}

fn kind(error: &rusqlite::Error) -> StoreErrorKind {
    match error.sqlite_error().map(|found| (found.code, found.extended_code)) {
        Some((ErrorCode::DiskFull, _)) => StoreErrorKind::Full,
        // The index of the log lies in shared memory that is a file: a full disk refuses it too.
        Some((_, ffi::SQLITE_IOERR_SHMSIZE)) => StoreErrorKind::Full,
        _ => StoreErrorKind::Unavailable,
    }
}

/// Whether the medium itself is damaged where it was touched.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

pub(super) fn unavailable(message: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, message)
}

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
    if is_lack_of_room(error) { StoreErrorKind::Full } else { StoreErrorKind::Unavailable }
}

/// Whether it would go with more room on the disk.
pub(super) fn is_lack_of_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        // The index of the log lies in shared memory that is a file: a full disk refuses it too.
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// Whether the medium itself is damaged where it was touched.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

pub(super) fn unavailable(message: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, message)
}

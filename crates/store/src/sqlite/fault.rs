//! From what SQLite says to what a store says.
//!
//! `Full` where only room is missing, `Unavailable` for all else: each may pass, and the chats
//! that meet it stall until it has. What is wrong with one record is said where records are read.

use polychat_core::{
    Seq,
    ports::{StoreError, StoreErrorKind},
};
use rusqlite::{ErrorCode, ffi};

pub(super) fn fault(doing: &str, error: &rusqlite::Error) -> StoreError {
    StoreError::new(kind(error), format!("{doing}: {error}"))
}

fn kind(error: &rusqlite::Error) -> StoreErrorKind {
    if is_lack_of_room(error) { StoreErrorKind::Full } else { StoreErrorKind::Unavailable }
}

/// Says of one log what SQLite says where it was touched: damage is `Corrupt` with this position,
/// so that the chat is set aside and does not stall for ever. All else is a fault.
pub(super) fn damage_or_fault(doing: &str, error: &rusqlite::Error, seq: Seq) -> StoreError {
    if !is_damage(error) {
        return fault(doing, error);
    }
    StoreError::new(StoreErrorKind::Corrupt { seq }, format!("{doing}: {error}"))
}

/// Whether the tables contradict what is to be written: a record stands where none should.
pub(super) fn is_contradiction(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// Whether the index of the search may be what failed, when something was done to it: it, and not
/// the medium as a whole.
pub(super) fn is_of_index(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    // `Unknown` is what a virtual table says that cannot find its own tables.
    let own = Some(ErrorCode::Unknown);
    code == Some(ErrorCode::DatabaseCorrupt) || code == own || is_contradiction(error)
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

//! Whether the index of the search is kept up. It may fail; what chats say goes on without it.
//!
//! An index that is damaged is given up for as long as the file is open, with a note in the file,
//! and made anew from the events at the next opening.

use rusqlite::Connection;

use crate::sqlite::{fault::is_of_index, search};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    Sound,
    /// It failed within the transaction at hand, of which nothing is stored.
    Suspected,
    GivenUp,
}

impl Index {
    pub(super) fn of(connection: &Connection) -> Self {
        // An index that cannot be asked about fails when it is used.
        if search::is_broken(connection).unwrap_or(false) { Self::GivenUp } else { Self::Sound }
    }

    /// Does something to it, unless it was given up.
    pub(super) fn keep_up(
        &mut self,
        work: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        if *self == Self::GivenUp {
            return Ok(());
        }
        work().inspect_err(|error| self.suspect(error))
    }

    /// It may be what failed.
    pub(super) fn suspect(&mut self, error: &rusqlite::Error) {
        if *self == Self::Sound && is_of_index(error) {
            *self = Self::Suspected;
        }
    }

    pub(super) fn is_suspected(self) -> bool {
        self == Self::Suspected
    }

    pub(super) fn acquit(&mut self) {
        *self = Self::Sound;
    }

    pub(super) fn give_up(&mut self) {
        *self = Self::GivenUp;
    }
}

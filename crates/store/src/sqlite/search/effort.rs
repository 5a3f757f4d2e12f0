//! How much a search may take: counted in work, not in time, so that it depends on no machine.
//!
//! SQLite counts the steps of its virtual machine, also those with which the index fetches its
//! pages, and asks every so often whether to go on.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use rusqlite::{Connection, ErrorCode};

/// SQLite asks after so many steps.
const STEPS_PER_QUESTION: u16 = 30;

/// What is left to whoever searches with one connection.
#[derive(Debug, Clone)]
pub(in super::super) struct Effort {
    questions: Arc<AtomicU64>,
}

impl Effort {
    pub(in super::super) fn unbounded() -> Self {
        Self { questions: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// Has this connection ask, from now on.
    pub(in super::super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let left = Arc::clone(&self.questions);
        let is_too_much = move || {
            let spend = |left: u64| left.checked_sub(1);
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err()
        };
        connection.progress_handler(STEPS_PER_QUESTION.into(), Some(is_too_much))
    }

    /// Carries this out with the connection watched, within about so many steps.
    pub(super) fn within<T>(&self, steps: u64, work: impl FnOnce() -> T) -> T {
        self.questions.store(steps / u64::from(STEPS_PER_QUESTION), Ordering::Relaxed);
        let done = work();
        self.questions.store(u64::MAX, Ordering::Relaxed);
        done
    }
}

/// Whether it was ended because it took too much.
pub(super) fn is_too_much(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

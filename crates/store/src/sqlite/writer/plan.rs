//! Faults that tests plan, where no medium can be made to fail on request.

use polychat_core::ports::{StoreError, StoreErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Fault {
    /// The next commit stores nothing and fails.
    Commit(StoreErrorKind),
    /// The next commit stores all and says that it failed.
    AfterCommit(StoreErrorKind),
    /// The next commit fails, and so do this many tries to settle it.
    Unsettled(StoreErrorKind, u32),
    /// The next commit panics.
    Panic,
}

/// What fails next.
#[derive(Debug, Default)]
pub(super) struct Plan {
    armed: Option<Fault>,
    now: Option<Fault>,
    settlings: u32,
}

impl Plan {
    /// For the group after this one.
    pub(super) fn arm(&mut self, fault: Fault) {
        self.armed = Some(fault);
    }

    pub(super) fn next_group(&mut self) {
        self.now = self.armed.take();
    }

    pub(super) fn before_commit(&mut self) -> Result<(), StoreError> {
        match self.now {
            Some(Fault::Commit(kind)) => {
                self.now = None;
                failed(kind)
            }
            Some(Fault::Unsettled(kind, settlings)) => {
                (self.now, self.settlings) = (None, settlings);
                failed(kind)
            }
            Some(Fault::Panic) => panic!("a test asked for this"),
            Some(Fault::AfterCommit(_)) | None => Ok(()),
        }
    }

    pub(super) fn after_commit(&mut self) -> Result<(), StoreError> {
        match self.now.take() {
            Some(Fault::AfterCommit(kind)) => failed(kind),
            _ => Ok(()),
        }
    }

    pub(super) fn before_settling(&mut self) -> Result<(), StoreError> {
        match self.settlings.checked_sub(1) {
            Some(left) => {
                self.settlings = left;
                failed(StoreErrorKind::Unavailable)
            }
            None => Ok(()),
        }
    }
}

fn failed(kind: StoreErrorKind) -> Result<(), StoreError> {
    Err(StoreError::new(kind, "a test asked for this"))
}

//! Faults that tests plan, where no medium can be made to fail on request.

use std::sync::{Mutex, mpsc};

use polychat_core::ports::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::oneshot;

/// What a test slips in among the work.
pub(in super::super) enum Probe {
    /// What goes wrong with the next group.
    Fault(Fault),
    /// Says that the writer is held up, until the other end sends or goes; and what goes wrong
    /// with the next group.
    Hold(Mutex<Hold>),
    /// Something for the writer's connection.
    Sql(String),
}

pub(in super::super) struct Hold {
    pub(super) begins: Option<oneshot::Sender<()>>,
    pub(super) until: mpsc::Receiver<()>,
    pub(super) then: Option<Fault>,
}

impl Probe {
    pub(super) fn apply(&self, plan: &mut Plan, connection: &Connection) {
        match self {
            Self::Fault(fault) => plan.armed = Some(*fault),
            Self::Hold(hold) => {
                let mut hold = hold.lock().unwrap();
                hold.begins.take().unwrap().send(()).unwrap();
                let _ = hold.until.recv();
                plan.armed = hold.then;
            }
            Self::Sql(sql) => connection.execute_batch(sql).unwrap(),
        }
    }
}

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

//! The thread that writes: its loop, its connection, and what it does when the medium fails.
//!
//! What cannot be known is never guessed. A commit that failed may still come to light when the
//! file is opened after a crash, because what it wrote lies in the log file. So the thread writes
//! another transaction over it at once: if that succeeds, the failed one is certainly gone. Until
//! it does, nobody is told what the head of a log is.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use polychat_core::ports::{AppendError, StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::{
    Answer, Answered, Job, Reply, Tally, Work,
    failed::{full, refuse, takes_room},
    group::Mode,
    held::Held,
    index::Index,
    purge,
};
use crate::sqlite::{
    Durability,
    ballast::{Ballast, lacks_room},
    fault::{fault, unavailable},
    lock::beside,
    schema::{BUSY, connect_writer},
    search,
};

/// A log file of this size is emptied, readers permitting: usually it is far smaller.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How much is given back to the disk at a time, about 64 MiB: meanwhile everybody waits.
const GIVE_BACK_SLICES_MAX: usize = 64;

/// How many slices of deleted logs still go before the thread ends: whoever closes a store waits.
const PURGES_AT_END_MAX: usize = 16;

/// What the thread begins with.
pub(in super::super) struct Desk {
    pub(in super::super) path: PathBuf,
    pub(in super::super) durability: Durability,
    pub(in super::super) connection: Connection,
    pub(in super::super) ballast: Ballast,
    /// All epochs up to this one were given out before.
    pub(in super::super) epochs: u64,
}

pub(super) struct Scribe {
    path: PathBuf,
    durability: Durability,
    /// `None` after an error that leaves its state in doubt; made anew before the next group.
    pub(super) connection: Option<Connection>,
    pub(super) held: Held,
    pub(super) index: Index,
    ballast: Ballast,
    /// A commit failed, and what it wrote is not written over yet.
    pub(super) unsettled: bool,
    /// Rows of deleted logs are left.
    pub(super) purging: bool,
    tally: Arc<Tally>,
    #[cfg(test)]
    pub(super) plan: super::plan::Plan,
}

impl Scribe {
    pub(super) fn new(desk: Desk, tally: Arc<Tally>) -> Self {
        Self {
            path: desk.path,
            durability: desk.durability,
            index: Index::of(&desk.connection),
            connection: Some(desk.connection),
            held: Held::new(desk.epochs),
            ballast: desk.ballast,
            unsettled: false,
            // An earlier life may have left some.
            purging: true,
            tally,
            #[cfg(test)]
            plan: super::plan::Plan::default(),
        }
    }

    /// Takes groups until nobody can send any more, and finishes what it began.
    pub(super) fn write_on(mut self, mut jobs: mpsc::Receiver<Job>, group_max: usize) {
        let mut group = Vec::new();
        let mut hindered = false;
        loop {
            if self.purging && !hindered {
                while group.len() < group_max
                    && let Ok(job) = jobs.try_recv()
                {
                    group.push(job);
                }
                if group.is_empty() && jobs.is_closed() && jobs.is_empty() {
                    // What does not go now goes after the next opening: nobody waits long.
                    let mut slices = PURGES_AT_END_MAX;
                    while slices > 0 && self.purge() == Purge::More {
                        slices -= 1;
                    }
                    return;
                }
            } else if jobs.blocking_recv_many(&mut group, group_max) == 0 {
                return;
            }
            if !group.is_empty() {
                self.answer(std::mem::take(&mut group));
                hindered = false;
            }
            if self.purging && !hindered {
                let purge = self.purge();
                self.purging = purge != Purge::Done;
                hindered = purge == Purge::Hindered;
            }
        }
    }

    fn answer(&mut self, mut group: Vec<Job>) {
        #[cfg(test)]
        self.plan.next_group();
        // Nobody waits for these any more, and nobody was told of them.
        group.retain(|job| !job.reply.is_closed() || matches!(job.work, Work::Delete { .. }));
        let works: Vec<&Work> = group.iter().map(|job| &job.work).collect();
        match catch_unwind(AssertUnwindSafe(|| self.carry_out(&works))) {
            Ok(replies) => {
                drop(works);
                for (job, reply) in group.into_iter().zip(replies) {
                    let _ = job.reply.send(Answered { reply, _work: job.work });
                }
            }
            Err(_) => {
                tracing::error!(jobs = group.len(), "the thread that writes panicked");
                self.in_doubt();
                self.held.undo_all();
                // It may have panicked within a commit.
                self.unsettled = true;
                // Dropping the jobs tells everybody that the answer is not known.
            }
        }
    }

    /// Carries out a group, and has an answer for each of it.
    fn carry_out(&mut self, works: &[&Work]) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = works.iter().map(|_| None).collect();
        if let Err(error) = self.settle() {
            return works.iter().map(|_| Err(AppendError::Rejected(error.clone()))).collect();
        }
        if !self.ballast.is_whole() && works.iter().any(|work| takes_room(work)) && !self.refill() {
            refuse(works, &mut replies, takes_room, &full());
        }
        if let Err(failed) = self.attempt(works, &mut replies, Mode::Together) {
            self.after(failed, works, &mut replies);
        }
        let missing = || Err(AppendError::Ambiguous(unavailable("it was left without an answer")));
        replies.into_iter().map(|reply| reply.unwrap_or_else(missing)).collect()
    }

    /// Writes over what a failed commit may have left.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        if !self.unsettled {
            return Ok(());
        }
        let mut written = self.write_over();
        if written.as_ref().is_err_and(|e| e.kind == StoreErrorKind::Full) && self.ballast.release()
        {
            written = self.write_over();
            // It took a page or two: nearly all of the ballast can be there again for deletions.
            self.refill();
            tracing::warn!("a little of the ballast was used to settle a commit that failed");
        }
        self.unsettled = written.is_err();
        written
    }

    fn write_over(&mut self) -> Result<(), StoreError> {
        #[cfg(test)]
        self.plan.before_settling()?;
        self.transaction(|connection, _| {
            connection.execute("UPDATE meta SET settlings = settlings + 1", []).map(drop)
        })
    }

    /// Takes some rows of deleted logs away.
    fn purge(&mut self) -> Purge {
        let mut more = false;
        let slice = catch_unwind(AssertUnwindSafe(|| {
            self.transaction(|connection, index| {
                more = purge::slice(connection, index)?;
                Ok(())
            })
        }));
        if self.gave_the_index_up() {
            return Purge::More;
        }
        match slice {
            Ok(Ok(())) if more => Purge::More,
            Ok(Ok(())) => {
                if !self.ballast.is_whole() {
                    self.refill();
                }
                Purge::Done
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "rows of deleted chats cannot be removed now");
                if error.kind == StoreErrorKind::Full && self.ballast.release() {
                    return Purge::More;
                }
                Purge::Hindered
            }
            Err(_) => {
                tracing::error!("removing the rows of deleted chats panicked");
                self.in_doubt();
                Purge::Hindered
            }
        }
    }

    /// Gives what deletions freed back to the disk, and fills the ballast with it.
    fn refill(&mut self) -> bool {
        let give_back = |connection: &mut Connection| -> rusqlite::Result<()> {
            // First of all the log: copying it may need room that the ballast would take.
            empty_log(connection)?;
            for _ in 0..GIVE_BACK_SLICES_MAX {
                if !purge::give_back(connection)? {
                    break;
                }
            }
            // The file gets shorter when its log is emptied.
            empty_log(connection)
        };
        if let Ok(connection) = self.connection() {
            // What does not work now is tried again before the next append.
            let _ = give_back(connection);
        }
        let whole = self.ballast.fill();
        if whole {
            tracing::info!("the ballast is whole again");
        }
        whole
    }

    /// Carries out something of the thread's own in a transaction.
    fn transaction(
        &mut self,
        work: impl FnOnce(&Connection, &mut Index) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.connection()?;
        let Self { connection: Some(connection), index, .. } = self else {
            return Err(unavailable("there is no connection"));
        };
        let carried_out = connection.unchecked_transaction().and_then(|transaction| {
            work(&transaction, index)?;
            transaction.commit().inspect_err(|error| index.suspect(error))
        });
        let ended = connection.is_autocommit();
        if !ended {
            self.in_doubt();
        }
        carried_out.map_err(|error| self.by_cause(fault("writing", &error)))
    }

    /// Gives the index of the search up if it was what failed, for as long as the file is open;
    /// answers whether it did. Only what is noted in the file is left out of it.
    pub(super) fn gave_the_index_up(&mut self) -> bool {
        if !self.index.is_suspected() {
            return false;
        }
        self.index.acquit();
        let noted = self.transaction(|connection, _| search::note_broken(connection));
        match noted {
            Ok(()) => {
                self.index.give_up();
                tracing::error!("the index of the search is damaged; chats go on without it");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the index of the search is damaged, which cannot be noted");
                false
            }
        }
    }

    /// The same error, as lack of room where that is its cause: SQLite says of a quota that is used
    /// up only that writing failed.
    pub(super) fn by_cause(&self, error: StoreError) -> StoreError {
        if error.kind == StoreErrorKind::Unavailable && lacks_room(&self.path) {
            return StoreError::new(StoreErrorKind::Full, error.message);
        }
        error
    }

    pub(super) fn has_ballast(&self) -> bool {
        self.ballast.is_whole()
    }

    pub(super) fn release_ballast(&mut self) -> bool {
        self.ballast.release()
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect_writer(&self.path, self.durability)
                .map_err(|error| fault("opening the file again", &error))?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Nobody knows what the connection is in the middle of: dropping it rolls that back.
    pub(super) fn in_doubt(&mut self) {
        self.connection = None;
    }

    /// Empties the log file when readers have kept it from beginning anew for long.
    pub(super) fn bound_log(&mut self) {
        let log = std::fs::metadata(beside(&self.path, "-wal"));
        if log.is_ok_and(|log| log.len() > LOG_BYTES_MAX)
            && let Ok(connection) = self.connection()
        {
            let _ = empty_log(connection);
        }
    }

    pub(super) fn count(&self, works: &[&Work], replies: &[Option<Reply>]) {
        let stored = works.iter().zip(replies).filter(|(work, reply)| {
            matches!(work, Work::Append(_)) && matches!(reply, Some(Ok(Answer::Done)))
        });
        let stored = stored.count() as u64;
        Tally::add(&self.tally.appends, stored);
        Tally::add(&self.tally.groups, u64::from(stored > 0));
    }
}

/// Copies the log file into the database and cuts it to nothing, unless somebody reads from it just
/// now. Nobody is waited for: behind the thread that writes, all chats would wait as well.
fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_timeout(BUSY)?;
    emptied
}

/// Why nothing of a group was stored.
pub(super) enum Failed {
    /// It did not come to a commit.
    Before(StoreError),
    /// The commit failed, and may come to light after a crash.
    Commit(StoreError),
}

/// How removing rows of deleted logs goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purge {
    More,
    Done,
    /// The medium does not let it.
    Hindered,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::sqlite::schema::{CREATE, connect_reader};

    static ASKED_TO_WAIT: AtomicBool = AtomicBool::new(false);

    // law 6: who reads for long holds up nobody who writes
    #[test]
    fn emptying_the_log_waits_for_no_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        let mut writer = connect_writer(&path, Durability::ProcessSafe).unwrap();
        writer.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        writer.execute_batch(CREATE).unwrap();
        let reader = connect_reader(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
        writer.execute_batch("UPDATE meta SET epochs = 7").unwrap();
        let log = || std::fs::metadata(beside(&path, "-wal")).unwrap().len();
        // Whoever waits asks this first.
        let ask = |_| {
            ASKED_TO_WAIT.store(true, Ordering::Relaxed);
            false
        };
        writer.busy_handler(Some(ask)).unwrap();
        empty_log(&writer).unwrap();
        assert!(!ASKED_TO_WAIT.load(Ordering::Relaxed) && log() > 0);
        reader.execute_batch("COMMIT").unwrap();
        empty_log(&writer).unwrap();
        assert_eq!(log(), 0);
    }
}

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

use super::{Answer, Answered, Job, Reply, Tally, Work, group::Mode, held::Held, purge};
use crate::sqlite::{
    Durability,
    ballast::Ballast,
    fault::{fault, unavailable},
    lock::beside,
    read,
    schema::{BUSY, connect_writer},
};

/// A log file of this size is emptied, readers permitting: usually it is far smaller.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How much is given back to the disk at a time, about 64 MiB: meanwhile everybody waits.
const GIVE_BACK_SLICES_MAX: usize = 64;

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
    ballast: Ballast,
    /// A commit failed, and what it wrote is not written over yet.
    unsettled: bool,
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
                    // What does not go now goes after the next opening.
                    while self.purge() == Purge::More {}
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

    /// What becomes of a group of which nothing was stored, as far as is known.
    fn after(&mut self, failed: Failed, works: &[&Work], replies: &mut [Option<Reply>]) {
        let error = match self.certain(failed, works) {
            Ok(error) => error,
            Err(doubt) => return answer_all(replies, &AppendError::Ambiguous(doubt)),
        };
        if error.kind == StoreErrorKind::Full {
            refuse(works, replies, takes_room, &error);
            if works.iter().any(|work| frees_room(work)) && self.ballast.release() {
                tracing::warn!("the ballast was released for a deletion");
            }
        }
        // One of them may be the trouble: then it fails alone.
        if let Err(failed) = self.attempt(works, replies, Mode::Apart) {
            let reply = match self.certain(failed, works) {
                Ok(error) => AppendError::Rejected(error),
                Err(doubt) => AppendError::Ambiguous(doubt),
            };
            answer_all(replies, &reply);
        }
    }

    /// Makes sure that nothing of a group is stored or ever comes to light; the error is `Ok`
    /// then, and `Err` where that cannot be known.
    fn certain(&mut self, failed: Failed, works: &[&Work]) -> Result<StoreError, StoreError> {
        let error = match failed {
            Failed::Before(error) => return Ok(error),
            Failed::Commit(error) => error,
        };
        self.unsettled = true;
        if self.settle().is_err() || self.shows(works) { Err(error) } else { Ok(error) }
    }

    /// Whether anything of a group is stored after all. SQLite does not do that; to be wrong about
    /// it would be to lose what was stored, so it is looked at.
    fn shows(&mut self, works: &[&Work]) -> bool {
        let Ok(connection) = self.connection() else { return true };
        works.iter().any(|work| match work {
            Work::Append(append) => append.new.as_ref().is_ok_and(|new| {
                let found = read::find(connection, &append.fence.key);
                let stored = |log: Option<read::Log>| log.is_some_and(|log| log.head == new.head);
                !new.events.is_empty() && found.map_or(true, stored)
            }),
            Work::Delete { fence } => {
                read::tombstone(connection, &fence.key).map_or(true, |found| found.is_some())
            }
            Work::Open { .. } => false,
            #[cfg(test)]
            Work::Probe(_) => false,
        })
    }

    /// Writes over what a failed commit may have left.
    fn settle(&mut self) -> Result<(), StoreError> {
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
        self.transaction(|connection| {
            connection.execute("UPDATE meta SET settlings = settlings + 1", []).map(drop)
        })
    }

    /// Takes some rows of deleted logs away.
    fn purge(&mut self) -> Purge {
        let mut more = false;
        let slice = catch_unwind(AssertUnwindSafe(|| {
            self.transaction(|connection| {
                more = purge::slice(connection)?;
                Ok(())
            })
        }));
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
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let carried_out = connection.unchecked_transaction().and_then(|transaction| {
            work(&transaction)?;
            transaction.commit()
        });
        let ended = connection.is_autocommit();
        if !ended {
            self.in_doubt();
        }
        carried_out.map_err(|error| fault("writing", &error))
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

fn takes_room(work: &Work) -> bool {
    matches!(work, Work::Append(append) if !append.frees)
}

fn frees_room(work: &Work) -> bool {
    match work {
        Work::Append(append) => append.frees,
        Work::Delete { .. } => true,
        Work::Open { .. } => false,
        #[cfg(test)]
        Work::Probe(_) => false,
    }
}

fn answer_all(replies: &mut [Option<Reply>], error: &AppendError) {
    for reply in replies.iter_mut().filter(|reply| reply.is_none()) {
        *reply = Some(Err(error.clone()));
    }
}

fn refuse(
    works: &[&Work],
    replies: &mut [Option<Reply>],
    which: fn(&Work) -> bool,
    error: &StoreError,
) {
    for (work, reply) in works.iter().zip(replies) {
        if reply.is_none() && which(work) {
            *reply = Some(Err(AppendError::Rejected(error.clone())));
        }
    }
}

fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "the disk is full: what is kept aside is in use")
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

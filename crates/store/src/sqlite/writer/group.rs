//! One group in one transaction: the rules of opening, fencing, appending and deleting.

use polychat_core::{
    Seq,
    ports::{AppendError, Fence, LogKey, OpenMode, StoreError, StoreErrorKind},
};
use rusqlite::{Connection, params};

use super::{
    Answer, Append, Reply, Work,
    held::Held,
    index::Index,
    rows,
    scribe::{Failed, Scribe},
};
use crate::{
    check::{deleted, exists, fenced, not_found, wrong_head},
    sqlite::{
        fault::{damage_or_fault, fault, is_contradiction, unavailable},
        read::{self, Log, chat_name},
    },
};

/// What happens to the others when one of a group meets an error of the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing of the group is stored. Without savepoints, which cost the search's index a flush
    /// each: this is how a group is tried first.
    Together,
    /// Each in a savepoint of its own, so that it fails alone.
    Apart,
}

/// What one of a group comes to: an answer, or a refusal by the rules, which leaves no trace.
type Ruled = Result<Answer, StoreError>;

impl Scribe {
    /// Carries out those of a group that have no reply yet, and gives them one once it is stored.
    pub(super) fn attempt(
        &mut self,
        works: &[&Work],
        replies: &mut [Option<Reply>],
        mode: Mode,
    ) -> Result<(), Failed> {
        if replies.iter().all(Option::is_some) {
            return Ok(());
        }
        let carried_out = self.carry_out_within(works, replies, mode);
        match carried_out {
            Ok(provisional) => {
                self.held.keep();
                for (reply, came_to) in replies.iter_mut().zip(provisional) {
                    if reply.is_none() {
                        *reply = came_to;
                    }
                }
                let deleted = works.iter().zip(replies.iter()).any(|(work, reply)| {
                    matches!((work, reply), (Work::Delete { .. }, Some(Ok(_))))
                });
                self.purging |= deleted;
                self.count(works, replies);
                self.bound_log();
                Ok(())
            }
            Err(failed) => {
                self.held.undo_all();
                if let Ok(connection) = self.connection()
                    && !connection.is_autocommit()
                    && connection.execute_batch("ROLLBACK").is_err()
                {
                    self.in_doubt();
                }
                Err(match failed {
                    Failed::Before(error) => Failed::Before(self.by_cause(error)),
                    Failed::Commit(error) => Failed::Commit(self.by_cause(error)),
                })
            }
        }
    }

    fn carry_out_within(
        &mut self,
        works: &[&Work],
        replies: &[Option<Reply>],
        mode: Mode,
    ) -> Result<Vec<Option<Reply>>, Failed> {
        self.connection().map_err(Failed::Before)?;
        self.execute("BEGIN IMMEDIATE", "beginning").map_err(Failed::Before)?;
        let mut provisional = Vec::with_capacity(works.len());
        for (work, reply) in works.iter().zip(replies) {
            let ruled = match (reply, mode) {
                (Some(_), _) => None,
                (None, Mode::Together) => Some(self.carry_out_one(work).map_err(Failed::Before)?),
                (None, Mode::Apart) => Some(self.carry_out_apart(work).map_err(Failed::Before)?),
            };
            provisional.push(ruled.map(|ruled| ruled.map_err(AppendError::Rejected)));
        }
        self.commit().map_err(Failed::Commit)?;
        Ok(provisional)
    }

    fn carry_out_one(&mut self, work: &Work) -> Result<Ruled, StoreError> {
        self.connection()?;
        let Self { connection: Some(connection), held, index, .. } = self else {
            return Err(unavailable("there is no connection"));
        };
        match work {
            Work::Open { key, mode } => open(connection, held, key, *mode),
            Work::Append(asked) => append(connection, held, index, asked),
            Work::Delete { fence } => delete(connection, held, fence),
            #[cfg(test)]
            Work::Probe(probe) => {
                probe.apply(&mut self.plan, connection);
                Ok(Ok(Answer::Done))
            }
        }
    }

    /// An error of the medium is then this one's alone, unless it ended the whole transaction.
    fn carry_out_apart(&mut self, work: &Work) -> Result<Ruled, StoreError> {
        let mark = self.held.mark();
        self.execute("SAVEPOINT one", "beginning")?;
        let ruled = self.carry_out_one(work);
        if ruled.is_err() {
            self.held.undo_to(mark);
            self.execute("ROLLBACK TO one", "going back")?;
        }
        self.execute("RELEASE one", "going on")?;
        Ok(ruled.unwrap_or_else(Err))
    }

    fn execute(&mut self, sql: &str, doing: &str) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let execute = || connection.prepare_cached(sql)?.execute([]).map(drop);
        execute().map_err(|error| fault(doing, &error))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        #[cfg(test)]
        self.plan.before_commit()?;
        let commit = |connection: &Connection| connection.prepare_cached("COMMIT")?.execute([]);
        let committed = commit(self.connection()?);
        // The index writes what it gathered when a transaction is committed.
        let committed = committed.inspect_err(|error| self.index.suspect(error));
        committed.map_err(|error| fault("committing", &error))?;
        #[cfg(test)]
        self.plan.after_commit()?;
        Ok(())
    }
}

/// The log of this key, from memory or from the file.
fn find(connection: &Connection, held: &mut Held, key: &LogKey) -> Result<Option<Log>, StoreError> {
    if let Some(log) = held.head(key) {
        return Ok(Some(log));
    }
    let found = read::find(connection, key)?;
    if let Some(log) = found {
        held.remember(key, log);
    }
    Ok(found)
}

fn open(
    connection: &Connection,
    held: &mut Held,
    key: &LogKey,
    mode: OpenMode,
) -> Result<Ruled, StoreError> {
    let found = find(connection, held, key)?;
    Ok(match (found, mode) {
        (Some(log), OpenMode::Existing) => Ok(Answer::Opened(held.open(log), log.head)),
        (Some(_), OpenMode::Create) => Err(exists()),
        (None, _) if read::tombstone(connection, key)?.is_some() => Err(deleted()),
        (None, OpenMode::Create) => Ok(Answer::Opened(held.create(key), Seq::ZERO)),
        (None, OpenMode::Existing) => Err(not_found()),
    })
}

fn append(
    connection: &Connection,
    held: &mut Held,
    index: &mut Index,
    asked: &Append,
) -> Result<Ruled, StoreError> {
    let Append { fence: Fence { key, epoch }, expected, new, .. } = asked;
    let found = find(connection, held, key)?;
    let head = match found {
        Some(log) if held.holds(log, *epoch) => log.head,
        Some(_) => return Ok(Err(fenced())),
        None if read::tombstone(connection, key)?.is_some() => return Ok(Err(deleted())),
        None if held.may_create(key, *epoch) => Seq::ZERO,
        None => return Ok(Err(fenced())),
    };
    if *expected != head {
        return Ok(Err(wrong_head(head, *expected)));
    }
    let new = match new {
        Ok(new) if new.events.is_empty() => return Ok(Ok(Answer::Done)),
        Ok(new) => new,
        Err(refused) => return Ok(Err(refused.clone())),
    };
    let stored = match found {
        Some(log) => rows::go_on(connection, log, new),
        None => rows::begin(connection, key, new),
    };
    let log = stored.map_err(|error| refused(&error, head))?;
    let steps = || new.steps.iter().try_for_each(|step| rows::follow(connection, key, log, step));
    index.keep_up(steps).map_err(|error| fault("keeping the search up", &error))?;
    if found.is_none() {
        held.born(key, log);
    }
    held.remember(key, log);
    Ok(Ok(Answer::Done))
}

/// What it means that the tables do not take an append. That a record stands where the next one
/// belongs does not pass, other than a fault of the medium: the log is not what its head says.
fn refused(error: &rusqlite::Error, head: Seq) -> StoreError {
    let doing = "storing an append";
    if is_contradiction(error) {
        let kind = StoreErrorKind::Corrupt { seq: head.next() };
        return StoreError::new(kind, format!("{doing}: {error}"));
    }
    damage_or_fault(doing, error, head.next())
}

fn delete(connection: &Connection, held: &mut Held, fence: &Fence) -> Result<Ruled, StoreError> {
    let Fence { key, epoch } = fence;
    let found = find(connection, held, key)?;
    match found {
        Some(log) if held.holds(log, *epoch) => {}
        Some(_) => return Ok(Err(fenced())),
        None => match read::tombstone(connection, key)? {
            Some(by) if by == epoch.0 => return Ok(Ok(Answer::Done)),
            None if held.may_create(key, *epoch) => {}
            Some(_) | None => return Ok(Err(fenced())),
        },
    }
    let bury = || -> rusqlite::Result<()> {
        let world = rows::name_world(connection, key)?;
        connection
            .prepare_cached("INSERT INTO tombstones (world, chat, epoch) VALUES (?1, ?2, ?3)")?
            .execute(params![world, chat_name(key), epoch.0.cast_signed()])?;
        let Some(log) = found else { return Ok(()) };
        connection.prepare_cached("DELETE FROM logs WHERE id = ?1")?.execute([log.id])?;
        connection.prepare_cached("INSERT INTO purges (log) VALUES (?1)")?.execute([log.id])?;
        Ok(())
    };
    bury().map_err(|error| fault("deleting a log", &error))?;
    match found {
        Some(log) => held.deleted(key, log),
        None => held.never_born(key),
    }
    Ok(Ok(Answer::Done))
}

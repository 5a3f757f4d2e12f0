//! What becomes of a group that was not stored: who of it is tried again, and who is refused.
//!
//! The medium's trouble is often one request's alone: a record where the next one of a log belongs,
//! or an append larger than what room is left. So each is tried apart before it is refused.

use polychat_core::ports::{AppendError, StoreError, StoreErrorKind};

use super::{
    Reply, Work,
    group::Mode,
    scribe::{Failed, Scribe},
};
use crate::sqlite::read;

/// How many appends of one group are found not to fit before those after them are taken not to:
/// each try may cost a flush.
const TRIES_MAX: usize = 8;

impl Scribe {
    /// What becomes of a group of which nothing was stored, as far as is known.
    pub(super) fn after(&mut self, failed: Failed, works: &[&Work], replies: &mut [Option<Reply>]) {
        let mut error = match self.certain(failed, works) {
            Ok(error) => error,
            Err(doubt) => return answer_all(replies, &AppendError::Ambiguous(doubt)),
        };
        if self.gave_the_index_up() {
            // What chats say is worth more than finding it.
            let Err(failed) = self.attempt(works, replies, Mode::Together) else { return };
            error = match self.certain(failed, works) {
                Ok(error) => error,
                Err(doubt) => return answer_all(replies, &AppendError::Ambiguous(doubt)),
            };
        }
        if error.kind == StoreErrorKind::Full {
            return self.one_by_one(&error, works, replies);
        }
        if is_alone(replies) && matches!(error.kind, StoreErrorKind::Corrupt { .. }) {
            return answer_all(replies, &AppendError::Rejected(error));
        }
        // One of them may be the trouble: then it fails alone.
        if let Err(failed) = self.attempt(works, replies, Mode::Apart) {
            match self.certain(failed, works) {
                // SQLite refuses to commit a transaction in which it met damage.
                Ok(error) => self.one_by_one(&error, works, replies),
                Err(doubt) => answer_all(replies, &AppendError::Ambiguous(doubt)),
            }
        }
    }

    /// Carries out what can be, each in a transaction of its own: lack of room often shows only when
    /// a transaction is committed. What is kept aside is used for deletions only.
    fn one_by_one(&mut self, error: &StoreError, works: &[&Work], replies: &mut [Option<Reply>]) {
        let room = error.kind == StoreErrorKind::Full;
        let mut tries = if is_alone(replies) { 0 } else { TRIES_MAX };
        for (work, reply) in works.iter().zip(replies.iter_mut()) {
            let (work, reply) = (std::slice::from_ref(work), std::slice::from_mut(reply));
            if tries == 0 || (room && !self.has_ballast()) {
                refuse(work, reply, if room { takes_room } else { anybody }, error);
            }
            let mut tried = self.attempt(work, reply, Mode::Together);
            if is_for_want_of_room(&tried)
                && work.iter().any(|work| frees_room(work))
                && self.release_ballast()
            {
                tracing::warn!("the ballast was released for a deletion");
                tried = self.attempt(work, reply, Mode::Together);
            }
            if let Err(failed) = tried {
                let refused = self.refusal(failed, work);
                answer_all(reply, &refused);
                tries = tries.saturating_sub(1);
            }
        }
    }

    /// What those are told of whom nothing was stored, as far as is known.
    fn refusal(&mut self, failed: Failed, works: &[&Work]) -> AppendError {
        match self.certain(failed, works) {
            Ok(error) => AppendError::Rejected(error),
            Err(doubt) => AppendError::Ambiguous(doubt),
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
}

fn is_for_want_of_room(tried: &Result<(), Failed>) -> bool {
    match tried {
        Err(Failed::Before(error) | Failed::Commit(error)) => error.kind == StoreErrorKind::Full,
        Ok(()) => false,
    }
}

fn is_alone(replies: &[Option<Reply>]) -> bool {
    replies.iter().filter(|reply| reply.is_none()).count() == 1
}

fn anybody(_: &Work) -> bool {
    true
}

pub(super) fn takes_room(work: &Work) -> bool {
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

pub(super) fn refuse(
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

pub(super) fn full() -> StoreError {
    StoreError::new(StoreErrorKind::Full, "the disk is full: what is kept aside is in use")
}

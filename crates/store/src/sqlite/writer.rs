//! The one thread that writes, and the way to it.
//!
//! Openings, appends and deletions come through one bounded queue, in the order in which they were
//! sent. The thread takes all that waits, carries it out in one transaction, and answers after the
//! commit: while one group is being flushed, the next one gathers, so the more there is to write
//! the fewer flushes it takes. Nobody waits in here but the thread itself.

mod failed;
mod group;
mod held;
mod index;
#[cfg(test)]
mod plan;
mod purge;
mod rebuild;
mod rows;
mod scribe;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use polychat_core::{
    Epoch, Event, Seq, Summary,
    ports::{AppendError, Entry, Fence, Head, LogKey, OpenMode, StoreError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use self::scribe::Scribe;
use super::{
    SqliteOptions,
    codec::{self, Owner, Payload},
    error::{Doing, SqliteError},
    fault::unavailable,
    search::{self, Step},
};
use crate::check::check;

pub(super) use self::{rebuild::rebuild, scribe::Desk};

/// What is asked of the writer.
pub(super) enum Work {
    Open {
        key: LogKey,
        mode: OpenMode,
    },
    Append(Box<Append>),
    Delete {
        fence: Fence,
    },
    #[cfg(test)]
    Probe(plan::Probe),
}

pub(super) struct Append {
    fence: Fence,
    expected: Seq,
    /// What to store, or why it is not fit to be. The fence and the head are asked before that.
    new: Result<Prepared, StoreError>,
    /// It says that the chat is deleted, so room will follow.
    frees: bool,
}

impl Append {
    /// Encodes these entries: the work of whoever asks, not of the one thread that all share.
    pub(super) fn of(
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Self {
        let new = prepare(&fence.key, expected, entries, summary);
        let frees = entries.last().is_some_and(is_deletion);
        Self { fence: fence.clone(), expected, new, frees }
    }
}

/// An append as the tables take it.
struct Prepared {
    head: Head,
    events: Vec<(Seq, Payload<String>)>,
    summary: Option<Payload<String>>,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Opened(Epoch, Head),
    Done,
}

pub(super) type Reply = Result<Answer, AppendError>;

/// An answer, with the work that it answers: who made it also frees it, on a thread of their own.
struct Answered {
    reply: Reply,
    _work: Work,
}

struct Job {
    work: Work,
    reply: oneshot::Sender<Answered>,
    /// Its place among the bytes that may wait.
    _bytes: OwnedSemaphorePermit,
}

/// How often what happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) appends: AtomicU64,
    pub(super) groups: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}

/// The way to the thread that writes.
pub(super) struct Writer {
    /// `None` once it was ended.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    bytes: Arc<Semaphore>,
    bytes_max: u32,
    thread: Mutex<Option<JoinHandle<()>>>,
    pub(super) tally: Arc<Tally>,
}

impl Writer {
    pub(super) fn start(desk: Desk, options: &SqliteOptions) -> Result<Self, SqliteError> {
        let (queue, jobs) = mpsc::channel(options.writes_queued_max);
        let tally = Arc::default();
        let scribe = Scribe::new(desk, Arc::clone(&tally));
        let group_max = options.writes_queued_max;
        let thread = thread::Builder::new().name("polychat-write".to_owned());
        let thread = thread.spawn(move || scribe.write_on(jobs, group_max));
        let thread = thread.doing("starting the thread that writes", &options.path)?;
        let bytes_max = options.writes_queued_bytes_max.min(Semaphore::MAX_PERMITS);
        let bytes_max = u32::try_from(bytes_max).unwrap_or(u32::MAX);
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            bytes: Arc::new(Semaphore::new(bytes_max as usize)),
            bytes_max,
            thread: Mutex::new(Some(thread)),
            tally,
        })
    }

    pub(super) async fn open(
        &self,
        key: &LogKey,
        mode: OpenMode,
    ) -> Result<(Fence, Head), StoreError> {
        let work = Work::Open { key: key.clone(), mode };
        match self.ask(work, 0).await {
            Ok(Answer::Opened(epoch, head)) => Ok((Fence { key: key.clone(), epoch }, head)),
            Ok(Answer::Done) => Err(unavailable("the writer answered something else")),
            Err(error) => Err(error.inner().clone()),
        }
    }

    pub(super) async fn append(&self, append: Append) -> Result<(), AppendError> {
        let bytes = append.new.as_ref().map_or(0, Prepared::bytes);
        self.ask(Work::Append(Box::new(append)), bytes).await.map(drop)
    }

    pub(super) async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        let answer = self.ask(Work::Delete { fence: fence.clone() }, 0).await;
        answer.map(drop).map_err(|error| error.inner().clone())
    }

    async fn ask(&self, work: Work, bytes: usize) -> Reply {
        let gone = || AppendError::Rejected(unavailable("the thread that writes has ended"));
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes_max);
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.map_err(|_| gone())?;
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(gone)?;
        queue.send(Job { work, reply, _bytes: bytes }).await.map_err(|_| gone())?;
        // Whoever waits for an answer does not keep the thread from ending.
        drop(queue);
        let lost = || unavailable("the thread that writes panicked before it answered");
        let answered = answer.await.map(|answered| answered.reply);
        answered.unwrap_or_else(|_| Err(AppendError::Ambiguous(lost())))
    }

    /// Ends the thread after what was queued.
    pub(super) fn end(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Whoever ends it a second time waits here until the first one is done.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // It catches panics: there is nothing to hear from it.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Prepared {
    fn bytes(&self) -> usize {
        let events: usize = self.events.iter().map(|(_, event)| event.body.len()).sum();
        let words = self.steps.iter().map(|step| match step {
            Step::Add { words, .. } => words.len(),
            _ => 0,
        });
        events + words.sum::<usize>() + self.summary.as_ref().map_or(0, |s| s.body.len())
    }
}

fn is_deletion(entry: &Entry) -> bool {
    matches!(entry, Entry::Chat(recorded) if matches!(recorded.event, Event::ChatDeleted {}))
}

fn prepare(
    key: &LogKey,
    expected: Seq,
    entries: &[Entry],
    summary: Option<&Summary>,
) -> Result<Prepared, StoreError> {
    check(key.chat(), expected, entries, summary)?;
    let owner = Owner::of(key);
    let head = entries.last().map_or(expected, Entry::seq);
    let events = entries.iter().map(|entry| Ok((entry.seq(), codec::encode(&owner, entry)?)));
    let events = events.collect::<Result<_, StoreError>>()?;
    let summary =
        summary.map(|summary| codec::encode_summary(&owner, summary, head)).transpose()?;
    Ok(Prepared { head, events, summary, steps: search::plan(entries) })
}

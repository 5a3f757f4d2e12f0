//! The threads that read: each with a connection of its own, so that no read waits for a write.
//!
//! A read is a piece of work that comes through one bounded queue and answers through a one-shot
//! channel; whoever waits for it waits without a thread. A connection that a read left in the middle
//! of something is replaced before the next one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use polychat_core::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::{Doing, SqliteError},
    fault::{fault, unavailable},
    schema::connect_reader,
    search::Finder,
};

type Work = Box<dyn FnOnce(&mut Reader) + Send>;

/// What a reading thread has.
pub(super) struct Reader {
    path: PathBuf,
    connection: Option<Connection>,
    finder: Finder,
}

impl Reader {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), connection: None, finder: Finder::new() }
    }

    /// Reads in one snapshot, with what searches need beside it.
    pub(super) fn snapshot<T>(
        &mut self,
        read: impl FnOnce(&Connection, &mut Finder) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let opened = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.connect(),
        };
        let mut connection = opened.map_err(|error| fault("opening the file", &error))?;
        let transaction = connection.transaction().map_err(|e| fault("beginning to read", &e))?;
        let answer = read(&transaction, &mut self.finder);
        // Nothing was written: how it ends is all the same, and dropping ends it.
        drop(transaction);
        if answer.is_ok() || connection.is_autocommit() {
            self.connection = Some(connection);
        }
        answer
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let mut connection = connect_reader(&self.path)?;
        self.finder.watch(&mut connection)?;
        Ok(connection)
    }
}

/// The threads, and the way to them.
pub(super) struct Readers {
    /// `None` once they were ended.
    queue: Mutex<Option<mpsc::Sender<Work>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn start(path: &Path, threads: usize, queued: usize) -> Result<Self, SqliteError> {
        let (queue, work) = mpsc::channel(queued);
        let work = Arc::new(Mutex::new(work));
        let mut handles = Vec::with_capacity(threads);
        for n in 0..threads {
            let (mut reader, work) = (Reader::new(path), Arc::clone(&work));
            let thread = thread::Builder::new().name(format!("polychat-read-{n}"));
            let thread = thread.spawn(move || read_on(&mut reader, &work));
            // Those that were started end with the queue.
            handles.push(thread.doing("starting a thread that reads", path)?);
        }
        Ok(Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(handles) })
    }

    /// Has a thread do this, and waits for its answer.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |reader: &mut Reader| {
            // Nobody waits for it any more.
            if !answer.is_closed() {
                let _ = answer.send(read(reader));
            }
        });
        let gone = || unavailable("the threads that read have ended");
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or_else(gone)?;
        queue.send(work).await.map_err(|_| gone())?;
        // Whoever waits for an answer does not keep the threads from ending.
        drop(queue);
        answered.await.unwrap_or_else(|_| Err(unavailable("the read panicked")))
    }

    /// Ends the threads after what was queued.
    pub(super) fn end(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // Whoever ends them a second time waits here until the first one is done.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // It catches panics: there is nothing to hear from it.
            let _ = thread.join();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.end();
    }
}

fn read_on(reader: &mut Reader, work: &Mutex<mpsc::Receiver<Work>>) {
    loop {
        // Whoever holds the lock takes the next piece; the others wait for the lock instead.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(work) = next else { return };
        if catch_unwind(AssertUnwindSafe(|| work(reader))).is_err() {
            tracing::error!("a read of the store panicked");
            // In whatever state they are, nobody uses them again.
            *reader = Reader::new(&reader.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // law 6, REQ-11
    #[tokio::test]
    async fn a_read_that_panics_is_an_error_and_the_next_one_works() {
        let folder = tempfile::tempdir().unwrap();
        let readers = Readers::start(&folder.path().join("none"), 1, 1).unwrap();
        for _ in 0..3 {
            let panicked: Result<(), _> = readers.read(|_| panic!("as planned")).await;
            assert_eq!(panicked.unwrap_err(), unavailable("the read panicked"));
            assert_eq!(readers.read(|_| Ok(7)).await, Ok(7));
        }
    }

    #[test]
    fn ending_takes_what_was_queued_first() {
        let folder = tempfile::tempdir().unwrap();
        let readers = Readers::start(&folder.path().join("none"), 2, 10).unwrap();
        let done = Arc::new(Mutex::new(0));
        for _ in 0..10 {
            let done = Arc::clone(&done);
            let work: Work = Box::new(move |_| *done.lock().unwrap() += 1);
            readers.queue.lock().unwrap().as_ref().unwrap().blocking_send(work).unwrap();
        }
        readers.end();
        assert_eq!(*done.lock().unwrap(), 10);
    }
}

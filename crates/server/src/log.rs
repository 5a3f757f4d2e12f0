//! Logs on standard error, which nobody may be reading.
//!
//! A parent that leaves the pipe full must not stop its own chats, and one that closed it must not
//! crash them. So a thread writes, what waits for it is bounded, and what does not fit is dropped
//! and counted.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel},
    },
    time::Duration,
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    config::{LogConfig, LogFormat},
    error::Error,
};

/// Records that may wait to be written.
const WAITING_MAX: usize = 1_024;
/// How long the last ones have to be written, when nobody may be reading.
const END_DURATION: Duration = Duration::from_millis(200);

/// The log of this process, begun.
pub(crate) struct Log {
    records: Records,
    written: Receiver<()>,
}

/// Begins to log what the filter lets through, or this one where none is configured.
pub(crate) fn begin(config: &LogConfig, otherwise: &str) -> Result<Log, Error> {
    let filter = EnvFilter::try_new(config.filter.as_deref().unwrap_or(otherwise))
        .map_err(Error::LogFilter)?;
    let (log, waiting) = channel_of(WAITING_MAX);
    let (done, written) = channel();
    let dropped = Arc::clone(&log.dropped);
    std::thread::Builder::new()
        .name("polychat-log".to_owned())
        .spawn(move || {
            write_all(&waiting, &dropped, &mut io::stderr());
            let _ = done.send(());
        })
        .map_err(Error::LogThread)?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .log_internal_errors(false)
        .with_writer(log.clone());
    match config.format {
        LogFormat::Pretty => subscriber.init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(Log { records: log, written })
}

impl Log {
    /// Waits until all is written that was logged, if somebody reads it.
    pub(crate) fn end(self) {
        // Behind all others; when there is no room for it, there is nobody who reads.
        if self.records.waiting.try_send(Record::End).is_ok() {
            let ended = self.written.recv_timeout(END_DURATION);
            debug_assert!(!matches!(ended, Err(RecvTimeoutError::Disconnected)));
        }
    }
}

enum Record {
    Line(Vec<u8>),
    End,
}

/// Where records wait.
#[derive(Clone)]
struct Records {
    waiting: SyncSender<Record>,
    dropped: Arc<AtomicU64>,
}

fn channel_of(waiting_max: usize) -> (Records, Receiver<Record>) {
    let (waiting, written) = sync_channel(waiting_max);
    (Records { waiting, dropped: Arc::default() }, written)
}

/// Writes what waits, and how much there was no room for, until it is told to end.
fn write_all(waiting: &Receiver<Record>, dropped: &AtomicU64, out: &mut impl Write) {
    // Who closed the pipe does not want to know.
    while let Ok(Record::Line(line)) = waiting.recv() {
        let _ = out.write_all(&line);
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let _ = writeln!(out, "{dropped} records were dropped: nobody read them in time");
        }
    }
}

/// One record: it is written in one piece, and handed on when it is complete.
struct Line<'a> {
    bytes: Vec<u8>,
    records: &'a Records,
}

impl<'a> MakeWriter<'a> for Records {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { bytes: Vec::new(), records: self }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = Record::Line(std::mem::take(&mut self.bytes));
        if let Err(TrySendError::Full(_)) = self.records.waiting.try_send(line) {
            self.records.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

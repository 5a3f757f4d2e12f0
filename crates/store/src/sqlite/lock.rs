//! One writer per file: a lock of the operating system, and a note of who holds it.
//!
//! The lock lies on an empty file beside the database, the note in another one: some systems do
//! not let anybody read what is locked. The operating system gives the lock back when the process
//! ends in any way, so a note left behind blocks nobody. Neither file is removed while locked or
//! waited for; an empty file stays behind.

use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use polychat_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::{Doing, Holder, SqliteError};

/// The right to write to a file, given back when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    note: PathBuf,
}

/// What the note says. When it was written says the file system.
#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    host: String,
}

/// A file beside the database, as SQLite names its own.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, SqliteError> {
        let (locked, note) = (beside(path, "-lock"), beside(path, "-holder"));
        let file = File::options().create(true).truncate(false).write(true).open(&locked);
        let file = file.doing("creating the lock", &locked)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SqliteError::Held { path: path.to_owned(), holder: holder(&note) });
            }
            Err(TryLockError::Error(error)) => return Err(error).doing("locking", &locked),
        }
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let text = serde_json::to_vec(&Note { pid: std::process::id(), host }).unwrap_or_default();
        // It is for people; a disk too full for it must not keep anybody out.
        let _ = fs::write(&note, text);
        Ok(Self { file, note })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.note);
        // Closing the file would do; this also does when another process inherited it.
        let _ = self.file.unlock();
    }
}

fn holder(note: &Path) -> Holder {
    let text = fs::read(note).unwrap_or_default();
    let said: Option<Note> = serde_json::from_slice(&text).ok();
    let written = fs::metadata(note).and_then(|metadata| metadata.modified()).ok();
    let since = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let since = since.map(|since| Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX)));
    let (pid, host) = said.map(|note| (note.pid, note.host)).unzip();
    Holder { pid, host, since }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A note is for people: neither an old nor a senseless one keeps anybody out.
    #[test]
    fn what_a_dead_holder_left_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        for left in [&b"{\"pid\":1,\"host\":\"gone\"}"[..], b"", b"\xff{", &[b'x'; 100_000]] {
            fs::write(beside(&path, "-holder"), left).unwrap();
            fs::write(beside(&path, "-lock"), left).unwrap();
            drop(Lock::take(&path).unwrap());
        }
    }

    #[test]
    fn the_second_to_come_is_told_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        let first = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err();
        let SqliteError::Held { path: held, holder } = &error else { panic!("{error}") };
        assert_eq!((held, holder.pid), (&path, Some(std::process::id())));
        assert!(holder.host.as_ref().is_some_and(|host| !host.is_empty()));
        assert!(holder.since.is_some_and(|since| since > Timestamp(1_600_000_000_000)));
        let text = error.to_string();
        assert!(text.contains(&format!("process {} on", std::process::id())), "{text}");

        // Whoever holds it with the note gone is still in the way.
        fs::remove_file(beside(&path, "-holder")).unwrap();
        let error = Lock::take(&path).unwrap_err();
        let SqliteError::Held { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(*holder, Holder::default());
        drop(first);
        drop(Lock::take(&path).unwrap());
    }
}

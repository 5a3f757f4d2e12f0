//! The right to serve a path: a lock of the operating system on a file beside the socket.
//!
//! Looking whether anybody answers, removing and binding are three steps, so two that start at the
//! same moment could each remove what the other has just bound. Whoever holds the lock does them
//! alone, and keeps it for as long as it serves. The empty file stays behind: removing it would let
//! one process lock the file that was, and another one the file that is.

use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::error::{Doing, SocketError};

/// The right to serve a path, given back when dropped, and however the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the right to serve this path, which nobody may have.
    pub(super) fn take(path: &Path) -> Result<Self, SocketError> {
        let locked = beside(path);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&locked)
            .doing("creating the lock", &locked)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(SocketError::Live { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(error).doing("locking", &locked),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would do; this also does when another process inherited it.
        let _ = self.file.unlock();
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    name.into()
}

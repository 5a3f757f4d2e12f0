//! Room kept aside: a file that is removed so that chats can be deleted from a full disk.
//!
//! While it is not whole the store counts the disk as full, so that what a deletion frees fills it
//! again before appends use the room up.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::lock::beside;

/// How much is written at a time.
const PIECE: usize = 64 * 1024;

pub(super) struct Ballast {
    path: PathBuf,
    bytes: u64,
    whole: bool,
}

impl Ballast {
    /// What there is of it; nothing is filled yet.
    pub(super) fn beside(database: &Path, bytes: u64) -> Self {
        let mut ballast = Self { path: beside(database, "-ballast"), bytes, whole: false };
        if bytes == 0 {
            // An earlier opening may have wanted one.
            let _ = fs::remove_file(&ballast.path);
            ballast.whole = true;
        }
        ballast
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Fills what is missing, and answers whether nothing is any more. What fits stays. When it is
    /// not for lack of room that it cannot be filled, it is done without: that nobody can write
    /// because nobody could delete from a full disk would be the worse of the two.
    pub(super) fn fill(&mut self) -> bool {
        if !self.whole {
            let written = self.write();
            self.whole = !written.as_ref().is_err_and(is_lack_of_room);
            if let Err(error) = written
                && self.whole
            {
                tracing::warn!(%error, path = %self.path.display(), "no room can be kept aside");
            }
        }
        self.whole
    }

    fn write(&self) -> io::Result<()> {
        let mut file = File::options().create(true).truncate(false).write(true).open(&self.path)?;
        let mut written = file.metadata()?.len();
        if written > self.bytes {
            return file.set_len(self.bytes);
        }
        file.seek(SeekFrom::Start(written))?;
        let mut piece = vec![0; PIECE];
        let mut noise = Noise(written | 1);
        while written < self.bytes {
            let left = usize::try_from(self.bytes - written).unwrap_or(PIECE).min(PIECE);
            let piece = piece.get_mut(..left).unwrap_or_default();
            noise.fill(piece);
            file.write_all(piece)?;
            written += left as u64;
        }
        Ok(())
    }

    /// Gives the room back, and answers whether there was any.
    pub(super) fn release(&mut self) -> bool {
        if self.bytes == 0 {
            return false;
        }
        self.whole = false;
        let held = fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > 0);
        held && fs::remove_file(&self.path).is_ok()
    }
}

/// Whether it would go with more room: on the disk, or in somebody's share of it.
pub(super) fn is_lack_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether there is no room beside the database even for a little: a small file is tried. SQLite
/// keeps to itself what the operating system said.
pub(super) fn lacks_room(database: &Path) -> bool {
    let path = beside(database, "-probe");
    let mut piece = vec![0; PIECE];
    Noise(1).fill(&mut piece);
    let written = fs::write(&path, piece);
    let _ = fs::remove_file(&path);
    written.is_err_and(|error| is_lack_of_room(&error))
}

/// Bytes that no file system stores in less room than they take.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, piece: &mut [u8]) {
        for bytes in piece.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            let noise = self.0.to_le_bytes();
            bytes.copy_from_slice(noise.get(..bytes.len()).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_that_is_used_up_is_lack_of_room_and_a_right_that_is_missing_is_not() {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull};
        let kinds = [StorageFull, QuotaExceeded, PermissionDenied];
        assert_eq!(kinds.map(|kind| is_lack_of_room(&kind.into())), [true, true, false]);
    }

    #[test]
    fn it_is_made_released_and_made_again_and_what_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("chats.db");
        let file = beside(&database, "-ballast");
        let size = 3 * PIECE as u64 + 5;
        let mut ballast = Ballast::beside(&database, size);
        assert!(!ballast.is_whole() && ballast.fill() && ballast.is_whole());
        let first = fs::read(&file).unwrap();
        assert_eq!(first.len() as u64, size);
        assert!(first.iter().filter(|byte| **byte == 0).count() < first.len() / 100);

        assert!(ballast.release());
        assert!(!file.exists() && !ballast.is_whole());
        assert!(!ballast.release(), "there is nothing more to give");
        assert!(ballast.fill());

        // Half of it is there, as after a full disk: the rest is added.
        File::options().write(true).open(&file).unwrap().set_len(100).unwrap();
        assert!(Ballast::beside(&database, size).fill());
        assert_eq!(fs::metadata(&file).unwrap().len(), size);
        // A smaller one is wanted, and then none.
        assert!(Ballast::beside(&database, 10).fill());
        assert_eq!(fs::metadata(&file).unwrap().len(), 10);
        let mut none = Ballast::beside(&database, 0);
        assert!(none.is_whole() && !none.release() && !file.exists());
    }
}

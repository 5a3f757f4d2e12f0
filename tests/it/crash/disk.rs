//! A disk that keeps only what was flushed: a shim in C, built here and loaded into the child.
//!
//! What the shim does is written at the top of `disk.c`. After the child was killed, the folder
//! `kept` is what a disk would hold after the power was cut at that moment.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use polychat_testkit::require;

use super::house::{Place, copy};

const SOURCE: &str = include_str!("disk.c");

/// How many of the writes that nobody flushed a disk keeps, in percent.
const LEAK_PERCENT: u64 = 20;

/// A disk that can lose power.
pub(super) struct Disk {
    shim: PathBuf,
    live: PathBuf,
    kept: PathBuf,
    contents: PathBuf,
}

impl Disk {
    /// Builds the shim; `None` after a visible skip. What is needed is a C compiler, on Linux.
    pub(super) fn of(place: &Place) -> Option<Self> {
        let cc = Command::new("cc").arg("--version").stdout(Stdio::null()).status();
        let found = cfg!(target_os = "linux") && cc.is_ok_and(|status| status.success());
        if !require::or_skip("cc", found) {
            return None;
        }
        let (source, shim) = (place.path("disk.c"), place.path("disk.so"));
        std::fs::write(&source, SOURCE).unwrap();
        let mut cc = Command::new("cc");
        let built = cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o"]);
        let built = built.args([&shim, &source]).arg("-ldl").output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let (live, kept) = (place.live(), place.path("kept"));
        std::fs::create_dir(&kept).unwrap();
        Some(Self { shim, live, kept, contents: place.path("contents") })
    }

    /// What is there after the power was cut.
    pub(super) fn kept(&self) -> &Path {
        &self.kept
    }

    /// The power is back: a process finds what was kept.
    pub(super) fn switch_on(&self) {
        copy(&self.kept, &self.live);
        let _ = std::fs::remove_dir_all(&self.contents);
        std::fs::create_dir(&self.contents).unwrap();
    }

    /// Has a process write to this disk.
    pub(super) fn plug_in(&self, child: &mut Command, seed: u64) {
        child
            .env("LD_PRELOAD", &self.shim)
            .env("POLYCHAT_DISK_LIVE", &self.live)
            .env("POLYCHAT_DISK_KEPT", &self.kept)
            .env("POLYCHAT_DISK_CONTENTS", &self.contents)
            .env("POLYCHAT_DISK_LEAK", LEAK_PERCENT.to_string())
            .env("POLYCHAT_DISK_SEED", seed.to_string());
    }
    /// Has the power cut by itself before the process changes or flushes anything more than so many
    /// times.
    pub(super) fn cut_after(child: &mut Command, operations: u64) {
        child.env("POLYCHAT_DISK_OPERATIONS", operations.to_string());
    }
}

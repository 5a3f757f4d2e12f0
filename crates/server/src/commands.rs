//! The subcommands, one file each: its options, and what it does.

#[cfg(unix)]
pub(crate) mod socket;
pub(crate) mod stdio;

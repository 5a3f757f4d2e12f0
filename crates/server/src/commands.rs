//! The subcommands, one file each: its options, and what it does.

pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod openapi;
pub(crate) mod search;
pub(crate) mod serve;
#[cfg(unix)]
pub(crate) mod socket;
pub(crate) mod stdio;
pub(crate) mod token;
pub(crate) mod verify;

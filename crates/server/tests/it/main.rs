//! The binary `polychat` as a real process: its pipes, its socket, its file, and how it ends.
//!
//! Nothing here waits for a time: what must happen is waited for, with a limit that only turns a
//! hang into a failure.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]
#![cfg(unix)]

mod child;
mod command_line;
mod config;
mod config_house;
mod conformance;
mod endings;
mod eventsource;
mod frames;
mod hosts;
mod http_crash;
mod http_streams;
mod schemathesis;
mod serving;
mod shared;
mod transfer;

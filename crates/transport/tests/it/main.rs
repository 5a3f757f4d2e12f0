//! The transports: conformance, the frozen wire form, round trips, and what must be rejected.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]

mod conformance;
mod golden;
mod http;
mod ipc;
mod rejected;
mod round_trip;
mod sharing;
#[cfg(feature = "ts")]
mod types;
mod words;
mod wrong;

//! Chats taken out of real worlds and brought into real worlds, each over a store in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]

mod support;

mod again;
mod bad_lines;
mod documented;
mod exports;
mod markdown;
mod round_trip;

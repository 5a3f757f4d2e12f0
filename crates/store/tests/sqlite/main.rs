//! The store on SQLite, from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may, as tests may"
)]

mod conformance;
mod files;
mod full_disk;
mod golden;
mod search;
mod support;
mod verify;

//! The feed and the subscription, driven through their public doors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod property;
mod reading;
mod subscription;
mod support;
mod writing;

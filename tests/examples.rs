//! The examples as a newcomer meets them: as programs, with input and output.
//!
//! They are run as cargo built them, which it does before it runs all tests of the package; to run
//! this file alone, `cargo build --examples` first. What they print is judged by content and count,
//! never by time.

// In a test, to fail is to panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "examples/by_hand.rs"]
mod by_hand;
#[path = "examples/by_pipe.rs"]
mod by_pipe;
#[path = "examples/course.rs"]
mod course;
#[path = "examples/program.rs"]
mod program;
#[path = "examples/real_model.rs"]
mod real_model;
#[path = "examples/voices.rs"]
mod voices;

//! The models, seen from outside: one binary, a module per model.
//!
//! `cargo test -p polychat-model --features genai` runs all of it.

// In a test, to fail is to panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod demo;
mod demo_tools;
mod fallback;
#[cfg(feature = "genai")]
mod gen_ai;
// Some of its helpers serve only the tests of real providers.
#[cfg_attr(not(feature = "genai"), allow(dead_code))]
mod history;
mod live;
mod log;
#[cfg(feature = "genai")]
mod mock_llm;
mod scripted;

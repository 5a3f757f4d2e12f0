//! MCP servers, seen from outside: scripted ones in memory, processes, and one that we did not
//! write.
//!
//! `cargo test -p polychat-tools --features mcp --test mcp` runs all of it.

// In a test, to fail is to panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod calls;
mod everything;
mod fake;
mod http;
mod lives;
mod logs;
mod names;
mod patience;
#[cfg(unix)]
mod processes;
mod support;
mod unruly;

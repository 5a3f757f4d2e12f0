//! The examples as a newcomer meets them: as programs, with input and output.
//!
//! They are run as cargo built them, which it does before it runs all tests of the package; to run
//! this file alone, `cargo build --examples` first. What they print is judged by content and count,
//! never by time.

// In a test, to fail is to panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// Parts of `concurrent_chats` that are also tested by themselves.
#[path = "../examples/concurrent_chats/decide.rs"]
mod decide;
#[path = "../examples/concurrent_chats/line.rs"]
#[allow(dead_code)] // its help is read by people
mod line;
#[path = "../examples/concurrent_chats/mcp.rs"]
mod mcp;
#[path = "../examples/concurrent_chats/progress.rs"]
mod progress;
#[path = "../examples/concurrent_chats/tool_calls.rs"]
mod tool_calls;
#[path = "../examples/concurrent_chats/voice.rs"]
mod voice;

#[path = "examples/by_hand.rs"]
mod by_hand;
#[path = "examples/by_pipe.rs"]
mod by_pipe;
#[path = "examples/course.rs"]
mod course;
#[path = "examples/kept.rs"]
mod kept;
#[path = "examples/lines.rs"]
mod lines;
#[path = "examples/mcp_servers.rs"]
mod mcp_servers;
#[path = "examples/program.rs"]
mod program;
#[path = "examples/real_model.rs"]
mod real_model;
#[path = "examples/tool_lines.rs"]
mod tool_lines;
#[path = "examples/tools.rs"]
mod tools;
#[path = "examples/voices.rs"]
mod voices;

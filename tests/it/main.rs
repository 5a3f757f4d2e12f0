//! The house as a whole: real actors, paused time, a model whose every step the test releases.
//!
//! One module per group of requirements; `support` holds the world under test and its watchers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]

mod support;
mod text;

mod agents;
mod approvals;
mod builder;
mod canary;
mod chats;
mod crash;
mod cursors;
mod edges;
mod faults;
mod host_context;
mod hosts;
mod http;
mod imports;
mod interference;
mod laws;
mod limits;
mod lists;
mod many_chats;
mod migration;
mod ownership;
mod prompts;
mod recovery;
mod regressions;
mod search;
mod shutdown;
mod stalls;
mod state_machine;
mod supervision;
mod titles;
mod tools;
mod turns;
mod wire;
mod world_feed;
mod worlds;

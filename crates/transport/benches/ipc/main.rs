//! What IPC adds, beside a bare echo of the same bytes over the same Unix socket in the same run.
//!
//! The world is a source of chunks that costs next to nothing, so what is measured is the connection:
//! encoding, framing, the socket, and reading the frames again. What counts is the CPU time of the
//! process on one thread, both ends included, and the ratio within a run: rounds of both sides
//! alternate, and medians are printed. Only latency is by the clock. Nothing here passes or fails:
//! the figures stand in `docs/performance.md`.
//!
//! `cargo bench -p polychat-transport --bench ipc`; a name after `--` runs one part: `reader`,
//! `readers`, `latency`.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::suboptimal_flops,
    missing_docs,
    reason = "a bench may panic, and is to be read as plain arithmetic"
)]

mod echo;
mod latency;
mod measure;
mod source;
mod throughput;

fn main() {
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    if wanted("reader") {
        throughput::to_one_reader();
    }
    if wanted("readers") {
        throughput::to_readers_in_step();
    }
    if wanted("latency") {
        latency::run();
    }
}

//! What a world of chats costs, beside a hand-written floor in the same run.
//!
//! The floor is a program without log and supervision: per chat a tokio task that draws the same
//! stream and a bounded channel (64) to a reader. CPU time is that of the process, so a noisy
//! machine disturbs it little; rounds of both sides alternate, and medians are printed. Nothing
//! here passes or fails: the figures stand in `docs/performance.md`.
//!
//! `cargo bench -p polychat --bench chats` runs all of it; a name after `--` runs one part:
//! `turns`, `tools`, `prompts`, `cancel`, `memory`, `awaiting`, `neighbours`, `blocking`, and of
//! chats in a file: `kept`, `written`, `crowd`.
//!
//! The floor of chats in a file is the one of the store's own bench, raw SQLite: the same source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::suboptimal_flops,
    missing_docs,
    reason = "a bench may panic, and is to be read as plain arithmetic"
)]

mod awaiting;
mod cancel;
mod crowd;
mod floor;
mod kept;
mod measure;
mod memory;
mod neighbours;
mod noting;
mod prompts;
#[path = "../../crates/store/benches/sqlite/raw.rs"]
#[allow(dead_code, reason = "the store's own bench asks it for less, too")]
mod raw;
mod revival;
#[path = "../../crates/store/benches/sqlite/script.rs"]
mod script;
mod source;
mod tools;
mod turns;
mod written;

/// Counts what is allocated, for the figures of memory.
#[global_allocator]
static HEAP: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

fn main() {
    // One neighbour panics again and again, as asked; what it says is of no interest here.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(source::ASKED_TO_PANIC) {
            usual(info);
        }
    }));
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    if wanted("turns") {
        turns::run();
    }
    if wanted("tools") {
        tools::run();
    }
    if wanted("prompts") {
        prompts::run();
    }
    if wanted("cancel") {
        cancel::run();
    }
    if wanted("memory") {
        memory::run();
    }
    if wanted("awaiting") {
        awaiting::run();
    }
    if wanted("neighbours") {
        neighbours::run();
    }
    if wanted("blocking") {
        neighbours::run_blocking();
    }
    if wanted("kept") {
        kept::run();
    }
    if wanted("written") {
        written::run();
    }
    if wanted("crowd") {
        crowd::run();
    }
}

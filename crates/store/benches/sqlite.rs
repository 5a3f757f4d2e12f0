//! What the store on SQLite costs, beside raw SQLite doing the same group commits in the same run.
//!
//! The floor is a program without promises: one thread that writes rows which were made before,
//! with prepared statements, in groups of the size that the store came to; no queue, no fence, no
//! check, no JSON, no answer to anybody. Rounds of both sides alternate, and medians are printed.
//! CPU time is that of the process, so a noisy machine disturbs it little. Nothing here passes or
//! fails: the figures stand in `docs/performance.md`.
//!
//! `cargo bench -p polychat-store --features sqlite --bench sqlite` runs all of it; a name after
//! `--` runs one part: `appends`, `size`, `pages`, `replay`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a bench may panic, and is to be read as plain arithmetic"
)]

#[path = "sqlite/appends.rs"]
mod appends;
#[path = "sqlite/pages.rs"]
mod pages;
#[path = "sqlite/raw.rs"]
mod raw;
#[path = "sqlite/script.rs"]
mod script;
#[path = "sqlite/size.rs"]
mod size;

fn main() {
    let parts: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| part == name);
    if wanted("appends") {
        appends::run();
    }
    if wanted("size") {
        size::run();
    }
    if wanted("pages") {
        pages::run();
    }
    if wanted("replay") {
        pages::run_replay();
    }
}

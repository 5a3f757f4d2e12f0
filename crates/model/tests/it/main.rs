//! The models, seen from outside: one binary, a module per model.
//!
//! `cargo test -p polychat-model --features genai` runs all of it.

mod demo;
#[cfg(feature = "genai")]
mod gen_ai;
mod history;
#[cfg(feature = "genai")]
mod mock_llm;
mod scripted;

//! Chats taken out of a world, and brought into one.
//!
//! This crate speaks [`WorldService`](polychat_core::ports::WorldService) and nothing else: a world
//! in this process, one behind a policy and one behind a wire are exported and filled alike. It
//! holds one chat at a time, however large the world is, and it never changes what is there
//! already.
//!
//! - [`Export`] writes one chat or a world: as Markdown for reading, as JSON Lines for machines.
//! - [`Import`] reads these JSON Lines.
//! - `agent_world`, with the feature `agent-world`, reads the databases of agent-world.
//!
//! The lines are described in `docs/formats.md`, the way from agent-world in `docs/migration.md`.
//!
//! # What holds of every import
//!
//! - *Again and again*: what is there already is recognised and counted. An import that ended early
//!   is simply run again.
//! - *A chat comes whole*: it is created with its messages in one append. A line or row that makes
//!   no sense is left out, the rest of its chat is not.
//! - *Nothing is dropped silently*: each line or row that was left out is reported with its place
//!   and why, as a [`Problem`].
//! - *Nothing grows without a bound*: not a line, not a chat, not the report.

mod ask;
mod error;
pub mod export;
pub mod import;
mod line;
mod report;

#[cfg(feature = "agent-world")]
pub mod agent_world;

#[cfg(feature = "agent-world")]
pub use agent_world::AgentWorld;
pub use error::{ExportError, ImportError};
pub use export::{Export, Pieces};
pub use import::Import;
pub use line::VERSION;
pub use report::{Observed, PROBLEMS_KEPT_MAX, Place, Problem, ProblemKind, Progress, Report};

//! Tools as a world meets them: through the ports of the core.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

mod blocking;
#[cfg(feature = "builtin")]
mod builtin;
mod functions;
mod schemas;
mod support;
mod toolboxes;

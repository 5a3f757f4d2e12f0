//! Tools as a world meets them: through the ports of the core.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests; clippy exempts only the tests themselves"
)]

mod blocking;
#[cfg(feature = "builtin")]
mod builtin;
mod functions;
mod live;
mod schemas;
mod support;
mod toolboxes;

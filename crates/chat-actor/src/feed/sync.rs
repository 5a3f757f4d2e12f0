//! The one lock of the feed: std's, or loom's when loom explores the feed.
//!
//! The cfg is our own, because the global `cfg(loom)` alters tokio in the same build.

#[cfg(polychat_loom)]
pub(super) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(polychat_loom))]
pub(super) use std::sync::{Mutex, MutexGuard};

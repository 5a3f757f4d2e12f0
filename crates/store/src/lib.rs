//! Stores for Polychat: where the logs of chats are kept.
//!
//! This crate holds adapters behind [`polychat_core::ports::Store`]. It knows the words and ports
//! of the core and nothing else: no actor, no runtime. Whoever opens a world chooses one of these
//! or brings one of their own; `polychat-testkit` has the conformance suite that tells whether it
//! keeps the promises.
//!
//! | store | keeps logs |
//! |---|---|
//! | [`MemoryStore`] | in memory, as long as it lives |
//! | `SqliteStore`, feature `sqlite` | in one file, through power cuts; it also finds messages by their words |
//!
//! ```
//! use std::sync::Arc;
//! use polychat_core::ports::Store;
//! use polychat_store::MemoryStore;
//!
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! # drop(store);
//! ```

mod check;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Durability, SqliteError, SqliteOptions, SqliteStore};

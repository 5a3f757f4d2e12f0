//! One chat of Polychat: its actor, its feed, its turn runner.
//!
//! This crate stands on the rules of `polychat-core` and below the world that supervises its
//! actors. It knows one chat at a time: no type here holds a second chat, or a "current" one.
//!
//! ```text
//! mailbox ──▶ chat (decide · append · apply · publish · reply) ──▶ feed ──▶ subscriptions
//!    ▲                      │ effects                              ▲
//!    └──── its end ──── step and call tasks ── chunks, output ─────┘
//! ```
//!
//! Read in this order: [`environment`] (what a chat gets from its world), [`slot`] (what of a chat
//! outlives its actor), [`feed`] and [`subscription`] (what watchers see), [`envelope`] (how
//! commands travel), then the actor itself.
//!
//! Types of ractor appear in [`supervise`] only, the wall between the two actor crates; nothing
//! that an embedder meets mentions them.

pub mod environment;
pub mod feed;
pub mod gate;
pub mod replay;
pub mod subscription;

// The feed is tested under a model checker that cannot run the rest of the crate.
#[cfg(not(polychat_loom))]
mod actor;
#[cfg(not(polychat_loom))]
mod call;
#[cfg(not(polychat_loom))]
mod chat;
#[cfg(not(polychat_loom))]
pub mod envelope;
#[cfg(not(polychat_loom))]
mod host;
#[cfg(not(polychat_loom))]
pub mod query;
#[cfg(not(polychat_loom))]
pub mod slot;
#[cfg(not(polychat_loom))]
mod step;
#[cfg(not(polychat_loom))]
mod title;
#[cfg(not(polychat_loom))]
mod toolbox;

#[cfg(not(polychat_loom))]
pub use actor::supervise;

//! A world of Polychat: it supervises its chats, admits commands, and tells who watches it.
//!
//! This crate stands on `polychat-chat-actor`. Its door is [`LocalWorld`], which is a
//! `WorldService`; everything above speaks that trait and never meets an actor.
//!
//! ```text
//! LocalWorld ──(directory)──▶ a live chat's actor
//!      │ start or revive           ▲ supervises, one for one
//!      └──────────▶ WorldActor ────┘
//! ```
//!
//! Read in this order: [`options`], [`world`] (the door), then the directory, the supervisor, the
//! [`feed`] of the world, and [`scoped`].

mod directory;
pub mod feed;
mod log;
pub mod options;
mod reading;
mod routing;
pub mod scoped;
mod supervisor;
mod sweep;
pub mod system;
mod taking_up;
mod tool_sources;
pub mod world;

pub use options::{OpenError, WorldOptions};
pub use scoped::{Access, ScopePolicy, Scoped};
pub use world::LocalWorld;

//! The door over pipes and sockets: JSON-RPC 2.0 in frames, many chats on one connection.
//!
//! It serves any [`WorldService`](polychat_core::ports::WorldService) over anything that reads and
//! writes bytes, and its far side is a `WorldService` again. What a command, a reply or an event
//! looks like is said in [`crate::wire`] and nowhere here; this adds who asked ([`rpc`]), where
//! a message ends ([`frame`]), and what the connection itself is asked ([`protocol`]).
//!
//! | | who | what |
//! |---|---|---|
//! | [`serve`] | beside the world | requests side by side, subscriptions in turn |
//! | `host` | there, too | models and tools of the client, as if they were here |
//! | [`remote`] | beside the caller | a world that is somewhere else |
//! | `socket` | on Unix | a path that one process serves, for one user |
//! | [`mod@stdio`] | in a child | the pipes to its parent |
//!
//! A connection is one task and one write buffer. It reads, answers and notifies only while there
//! is room in that buffer, so a client that reads slowly costs the buffer and what the operating
//! system keeps, and reaches no other connection (law 4). A connection that ends cancels nothing.

pub mod error;
mod event;
pub mod frame;
mod host;
mod pipe;
pub mod protocol;
pub mod remote;
pub mod rpc;
pub mod serve;
#[cfg(unix)]
pub mod socket;
pub mod stdio;

pub use error::{ConnectionError, RejectedFrame, RejectedMessage};
pub use frame::Framing;
pub use host::CallLimits;
pub use remote::{Connect, Jitter, RemoteOptions, RemoteWorld};
pub use serve::{Closed, ServeOptions, Server};
pub use stdio::stdio;

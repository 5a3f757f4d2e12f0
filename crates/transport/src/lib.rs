//! Transports: the door of a world in process and on the wire.
//!
//! A transport never sees an actor. It speaks [`WorldService`](polychat_core::ports::WorldService)
//! on both of its ends, so it can serve a real, fake, remote, scoped or wrapped world, and whoever
//! holds its near end cannot tell the difference.
//!
//! Read in this order:
//!
//! 1. [`wire`]: the one envelope and the one vocabulary, shared by all transports with bytes.
//! 2. [`guard`]: what a reader refuses: records of other chats, answers to other questions.
//! 3. [`mod@in_process`]: the door without serialisation.
//! 4. [`bytes`]: the door as bytes: a near end that is a world, a far end that serves one.
//! 5. [`mod@loopback`]: both ends of that in one process, to show that what holds in process holds on
//!    the wire.
//! 6. `ipc` (feature `ipc`): the same over pipes and sockets.
//! 7. `http` (feature `http`): the same as REST, server-sent events and WebSockets; its near ends
//!    with feature `http-client`.
//! 8. `typescript` (feature `ts`): what crosses the wire, declared for TypeScript.

pub mod bytes;
pub mod error;
pub mod guard;
#[cfg(feature = "http")]
pub mod http;
pub mod in_process;
#[cfg(feature = "ipc")]
pub mod ipc;
pub mod loopback;
#[cfg(feature = "ts")]
pub mod typescript;
pub mod wire;

pub use error::{RejectedCommand, RejectedRecord, RejectedReply};
pub use guard::Rejections;
pub use in_process::{InProcess, in_process};
pub use loopback::{Loopback, loopback};

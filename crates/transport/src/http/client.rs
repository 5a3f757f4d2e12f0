//! The end beside the caller: worlds that somebody serves over HTTP.
//!
//! | | connections | for |
//! |---|---|---|
//! | [`WebSocketConnect`] | one for everything | a [`RemoteWorld`](crate::ipc::RemoteWorld), which can also bring models and tools |
//! | [`HttpWorld`] | one for each stream | where WebSockets do not get through |
//!
//! Both are worlds like any other: what they are told is checked, they come back when a connection is
//! lost, and nobody can tell them from the world itself. Connections are plain TCP, or what a
//! [`Connect`](crate::ipc::Connect) brings: TLS is the embedder's own.
//!
//! | file | holds |
//! |---|---|
//! | `url`, `headers`, `options` | where the world is, who asks, bounds and durations |
//! | `tcp`, `dial`, `silence` | connections, and how a dead one is noticed |
//! | `asked` | commands and subscriptions as requests |
//! | `exchange` | one question and its answer |
//! | `event_parser`, `frames` | notices out of server-sent events |
//! | `world` | the world, and how its streams come back |
//! | `web_socket` | the other way |

mod asked;
mod dial;
mod event_parser;
mod exchange;
mod frames;
mod headers;
mod options;
mod silence;
mod tcp;
mod url;
mod web_socket;
mod world;

pub use headers::{HeaderName, HeaderValue, Headers, RejectedToken};
pub use options::HttpWorldOptions;
pub use tcp::Tcp;
pub use url::{RejectedUrl, WorldUrl};
pub use web_socket::{WebSocket, WebSocketConnect};
pub use world::HttpWorld;

//! What the connection itself is asked and told, beside the commands of [`crate::wire`].
//!
//! | method | kind | |
//! |---|---|---|
//! | `initialize` | request, the first | who is there, which version, which bounds |
//! | `ping` | request | answers `{}` |
//! | `shutdown` | request | no more requests; answered when those in flight are; then it closes |
//! | `events/subscribe` | request | parameters as in [`crate::wire::WireSubscribe`] |
//! | `events/unsubscribe` | request | no event comes after its answer |
//! | `events/more` | notification | the client has room for more events of a subscription |
//! | `event` | notification, to the client | one notice |
//! | `$/cancelRequest` | notification, also to the client | the request is answered with `-32800` |
//!
//! What a client that brings tools and models of its own is asked and says is in [`host`].

use polychat_core::WorldId;
use serde::{Deserialize, Serialize};

use super::rpc::RequestId;
use crate::wire::WireNotice;

pub mod host;

/// The version of this protocol.
pub const VERSION: u32 = 1;

/// The names of what the connection itself is asked and told.
pub mod method {
    /// Who is there; the first request.
    pub const INITIALIZE: &str = "initialize";
    /// Whether the other side is there.
    pub const PING: &str = "ping";
    /// No more requests; the connection closes.
    pub const SHUTDOWN: &str = "shutdown";
    /// Watches.
    pub const SUBSCRIBE: &str = "events/subscribe";
    /// Watches no more.
    pub const UNSUBSCRIBE: &str = "events/unsubscribe";
    /// There is room for more events.
    pub const MORE: &str = "events/more";
    /// One notice of a subscription.
    pub const EVENT: &str = "event";
    /// The client does not wait for an answer any more.
    pub const CANCEL: &str = "$/cancelRequest";
    /// A client brings models and tools.
    pub const REGISTER: &str = "host/register";
    /// A tool of the client is called.
    pub const TOOL_CALL: &str = "tool/call";
    /// A model of the client is asked.
    pub const MODEL_STREAM: &str = "model/stream";
    /// A tool shows text.
    pub const TOOL_OUTPUT: &str = "tool/output";
    /// A tool says how far it is.
    pub const TOOL_PROGRESS: &str = "tool/progress";
    /// A model says a piece of its answer.
    pub const MODEL_DELTA: &str = "model/delta";
}

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InitializeParams {
    /// The protocol it speaks; see [`VERSION`].
    pub protocol_version: u32,
    /// Who it is, for logs.
    pub client: Peer,
    /// What it takes.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub limits: ClientLimits,
}

impl InitializeParams {
    /// A client of this version of the protocol.
    #[must_use]
    pub fn new(client: Peer, limits: ClientLimits) -> Self {
        Self { protocol_version: VERSION, client, limits }
    }
}

/// A program, for logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// Its version.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub version: String,
}

/// What a client takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClientLimits {
    /// Events of one subscription that may be under way; `events/more` gives room for further ones.
    ///
    /// Without it, all that fits into the pipe is sent, and a client that leaves one subscription
    /// unread has to keep those events itself, or leave all unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_under_way_max: Option<u64>,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InitializeResult {
    /// The protocol it speaks; see [`VERSION`].
    pub protocol_version: u32,
    /// Who it is, for logs.
    pub server: Peer,
    /// The world that it serves.
    pub world_id: WorldId,
    /// What it takes.
    pub limits: ServerLimits,
}

impl InitializeResult {
    pub(super) fn new(world_id: WorldId, limits: ServerLimits) -> Self {
        Self { protocol_version: VERSION, server: this_crate(), world_id, limits }
    }
}

/// What a server takes on one connection; beyond, requests are refused with the facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes of a frame.
    pub frame_bytes_max: usize,
    /// Requests in flight.
    pub requests_in_flight_max: usize,
    /// Subscriptions.
    pub subscriptions_max: usize,
}

/// This crate as a peer.
pub(super) fn this_crate() -> Peer {
    Peer { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
}

/// Names a subscription of a server, opaque; never used again while the server lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "String"))]
#[serde(transparent)]
pub struct SubscriptionId(Box<str>);

impl SubscriptionId {
    pub(super) fn new(number: u64) -> Self {
        Self(format!("s{number}").into())
    }

    /// The one that a server has named so.
    pub(super) fn named(name: &str) -> Self {
        Self(name.into())
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Which subscription: the answer to `events/subscribe`, the question of `events/unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The subscription.
    pub subscription_id: SubscriptionId,
}

/// How much room a client has again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct More {
    /// The subscription.
    pub subscription_id: SubscriptionId,
    /// How many further events may be under way.
    pub events: u64,
}

/// One notice; only what is outside `event` is this reader's own.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct EventParams<'a> {
    /// The subscription.
    pub subscription_id: &'a SubscriptionId,
    /// `worldId`, `cursor`, `event`.
    #[serde(flatten)]
    pub notice: &'a WireNotice,
}

/// Which request is not waited for any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Cancel {
    /// The request, its id exactly as it was sent.
    pub id: RequestId,
}

/// An answer that says only that it is one: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "Record<string, never>"))]
pub struct Done {}

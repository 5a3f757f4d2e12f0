//! The one envelope and the one vocabulary of all transports: camelCase JSON.
//!
//! Everything that crosses a process boundary is spelled here and nowhere else. IPC and HTTP add
//! only their framing. Bytes come in through four decoders ([`decode_command`],
//! [`decode_subscribe`], [`decode_reply`], [`decode_notice`]) and [`decode_error`]; each bounds the
//! size, lets the parser bound the depth, and turns wire structs into domain values by `TryFrom`.
//! Whatever fails is a typed value of [`crate::error`], never a panic.
//!
//! | | on the wire |
//! |---|---|
//! | command | `{ "method": "prompt/send", "params": { "chatId", … } }` |
//! | subscription | `{ "scope": "chat", "chatId", "start": "after", "cursor" }` |
//! | reply | `{ "type": "accepted", "promptId", "acceptedSeq" }` |
//! | refusal or fault | `{ "code", …facts, "retryable", "retryAfterMs"?, "message" }` |
//! | notice of a chat | `{ "worldId", "cursor", "event": { "chatId", "type", … } }` |
//! | notice of a world | `{ "worldId", "event": { "type", … } }` |
//! | end of a stream | `{ "worldId", "event": { "chatId"?, "type": "ended", "reason" } }` |
//!
//! What is per subscriber (the cursor, later the subscription) stands outside `event`, and the
//! bytes of `event` are the same for all readers: see [`EventEncoder`]. A recorded event travels in
//! its stored form.
//!
//! Commands are read strictly, a field that is not known is refused, so that nothing is asked for
//! in vain. What a world sends is read leniently, so that an older client can read a newer world; but
//! a record of an unknown type is refused rather than skipped.
//!
//! Our own numbers are counts, milliseconds and byte offsets that stay below 2⁵³; positions in a
//! log are checked to do so.

mod command;
mod encoded;
mod failure;
mod notice;
mod object;
mod params;
mod reply;
mod subscribe;
pub(crate) mod values;

pub use command::{WireCommand, decode_command, encode_command};
pub use encoded::{EncodedEvent, EventEncoder};
pub use failure::{WireError, decode_error, encode_error};
#[cfg(feature = "ts")]
pub(crate) use notice::Ended;
pub use notice::{WireNotice, decode_notice, encode_notice};
pub use params::{
    AgentParams, BodyParams, CancelParams, ChatParams, ChatsParams, DecideParams, EditParams,
    ForkParams, ImportParams, LogParams, MessagesParams, NewChatParams, NoParams, Object,
    PromptParams, PutAgentParams, ReviseParams, SearchParams, SendParams, SettingsParams,
    UpdateParams, WireTarget,
};
pub use reply::{WireReply, decode_reply, encode_reply};
pub use subscribe::{WireScope, WireStart, WireSubscribe, decode_subscribe, encode_subscribe};

/// How many bytes a reader takes at most (law 7). The depth is bounded by the JSON parser, at 128.
///
/// ```
/// let mut limits = polychat_transport::wire::WireLimits::default();
/// limits.command_bytes_max = 64 * 1024;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireLimits {
    /// Bytes of a command or a subscription. Beyond: refused `too_large`.
    ///
    /// The default takes a prompt of the default size even when all of it has to be escaped.
    pub command_bytes_max: usize,
    /// Values of JSON in a command: numbers, texts, lists, objects. Beyond: refused `too_large`.
    ///
    /// A value may take ninety bytes of memory while it is read, and as few as two on the wire.
    pub command_values_max: usize,
    /// Bytes of a reply or an error. Beyond: the fault `protocol`.
    pub reply_bytes_max: usize,
    /// Bytes of a notice. Beyond: the stream ends as damaged.
    ///
    /// The default takes the text of a turn of the default size even when all of it is escaped.
    pub notice_bytes_max: usize,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            command_bytes_max: 8 * 1024 * 1024,
            command_values_max: 256 * 1024,
            reply_bytes_max: 256 * 1024 * 1024,
            notice_bytes_max: 32 * 1024 * 1024,
        }
    }
}

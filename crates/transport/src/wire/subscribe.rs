//! Subscriptions on the wire: what to watch, and where to begin.

use polychat_core::{ChatId, Cursor, Scope, StartAt};
use serde::{Deserialize, Serialize};

use super::WireLimits;
use crate::error::{RejectedCommand, why};

/// What to watch, spelled out: leaving out a chat's id never means the world (REQ-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Scope"))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WireScope {
    /// One chat; needs `chatId`.
    Chat,
    /// The world.
    World,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "StartAt"))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum WireStart {
    /// With the first event of the log.
    Start,
    /// With what happens from now on.
    Now,
    /// After `cursor`.
    After,
}

/// A subscription as it travels; nothing in it has been checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "SubscribeParams"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct WireSubscribe {
    /// What to watch.
    pub scope: WireScope,
    /// The chat, when the scope is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// Where to begin.
    pub start: WireStart,
    /// Where exactly, when it begins after something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl TryFrom<(Scope, StartAt)> for WireSubscribe {
    type Error = RejectedCommand;

    fn try_from((scope, start): (Scope, StartAt)) -> Result<Self, RejectedCommand> {
        let (scope, chat_id) = match scope {
            Scope::Chat(chat) => (WireScope::Chat, Some(chat.as_str().into())),
            Scope::World => (WireScope::World, None),
            _ => return Err(RejectedCommand::NoWireForm { name: "subscription" }),
        };
        let (start, cursor) = match start {
            StartAt::Start => (WireStart::Start, None),
            StartAt::Now => (WireStart::Now, None),
            StartAt::After(cursor) => (WireStart::After, Some(cursor.to_string())),
            _ => return Err(RejectedCommand::NoWireForm { name: "subscription" }),
        };
        Ok(Self { scope, chat_id, start, cursor })
    }
}

impl TryFrom<WireSubscribe> for (Scope, StartAt) {
    type Error = RejectedCommand;

    fn try_from(wire: WireSubscribe) -> Result<Self, RejectedCommand> {
        let scope = match (wire.scope, wire.chat_id) {
            (WireScope::Chat, Some(id)) => Scope::Chat(
                ChatId::try_from(id).map_err(|error| RejectedCommand::field("chatId", error))?,
            ),
            (WireScope::Chat, None) => return Err(RejectedCommand::field("chatId", "missing")),
            (WireScope::World, None) => Scope::World,
            (WireScope::World, Some(_)) => {
                return Err(RejectedCommand::field("chatId", "a world has none"));
            }
        };
        let start = match (wire.start, wire.cursor) {
            (WireStart::Start, None) => StartAt::Start,
            (WireStart::Now, None) => StartAt::Now,
            (WireStart::After, Some(cursor)) => StartAt::After(
                cursor
                    .parse::<Cursor>()
                    .map_err(|error| RejectedCommand::field("cursor", error))?,
            ),
            (WireStart::After, None) => return Err(RejectedCommand::field("cursor", "missing")),
            (WireStart::Start | WireStart::Now, Some(_)) => {
                return Err(RejectedCommand::field("cursor", "only after something"));
            }
        };
        Ok((scope, start))
    }
}

/// The bytes of a subscription.
///
/// # Errors
///
/// [`RejectedCommand::NoWireForm`] for a scope or a start newer than this wire.
pub fn encode_subscribe(scope: Scope, start: StartAt) -> Result<Vec<u8>, RejectedCommand> {
    serde_json::to_vec(&WireSubscribe::try_from((scope, start))?)
        .map_err(|error| RejectedCommand::Malformed { why: why(&error) })
}

/// The subscription that these bytes are.
///
/// # Errors
///
/// A [`RejectedCommand`] for whatever is none; nothing has happened then.
pub fn decode_subscribe(
    bytes: &[u8],
    limits: &WireLimits,
) -> Result<(Scope, StartAt), RejectedCommand> {
    let max = limits.command_bytes_max;
    if bytes.len() > max {
        return Err(RejectedCommand::TooLarge { bytes: bytes.len(), max });
    }
    serde_json::from_slice::<WireSubscribe>(bytes)
        .map_err(|error| RejectedCommand::Malformed { why: why(&error) })?
        .try_into()
}

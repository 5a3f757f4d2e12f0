//! Notices on the wire: `{ "worldId", "cursor"?, "event": { … } }`.
//!
//! Reading one takes the scope that was subscribed to, so that a record of another chat cannot be
//! read by accident (REQ-13).

use std::sync::Arc;

use polychat_core::{
    ChatId, Cursor, EndReason, Live, LiveBody, Notice, Recorded, Scope, Seq, WorldId,
    notice::WorldNotice,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{EncodedEvent, EventEncoder, WireLimits};
use crate::{
    error::{RejectedRecord, claim, why},
    guard::check_chat,
};

/// A notice as it travels. All readers share `event`; the rest is each reader's own.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Notice"))]
#[serde(rename_all = "camelCase")]
pub struct WireNotice {
    /// The world.
    pub world_id: WorldId,
    /// Where to go on after this notice; only events of a chat have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub cursor: Option<Cursor>,
    /// What happened.
    #[cfg_attr(feature = "ts", ts(as = "crate::typescript::AnyEvent"))]
    pub event: EncodedEvent,
}

/// The end of a stream; it names its chat like everything else in it.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "EndedEvent"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    /// The chat; left out when the stream is the world's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    chat_id: Option<ChatId>,
    #[serde(rename = "type")]
    #[cfg_attr(feature = "ts", ts(inline))]
    name: EndedType,
    /// Why.
    reason: EndReason,
}

#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
enum EndedType {
    #[serde(rename = "ended")]
    Ended,
}

impl WireNotice {
    /// The types of recorded events that the wire knows.
    pub const RECORDED: [&'static str; 23] = [
        "chat.created",
        "chat.updated",
        "chat.closed",
        "chat.reopened",
        "chat.deleted",
        "message.imported",
        "prompt.accepted",
        "prompt.edited",
        "prompt.withdrawn",
        "prompt.joined",
        "turn.started",
        "turn.handed_off",
        "turn.ended",
        "message.start",
        "message.checkpoint",
        "message.end",
        "message.error",
        "tool.start",
        "tool.result",
        "tool.error",
        "approval.requested",
        "approval.resolved",
        "history.truncated",
    ];

    /// The types of live events that the wire knows.
    pub const LIVE: [&'static str; 4] =
        ["message.chunk", "reasoning.chunk", "tool.output", "tool.progress"];

    /// The types of world notices that are about a chat.
    pub const WORLD_OF_CHAT: [&'static str; 3] = ["chat.status", "chat.created", "chat.deleted"];

    /// The types of world notices that are about the world.
    pub const WORLD: [&'static str; 3] = ["diagnostic", "diagnostics.skipped", "feed.resumed"];

    /// Puts a notice of this world and scope into its envelope.
    ///
    /// # Errors
    ///
    /// [`RejectedRecord::UnknownType`] for a notice newer than this wire.
    pub fn new(
        world_id: &WorldId,
        scope: &Scope,
        notice: &Notice,
        encoder: &EventEncoder,
    ) -> Result<Self, RejectedRecord> {
        let (cursor, event) = match notice {
            Notice::Recorded { cursor, event } => (Some(*cursor), encoder.recorded(event)?),
            Notice::Live { cursor, event } => (Some(*cursor), encoder.live(event)?),
            Notice::World(notice) => (None, EncodedEvent::new(notice)?),
            Notice::Ended(reason) => {
                let chat_id = match scope {
                    Scope::Chat(chat) => Some(chat.clone()),
                    _ => None,
                };
                let ended = Ended { chat_id, name: EndedType::Ended, reason: *reason };
                (None, EncodedEvent::new(&ended)?)
            }
            _ => return Err(RejectedRecord::UnknownType { name: "notice".into() }),
        };
        Ok(Self { world_id: world_id.clone(), cursor, event })
    }
}

/// The bytes of a notice.
///
/// # Errors
///
/// [`RejectedRecord::UnknownType`] for a notice newer than this wire.
pub fn encode_notice(
    world_id: &WorldId,
    scope: &Scope,
    notice: &Notice,
    encoder: &EventEncoder,
) -> Result<Vec<u8>, RejectedRecord> {
    let notice = WireNotice::new(world_id, scope, notice, encoder)?;
    serde_json::to_vec(&notice).map_err(|error| malformed(&error))
}

/// The notice that these bytes are, if it belongs to this world and scope.
///
/// # Errors
///
/// A [`RejectedRecord`] for whatever is no notice, or not of this world and scope.
pub fn decode_notice(
    bytes: &[u8],
    world_id: &WorldId,
    scope: &Scope,
    limits: &WireLimits,
) -> Result<Notice, RejectedRecord> {
    /// The envelope, nothing in it checked yet.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope<'a> {
        #[serde(borrow, default)]
        world_id: Option<&'a RawValue>,
        #[serde(default)]
        cursor: Option<Cursor>,
        #[serde(borrow)]
        event: &'a RawValue,
    }

    let max = limits.notice_bytes_max;
    if bytes.len() > max {
        return Err(RejectedRecord::TooLarge { bytes: bytes.len(), max });
    }
    let envelope: Envelope<'_> =
        serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
    let world = envelope.world_id.map_or("", RawValue::get);
    if serde_json::from_str::<WorldId>(world).ok().as_ref() != Some(world_id) {
        return Err(RejectedRecord::ForeignWorld { claimed: claim(world) });
    }
    match scope {
        Scope::Chat(chat) => chat_notice(chat, envelope.cursor, envelope.event),
        _ => world_notice(envelope.event),
    }
}

/// What every record says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(borrow, default)]
    chat_id: Option<&'a RawValue>,
    #[serde(rename = "type")]
    name: String,
}

impl Identity<'_> {
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    fn unknown(&self) -> RejectedRecord {
        RejectedRecord::UnknownType { name: claim(&self.name) }
    }

    /// The chat that the record names.
    fn chat(&self) -> Result<ChatId, RejectedRecord> {
        let raw = self.chat_id.ok_or(RejectedRecord::MissingChatId)?.get();
        serde_json::from_str(raw).map_err(|_| RejectedRecord::InvalidChatId { claimed: claim(raw) })
    }
}

fn chat_notice(
    chat: &ChatId,
    cursor: Option<Cursor>,
    event: &RawValue,
) -> Result<Notice, RejectedRecord> {
    let identity: Identity<'_> = parse(event)?;
    check_chat(chat, &identity.chat()?)?;
    if identity.name == "ended" {
        return Ok(Notice::Ended(parse::<Ended>(event)?.reason));
    }
    if !identity.is_one_of(&WireNotice::RECORDED) && !identity.is_one_of(&WireNotice::LIVE) {
        return Err(identity.unknown());
    }
    let cursor =
        cursor.ok_or_else(|| RejectedRecord::Malformed { why: "missing field `cursor`".into() })?;
    if identity.is_one_of(&WireNotice::LIVE) {
        let live: Live = parse(event)?;
        check_chat(chat, &live.chat_id)?;
        check_offset(&live.body)?;
        return Ok(Notice::Live { cursor, event: Arc::new(live) });
    }
    Ok(Notice::Recorded { cursor, event: Arc::new(recorded(chat, event)?) })
}

fn world_notice(event: &RawValue) -> Result<Notice, RejectedRecord> {
    let identity: Identity<'_> = parse(event)?;
    if identity.is_one_of(&WireNotice::WORLD_OF_CHAT) {
        identity.chat()?;
    } else if identity.name == "ended" {
        if identity.chat_id.is_some() {
            let claimed = identity.chat()?.as_str().into();
            return Err(RejectedRecord::ForeignChat { claimed });
        }
        return Ok(Notice::Ended(parse::<Ended>(event)?.reason));
    } else if !identity.is_one_of(&WireNotice::WORLD) {
        return Err(identity.unknown());
    }
    Ok(Notice::World(parse::<WorldNotice>(event)?))
}

/// One recorded event of this chat; also what a page of a log is read with.
pub(super) fn recorded(chat: &ChatId, event: &RawValue) -> Result<Recorded, RejectedRecord> {
    let identity: Identity<'_> = parse(event)?;
    check_chat(chat, &identity.chat()?)?;
    if !identity.is_one_of(&WireNotice::RECORDED) {
        return Err(identity.unknown());
    }
    let recorded: Recorded = parse(event)?;
    check_chat(chat, &recorded.chat_id)?;
    check_number(recorded.at.0)?;
    Ok(recorded)
}

fn check_offset(body: &LiveBody) -> Result<(), RejectedRecord> {
    match body {
        LiveBody::MessageChunk { offset, .. }
        | LiveBody::ReasoningChunk { offset, .. }
        | LiveBody::ToolOutput { offset, .. } => check_number(*offset),
        _ => Ok(()),
    }
}

fn check_number(number: u64) -> Result<(), RejectedRecord> {
    if number > Seq::MAX.get() {
        return Err(RejectedRecord::Malformed { why: "a number of 2^53 or more".into() });
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(event: &'a RawValue) -> Result<T, RejectedRecord> {
    serde_json::from_str(event.get()).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> RejectedRecord {
    RejectedRecord::Malformed { why: why(error) }
}

//! Replies on the wire: `{ "type": …, … }`. Reading one takes what the command asked for.

use std::sync::Arc;

use polychat_core::{
    ChatId, Reply, Seq,
    command::{
        Accepted, ChatPage, LogPage, MessagePage, PromptState, Snapshot, WaitingPrompt, WorldInfo,
    },
    ports::SearchPage,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{WireLimits, notice::recorded};
use crate::{
    error::{RejectedReply, claim, why},
    guard::Expected,
};

/// A reply as it travels.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "Reply"))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "Reply"))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum WireReply {
    /// It is done and stored.
    Done {},
    /// A chat was created.
    Chat {
        /// Its id.
        chat_id: ChatId,
    },
    /// A prompt was taken.
    Accepted(Accepted),
    /// One page of chats.
    Chats(ChatPage),
    /// A chat as a whole.
    Snapshot(Box<Snapshot>),
    /// The waiting prompts.
    Prompts {
        /// In the order in which they will run.
        prompts: Vec<WaitingPrompt>,
    },
    /// Where a prompt stands.
    Prompt(PromptState),
    /// One page of messages.
    Messages(MessagePage),
    /// One page of a log.
    Log(LogPage),
    /// The world.
    World(Box<WorldInfo>),
    /// One page of messages that were found.
    Found(SearchPage),
}

impl TryFrom<Reply> for WireReply {
    type Error = RejectedReply;

    fn try_from(reply: Reply) -> Result<Self, RejectedReply> {
        Ok(match reply {
            Reply::Done => Self::Done {},
            Reply::Chat(chat_id) => Self::Chat { chat_id },
            Reply::Accepted(accepted) => Self::Accepted(accepted),
            Reply::Chats(page) => Self::Chats(page),
            Reply::Snapshot(snapshot) => Self::Snapshot(snapshot),
            Reply::Prompts(prompts) => Self::Prompts { prompts },
            Reply::Prompt(state) => Self::Prompt(state),
            Reply::Messages(page) => Self::Messages(page),
            Reply::Log(page) => Self::Log(page),
            Reply::World(world) => Self::World(world),
            Reply::Found(page) => Self::Found(page),
            _ => return Err(RejectedReply::NoWireForm),
        })
    }
}

/// The bytes of a reply.
///
/// # Errors
///
/// [`RejectedReply::NoWireForm`] for a reply newer than this wire.
pub fn encode_reply(reply: Reply) -> Result<Vec<u8>, RejectedReply> {
    serde_json::to_vec(&WireReply::try_from(reply)?).map_err(|error| malformed(&error))
}

/// The reply that these bytes are, if it fits the command.
///
/// # Errors
///
/// A [`RejectedReply`] for whatever is no reply, is of another kind, or holds a record of another
/// chat.
pub fn decode_reply(
    bytes: &[u8],
    expected: &Expected,
    limits: &WireLimits,
) -> Result<Reply, RejectedReply> {
    /// Only the kind, so that the rest is parsed straight into what it is.
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }

    let max = limits.reply_bytes_max;
    if bytes.len() > max {
        return Err(RejectedReply::TooLarge { bytes: bytes.len(), max });
    }
    let Kind { kind } = parse(bytes)?;
    if kind != expected.kind() {
        let found = claim(&kind);
        return Err(RejectedReply::WrongKind { expected: expected.kind(), found });
    }
    let reply = body(&kind, bytes, expected)?;
    expected.check(&reply)?;
    Ok(reply)
}

fn body(kind: &str, bytes: &[u8], expected: &Expected) -> Result<Reply, RejectedReply> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Chat {
        chat_id: ChatId,
    }
    #[derive(Deserialize)]
    struct Prompts {
        prompts: Vec<WaitingPrompt>,
    }

    Ok(match kind {
        "done" => Reply::Done,
        "chat" => Reply::Chat(parse::<Chat>(bytes)?.chat_id),
        "accepted" => Reply::Accepted(parse(bytes)?),
        "chats" => Reply::Chats(parse(bytes)?),
        "snapshot" => Reply::Snapshot(parse(bytes)?),
        "prompts" => Reply::Prompts(parse::<Prompts>(bytes)?.prompts),
        "prompt" => Reply::Prompt(parse(bytes)?),
        "messages" => Reply::Messages(parse(bytes)?),
        "log" => Reply::Log(log(bytes, expected)?),
        "world" => Reply::World(parse(bytes)?),
        "found" => Reply::Found(parse(bytes)?),
        _ => return Err(RejectedReply::NoWireForm),
    })
}

/// A page of a log: each of its records is checked like one that a subscription brings.
fn log(bytes: &[u8], expected: &Expected) -> Result<LogPage, RejectedReply> {
    #[derive(Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
        head: Seq,
    }

    let Page { events, head } = parse(bytes)?;
    let chat = expected.chat().ok_or(RejectedReply::NoWireForm)?;
    let events = events
        .into_iter()
        .map(|event| recorded(chat, event).map(Arc::new))
        .collect::<Result<_, _>>()?;
    Ok(LogPage { events, head })
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RejectedReply> {
    serde_json::from_slice(bytes).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> RejectedReply {
    RejectedReply::Malformed { why: why(error) }
}

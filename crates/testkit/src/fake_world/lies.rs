//! What no world may send, and no reader may take: records of another chat, or of none (REQ-13).

use std::sync::Arc;

use polychat_core::{
    ChatId, Command, Cursor, Event, Live, LiveBody, Notice, Reply, WorldId,
    command::{Accepted, LogPage, Snapshot},
    notice::WorldNotice,
};
use serde_json::{Value, json};

use crate::{
    samples,
    transport_suite::replies::{snapshot, status},
};

/// Notices that do not belong to a subscription to any chat but `other`.
#[must_use]
pub fn foreign_notices(other: &ChatId) -> Vec<Notice> {
    let at = samples::seq(5);
    let body = LiveBody::MessageChunk {
        message_id: samples::message_id(5),
        offset: 0,
        text: "not yours".into(),
    };
    let live = Live { chat_id: other.clone(), turn_id: samples::turn_id(4), body };
    vec![
        Notice::Recorded {
            cursor: Cursor::after(at),
            event: samples::recorded(other, at, Event::ChatClosed {}),
        },
        Notice::Live { cursor: Cursor::after(at), event: Arc::new(live) },
        // Not even of the same chat does a world's notice belong there.
        Notice::World(WorldNotice::Created { chat_id: other.clone() }),
    ]
}

/// Commands about `chat` with answers that are not theirs.
#[must_use]
pub fn foreign_replies(chat: &ChatId, other: &ChatId) -> Vec<(Command, Reply)> {
    let mut half_foreign: Snapshot = snapshot(chat);
    half_foreign.status = status(other);
    let one = samples::seq(1);
    let log = LogPage {
        events: vec![
            samples::recorded(chat, one, Event::ChatClosed {}),
            samples::recorded(other, samples::seq(2), Event::ChatReopened {}),
        ],
        head: samples::seq(2),
    };
    let send = Command::SendPrompt {
        chat: chat.clone(),
        prompt: samples::prompt_id("mine"),
        mode: polychat_core::event::PromptMode::Queue,
        body: samples::prompt_body(),
    };
    let accepted = Accepted { prompt_id: samples::prompt_id("theirs"), accepted_seq: one };
    vec![
        (Command::Snapshot { chat: chat.clone() }, Reply::Snapshot(Box::new(snapshot(other)))),
        (Command::Snapshot { chat: chat.clone() }, Reply::Snapshot(Box::new(half_foreign))),
        (
            Command::ReadLog { chat: chat.clone(), after: polychat_core::Seq::ZERO, limit: 9 },
            Reply::Log(log),
        ),
        (Command::CloseChat { chat: chat.clone() }, Reply::Chat(chat.clone())),
        (send, Reply::Accepted(accepted)),
    ]
}

/// Bytes that say something no world may say.
#[derive(Debug, Clone)]
pub struct RawLie {
    /// What is wrong with them.
    pub what: &'static str,
    /// One frame.
    pub bytes: Vec<u8>,
}

/// Frames that a subscription to `chat` of `world` must refuse. Only the named thing is wrong.
#[must_use]
pub fn raw_lies(world: &WorldId, chat: &ChatId, other: &ChatId) -> Vec<RawLie> {
    let notice = json!({
        "worldId": world.as_str(),
        "cursor": "5-0-0-0",
        "event": { "chatId": chat.as_str(), "seq": 5, "at": 0, "type": "chat.closed" },
    });
    let with = |pointer: &str, value: Value| {
        let mut notice = notice.clone();
        if let Some(place) = notice.pointer_mut(pointer) {
            *place = value;
        }
        notice
    };
    let without = |pointer: &str, field: &str| {
        let mut notice = notice.clone();
        if let Some(Value::Object(object)) = notice.pointer_mut(pointer) {
            object.remove(field);
        }
        notice
    };
    let long = "x".repeat(polychat_core::id::ID_BYTES_MAX + 1);
    let lies = [
        ("no chatId", without("/event", "chatId")),
        ("a chatId that is null", with("/event/chatId", Value::Null)),
        ("a chatId that is a number", with("/event/chatId", json!(7))),
        ("an empty chatId", with("/event/chatId", json!(""))),
        ("a chatId that is a path step", with("/event/chatId", json!(".."))),
        ("a chatId that is too long", with("/event/chatId", json!(long))),
        ("a chatId with a control character", with("/event/chatId", json!("a\u{0}"))),
        ("another chat's id", with("/event/chatId", json!(other.as_str()))),
        ("a chatId of another case", with("/event/chatId", json!(swapped_case(chat)))),
        ("no worldId", without("", "worldId")),
        ("another world's id", with("/worldId", json!("elsewhere"))),
        ("no cursor", without("", "cursor")),
        ("no event", without("", "event")),
        ("no type", without("/event", "type")),
        ("an unknown type", with("/event/type", json!("chat.exploded"))),
        ("a world's notice", with("/event/type", json!("chat.status"))),
        ("a seq that JavaScript cannot hold", with("/event/seq", json!(1_u64 << 53))),
    ];
    let mut lies: Vec<_> = lies
        .into_iter()
        .map(|(what, notice)| RawLie { what, bytes: notice.to_string().into_bytes() })
        .collect();
    let twice =
        format!(r#""chatId":"{chat}","chatId":"{other}","seq":5,"at":0,"type":"chat.closed""#);
    let twice = format!(r#"{{"worldId":"{world}","cursor":"5-0-0-0","event":{{{twice}}}}}"#);
    lies.push(RawLie { what: "two chatIds", bytes: twice.into_bytes() });
    lies.push(RawLie { what: "no JSON", bytes: b"event: chat.closed".to_vec() });
    lies.push(RawLie { what: "no UTF-8", bytes: vec![0xff, 0xfe, b'{', b'}'] });
    lies
}

fn swapped_case(chat: &ChatId) -> String {
    let swap =
        |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    chat.as_str().chars().map(swap).collect()
}

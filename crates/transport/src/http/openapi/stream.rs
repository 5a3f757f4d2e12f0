//! Streams: what each server-sent event is, and the WebSocket.
//!
//! OpenAPI 3.1 has no word for the items of a stream. The schema beside `text/event-stream` is that
//! of one event, with what stands in its `data` as the schema of a content; this is how tools that
//! check streams read it.

use std::num::NonZeroU64;

use polychat_core::{ChatId, Cursor, EndReason, Live, Recorded, Seq, WorldId, notice::WorldNotice};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::HttpMethod::Get;

use super::{operation::Part, schemas::Schemas};

const MEDIA_TYPE: &str = "text/event-stream";

/// What is told of a chat.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is of interest")]
enum ChatEvent {
    /// Recorded: stored before it is told.
    Recorded(Recorded),
    /// In flight.
    Live(Live),
}

/// One notice of a chat.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChatNotice {
    /// The world.
    world_id: WorldId,
    /// Where the chat goes on after this notice.
    cursor: Cursor,
    /// What happened.
    event: ChatEvent,
}

/// One notice of a world.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WorldFeedNotice")]
struct FeedNotice {
    /// The world.
    world_id: WorldId,
    /// What happened.
    event: WorldNotice,
}

/// Nothing was told for a while, and the stream lives.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Heartbeat {
    /// The world.
    world_id: WorldId,
    /// The chat, where the stream is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<ChatId>,
    /// The last recorded event that this stream has told of, where it is of one chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Seq>,
}

/// The stream ends, and says why.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "EndedNotice")]
struct EndedNotice {
    /// The world.
    world_id: WorldId,
    /// The end.
    event: StreamEnded,
}

/// The end of a stream, or of one chat of a stream.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StreamEnded {
    #[serde(rename = "type")]
    name: EndedType,
    /// The chat, where the stream is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<ChatId>,
    /// Why.
    reason: StreamEndReason,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
#[allow(dead_code, reason = "only its schema is of interest")]
enum EndedType {
    #[serde(rename = "ended")]
    Ended,
}

/// Why a stream ended.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is of interest")]
enum StreamEndReason {
    /// The world says so.
    World(EndReason),
    /// The door does.
    Door(DoorReason),
}

/// Why the door ended a stream; the chat goes on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is of interest")]
enum DoorReason {
    /// Nothing runs and nothing waits: asked for by `?until=idle`.
    Idle,
    /// As many notices as asked for by `?limit=`.
    Limit,
    /// The server is about to stop.
    Closing,
}

/// What is asked of a stream of one chat.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is of interest")]
struct ChatStreamQuery {
    /// Where to go on: the `id` of an event. Not beside `start`.
    after: Option<String>,
    /// Where to begin: with the first event, unless it is said.
    start: Option<Start>,
    /// Ends the stream when all is told and nothing is at work.
    until: Option<Until>,
    /// Ends the stream after so many notices.
    limit: Option<NonZeroU64>,
}

/// What is asked of a stream of the world, or of several chats.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is of interest")]
struct WorldStreamQuery {
    /// The chats; the world's own feed when none is named.
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    chat: Option<Vec<ChatId>>,
    /// Where to go on: the `id` of an event. Not beside `start`.
    after: Option<String>,
    /// Where to begin: with the first event, unless it is said. The world's own feed has none.
    start: Option<Start>,
    /// Ends the stream when all is told and nothing is at work; for chats only.
    until: Option<Until>,
    /// Ends the stream after so many notices.
    limit: Option<NonZeroU64>,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is of interest")]
enum Start {
    Start,
    Now,
}

#[derive(JsonSchema)]
#[schemars(inline, rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is of interest")]
enum Until {
    Idle,
}

pub(super) fn describe(part: &mut Part<'_>) {
    let of_a_chat = "What happens in the chat, from anywhere in its log on";
    part.add(Get, "/chats/{chat}/events", "followChat", of_a_chat, |mut it| {
        let event = events::<ChatNotice>(it.schemas());
        it.query::<ChatStreamQuery>()
            .header(LAST_EVENT_ID, WHERE)
            .media(200, STREAM, vec![(MEDIA_TYPE, event)])
            .media(204, NOTHING_LEFT, Vec::new())
    });
    let of_the_world = "What happens in the world, or in the chats that are named";
    part.add(Get, "/events", "followWorld", of_the_world, |mut it| {
        let (of_the_world, of_chats) =
            (events::<FeedNotice>(it.schemas()), events::<ChatNotice>(it.schemas()));
        let event = json!({ "anyOf": [of_the_world, of_chats] });
        it.query::<WorldStreamQuery>()
            .header(LAST_EVENT_ID, WHERE)
            .media(200, STREAM, vec![(MEDIA_TYPE, event)])
            .media(204, NOTHING_LEFT, Vec::new())
    });
    let socket = "The frames of JSON-RPC over a WebSocket, one in each text message";
    part.add(Get, "/socket", "openSocket", socket, |it| {
        it.media(101, "It is a WebSocket from now on.", Vec::new())
    });
}

/// One event of a stream whose notices are these.
fn events<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    let (notice, heartbeat, ended) =
        (schemas.sent::<T>(), schemas.sent::<Heartbeat>(), schemas.sent::<EndedNotice>());
    let event = |name: &str, data: Value| {
        json!({
            "type": "object",
            "properties": {
                "event": { "const": name },
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": data
                },
                "id": { "type": "string" },
                "retry": { "type": "integer" }
            },
            "required": ["event", "data"]
        })
    };
    json!({ "oneOf": [
        event("message", notice),
        event("heartbeat", heartbeat),
        event("ended", ended)
    ] })
}

const LAST_EVENT_ID: &str = "Last-Event-ID";
const WHERE: &str = "Where to go on: the `id` of the last event that was read. Beats `after`.";
const STREAM: &str = "Events, until the stream ends with one named `ended`.";
const NOTHING_LEFT: &str = "Nothing is left to tell: do not come back.";

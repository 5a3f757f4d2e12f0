//! Subscriptions as server-sent events.
//!
//! `GET /chats/{chat}/events` follows a chat, `GET /events?chat=a&chat=b` several on one stream,
//! and `GET /events` the world. What a stream says:
//!
//! ```text
//! retry: 1000
//!
//! id: 7-2-0-0
//! data: {"worldId":"home","cursor":"7-2-0-0","event":{…}}
//!
//! event: heartbeat
//! data: {"worldId":"home","chatId":"a","head":7}
//!
//! event: ended
//! data: {"worldId":"home","event":{"chatId":"a","type":"ended","reason":"deleted"}}
//! ```
//!
//! `id` is where to go on: a browser sends it by itself as `Last-Event-ID` when it comes back, and
//! nobody else needs to look at it. It stands where something was told that is not to come twice, so
//! never at a heartbeat, an end, or what the world says of itself; and beside the first `retry` where
//! "now" was. A stream ends with a reason: one of
//! the world's, or `limit`, `idle`, `closing`, which are this layer's.
//!
//! Nothing is read ahead: what is told is read when the connection takes it, in pieces of a bounded
//! size. So a client that reads slowly holds a cursor. Dropping a stream unsubscribes, and cancels
//! nothing.

mod asked;
mod body;
mod cursor;
mod followed;
mod quiet;
mod write;

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use polychat_core::ChatId;

use self::{
    asked::{Asked, Until},
    body::EventBody,
    followed::Followed,
    quiet::Quiet,
};
use super::{
    problem::Problem,
    rest::{extract::Path, params::ChatPath},
    state::{Caller, Http},
};
use crate::error::RejectedCommand;

pub(super) fn routes() -> Router<Http> {
    Router::new().route("/events", get(of_world)).route("/chats/{chat}/events", get(of_chat))
}

/// `GET /chats/{chat}/events`: what is recorded in a chat and what is in flight there.
async fn of_chat(
    caller: Caller,
    Path(ChatPath { chat }): Path<ChatPath>,
    asked: Asked,
) -> Result<Response, Problem> {
    let chat = ChatId::new(&chat).map_err(|error| RejectedCommand::field("chatId", error))?;
    if !asked.chats.is_empty() {
        return Err(RejectedCommand::field("chat", "the path names one").into());
    }
    stream(caller, Asked { chats: vec![chat], ..asked }).await
}

/// `GET /events`: what the world says of its chats; or, with `?chat=a&chat=b`, what these do.
async fn of_world(caller: Caller, asked: Asked) -> Result<Response, Problem> {
    if asked.chats.is_empty() && asked.until == Until::Idle {
        return Err(RejectedCommand::field("until", "only chats are idle, not the world").into());
    }
    stream(caller, asked).await
}

async fn stream(caller: Caller, asked: Asked) -> Result<Response, Problem> {
    let mut followed = Followed::begin(&caller, &asked).await?;
    let mut quiet = match asked.until {
        Until::End => None,
        Until::Idle => Some(Quiet::new(caller.clone())),
    };
    // A browser that comes back after the end comes back no more after this.
    if let Some(quiet) = &mut quiet
        && quiet.is_reached_at_once(&mut followed).await
    {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let body = EventBody::new(&caller, followed, quiet, asked.limit);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that gather what they pass on before they do.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}

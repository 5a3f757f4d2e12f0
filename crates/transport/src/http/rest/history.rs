//! What was said and recorded, page by page.

use std::sync::Arc;

use axum::http::StatusCode;
use polychat_core::{Recorded, Reply, Seq, command::LogPage};
use serde::Serialize;

use super::{
    answer::{Answer, Answered, ask, perform, wrong_kind},
    extract::{Path, Query},
    params::{ChatPath, LogQuery, PageQuery, SearchQuery},
};
use crate::{
    http::state::Caller,
    wire::{LogParams, MessagesParams, SearchParams, WireCommand},
};

/// `GET /chats/{chat}/messages`: a page of the history.
pub(super) async fn messages(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    Query(PageQuery { after, limit }): Query<PageQuery>,
) -> Answered {
    ask(&caller, WireCommand::ListMessages(MessagesParams { chat_id, after, limit })).await
}

/// One page of a log: the reply of [`crate::wire`], and where the next page begins.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "log", rename_all = "camelCase")]
pub(in crate::http) struct Log {
    /// The events, gap-free.
    events: Vec<Arc<Recorded>>,
    /// The last event of the log when it was read.
    head: Seq,
    /// The `after` of the next page; left out when this is the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Seq>,
}

/// `GET /chats/{chat}/log`: a page of the recorded events.
pub(super) async fn log(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    Query(LogQuery { after, limit }): Query<LogQuery>,
) -> Answered {
    let command = WireCommand::ReadLog(LogParams { chat_id, after, limit });
    match perform(&caller, command).await? {
        Reply::Log(page) => Answer::json(StatusCode::OK, &Log::from(page)),
        other => Err(wrong_kind(&other)),
    }
}

impl From<LogPage> for Log {
    fn from(LogPage { events, head }: LogPage) -> Self {
        let next = events.last().map(|last| last.seq).filter(|last| *last < head);
        Self { events, head, next }
    }
}

/// `GET /search`: a page of the messages that hold these words.
pub(super) async fn search(caller: Caller, Query(query): Query<SearchQuery>) -> Answered {
    let SearchQuery { text, chat_id, after, limit } = query;
    ask(&caller, WireCommand::Search(SearchParams { text, chat_id, after, limit })).await
}

//! Chats: listed, made, read as a whole, changed, ended.

use axum::http::StatusCode;

use super::{
    answer::{Answer, Answered, ask, perform},
    extract::{Body, Path, Query},
    params::{ChatPath, ChatsQuery, ForkBody, NoQuery, UpdateBody},
};
use crate::{
    http::state::Caller,
    wire::{
        ChatParams, ChatsParams, ForkParams, ImportParams, NewChatParams, NoParams, UpdateParams,
        WireCommand,
    },
};

/// `GET /chats`: a page of those that may be seen, in the order of their ids.
pub(super) async fn list(caller: Caller, Query(query): Query<ChatsQuery>) -> Answered {
    let ChatsQuery { after, limit, title_contains, archived } = query;
    let params = ChatsParams { after, limit, title_contains, archived };
    ask(&caller, WireCommand::ListChats(params)).await
}

/// `POST /chats`
pub(super) async fn create(
    caller: Caller,
    _: Query<NoQuery>,
    Body(body): Body<NewChatParams>,
) -> Answered {
    made(&caller, WireCommand::CreateChat(body)).await
}

/// `POST /chats/import`: a chat of another system, whole.
pub(super) async fn import(
    caller: Caller,
    _: Query<NoQuery>,
    Body(body): Body<ImportParams>,
) -> Answered {
    made(&caller, WireCommand::ImportChat(body)).await
}

/// `POST /chats/{chat}/fork`
pub(super) async fn fork(
    caller: Caller,
    Path(ChatPath { chat: from }): Path<ChatPath>,
    _: Query<NoQuery>,
    Body(ForkBody { at, chat }): Body<ForkBody>,
) -> Answered {
    made(&caller, WireCommand::ForkChat(ForkParams { from, at, chat })).await
}

/// `GET /chats/{chat}`: its snapshot.
pub(super) async fn get(caller: Caller, Path(path): Path<ChatPath>, _: Query<NoQuery>) -> Answered {
    ask(&caller, WireCommand::Snapshot(path.into())).await
}

/// `PATCH /chats/{chat}`
pub(super) async fn update(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    _: Query<NoQuery>,
    Body(body): Body<UpdateBody>,
) -> Answered {
    let UpdateBody { title, metadata, archived, agent } = body;
    let params = UpdateParams { chat_id, title, metadata, archived, agent };
    ask(&caller, WireCommand::UpdateChat(params)).await
}

/// `DELETE /chats/{chat}`
pub(super) async fn delete(
    caller: Caller,
    Path(path): Path<ChatPath>,
    _: Query<NoQuery>,
) -> Answered {
    ask(&caller, WireCommand::DeleteChat(path.into())).await
}

/// `POST /chats/{chat}/close`
pub(super) async fn close(
    caller: Caller,
    Path(path): Path<ChatPath>,
    _: Query<NoQuery>,
    _: Body<NoParams>,
) -> Answered {
    ask(&caller, WireCommand::CloseChat(path.into())).await
}

/// `POST /chats/{chat}/reopen`
pub(super) async fn reopen(
    caller: Caller,
    Path(path): Path<ChatPath>,
    _: Query<NoQuery>,
    _: Body<NoParams>,
) -> Answered {
    ask(&caller, WireCommand::ReopenChat(path.into())).await
}

async fn made(caller: &Caller, command: WireCommand) -> Answered {
    Answer::reply(StatusCode::CREATED, perform(caller, command).await?)
}

impl From<ChatPath> for ChatParams {
    fn from(path: ChatPath) -> Self {
        Self { chat_id: path.chat }
    }
}

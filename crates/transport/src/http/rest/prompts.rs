//! Prompts and the turns that they begin.

use axum::http::StatusCode;
use polychat_core::{ChatId, Reply, command::Accepted};

use super::{
    answer::{Answer, Answered, ask, perform, wrong_kind},
    extract::{Body, Path, Query},
    params::{
        CancelBody, ChatPath, EditBody, NoQuery, PromptPath, ReviseBody, SendBody, WaitQuery,
    },
    wait,
};
use crate::{
    error::RejectedCommand,
    http::{problem::Problem, state::Caller},
    wire::{CancelParams, EditParams, PromptParams, ReviseParams, SendParams, WireCommand},
};

/// `GET /chats/{chat}/prompts`: those that wait, in the order in which they will run.
pub(super) async fn list(
    caller: Caller,
    Path(path): Path<ChatPath>,
    _: Query<NoQuery>,
) -> Answered {
    ask(&caller, WireCommand::ListPrompts(path.into())).await
}

/// `POST /chats/{chat}/prompts`: submits a message; with `?wait=outcome` answers once it has one.
pub(super) async fn send(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    Query(WaitQuery { wait }): Query<WaitQuery>,
    Body(body): Body<SendBody>,
) -> Answered {
    let chat = ChatId::new(&chat_id).map_err(|error| RejectedCommand::field("chatId", error))?;
    let SendBody { prompt_id, mode, parts, metadata, agent, context } = body;
    let prompt_id = prompt_id.unwrap_or_else(fresh);
    let params = SendParams { chat_id, prompt_id, mode, parts, metadata, agent, context };
    let accepted = accepted(&caller, WireCommand::SendPrompt(params)).await?;
    if wait.is_some()
        && let Some(ended) = wait::ended(&caller, &chat, &accepted).await
    {
        return Answer::json(StatusCode::OK, &ended);
    }
    // Once it is accepted nothing is answered as an error: whoever left the name of the prompt to
    // the server would have none to ask by, and send it a second time.
    Answer::reply(StatusCode::ACCEPTED, Reply::Accepted(accepted))
}

/// `POST /chats/{chat}/revise`: replaces a message and all after it by a new prompt.
pub(super) async fn revise(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    _: Query<NoQuery>,
    Body(ReviseBody { prompt_id, target }): Body<ReviseBody>,
) -> Answered {
    let prompt_id = prompt_id.unwrap_or_else(fresh);
    let command = WireCommand::Revise(ReviseParams { chat_id, prompt_id, target });
    let accepted = accepted(&caller, command).await?;
    Answer::reply(StatusCode::ACCEPTED, Reply::Accepted(accepted))
}

/// `POST /chats/{chat}/cancel`: stops the running turn.
pub(super) async fn cancel(
    caller: Caller,
    Path(ChatPath { chat: chat_id }): Path<ChatPath>,
    _: Query<NoQuery>,
    Body(CancelBody { turn_id }): Body<CancelBody>,
) -> Answered {
    ask(&caller, WireCommand::CancelTurn(CancelParams { chat_id, turn_id })).await
}

/// `GET /chats/{chat}/prompts/{prompt}`: where it stands.
pub(super) async fn get(
    caller: Caller,
    Path(path): Path<PromptPath>,
    _: Query<NoQuery>,
) -> Answered {
    ask(&caller, WireCommand::LookUpPrompt(path.into())).await
}

/// `PATCH /chats/{chat}/prompts/{prompt}`: changes it while it waits.
pub(super) async fn edit(
    caller: Caller,
    Path(PromptPath { chat: chat_id, prompt: prompt_id }): Path<PromptPath>,
    _: Query<NoQuery>,
    Body(EditBody { parts, mode }): Body<EditBody>,
) -> Answered {
    ask(&caller, WireCommand::EditPrompt(EditParams { chat_id, prompt_id, parts, mode })).await
}

/// `DELETE /chats/{chat}/prompts/{prompt}`: takes it out of the queue.
pub(super) async fn withdraw(
    caller: Caller,
    Path(path): Path<PromptPath>,
    _: Query<NoQuery>,
) -> Answered {
    ask(&caller, WireCommand::WithdrawPrompt(path.into())).await
}

async fn accepted(caller: &Caller, command: WireCommand) -> Result<Accepted, Problem> {
    match perform(caller, command).await? {
        Reply::Accepted(accepted) => Ok(accepted),
        other => Err(wrong_kind(&other)),
    }
}

/// A name that no prompt has.
fn fresh() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl From<PromptPath> for PromptParams {
    fn from(path: PromptPath) -> Self {
        Self { chat_id: path.chat, prompt_id: path.prompt }
    }
}

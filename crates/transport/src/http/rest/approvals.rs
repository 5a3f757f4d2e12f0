//! Calls that wait for a person.

use axum::http::StatusCode;
use polychat_core::{Reply, command::PendingApproval};
use serde::Serialize;

use super::{
    answer::{Answer, Answered, ask, perform, wrong_kind},
    extract::{Body, Path, Query},
    params::{CallPath, ChatPath, DecideBody, NoQuery},
};
use crate::{
    http::state::Caller,
    wire::{DecideParams, WireCommand},
};

/// The calls of a chat that wait for a person.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "approvals", rename_all = "camelCase")]
pub(in crate::http) struct Approvals {
    /// In the order in which the model asked for them.
    approvals: Vec<PendingApproval>,
}

/// `GET /chats/{chat}/approvals`: all of them; a step asks for few.
pub(super) async fn list(
    caller: Caller,
    Path(path): Path<ChatPath>,
    _: Query<NoQuery>,
) -> Answered {
    match perform(&caller, WireCommand::Snapshot(path.into())).await? {
        Reply::Snapshot(snapshot) => {
            Answer::json(StatusCode::OK, &Approvals { approvals: snapshot.approvals })
        }
        other => Err(wrong_kind(&other)),
    }
}

/// `POST /chats/{chat}/approvals/{toolCallId}`
pub(super) async fn decide(
    caller: Caller,
    Path(CallPath { chat: chat_id, tool_call_id }): Path<CallPath>,
    _: Query<NoQuery>,
    Body(DecideBody { decision }): Body<DecideBody>,
) -> Answered {
    let params = DecideParams { chat_id, tool_call_id, decision };
    ask(&caller, WireCommand::DecideApproval(params)).await
}

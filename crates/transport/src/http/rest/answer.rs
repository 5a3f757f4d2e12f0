//! Answers: a status, and what the world said as JSON.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use polychat_core::{Command, Fault, FaultKind, Reply};
use serde::Serialize;

use crate::{
    http::{problem::Problem, state::Caller},
    wire::{WireCommand, WireReply},
};

/// What a request is answered with.
pub(in crate::http) struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

/// What a handler comes to.
pub(in crate::http) type Answered = Result<Answer, Problem>;

impl Answer {
    /// Something as JSON.
    pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answered {
        let body = serde_json::to_vec(value).map_err(|_| {
            Problem::new(&Fault::new(FaultKind::Protocol, "the answer has no form in JSON").into())
        })?;
        Ok(Self { status, body })
    }

    /// A reply of the world.
    pub(super) fn reply(status: StatusCode, reply: Reply) -> Answered {
        Self::json(status, &WireReply::try_from(reply)?)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // It is true of one caller, and at one moment.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Has the world do what was asked.
pub(super) async fn perform(caller: &Caller, command: WireCommand) -> Result<Reply, Problem> {
    Ok(caller.call(Command::try_from(command)?).await?)
}

/// Has the world do what was asked, and answers with what it says.
pub(super) async fn ask(caller: &Caller, command: WireCommand) -> Answered {
    Answer::reply(StatusCode::OK, perform(caller, command).await?)
}

/// The world answered another question; it cannot be believed.
pub(in crate::http) fn wrong_kind(reply: &Reply) -> Problem {
    let message = format!("the world answered with {:?}", reply.name());
    Problem::new(&Fault::new(FaultKind::Protocol, &message).into())
}

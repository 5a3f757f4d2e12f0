//! A client that brings models and tools: what it says of calls, and what goes to it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use polychat_core::{CommandError, Refusal};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    connection::{Connection, done, read},
    requests::Outcome,
};
use crate::{
    error::RejectedCommand,
    ipc::{
        error::ConnectionError,
        host::{Misplaced, ToHost},
        protocol::{Cancel, host::Register, method},
        rpc::{ErrorObject, Notification, Request, RequestId},
    },
    wire::values,
};

/// What a host says of a call, as notification or as request.
pub(super) fn is_said_of_a_call(method: &str) -> bool {
    matches!(method, method::TOOL_OUTPUT | method::TOOL_PROGRESS | method::MODEL_DELTA)
}

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<'_, T> {
    /// What it offers, on its way into whatever takes hosts in.
    pub(super) fn registering(
        &self,
        params: Option<&RawValue>,
    ) -> Result<BoxFuture<'static, Outcome>, ErrorObject> {
        let max = self.server.options.wire.command_values_max;
        if params.is_some_and(|raw| values::more_than(max, raw.get().as_bytes())) {
            return Err(RejectedCommand::TooManyValues { max }.into());
        }
        let offered: Register = read(params)?;
        let registering = self.server.hosts.as_ref().map(|registry| {
            self.host.register(Arc::clone(registry), Arc::clone(&self.client), offered)
        });
        Ok(Box::pin(async move {
            let refused = |refusal| ErrorObject::from(&CommandError::Refused(refusal));
            let what = "host/register";
            let Some(registering) = registering else {
                return Err(refused(Refusal::Unsupported { what: what.into() }));
            };
            registering.await.map_err(refused)?;
            done()
        }))
    }

    /// What it says of a call, where it wants an answer.
    pub(super) fn said_with_answer(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Outcome, ErrorObject> {
        match self.host.calls.told(method, params) {
            Ok(()) => Ok(done()),
            // It could not know, so that is no mistake.
            Err(Misplaced::GivenUp { call_id }) => Ok(Err(unknown_call(&call_id))),
            Err(Misplaced::Unknown { call_id }) => Err(unknown_call(&call_id)),
            Err(Misplaced::Malformed { why }) => Err(RejectedCommand::Malformed { why }.into()),
        }
    }

    /// What it says of a call, where it wants none.
    pub(super) fn said(
        &mut self,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<(), ErrorObject> {
        self.said_with_answer(method, params).map(|_nobody_waits| ())
    }

    /// Carries a call to it, or word that nobody waits for one any more.
    pub(super) fn tell_host(&mut self, next: ToHost) -> Result<(), ConnectionError> {
        match next {
            ToHost::Request { number, method, params } => {
                self.pipe.push(Request::new(&RequestId::number(number), method, params))
            }
            ToHost::Cancel { number } => {
                let params = Cancel { id: RequestId::number(number) };
                self.pipe.push(Notification::new(method::CANCEL, params))
            }
        }
    }

    /// It answered a request of ours.
    pub(super) fn answered(
        &mut self,
        id: Option<&RequestId>,
        outcome: Result<&RawValue, &RawValue>,
    ) {
        let number = id.and_then(RequestId::as_number);
        if !number.is_some_and(|number| self.host.calls.answered(number, outcome)) {
            self.server.reject("invalid_request", &"an answer to no question");
        }
    }

    /// It answered a request of ours with what cannot be read; false if there was none.
    pub(super) fn answered_unread(&mut self, id: &RequestId, why: &str) -> bool {
        id.as_number().is_some_and(|number| self.host.calls.answered_unread(number, why))
    }
}

fn unknown_call(call_id: &str) -> ErrorObject {
    let refusal = Refusal::UnknownCall { call_id: call_id.into() };
    (&CommandError::Refused(refusal)).into()
}

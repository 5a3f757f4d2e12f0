//! What a host says by the error that ends a call.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::ipc::{protocol::host::CallFailure, rpc::members};

/// What is told of a call whose connection ended under it.
pub(super) const GONE: &str = "the host has gone; whether the call took effect is not known";

/// The error that a host answered with.
pub(super) struct HostError {
    pub(super) message: String,
    pub(super) failure: CallFailure,
}

impl HostError {
    /// Reads an error object.
    ///
    /// `data` is whatever the host's library puts there, so what cannot be read of it is left out.
    pub(super) fn read(error: &RawValue) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Object<'a> {
            message: String,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        let Object { message, data } = members(error).map_err(|why| format!("its error: {why}"))?;
        let failure = data.and_then(|data| members(data).ok());
        Ok(Self { message, failure: failure.unwrap_or_default() })
    }
}

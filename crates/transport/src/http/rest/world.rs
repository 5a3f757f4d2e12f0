//! The world itself.

use super::{
    answer::{Answered, ask},
    extract::{Body, Query},
    params::NoQuery,
};
use crate::{
    http::state::Caller,
    wire::{NoParams, SettingsParams, WireCommand},
};

/// `GET /`: name, settings and agents.
pub(super) async fn get(caller: Caller, _: Query<NoQuery>) -> Answered {
    ask(&caller, WireCommand::GetWorld(Some(NoParams {}))).await
}

/// `PATCH /settings`: replaces the settings.
pub(super) async fn update(
    caller: Caller,
    _: Query<NoQuery>,
    Body(body): Body<SettingsParams>,
) -> Answered {
    ask(&caller, WireCommand::UpdateWorld(body)).await
}

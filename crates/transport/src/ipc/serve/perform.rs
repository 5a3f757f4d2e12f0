//! What was asked for, done, and as the bytes of its answer.

use std::sync::Arc;

use polychat_core::{Command, CommandError};
use serde_json::value::RawValue;

use super::{
    answers::Room,
    connection::in_json,
    order::{Place, only_reads},
    requests::{Answer, Outcome},
};
use crate::{
    bytes::FarEnd,
    ipc::rpc::{ErrorCode, ErrorObject},
    wire::WireReply,
};

/// Does what was asked, after all that was to change in the same chat before.
pub(super) async fn perform(
    far: Arc<FarEnd>,
    command: Command,
    place: Place,
    room: Room,
) -> Outcome {
    if only_reads(&command) {
        return read(&far, command, &room).await;
    }
    let _turn = place.turn().await;
    Ok(Answer::Result(reply(&far, command).await?, None))
}

/// Reads, and reads again when there is room for the answer if there was none.
async fn read(far: &FarEnd, command: Command, room: &Room) -> Outcome {
    let mut bytes = {
        let answer = reply(far, command.clone()).await?;
        let bytes = answer.get().len();
        if let Some(held) = room.try_hold(bytes) {
            return Ok(Answer::Result(answer, Some(held)));
        }
        bytes
    };
    while let Some(mut held) = room.hold(bytes).await {
        let answer = reply(far, command.clone()).await?;
        bytes = answer.get().len();
        if room.try_extend(&mut held, bytes) {
            return Ok(Answer::Result(answer, Some(held)));
        }
    }
    Err(ErrorObject::plain(ErrorCode::CANCELLED, "the connection has ended"))
}

async fn reply(far: &FarEnd, command: Command) -> Result<Box<RawValue>, ErrorObject> {
    let reply = far.perform(command).await.map_err(|error| ErrorObject::from(&error))?;
    let reply = WireReply::try_from(reply).map_err(|rejected| {
        let error = CommandError::from(rejected);
        ErrorObject::from(&error)
    })?;
    in_json(&reply)
}

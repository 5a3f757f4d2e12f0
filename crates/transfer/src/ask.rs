//! Questions to a world, with answers that are checked before they are believed.

use polychat_core::{
    ChatId, Command, CommandError, Fault, FaultKind, Reply, command::Snapshot, ports::WorldService,
};

/// A chat as it is now. Whoever answers for another chat is not believed (REQ-13).
pub(crate) async fn read(
    world: &dyn WorldService,
    chat: &ChatId,
) -> Result<Snapshot, CommandError> {
    match world.call(Command::Snapshot { chat: chat.clone() }).await? {
        Reply::Snapshot(snapshot) if snapshot.summary.chat_id == *chat => Ok(*snapshot),
        Reply::Snapshot(_) => {
            Err(Fault::new(FaultKind::Protocol, "an answer for another chat").into())
        }
        other => Err(unexpected(&other)),
    }
}

pub(crate) fn unexpected(reply: &Reply) -> CommandError {
    let kind = reply.name();
    Fault::new(FaultKind::Protocol, &format!("an answer of the wrong kind: {kind}")).into()
}

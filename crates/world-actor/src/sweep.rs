//! The sweep: idle chats end their actors, unused slots go.

use std::sync::{Arc, Weak, atomic::Ordering};

use polychat_chat_actor::environment::Environment;
use tokio_util::sync::CancellationToken;

use crate::directory::Directory;

/// Into how many ticks the time until a chat is passivated is divided.
const TICKS: u32 = 4;

/// Lets idle chats rest until told to stop, or until the world is gone.
pub(crate) async fn sweep(
    environment: Weak<Environment>,
    directory: Weak<Directory>,
    stop: CancellationToken,
) {
    let Some(pause) = environment.upgrade().map(|it| it.limits.passivate_after / TICKS) else {
        return;
    };
    let pause = pause.max(std::time::Duration::from_millis(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let (Some(environment), Some(directory)) = (environment.upgrade(), directory.upgrade())
        else {
            return;
        };
        let tick = environment.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        let Some(unused_since) = tick.checked_sub(u64::from(TICKS)) else { continue };
        for slot in directory.all() {
            rest(&slot, unused_since);
        }
        directory.forget_all_unused();
    }
}

fn rest(slot: &Arc<polychat_chat_actor::slot::Slot>, unused_since: u64) {
    if slot.last_used() <= unused_since
        && slot.is_resting()
        && let Some(actor) = slot.actor()
    {
        actor.rest(unused_since);
    }
}

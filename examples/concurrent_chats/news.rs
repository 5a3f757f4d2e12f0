//! Watches the world: what its chats are doing, and how the sources of its tools are.

use polychat::{
    Notice, StreamExt,
    diagnostic::{DiagnosticKind, ToolSourceState},
    notice::WorldNotice,
    ports::NoticeStream,
};

use crate::screen::Screen;

/// Shows what the world tells, until it closes.
pub(crate) async fn show(mut notices: NoticeStream, screen: Screen) {
    while let Some(notice) = notices.next().await {
        match notice {
            Notice::World(WorldNotice::Status { status }) => screen.status(status).await,
            Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => {
                if let Some(line) = told(&diagnostic.kind) {
                    screen.of_world(line).await;
                }
            }
            _ => {}
        }
    }
}

/// What concerns a chat is told by the chat itself; what is left is about the sources of tools.
fn told(news: &DiagnosticKind) -> Option<String> {
    let DiagnosticKind::ToolSource { source, state, reason } = news else { return None };
    let state = match state {
        ToolSourceState::Starting => "starting",
        ToolSourceState::Ready => "ready",
        // The only other state that there is.
        _ => "failed",
    };
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    Some(format!("tools of {source}: {state}{why}"))
}

//! One of each notice, for a chat and for a world.

use std::sync::Arc;

use polychat_core::{
    ChatId, Cursor, Diagnostic, EndReason, Epoch, Notice, Timestamp,
    diagnostic::{DiagnosticKind, ToolSourceState},
    notice::WorldNotice,
};

use super::replies::status;
use crate::samples;

/// Every reason for which a stream ends.
pub const END_REASONS: [EndReason; 5] = [
    EndReason::Deleted,
    EndReason::WorldClosed,
    EndReason::Unreadable,
    EndReason::Damaged,
    EndReason::Failed,
];

/// Every recorded and live event as notices of a chat, with cursors; no end.
#[must_use]
pub fn every_chat_notice(chat: &ChatId) -> Vec<Notice> {
    let mut notices: Vec<_> = (1..)
        .zip(samples::every_event())
        .map(|(n, event)| {
            let at = samples::seq(n);
            let event = samples::recorded(chat, at, event);
            Notice::Recorded { cursor: Cursor::after(at), event }
        })
        .collect();
    let seq = samples::seq(u64::try_from(notices.len()).unwrap_or(0));
    notices.extend((0..).zip(samples::every_live(chat)).map(|(live, event)| Notice::Live {
        cursor: Cursor { seq, epoch: Epoch(1), live, offset: 2 },
        event: Arc::new(event),
    }));
    notices
}

/// Every notice of a world; no end.
#[must_use]
pub fn every_world_notice() -> Vec<WorldNotice> {
    let chat_id = samples::chat_id("a");
    let mut idle = status(&chat_id);
    idle.turn_id = None;
    let mut notices = vec![
        WorldNotice::Status { status: status(&chat_id) },
        WorldNotice::Status { status: idle },
        WorldNotice::Created { chat_id: chat_id.clone() },
        WorldNotice::Deleted { chat_id: chat_id.clone() },
        WorldNotice::Skipped { count: 3 },
    ];
    let reason = || "it broke".into();
    let kinds = [
        DiagnosticKind::Refused { code: "chat_busy".into() },
        DiagnosticKind::Restarted { restarts: 2, reason: reason() },
        DiagnosticKind::GaveUp { reason: reason() },
        DiagnosticKind::Quarantined { seq: samples::seq(4), reason: reason() },
        DiagnosticKind::ForeignRecord { claimed: "b".into(), path: "store".into() },
        DiagnosticKind::Stalled { reason: reason() },
        DiagnosticKind::Recovered {},
        DiagnosticKind::TurnFailed { turn_id: samples::turn_id(4), failure: "deadline".into() },
        DiagnosticKind::LimitReached { limit: "prompts_queued_max".into() },
        DiagnosticKind::RejectedInput { path: "ipc".into(), code: "not_json".into() },
        DiagnosticKind::TaskLingers { turn_id: samples::turn_id(4) },
    ];
    let of_chat = |kind| Diagnostic::of_chat(Timestamp(1), chat_id.clone(), kind);
    notices.extend(
        kinds.map(|kind| WorldNotice::Diagnostic { repeats: 1, diagnostic: of_chat(kind) }),
    );
    let of_world = |kind| Diagnostic::of_world(Timestamp(2), kind);
    let states = [ToolSourceState::Starting, ToolSourceState::Ready, ToolSourceState::Failed];
    notices.extend(states.map(|state| {
        let kind = DiagnosticKind::ToolSource { source: "files".into(), state, reason: reason() };
        WorldNotice::Diagnostic { repeats: 1, diagnostic: of_world(kind) }
    }));
    notices.push(WorldNotice::Diagnostic {
        repeats: 7,
        diagnostic: of_world(DiagnosticKind::Recovered {}),
    });
    notices.push(WorldNotice::Resumed {});
    notices
}

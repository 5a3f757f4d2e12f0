//! A status is the log's, never a counter's (REQ-8): told statuses against the log at their head.

use polychat_core::{ChatStatus, OutcomeKind, Seq, StatusKind, Summary};

use super::{
    log::{KindInLog, LogWalk, StatusInLog},
    violation::{StatusFault, Violation},
};

/// Judges a status that somebody was told.
pub(super) fn judge_status(
    walk: Option<&LogWalk>,
    status: &ChatStatus,
    found: &mut Vec<Violation>,
) {
    let mut faults = Vec::new();
    match in_log(walk, status.head) {
        None => faults.push(StatusFault::HeadNotStored),
        // What the store or the supervisor adds is not in the log.
        Some(_) if matches!(status.kind, StatusKind::Stalled | StatusKind::Failed) => {}
        Some(log) => {
            log.judge_kind(status.kind, &mut faults);
            log.judge_queue(status.queued, &status.title, &mut faults);
            log.judge_last_outcome(status.last_outcome, &mut faults);
            // The stored summary, which a chat that is not live is told of by, names no turn.
            let from_summary = status.kind == StatusKind::Awaiting && status.turn_id.is_none();
            let names_it = status.turn_id == log.turn || from_summary;
            if faults.is_empty() && log.kind != KindInLog::Any && !names_it {
                faults.push(StatusFault::Turn { told: status.turn_id, log: log.turn });
            }
        }
    }
    report(&status.chat_id, status.head, faults, found);
}

/// Judges a summary, told or stored.
pub(super) fn judge_summary(walk: Option<&LogWalk>, summary: &Summary, found: &mut Vec<Violation>) {
    let mut faults = Vec::new();
    match in_log(walk, summary.head) {
        None => faults.push(StatusFault::HeadNotStored),
        Some(log) => {
            log.judge_kind(summary.kind, &mut faults);
            log.judge_queue(summary.queued, &summary.title, &mut faults);
            log.judge_last_outcome(summary.last_outcome, &mut faults);
            if summary.archived != log.archived {
                faults.push(StatusFault::Archived);
            }
        }
    }
    report(&summary.chat_id, summary.head, faults, found);
}

fn in_log(walk: Option<&LogWalk>, head: Seq) -> Option<&StatusInLog> {
    walk?.statuses.get(&head)
}

fn report(
    chat: &polychat_core::ChatId,
    head: Seq,
    faults: Vec<StatusFault>,
    found: &mut Vec<Violation>,
) {
    let status = |fault| Violation::Status { chat: chat.clone(), head, fault };
    found.extend(faults.into_iter().map(status));
}

impl StatusInLog {
    fn judge_kind(&self, told: StatusKind, faults: &mut Vec<StatusFault>) {
        let (fits, log) = match self.kind {
            KindInLog::Only(kind) => (kind == told, kind),
            KindInLog::Either(one, other) => (told == one || told == other, one),
            KindInLog::Any => (true, told),
        };
        if !fits {
            faults.push(StatusFault::Kind { told, log });
        }
    }

    fn judge_queue(&self, queued: usize, title: &str, faults: &mut Vec<StatusFault>) {
        if queued != self.queued {
            faults.push(StatusFault::Queued { told: queued, log: self.queued });
        }
        if *title != *self.title {
            faults.push(StatusFault::Title);
        }
    }

    fn judge_last_outcome(&self, told: Option<OutcomeKind>, faults: &mut Vec<StatusFault>) {
        if told != self.last_outcome {
            faults.push(StatusFault::LastOutcome { told, log: self.last_outcome });
        }
    }
}

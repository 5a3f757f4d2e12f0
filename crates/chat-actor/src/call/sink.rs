//! Where a tool's live output goes: into the feed, as far as its limit allows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use polychat_core::{content::json_bytes, outcome::cut, ports::ProgressSink};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Assignment;
use crate::feed::{PushError, ToolWriter};

/// The sink of one call. The feed takes nothing of it once the call has ended.
pub(super) struct Sink {
    writer: ToolWriter,
    stop: CancellationToken,
    progress_bytes_max: usize,
    shown: Mutex<Shown>,
}

struct Shown {
    /// How much may still be shown; `None` once something was not, because nothing may follow a
    /// gap.
    left: Option<usize>,
    unshown: u64,
    closed: bool,
}

impl Sink {
    pub(super) fn new(assignment: &Assignment) -> Self {
        let limits = &assignment.environment.limits;
        Self {
            writer: assignment.writer.clone(),
            stop: assignment.stop.clone(),
            progress_bytes_max: limits.metadata_bytes_max,
            shown: Mutex::new(Shown {
                left: Some(limits.tool_output_bytes_max),
                unshown: 0,
                closed: false,
            }),
        }
    }

    /// The call has ended: nothing more is taken. Answers with how many bytes were not shown.
    pub(super) fn close(&self) -> u64 {
        let mut shown = self.lock();
        shown.closed = true;
        shown.unshown
    }

    // The output of one call is one text: whoever writes it from several threads takes turns.
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProgressSink for Sink {
    fn output(&self, text: &str) {
        let mut shown = self.lock();
        if shown.closed {
            return;
        }
        let fitting = shown.left.map_or("", |left| cut(text, left));
        let pushed = if fitting.is_empty() { Ok(()) } else { self.writer.output(fitting) };
        let taken = match pushed {
            Ok(()) => fitting.len(),
            Err(PushError::OverLimit) => 0,
            Err(PushError::Sealed | PushError::StaleEpoch) => {
                shown.closed = true;
                return;
            }
        };
        shown.left = shown.left.map(|left| left - taken).filter(|_| taken == text.len());
        shown.unshown = shown.unshown.saturating_add((text.len() - taken) as u64);
    }

    fn progress(&self, progress: Value) {
        let bytes = json_bytes(&progress);
        let mut shown = self.lock();
        if shown.closed {
            return;
        }
        if bytes > self.progress_bytes_max || self.writer.progress(progress).is_err() {
            shown.unshown = shown.unshown.saturating_add(bytes as u64);
        }
    }

    fn is_stopped(&self) -> bool {
        self.lock().closed || self.stop.is_cancelled()
    }
}

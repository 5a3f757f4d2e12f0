//! The clock of a model call: its deadline, its lack of progress, its checkpoints.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use polychat_core::{Failure, FailureKind, Limits};
use tokio::time::{Instant, Sleep, sleep_until};

/// Watches the time while the model is silent. A model that always has something to say is looked
/// at from time to time instead, so that a chunk costs no timer.
pub(super) struct Watch {
    sleep: Pin<Box<Sleep>>,
    deadline: Instant,
    no_progress: Duration,
    checkpoint_interval: Duration,
    /// When the model was last heard of.
    heard: Instant,
    /// When text was last saved, while some is not.
    unsaved_since: Option<Instant>,
}

/// What the time says.
pub(super) enum Tick {
    /// The turn's time is over, or the model has been silent too long.
    Over(Failure),
    /// Text has waited long enough to be saved.
    Checkpoint,
}

impl Watch {
    pub(super) fn new(limits: &Limits, deadline: Instant) -> Self {
        let now = Instant::now();
        let no_progress = limits.turn_progress_duration_max;
        let first =
            deadline.min(after(now, no_progress)).min(after(now, limits.checkpoint_interval));
        Self {
            sleep: Box::pin(sleep_until(first)),
            deadline,
            no_progress,
            checkpoint_interval: limits.checkpoint_interval,
            heard: now,
            unsaved_since: None,
        }
    }

    /// The model was heard of; `unsaved` says whether it has text that is not saved.
    pub(super) fn heard(&mut self, now: Instant, unsaved: bool) {
        self.heard = now;
        self.unsaved_since = if unsaved { self.unsaved_since.or(Some(now)) } else { None };
    }

    /// What has come to pass at this moment.
    pub(super) fn tick(&mut self, now: Instant, limits: &Limits) -> Option<Tick> {
        if now >= self.deadline {
            return Some(Tick::Over(deadline_passed(limits)));
        }
        if now >= after(self.heard, self.no_progress) {
            let text = format!("the model said nothing for {:?}", self.no_progress);
            let failure = Failure::new(FailureKind::NoProgress, &text).retryable();
            return Some(Tick::Over(failure));
        }
        if self.unsaved_since.is_some_and(|since| now >= after(since, self.checkpoint_interval)) {
            self.unsaved_since = None;
            return Some(Tick::Checkpoint);
        }
        None
    }

    /// Waits for the next moment at which something may have come to pass.
    pub(super) fn poll_moment(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let mut next = self.deadline.min(after(self.heard, self.no_progress));
        if let Some(since) = self.unsaved_since {
            next = next.min(after(since, self.checkpoint_interval));
        }
        // A timer that rings early costs a look; one that is set anew each time costs more.
        if self.sleep.deadline() > next {
            self.sleep.as_mut().reset(next);
        }
        loop {
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if now >= next {
                return Poll::Ready(now);
            }
            self.sleep.as_mut().reset(next);
        }
    }
}

/// A moment so much later. A limit may be as large as `Duration::MAX`; a century will do then.
pub(crate) fn after(moment: Instant, pause: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    moment.checked_add(pause.min(CENTURY)).unwrap_or(moment)
}

/// The turn's time is over.
pub(crate) fn deadline_passed(limits: &Limits) -> Failure {
    let text = format!("the turn took longer than {:?}", limits.turn_duration_max);
    Failure::new(FailureKind::Deadline, &text).retryable()
}

//! In which order waiting prompts run, from the laws: interrupts, then steers, then the queue.

use polychat_core::{Seq, event::PromptMode};

/// A place among waiting prompts: by class, then by key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) class: Class,
    pub(crate) key: i128,
}

/// What decides first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// The prompt of a revision, or one that interrupts: the newest first.
    First,
    /// One that steers and found no step to join: the oldest first.
    Steering,
    /// All others, the oldest first.
    Queued,
    /// A prompt whose mode was changed to `queue`: no law says where among the others.
    Requeued,
}

impl Place {
    /// The place of a prompt that was sent in this mode.
    pub(crate) fn sent(mode: PromptMode, seq: Seq) -> Self {
        let key = i128::from(seq.get());
        match mode {
            PromptMode::Interrupt => Self::first(seq),
            PromptMode::Steer => Self { class: Class::Steering, key },
            _ => Self { class: Class::Queued, key },
        }
    }

    /// The place of a waiting prompt that was changed to this mode.
    pub(crate) fn moved(mode: PromptMode, seq: Seq) -> Self {
        let place = Self::sent(mode, seq);
        if place.class == Class::Queued { Self { class: Class::Requeued, ..place } } else { place }
    }

    /// The place before all that wait now.
    pub(crate) fn first(seq: Seq) -> Self {
        Self { class: Class::First, key: -i128::from(seq.get()) }
    }
}

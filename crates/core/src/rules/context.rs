//! What of a long history a model receives: the policy's side.
//!
//! A [`ContextPolicy`] sees the turns before the one at hand and answers with a number; where that
//! number cuts is settled in `cut`, which no answer can mislead. The default is [`ByteBudget`].

mod cut;

pub(super) use self::cut::{before_turn, within_turn};
use crate::message::SharedMessage;

/// Decides what of a long history a model receives: which of the oldest turns are left out.
///
/// Turns are left out whole, so that calls keep their results; the agent's instructions and the
/// turn at hand always stay. It is part of the rules: the same history must give the same answer,
/// without a clock, randomness or I/O. What it leaves out is recorded in `message.start`.
/// It is asked once for each model call, while its chat waits; a panic in it ends that chat's actor
/// as any bug in there does.
///
/// ```
/// use polychat_core::rules::{ContextPolicy, ContextSize, PastTurn};
///
/// /// Keeps the last three turns.
/// struct LastThree;
///
/// impl ContextPolicy for LastThree {
///     fn turns_left_out(
///         &self,
///         past: &mut dyn Iterator<Item = PastTurn<'_>>,
///         _size: ContextSize,
///     ) -> usize {
///         past.count().saturating_sub(3)
///     }
/// }
/// ```
pub trait ContextPolicy: Send + Sync {
    /// How many of the `past` turns, oldest first, to leave out; more than there are means all.
    fn turns_left_out(
        &self,
        past: &mut dyn Iterator<Item = PastTurn<'_>>,
        size: ContextSize,
    ) -> usize;
}

/// A turn that ended before the one at hand.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PastTurn<'a> {
    /// Its messages, oldest first.
    pub messages: &'a [SharedMessage],
    /// The size of their contents, in bytes.
    pub bytes: usize,
}

/// How large what a model would receive is, and how large it should be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContextSize {
    /// All past turns and the turn at hand, in bytes.
    pub total_bytes: usize,
    /// The world's [`context_bytes_max`](crate::agent::WorldSettings::context_bytes_max).
    pub bytes_max: usize,
}

/// The default policy: as many of the latest turns as fit into the world's budget of bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByteBudget;

impl ContextPolicy for ByteBudget {
    fn turns_left_out(
        &self,
        past: &mut dyn Iterator<Item = PastTurn<'_>>,
        size: ContextSize,
    ) -> usize {
        let mut left = size.total_bytes;
        past.take_while(|turn| {
            let too_much = left > size.bytes_max;
            left = left.saturating_sub(turn.bytes);
            too_much
        })
        .count()
    }
}

//! The default context policy: how much of a long history a model receives.
//!
//! Up to a budget of bytes; beyond it the oldest turns are left out, whole, so that calls keep
//! their results. What belongs to the turn at hand stays, whatever its size.

use super::{ChatState, draft::Tail, history::History};
use crate::message::{Message, Omitted, SharedMessage};

/// Decides what of a long history a model receives: which of the oldest turns are left out.
///
/// Turns are left out whole, so that calls keep their results; the agent's instructions and the
/// turn at hand always stay. It is part of the rules: the same history must give the same answer,
/// without a clock, randomness or I/O. What it leaves out is recorded in `message.start`.
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

/// What to leave out for a turn that begins behind the first `len` messages and those of `tail`,
/// and adds `added_bytes` more.
pub(super) fn before_turn(
    state: &ChatState,
    len: usize,
    tail: Tail,
    added_bytes: usize,
    bytes_max: usize,
) -> Omitted {
    let history = &state.history;
    let len = len.min(history.len());
    // The messages of the tail belong to the turn that ends, and go or stay together with the
    // messages of it that stand in the history already.
    let whole = if tail.messages == 0 { len } else { len - of_running_turn(state, len) };
    let total = history.bytes_of_first(len) + tail.bytes + added_bytes;
    let (turns, cut) = leave_out(history, whole, total, bytes_max);
    let fits = total - history.bytes_of_first(cut) <= bytes_max;
    if fits || tail.messages == 0 {
        omitted(turns, cut)
    } else {
        omitted(turns + 1, len + tail.messages)
    }
}

/// What to leave out for the next step of the running turn, which adds `added_bytes` more.
pub(super) fn within_turn(
    state: &ChatState,
    tail: Tail,
    added_bytes: usize,
    bytes_max: usize,
) -> Omitted {
    let history = &state.history;
    let before = history.len() - of_running_turn(state, history.len());
    let total = history.bytes_of_first(history.len()) + tail.bytes + added_bytes;
    let (turns, cut) = leave_out(history, before, total, bytes_max);
    omitted(turns, cut)
}

/// How many of the first `len` messages belong to the running turn; they stand at the end.
fn of_running_turn(state: &ChatState, len: usize) -> usize {
    let Some(turn) = state.turn.as_ref().map(|turn| turn.id) else { return 0 };
    let of_turn = |entry: &&SharedMessage| entry.turn_id == Some(turn);
    state.history.entries().iter().take(len).rev().take_while(of_turn).count()
}

fn omitted(turns: u32, messages: usize) -> Omitted {
    Omitted::new(turns, u32::try_from(messages).unwrap_or(u32::MAX))
}

/// How many turns, and messages in them, to leave out of the first `removable` messages so that of
/// `total` bytes at most `bytes_max` are left, if that is possible.
fn leave_out(history: &History, removable: usize, total: usize, bytes_max: usize) -> (u32, usize) {
    let entries = history.entries();
    let ends = |at: usize| match (entries.get(at - 1), entries.get(at)) {
        (Some(before), Some(after)) if at < removable => divides(before, after),
        _ => true,
    };
    let (mut turns, mut cut) = (0, 0);
    for at in (1..=removable).filter(|at| ends(*at)) {
        if total - history.bytes_of_first(cut) <= bytes_max {
            break;
        }
        turns += 1;
        cut = at;
    }
    (turns, cut)
}

/// Whether one turn ends and another one begins between two messages. Copied history has no turns;
/// there a turn begins where a user speaks after somebody else did.
fn divides(before: &Message, after: &Message) -> bool {
    match (before.turn_id, after.turn_id) {
        (None, None) => after.is_user() && !before.is_user(),
        (before, after) => before != after,
    }
}

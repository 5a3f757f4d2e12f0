//! The default context policy: how much of a long history a model receives.
//!
//! Up to a budget of bytes; beyond it the oldest turns are left out, whole, so that calls keep
//! their results. What belongs to the turn at hand stays, whatever its size.

use super::history::History;
use crate::{
    message::{Message, Omitted},
    seq::TurnId,
};

/// What to leave out of the first `len` messages for a turn that begins with `added_bytes` more.
pub(super) fn before_turn(
    history: &History,
    len: usize,
    added_bytes: usize,
    bytes_max: usize,
) -> Omitted {
    let len = len.min(history.len());
    leave_out(history, len, len, added_bytes, bytes_max)
}

/// What to leave out of the history for the next step of a turn that adds `added_bytes` more.
pub(super) fn within_turn(
    history: &History,
    turn: TurnId,
    added_bytes: usize,
    bytes_max: usize,
) -> Omitted {
    let entries = history.entries();
    let before = entries.iter().rev().take_while(|entry| entry.turn_id == Some(turn)).count();
    leave_out(history, entries.len() - before, entries.len(), added_bytes, bytes_max)
}

/// Leaves out turns among the first `removable` of `len` messages.
fn leave_out(
    history: &History,
    removable: usize,
    len: usize,
    added_bytes: usize,
    bytes_max: usize,
) -> Omitted {
    let total = history.bytes_of_first(len) + added_bytes;
    if total <= bytes_max {
        return Omitted::default();
    }
    let entries = history.entries();
    let ends = |at: usize| match (entries.get(at - 1), entries.get(at)) {
        (Some(before), Some(after)) if at < removable => divides(before, after),
        _ => true,
    };
    let mut turns = 0;
    let mut cut = 0;
    for at in (1..=removable).filter(|at| ends(*at)) {
        turns += 1;
        cut = at;
        if total - history.bytes_of_first(at) <= bytes_max {
            break;
        }
    }
    Omitted::new(turns, u32::try_from(cut).unwrap_or(u32::MAX))
}

/// Whether one turn ends and another one begins between two messages. Copied history has no turns;
/// there a turn begins where a user speaks after somebody else did.
fn divides(before: &Message, after: &Message) -> bool {
    match (before.turn_id, after.turn_id) {
        (None, None) => after.is_user() && !before.is_user(),
        (before, after) => before != after,
    }
}

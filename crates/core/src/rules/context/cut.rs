//! Where the history is cut for a model call.
//!
//! Asked when a message is about to begin. The policy is shown the past turns, oldest first, each
//! made only when it asks for it; what it answers is counted off in whole turns. So neither a turn
//! is split, nor a call parted from its result, nor anything of the turn at hand left out, whatever
//! number comes back.

use std::{cell::OnceCell, iter, sync::Arc};

use super::{ContextSize, PastTurn};
use crate::{
    message::{Message, Omitted, Role, SharedMessage},
    rules::{ChatState, Facts, draft::Draft, history::History},
};

/// What to leave out for a turn that begins behind the first `len` messages and those that the
/// draft adds, with `added_bytes` of its own.
pub(in crate::rules) fn before_turn(
    draft: &Draft<'_>,
    len: usize,
    added_bytes: usize,
    facts: &Facts<'_>,
) -> Omitted {
    let (history, tail) = (&draft.state.history, draft.tail());
    let len = len.min(history.len());
    // The messages of the tail belong to the turn that ends, and go or stay together with the
    // messages of it that stand in the history already.
    let whole = if tail.messages == 0 { len } else { len - of_running_turn(draft.state, len) };
    let ending_bytes = history.bytes_of_first(len) - history.bytes_of_first(whole) + tail.bytes;
    let messages = OnceCell::new();
    let ending = || PastTurn {
        messages: messages.get_or_init(|| ending_turn(draft, whole, len)),
        bytes: ending_bytes,
    };
    let ending = (tail.messages > 0).then(|| iter::once_with(ending));
    let mut past = Turns::of(history, whole).chain(ending.into_iter().flatten());
    let total_bytes = history.bytes_of_first(whole) + ending_bytes + added_bytes;
    let answer = facts.context.turns_left_out(&mut past, size(total_bytes, facts));

    let (turns, messages) = count(Turns::of(history, whole), answer);
    if answer > turns && tail.messages > 0 {
        omitted(turns + 1, len + tail.messages)
    } else {
        omitted(turns, messages)
    }
}

/// What to leave out for the next step of the running turn, which adds `added_bytes` more.
pub(in crate::rules) fn within_turn(
    draft: &Draft<'_>,
    added_bytes: usize,
    facts: &Facts<'_>,
) -> Omitted {
    let (history, tail) = (&draft.state.history, draft.tail());
    let before = history.len() - of_running_turn(draft.state, history.len());
    let total_bytes = history.bytes_of_first(history.len()) + tail.bytes + added_bytes;
    let mut past = Turns::of(history, before);
    let answer = facts.context.turns_left_out(&mut past, size(total_bytes, facts));
    let (turns, messages) = count(Turns::of(history, before), answer);
    omitted(turns, messages)
}

fn size(total_bytes: usize, facts: &Facts<'_>) -> ContextSize {
    ContextSize { total_bytes, bytes_max: facts.agents.settings.context_bytes_max }
}

/// How many of the first `len` messages belong to the running turn; they stand at the end.
fn of_running_turn(state: &ChatState, len: usize) -> usize {
    let Some(turn) = state.turn.as_ref().map(|turn| turn.id) else { return 0 };
    let of_turn = |entry: &&SharedMessage| entry.turn_id == Some(turn);
    state.history.entries().iter().take(len).rev().take_while(of_turn).count()
}

/// All messages of the turn that the draft ends, as the history will have them.
fn ending_turn(draft: &Draft<'_>, from: usize, until: usize) -> Vec<SharedMessage> {
    let mut turn = History::default();
    for entry in draft.state.history.entries().get(from..until).unwrap_or_default() {
        turn.push(Arc::clone(entry));
    }
    for message in draft.tail_messages() {
        turn.push_in_order(Arc::new(message));
    }
    turn.into_entries()
}

/// How many of these turns, and messages in them, are among the first `turns`.
fn count<'a>(past: impl Iterator<Item = PastTurn<'a>>, turns: usize) -> (usize, usize) {
    let add = |(turns, messages), turn: PastTurn<'_>| (turns + 1, messages + turn.messages.len());
    past.take(turns).fold((0, 0), add)
}

fn omitted(turns: usize, messages: usize) -> Omitted {
    let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
    Omitted::new(number(turns), number(messages))
}

/// The turns among the first messages of a history, oldest first.
struct Turns<'a> {
    history: &'a History,
    /// Messages of the turns that were handed out.
    at: usize,
    /// Messages of all turns.
    until: usize,
}

impl<'a> Turns<'a> {
    fn of(history: &'a History, until: usize) -> Self {
        Self { history, at: 0, until }
    }
}

impl<'a> Iterator for Turns<'a> {
    type Item = PastTurn<'a>;

    fn next(&mut self) -> Option<PastTurn<'a>> {
        let rest = self.history.entries().get(self.at..self.until)?;
        let len = (1..rest.len()).find(|len| divides(rest, *len)).unwrap_or(rest.len());
        let messages = rest.get(..len).filter(|messages| !messages.is_empty())?;
        let before = self.history.bytes_of_first(self.at);
        self.at += len;
        Some(PastTurn { messages, bytes: self.history.bytes_of_first(self.at) - before })
    }
}

/// Whether one turn ends and another one begins behind the first `len` of these messages.
///
/// Copied history has no turns; there a turn begins where a user speaks after somebody else did,
/// unless the results of calls that were asked for before are still to come.
fn divides(messages: &[SharedMessage], len: usize) -> bool {
    let (before, after) = messages.split_at_checked(len).unwrap_or_default();
    let (Some(last), Some(first)) = (before.last(), after.first()) else { return true };
    if last.turn_id.is_some() || first.turn_id.is_some() {
        return last.turn_id != first.turn_id;
    }
    let is_result = |message: &Message| matches!(message.role, Role::Tool { .. });
    let mut until_next_answer = after.iter().take_while(|message| !message.is_assistant());
    first.is_user() && !last.is_user() && !until_next_answer.any(|message| is_result(message))
}

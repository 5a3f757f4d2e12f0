//! What a model receives of a long history: the newest turns, whole, and always its own.

use std::sync::{Arc, Mutex};

use polychat_core::{
    ChatId, Message, Part, Timestamp,
    command::{ImportedChat, ImportedEntry, NewChat},
    content::bytes_of,
    event::ImportedMessage,
    message::{Role, SharedMessage, Usage},
    rules::{self, ContextPolicy, ContextSize, PastTurn},
    tool::ToolOutput,
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::harness::{Chat, call, render_messages};

/// A policy that looks at so many past turns, answers whatever it was told to, and remembers what
/// it saw.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    looks_at: usize,
    answer: usize,
    pub(crate) seen: Mutex<Option<Seen>>,
}

/// What a policy saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) turns: Vec<Vec<SharedMessage>>,
    pub(crate) total_bytes: usize,
}

impl Answers {
    pub(crate) fn new(looks_at: usize, answer: usize) -> Arc<Self> {
        Arc::new(Self { looks_at, answer, seen: Mutex::default() })
    }
}

impl ContextPolicy for Answers {
    fn turns_left_out(
        &self,
        past: &mut dyn Iterator<Item = PastTurn<'_>>,
        size: ContextSize,
    ) -> usize {
        let turn = |turn: PastTurn<'_>| {
            let bytes: usize = turn.messages.iter().map(|message| bytes_of_message(message)).sum();
            assert_eq!(turn.bytes, bytes, "the size of a turn");
            assert!(!turn.messages.is_empty());
            turn.messages.to_vec()
        };
        let turns = past.take(self.looks_at).map(turn).collect();
        *self.seen.lock().unwrap() = Some(Seen { turns, total_bytes: size.total_bytes });
        self.answer
    }
}

/// What a message counts in a context.
pub(crate) fn bytes_of_message(message: &Message) -> usize {
    let beside = match &message.role {
        Role::Assistant { tool_calls, .. } => {
            tool_calls.iter().map(|call| call.name.len() + call.arguments_bytes()).sum()
        }
        Role::Tool { .. } => message.failure.as_ref().map_or(0, |failure| failure.message.len()),
        _ => 0,
    };
    bytes_of(&message.parts) + beside
}

/// A chat with `turns` ended turns of `user: hi` and a reply of eight bytes: ten bytes each.
fn of_turns(turns: u64) -> Chat {
    let mut chat = Chat::new();
    for n in 0..turns {
        chat.queue(&format!("t{n}"));
        let open = chat.state.open_message().unwrap();
        chat.says(open.0.get(), "12345678");
    }
    chat
}

#[test]
fn a_history_within_its_budget_is_sent_whole() {
    let mut chat = of_turns(3);
    chat.agents.settings.context_bytes_max = 32;
    assert!(chat.queue("p").ends_with("step 1"));
    assert_eq!(chat.request().matches("12345678").count(), 3);
}

#[test]
fn beyond_the_budget_the_oldest_turns_go_whole_and_are_counted() {
    for (budget, without, left) in [(31, "1/2", 2), (21, "2/4", 1), (3, "3/6", 0), (0, "3/6", 0)] {
        let mut chat = of_turns(3);
        chat.agents.settings.context_bytes_max = budget;
        let events = chat.queue("p");
        assert!(events.ends_with(&format!("without {without}")), "{budget}: {events}");
        assert_eq!(chat.request().matches("12345678").count(), left);
        assert!(chat.request().ends_with("user: hi"), "the prompt itself is never left out");
    }
}

#[test]
fn the_turn_that_just_ended_counts_and_is_left_out_whole() {
    // The end of a turn and the start of the next one are one append.
    for (budget, without) in [(11, "1/2"), (12, "")] {
        let mut chat = Chat::running();
        chat.queue("p2");
        chat.agents.settings.context_bytes_max = budget;
        let events = chat.says(4, "12345678");
        if without.is_empty() {
            assert!(events.ends_with("step 1"), "{events}");
            assert_eq!(chat.request(), "user: hi | assistant: 12345678 | user: hi");
        } else {
            assert!(events.ends_with(&format!("without {without}")), "{events}");
            assert_eq!(chat.request(), "user: hi");
        }
    }
}

#[test]
fn calls_never_lose_their_results_nor_results_their_calls() {
    let mut chat = Chat::running();
    chat.agents.settings.context_bytes_max = 4;
    chat.limits.tool_calls_parallel_max = 1;
    chat.shows("12345678").done_with(4, vec![call("read"), call("look")]);
    // Two results come into being in the same append as the new turn.
    assert!(chat.interrupt("p2").ends_with("without 1/4"));
    assert_eq!(chat.request(), "user: hi");
    assert_eq!(chat.history().matches(" | ").count(), 4);
}

#[test]
fn the_current_turn_stays_whole_whatever_its_size() {
    let mut chat = of_turns(1);
    chat.agents.settings.context_bytes_max = 20;
    chat.queue("p");
    let open = chat.state.open_message().unwrap().0.get();
    chat.asks(open, &["read"]);
    let events = chat.tool_done(&format!("{open}.0"), &"x".repeat(100));
    assert!(events.ends_with("step 2 without 1/2"), "{events}");
    assert!(chat.request().starts_with("user: hi | assistant:  | tool"));
}

#[test]
fn the_text_before_a_call_and_a_steer_count_for_the_next_step() {
    let budget = |budget| {
        let mut chat = of_turns(1);
        chat.agents.settings.context_bytes_max = budget;
        chat.queue("p");
        let open = chat.state.open_message().unwrap().0.get();
        chat.steer("s");
        // The call is unknown, so the message, its result and the next step are one append.
        chat.shows("12345678").done_with(open, vec![call("zz")])
    };
    // Ten of the turn before, two and eight of this one, the call, what went wrong, the steer.
    assert!(budget(20).ends_with("step 2 without 1/2"));
    assert!(budget(200).ends_with("step 2"));
    let failure = "no such tool".len();
    let exact = 10 + 2 + 8 + ("zz".len() + "{}".len()) + failure + 2;
    assert!(budget(exact).ends_with("step 2"), "{}", budget(exact));
    assert!(budget(exact - 1).ends_with("step 2 without 1/2"));
}

#[test]
fn a_revision_counts_only_what_stays() {
    let mut chat = of_turns(3);
    chat.agents.settings.context_bytes_max = 12;
    let second = chat.state.messages()[2].id.0.get();
    assert!(chat.revise(second, "p", "hi").ends_with("step 1"));
    assert_eq!(chat.request(), "user: hi | assistant: 12345678 | user: hi");
}

#[test]
fn what_was_left_out_stays_left_out_of_a_request_built_later() {
    let mut chat = of_turns(2);
    chat.agents.settings.context_bytes_max = 12;
    chat.queue("p");
    let before = chat.request();
    chat.agents.settings.context_bytes_max = 1_000_000;
    assert_eq!(Chat::of_log(&chat.log).request(), before, "the log says what was sent");
}

#[test]
fn the_worlds_policy_decides_and_is_told_how_large_all_is() {
    let mut chat = of_turns(3);
    chat.agents.settings.context_bytes_max = 0;
    let policy = Answers::new(usize::MAX, 2);
    chat.context = policy.clone();
    assert!(chat.queue("p").ends_with("step 1 without 2/4"));
    assert_eq!(chat.request(), "user: hi | assistant: 12345678 | user: hi");
    let seen = policy.seen.lock().unwrap().take().unwrap();
    let turns: Vec<_> = seen.turns.iter().map(|turn| render_messages(turn)).collect();
    assert_eq!(turns, vec!["user: hi | assistant: 12345678"; 3]);
    assert_eq!(seen.total_bytes, 32);
}

#[test]
fn whatever_number_a_policy_answers_the_turn_at_hand_stays() {
    for answer in [3, 4, 1_000, usize::MAX] {
        for looks_at in [0, 1, usize::MAX] {
            let mut chat = of_turns(3);
            chat.context = Answers::new(looks_at, answer);
            assert!(chat.queue("p").ends_with("step 1 without 3/6"), "{answer}");
            let open = chat.state.open_message().unwrap().0.get();
            chat.asks(open, &["read"]);
            let events = chat.tool_done(&format!("{open}.0"), "data");
            assert!(events.ends_with("step 2 without 3/6"), "{answer}: {events}");
            assert!(chat.request().starts_with("user: hi | assistant:  | tool"));
        }
    }
}

#[test]
fn a_policy_sees_the_turn_that_is_ending_as_the_history_will_have_it() {
    let mut chat = of_turns(1);
    chat.limits.tool_calls_parallel_max = 2;
    chat.queue("p");
    let open = chat.state.open_message().unwrap().0.get();
    chat.shows("a word").done_with(open, vec![call("read"), call("look"), call("read")]);
    chat.tool_done(&format!("{open}.1"), "data");
    let policy = Answers::new(usize::MAX, 2);
    chat.context = policy.clone();
    // The results of the first and the third call come into being in the same append.
    assert!(chat.interrupt("p2").ends_with("step 1 without 2/7"));
    let seen = policy.seen.lock().unwrap().take().unwrap();
    assert_eq!(
        render_messages(&seen.turns[1]),
        format!(
            "user: hi | assistant: a word | tool {open}.0:  !cancelled | tool {open}.1: data | \
             tool {open}.2:  !cancelled"
        )
    );
    assert_eq!(seen.turns.concat(), chat.state.messages()[..7]);
}

#[test]
fn what_a_revision_cut_is_shown_to_no_policy() {
    let mut chat = of_turns(3);
    chat.queue("p");
    let second = chat.state.messages()[2].id.0.get();
    let policy = Answers::new(usize::MAX, 0);
    chat.context = policy.clone();
    chat.revise(second, "p2", "other");
    let seen = policy.seen.lock().unwrap().take().unwrap();
    assert_eq!(seen.turns.concat(), chat.state.messages()[..2]);
    assert_eq!(seen.total_bytes, "hi12345678other".len());
}

/// A copied message: `u`, an answer that asks for so many calls, or the result of such a call.
fn copied(what: u8) -> ImportedEntry {
    let parts = vec![Part::text("x")];
    let message = match what {
        0..=2 => ImportedMessage::User { parts },
        3..=6 => {
            let tool_calls = vec![call("read"); usize::from(what - 3)];
            ImportedMessage::Assistant {
                author: None,
                parts,
                reasoning: "".into(),
                tool_calls,
                usage: Usage::default(),
                failure: None,
            }
        }
        _ => {
            let output = ToolOutput::text("data");
            ImportedMessage::Tool { index: u16::from(what - 7), output, failure: None }
        }
    };
    ImportedEntry::new(message, Timestamp(1))
}

proptest! {
    // Other systems write histories in any order; none of it parts a result from its call.
    #[test]
    fn a_copied_history_is_cut_before_a_user_speaks_and_never_between_call_and_result(
        history in vec(0..10_u8, 0..24),
        answer in select(vec![0, 1, 2, 3, 5, usize::MAX]),
    ) {
        let (id, limits) = (ChatId::new("a").unwrap(), Default::default());
        let mut history: Vec<_> = history.into_iter().map(copied).collect();
        let mut calls = 0;
        history.retain(|entry| match &entry.message {
            ImportedMessage::Assistant { tool_calls, .. } => {
                calls = tool_calls.len();
                true
            }
            ImportedMessage::Tool { index, .. } => usize::from(*index) < calls,
            _ => true,
        });
        let mut imported = ImportedChat::new(NewChat::new(), "x");
        imported.history = history;
        let imported = rules::import(&id, imported, Timestamp(9), &limits);
        let mut chat = Chat::of_log(&imported.unwrap().events);
        let policy = Answers::new(usize::MAX, answer);
        chat.context = policy.clone();
        chat.queue("p");

        let (sent, all) = (chat.state.step().unwrap().messages, chat.state.messages());
        let left_out = &all[..all.len() - sent.len()];
        prop_assert!(left_out.is_empty() || sent[0].is_user());
        let called = |message: &SharedMessage| match &message.role {
            Role::Tool { tool_call_id } => Some(tool_call_id.message),
            _ => None,
        };
        for result in sent.iter().filter_map(called) {
            prop_assert!(sent.iter().any(|message| message.id == result), "a lone result");
        }
        for result in left_out.iter().filter_map(called) {
            prop_assert!(left_out.iter().any(|message| message.id == result));
        }
        let seen = policy.seen.lock().unwrap().take().unwrap();
        prop_assert_eq!(&seen.turns.concat(), &all[..all.len() - 1]);
        let expected: usize = seen.turns.iter().take(answer).map(Vec::len).sum();
        prop_assert_eq!(left_out.len(), expected);
    }
}

//! What a model receives of a long history: the newest turns, whole, and always its own.

use super::harness::{Chat, call};

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

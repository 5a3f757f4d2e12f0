//! Properties of any sequence of inputs, sensible or not.
//!
//! The harness checks after every step that the events apply, that the log replays to the state at
//! hand, that the summary stored with the append was right, and that the laws hold on the log.

use std::{collections::BTreeMap, sync::Arc};

use polychat_core::{
    Event, Recorded, StatusKind, TurnOutcome, event::TitleProvenance, rules::ByteBudget,
    tool::ApprovalDecision,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    context::{Answers, bytes_of_message},
    harness::{Chat, call_id},
    laws,
    operations::{Step, prepare, step, tight},
};

/// Takes one step; the harness checks the laws.
fn take(chat: &mut Chat, step: &Step) {
    let policy = step.policy.map(|(looks_at, answer)| Answers::new(looks_at, answer));
    chat.context = match &policy {
        Some(policy) => policy.clone(),
        None => Arc::new(ByteBudget),
    };
    let Some(input) = prepare(chat, step) else { return };
    let head = chat.log.len();
    if step.lost {
        let before = chat.state.clone();
        let _ = chat.decide(input);
        assert_eq!(chat.state, before, "deciding changed something");
        return;
    }
    let answer = chat.input(input);
    let unchanged = chat.log.len() == head;
    assert!(!answer.starts_with("refused") || unchanged, "a refusal left an event");
    assert!(chat.log.len() <= 220, "the log outgrew its bound");
    assert!(chat.waiting().split_whitespace().count() <= 4, "the queue outgrew its bound");
    check_requests(chat);
    check_status(chat);
    check_titles(chat, &chat.log[head..]);
    if let Some(policy) = policy {
        check_policy(chat, &policy, step, &chat.log[head..]);
    }
}

/// What a policy was shown is the history as it became, and what it answered is what was left out.
fn check_policy(chat: &Chat, policy: &Answers, step: &Step, events: &[Arc<Recorded>]) {
    let started = events.iter().find_map(|recorded| match &recorded.event {
        Event::MessageStart { omitted, .. } => Some(*omitted),
        _ => None,
    });
    let seen = policy.seen.lock().unwrap().take();
    assert_eq!(started.is_some(), seen.is_some(), "a policy is asked once per model call");
    let (Some(omitted), Some(seen), Some((_, answer))) = (started, seen, step.policy) else {
        return;
    };
    let all = chat.state.messages();
    let shown = seen.turns.concat();
    assert_eq!(shown, all[..shown.len()], "what the policy was shown");
    let bytes: usize = all.iter().map(|message| bytes_of_message(message)).sum();
    assert_eq!(seen.total_bytes, bytes, "how large all is");
    let running = chat.state.turn();
    let past = all.chunk_by(|one, next| one.turn_id == next.turn_id);
    let past: Vec<_> = past.filter(|turn| turn[0].turn_id != running).collect();
    let without = past.len().min(answer);
    let messages = past[..without].iter().map(|turn| turn.len()).sum::<usize>();
    assert_eq!((omitted.turns as usize, omitted.messages as usize), (without, messages));
}

/// Titles are proposed beside the end of the first completed turn, and set only while there is none.
fn check_titles(chat: &Chat, events: &[Arc<Recorded>]) {
    let completed = |recorded: &&Arc<Recorded>| {
        matches!(recorded.event, Event::TurnEnded { outcome: TurnOutcome::Completed, .. })
    };
    if chat.effects.contains("think of a title") {
        assert_eq!(chat.log.iter().filter(completed).count(), 1);
        assert!(events.iter().any(|recorded| completed(&recorded)));
    }
    let any_completed = chat.log.iter().any(|recorded| completed(&recorded));
    assert!(any_completed || !chat.state.wants_title());
    assert!(chat.state.wants_title() || chat.state.title_request().is_none());
    for recorded in events {
        if let Event::ChatUpdated { provenance: Some(TitleProvenance::Auto), .. } = recorded.event {
            assert_eq!(&*chat.state.summary().title, "Tea");
            assert!(any_completed && !chat.state.wants_title());
        }
    }
}

/// Whatever is left out of a request, no call loses its result and no result its call, the request
/// begins where a turn does, and ends in the running turn.
fn check_requests(chat: &Chat) {
    use polychat_core::message::Role;
    let Some(step) = chat.state.step() else { return };
    let mut owed = std::collections::BTreeSet::new();
    for message in &step.messages {
        match &message.role {
            Role::Tool { tool_call_id } => assert!(owed.remove(tool_call_id), "a lone result"),
            role => {
                assert!(owed.is_empty(), "a call without its result");
                if let Role::Assistant { tool_calls, .. } = role {
                    let ids = (0..).zip(tool_calls);
                    owed.extend(ids.map(|(n, _)| call_id(&format!("{}.{n}", message.id))));
                }
            }
        }
    }
    assert!(owed.is_empty(), "a call without its result");
    assert!(step.messages.first().is_some_and(|message| message.is_user()));
    let own = chat.state.messages().iter().filter(|m| m.turn_id == Some(step.turn)).count();
    let sent = step.messages.iter().filter(|m| m.turn_id == Some(step.turn)).count();
    assert_eq!(own, sent, "the current turn is never left out");
    assert!(own > 0);
}

/// Status and accounts agree with what the events alone say.
fn check_status(chat: &Chat) {
    let open = laws::check(&chat.log);
    assert!(open.handoffs_most <= chat.agents.settings.handoffs_max, "handed on too often");
    let accepted = chat.count("prompt.accepted");
    assert_eq!(accepted, open.waiting.len() + open.running() + open.ended.len());
    assert_eq!(open.waiting.len(), chat.state.waiting_prompts().len());
    for (prompt, outcome) in &open.ended {
        assert_eq!(chat.outcome(prompt.as_str()), *outcome);
    }
    let status = chat.state.status();
    assert_eq!(status.turn_id.is_some(), open.running() > 0);
    assert_eq!(status.queued, open.waiting.len());
    let idle = open.running() == 0 && open.waiting.is_empty();
    match status.kind {
        StatusKind::Idle | StatusKind::Closed => assert!(idle, "{status:?}"),
        StatusKind::Awaiting => assert!(!chat.state.approvals().is_empty()),
        _ => assert!(!idle, "{status:?}"),
    }
    assert!(!chat.state.is_working() || status.kind == StatusKind::Running);
    assert_eq!(chat.state.may_rest(), !chat.state.wants_to_run());
}

fn run(steps: &[Step]) -> Chat {
    let mut chat = tight();
    for step in steps {
        take(&mut chat, step);
    }
    chat
}

/// How often something happened in a log.
fn reached(chat: &Chat) -> Vec<(&'static str, usize)> {
    let count =
        |what: fn(&Event) -> bool| chat.log.iter().filter(|recorded| what(&recorded.event)).count();
    let decided = |wanted: fn(&ApprovalDecision) -> bool| {
        let of = |event: &Event| match event {
            Event::ApprovalResolved { decision: Some(decision), .. } => wanted(decision),
            _ => false,
        };
        chat.log.iter().filter(|recorded| of(&recorded.event)).count()
    };
    // Two calls that one decision let run stand side by side.
    let together = chat.log.windows(2).filter(|pair| {
        let both = |recorded: &Arc<Recorded>| match &recorded.event {
            Event::ApprovalResolved { decision, .. } => {
                *decision == Some(ApprovalDecision::AllowForChat)
            }
            _ => false,
        };
        both(&pair[0]) && both(&pair[1])
    });
    let most = laws::check(&chat.log);
    vec![
        ("broadcasts", count(|e| matches!(e, Event::TurnStarted { then, .. } if !then.is_empty()))),
        ("skipped", most.skipped),
        ("asked one by one", most.asked_in_turn),
        ("handed on by replies", most.handoffs_most as usize),
        ("answered again in a turn", most.came_back),
        ("allowed together", together.count()),
        ("denied", decided(|d| matches!(d, ApprovalDecision::Deny { .. }))),
        ("answered", decided(|d| matches!(d, ApprovalDecision::Answer { .. }))),
        (
            "titled",
            count(|e| {
                matches!(e, Event::ChatUpdated { provenance: Some(TitleProvenance::Auto), .. })
            }),
        ),
        ("cut", count(|e| matches!(e, Event::MessageStart { omitted, .. } if omitted.turns > 1))),
        ("joined", count(|e| matches!(e, Event::PromptJoined { .. }))),
        ("revised", count(|e| matches!(e, Event::HistoryTruncated { .. }))),
    ]
}

#[test]
fn the_random_steps_come_to_all_that_they_are_to_judge() {
    let mut random = TestRunner::deterministic();
    let mut sums = BTreeMap::new();
    for _ in 0..256 {
        let steps = vec(step(), 100).new_tree(&mut random).unwrap().current();
        for (what, times) in reached(&run(&steps)) {
            *sums.entry(what).or_insert(0) += times;
        }
    }
    println!("{sums:?}");
    assert!(sums.values().all(|times| *times >= 3), "{sums:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    // Laws 2, 5 and 7.
    #[test]
    fn the_laws_hold_on_every_log_and_deletion_ends_everything(steps in vec(step(), 1..80)) {
        let mut chat = run(&steps);
        chat.may_run = true;
        if !chat.state.is_deleted() {
            let deleted = chat.delete();
            prop_assert!(deleted.ends_with("chat.deleted"));
        }
        let open = laws::check(&chat.log);
        prop_assert_eq!(open.ended.len(), chat.count("prompt.accepted"));
        let ends = chat.count("message.end") + chat.count("message.error");
        prop_assert_eq!(chat.count("message.start"), ends);
        prop_assert_eq!(chat.count("turn.started"), chat.count("turn.ended"));
        prop_assert_eq!(chat.count("approval.requested"), chat.count("approval.resolved"));
    }

    // Law 8.
    #[test]
    fn the_same_inputs_give_the_same_log(steps in vec(step(), 1..40)) {
        prop_assert_eq!(run(&steps).log, run(&steps).log);
    }

    // Law 5: whatever a chat went through, what it accepted ends once it is left in peace.
    #[test]
    fn a_chat_left_in_peace_ends_everything_it_accepted(steps in vec(step(), 1..60)) {
        let mut chat = run(&steps).with_place();
        chat.agents.settings.mentions = false;
        chat.context = Arc::new(ByteBudget);
        chat.recover();
        for _ in 0..400 {
            if let Some(open) = chat.state.open_message() {
                chat.says(open.0.get(), "yes");
            } else if let Some(pending) = chat.state.approvals().first() {
                let id = pending.tool_call_id.to_string();
                chat.resolve(&id, ApprovalDecision::Deny { reason: "no".into() });
            } else if chat.state.is_working() {
                let asked = chat.state.turn().unwrap();
                chat.turn_failed(asked.0.get());
            } else if chat.state.wants_to_run() {
                chat.admitted();
            } else {
                break;
            }
        }
        prop_assert!(matches!(chat.status(), "idle" | "closed"), "{}", chat.status());
        prop_assert_eq!(laws::check(&chat.log).ended.len(), chat.count("prompt.accepted"));
        prop_assert!(chat.log.len() <= 220);
    }

    // What was stored comes back as the state it was.
    #[test]
    fn a_log_read_back_from_json_gives_the_same_state(steps in vec(step(), 1..40)) {
        let chat = run(&steps);
        let stored = serde_json::to_string(&chat.log).unwrap();
        let read: Vec<_> = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(Chat::of_log(&read).state, chat.state);
    }
}

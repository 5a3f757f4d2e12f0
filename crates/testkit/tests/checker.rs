//! The checker can say yes to a healthy history, and no to each sort of broken one.
//!
//! Each plant spoils the healthy history in one way and names the only sort of violation that may
//! then be found, at least once: a check that cannot fail would be a defect itself.

// Helpers of tests may unwrap like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "checker/agent_plants.rs"]
mod agent_plants;
#[path = "checker/company.rs"]
mod company;
#[path = "checker/healthy.rs"]
mod healthy;
#[path = "checker/history_plants.rs"]
mod history_plants;
#[path = "checker/log_plants.rs"]
mod log_plants;
#[path = "checker/story.rs"]
mod story;
#[path = "checker/tool_plants.rs"]
mod tool_plants;

use std::collections::{BTreeMap, BTreeSet};

use polychat_core::{ChatId, Event, Notice, Recorded, Timestamp};
use polychat_testkit::{
    checker::{self, Canaries, Checker, RunState, Violation, same_log},
    history::{Fact, History},
};

use healthy::{Cast, healthy};
use story::{Story, accepted, begins, chat, created, ended, saves, says, started};

/// One way to spoil the healthy history, and how the checker must name it.
pub(crate) struct Plant {
    name: &'static str,
    run: RunState,
    spoil: fn(&mut Story, &Cast),
    expected: fn(&Violation) -> bool,
}

macro_rules! plant {
    ($name:literal, $run:expr, |$story:ident, $cast:pat_param| $spoil:expr, $expected:pat $(,)?) => {
        Plant {
            name: $name,
            run: $run,
            spoil: |$story, $cast| $spoil,
            expected: |violation| matches!(violation, $expected),
        }
    };
}
pub(crate) use plant;

// all laws
#[test]
fn a_healthy_history_breaks_no_law() {
    let (story, _) = healthy();
    assert_eq!(story.check(RunState::Quiet), []);
}

// all laws
#[test]
fn each_planted_violation_is_found_and_nothing_else() {
    let mut plants = log_plants::plants();
    plants.extend(history_plants::plants());
    plants.extend(tool_plants::plants());
    plants.extend(agent_plants::plants());
    let names: BTreeSet<_> = plants.iter().map(|plant| plant.name).collect();
    assert_eq!(names.len(), plants.len(), "each plant has a name of its own");
    assert!(plants.len() >= 130, "{}", plants.len());
    let mut wrong = Vec::new();
    for plant in &plants {
        let (mut story, cast) = healthy();
        (plant.spoil)(&mut story, &cast);
        let found = story.check(plant.run);
        if found.is_empty() || !found.iter().all(plant.expected) {
            wrong.push((plant.name, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// law 5: what may happen at any time is no violation
#[test]
fn a_run_that_outlives_its_call_and_an_agent_that_is_gone_break_no_law() {
    for spoil in [tool_plants::forgiven, agent_plants::forgiven] {
        let (mut story, _) = healthy();
        spoil(&mut story);
        assert_eq!(story.check(RunState::Quiet), []);
    }
}

// laws 1 to 5: a checker that keeps pace finds what one at the end finds
#[test]
fn a_checker_asked_after_each_fact_finds_what_one_asked_at_the_end_finds() {
    let (mut story, cast) = healthy();
    story.show(cast.second_of_a, "a", 34, 34);
    let (growing, mut pacing) = (History::new(), Checker::new());
    for fact in story.facts.iter().cloned() {
        assert_eq!(pacing.found(), []);
        growing.record(fact);
        pacing.keep_up(&growing);
    }
    assert_eq!(pacing.found().len(), 1);
    assert_eq!(pacing.finish(RunState::Quiet), story.check(RunState::Quiet));
}

// law 4: `first_of_a` left in the middle of a message
#[test]
fn a_chunk_that_repeats_on_resume_is_no_violation() {
    let (mut story, cast) = healthy();
    let place = story.chunked("a", 4, 8);
    let again = story::chunk("a", 3, 4, 6, "a ", (5, 1));
    story.facts.insert(place, Fact::Noticed { subscriber: cast.second_of_a, notice: again });
    assert_ne!(cast.first_of_a, cast.second_of_a);
    assert_eq!(story.check(RunState::Quiet), []);
}

// REQ-2: two calls of one message whose results come the other way round
#[test]
fn results_reach_the_model_in_the_order_of_their_calls() {
    for (given, violations) in [([(42, "one"), (41, "two")], 0), ([(41, "two"), (42, "one")], 1)] {
        let (mut story, _) = healthy();
        let begin = vec![accepted("x", Default::default(), "x"), started(&["x"]), begins(36, 1)];
        let asks = company::asks_for(37, "", &["read", "read"]);
        story.commit("a", [begin, vec![asks]].concat());
        let starts = |index| company::starts(37, index, "read");
        story.commit("a", vec![starts(0), starts(1)]);
        // The results are 41 (of the second call) and 42 (of the first).
        let results = |index, text| company::results(37, index, text);
        story.commit("a", vec![results(1, "two"), results(0, "one"), begins(36, 2)]);
        let told = given.map(|(n, text)| story::tool(n, 37, text));
        let before = [healthy::past(18), vec![story::user(27, "better")]].concat();
        let own = vec![story::assistant(29, "Better."), story::user(35, "x")];
        story.ask("a", [before, own, vec![story::assistant(37, "")], told.to_vec()].concat());
        assert_eq!(story.check(RunState::Live).len(), violations);
    }
}

// law 5: what was shown by a process that was lost may go beyond what recovery records
#[test]
fn text_shown_by_a_lost_process_is_superseded_but_not_by_a_living_one() {
    for (lost, violations) in [(true, 0), (false, 1)] {
        let (mut story, cast) = healthy();
        let begin = vec![accepted("x", Default::default(), "x"), started(&["x"]), begins(36, 1)];
        story.commit("a", begin);
        story.show(cast.second_of_a, "a", 35, 37);
        let shown = story::chunk("a", 36, 37, 0, "saved and lost", (37, 1));
        story.notice(cast.second_of_a, shown);
        if lost {
            story.facts.push(Fact::ProcessLost);
        }
        let outcome = polychat_core::TurnOutcome::Interrupted;
        story.commit("a", vec![story::breaks_off(37, "saved"), ended(36, outcome)]);
        assert_eq!(story.check(RunState::Quiet).len(), violations);
    }
}

fn secrets() -> BTreeMap<ChatId, String> {
    BTreeMap::from([(chat("a"), "heron".to_owned()), (chat("b"), "stork".to_owned())])
}

// NFR-1, REQ-5
#[test]
fn each_chat_may_hold_its_own_secret() {
    let (story, _) = healthy();
    assert_eq!(checker::canaries(&story.history(), &secrets()).unwrap(), []);
}

// NFR-1, REQ-2, REQ-5
#[test]
fn a_foreign_secret_is_found_in_events_notices_requests_runs_and_answers() {
    type Spoil = fn(&mut Story, &Cast);
    let plants: [(&str, Spoil); 8] = [
        ("event", |story, _| {
            story.commit("a", vec![accepted("x", Default::default(), "a stork")]);
        }),
        ("notice", |story, cast| {
            story.notice(cast.second_of_a, story::chunk("a", 28, 29, 0, "stork", (31, 1)));
        }),
        ("notice", |story, cast| {
            let mut told = story::status("a", polychat_core::StatusKind::Idle, None, 0, 34);
            if let Notice::World(polychat_core::notice::WorldNotice::Status { status }) = &mut told
            {
                status.title = "stork".into();
            }
            story.notice(cast.of_world, told);
        }),
        ("request", |story, _| {
            story.ask("a", vec![story::user(2, "heron"), story::user(3, "stork")]);
        }),
        ("run", |story, _| {
            let input = polychat_core::ports::ToolInput::new("stork".into(), Default::default());
            story.run_with("look", input);
            give_run_to_a(story);
        }),
        ("run", |story, _| {
            let run = story.run("look", 0);
            give_run_to_a(story);
            story.shows(run, "stork");
        }),
        ("run", |story, _| {
            let run = story.run("look", 0);
            give_run_to_a(story);
            story.ends(run, Err("stork"));
        }),
        ("answer", |story, _| {
            let read = polychat_core::Command::ReadLog {
                chat: chat("a"),
                after: polychat_core::Seq::ZERO,
                limit: 9,
            };
            let call = story.sent(read);
            let events = story.log("b").into_iter().map(Into::into).collect();
            let page = polychat_core::command::LogPage { events, head: story::seq(7) };
            story.answered(call, Ok(polychat_core::Reply::Log(page)));
        }),
    ];
    let canaries = Canaries::new(&secrets()).unwrap();
    for (expected, spoil) in plants {
        let (mut story, cast) = healthy();
        spoil(&mut story, &cast);
        let found = canaries.search(&story.history());
        let (found_in, secret_of) = (Some(chat("a")), chat("b"));
        assert_eq!(found, [Violation::Leak { found_in, secret_of, place: expected }]);
    }
}

/// The last run is one of chat `a`.
fn give_run_to_a(story: &mut Story) {
    if let Some(Fact::Ran { chat: of, .. }) = story.facts.last_mut() {
        *of = Some(chat("a"));
    }
}

/// A log of one turn, with checkpoints after the start of its message.
fn log_with(checkpoints: &[&str], text: &str, at: u64) -> Vec<Recorded> {
    let mut story = Story::default();
    let prompt = accepted("p", Default::default(), "hello");
    story.commit("a", vec![created(), prompt, started(&["p"]), begins(3, 1)]);
    story.commit("a", checkpoints.iter().map(|saved| saves(4, saved)).collect::<Vec<Event>>());
    let outcome = polychat_core::TurnOutcome::Completed;
    story.commit("a", vec![says(4, text, 0), ended(3, outcome.clone())]);
    let next = story.log("a").len() as u64 + 2;
    let prompt = accepted("q", Default::default(), "again");
    let turn = vec![prompt, started(&["q"]), begins(next, 1), says(next + 1, "", 0)];
    story.commit("a", [turn, vec![ended(next, outcome)]].concat());
    let mut log = story.log("a");
    log.iter_mut().for_each(|recorded| recorded.at = Timestamp(at));
    log
}

// law 6
#[test]
fn logs_that_differ_in_times_and_checkpoints_alone_are_the_same() {
    let (alone, busy) = (log_with(&[], "one two", 1), log_with(&["one ", "two"], "one two", 9));
    assert_ne!(alone, busy);
    assert_eq!(same_log(&alone, &busy), Ok(()));
    assert!(checker::check_log(&chat("a"), &busy, RunState::Quiet).is_empty());
}

// law 6
#[test]
fn logs_that_differ_in_anything_else_are_not_the_same() {
    let alone = log_with(&[], "one two", 1);
    let changed = log_with(&["one"], "one too", 1);
    assert_eq!(same_log(&alone, &changed).unwrap_err().position, 5);
    let shorter = alone.get(..alone.len() - 1).unwrap();
    let difference = same_log(&alone, shorter).unwrap_err();
    assert_eq!((difference.position, difference.right), (alone.len(), None));
    let mut renamed = alone.clone();
    if let Some(Recorded { event: Event::TurnEnded { turn_id, .. }, .. }) = renamed.last_mut() {
        *turn_id = story::turn(3);
    }
    assert_eq!(same_log(&alone, &renamed).unwrap_err().position, alone.len());
}

// REQ-1, REQ-15: overlap is proved by turns, not by ids on events
#[test]
fn turns_that_run_at_the_same_moment_are_counted() {
    let (story, _) = healthy();
    assert_eq!(checker::turns_at_once(&story.history()), 2);
}

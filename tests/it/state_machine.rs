//! The state-machine property: whatever people, models, stores and processes do, in any order, all
//! laws hold.
//!
//! Real actors run on one thread in paused time; each [`Step`](step::Step) is done, the world comes to rest,
//! and the checker judges all that was recorded until then. At the end everything that was broken
//! works again, what is open is finished, and the whole history is judged once more.
//!
//! | file | holds |
//! |---|---|
//! | `step` | what can happen, as data |
//! | `rig` | one run: the world of the moment, the store beneath, the record, and coming to rest |
//! | `act` | from a step to commands, words of models and faults |
//! | `watch` | readers that come, lag, leave and come back |
//! | `plant` | bugs planted around the world, for the property to find |
//! | `tally` | what happened how often |
//! | `check` | what must hold after each step, and at the end |
//!
//! `POLYCHAT_CASES` and `POLYCHAT_STEPS` ask for more, `POLYCHAT_SEED` for the same again.

pub(crate) mod act;
mod check;
mod plant;
pub(crate) mod rig;
pub(crate) mod step;
pub(crate) mod tally;
mod watch;

use std::{
    cell::RefCell,
    hash::{BuildHasher, RandomState},
};

use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use self::{plant::Plant, rig::Rig, tally::Tally};
use crate::support::Ground;

const CASES: u64 = 256;
/// Of those over a file, each of which costs several times as much.
const CASES_IN_A_FILE: u64 = 64;
/// Of those over a pipe, on whose other end each of them waits.
const CASES_OVER_A_PIPE: u64 = 96;
const STEPS: u64 = 50;

pub(crate) fn wanted(name: &str, default: u64) -> u64 {
    let value = std::env::var(name).ok();
    value.map_or(default, |value| value.parse().expect("a number"))
}

/// The seed asked for. The default never changes, so that a failure is never a matter of luck;
/// `POLYCHAT_SEED=random` looks where nobody has looked yet.
pub(crate) fn wanted_seed() -> u64 {
    match std::env::var("POLYCHAT_SEED").as_deref() {
        Ok("random") => RandomState::new().hash_one(0),
        _ => wanted("POLYCHAT_SEED", 1),
    }
}

/// The generator of a seed; the same seed leads to the same cases.
pub(crate) fn generator(seed: u64) -> TestRng {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &bytes)
}

// laws 1 to 7; REQ-1 to REQ-12, REQ-14, REQ-15; NFR-1, NFR-2
#[test]
fn whatever_happens_in_any_order_all_laws_hold() {
    let (tally, cases, steps) = hold(|| Rig::on(Ground::memory()), CASES);
    if cases >= CASES && steps >= STEPS {
        // A property that never gets to what it is about cannot fail.
        assert_eq!(tally.missing(), Vec::<&str>::new(), "never happened");
    }
}

// laws 1 to 7; issue 4: the same over a file, which every other process opens again
#[test]
fn whatever_happens_to_chats_in_a_file_in_any_order_all_laws_hold() {
    let (tally, cases, steps) = hold(|| Rig::on(Ground::file()), CASES_IN_A_FILE);
    if cases >= CASES_IN_A_FILE && steps >= STEPS {
        let wanted = ["process lost", "lost while a call runs", "turn interrupted", "resumed"];
        assert_eq!(tally.missing_of(wanted), Vec::<&str>::new(), "never happened");
    }
}

// laws 1 to 7; issue 5: the same through a pipe, with whatever that adds
#[test]
fn whatever_happens_at_the_other_end_of_a_pipe_in_any_order_all_laws_hold() {
    let piped = || Rig::on(Ground::memory()).over_a_pipe();
    let (tally, cases, steps) = hold(piped, CASES_OVER_A_PIPE);
    if cases >= CASES_OVER_A_PIPE && steps >= STEPS {
        let wanted = ["process lost", "turn interrupted", "resumed"];
        assert_eq!(tally.missing_of(wanted), Vec::<&str>::new(), "never happened");
    }
}

/// Runs the property; answers with what happened, in how many cases of how many steps.
fn hold(rig: fn() -> Rig, cases: u64) -> (Tally, u64, u64) {
    let (cases, count) = (wanted("POLYCHAT_CASES", cases), wanted("POLYCHAT_STEPS", STEPS));
    let seed = wanted_seed();
    // What failed once is kept there with its seed, and tried first from then on.
    let kept = FileFailurePersistence::Direct("tests/it/state_machine.proptest-regressions");
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: Some(Box::new(kept)),
        source_file: Some(file!()),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    silence_planned_panics();
    let tally = RefCell::new(Tally::default());
    let mut runner = TestRunner::new_with_rng(config, generator(seed));
    let strategy = step::steps(usize::try_from(count).unwrap_or(usize::MAX));
    let result = runner.run(&strategy, |steps| {
        let mut rig = rig();
        rig.run(&steps);
        tally.borrow_mut().add(rig.tally());
        match rig.into_problems() {
            problems if problems.is_empty() => Ok(()),
            problems => Err(TestCaseError::fail(problems.join("\n"))),
        }
    });
    let tally = tally.into_inner();
    println!("{cases} cases of {count} steps: {tally}");
    if let Err(failure) = result {
        let failure = match failure {
            TestError::Fail(reason, steps) => format!("{reason}\nafter {steps:?}"),
            aborted @ TestError::Abort(_) => aborted.to_string(),
        };
        panic!(
            "{failure}\nreplay: POLYCHAT_SEED={seed} POLYCHAT_CASES={cases} \
             POLYCHAT_STEPS={count} cargo test --test it state_machine"
        );
    }
    (tally, cases, count)
}

// a check that cannot fail is a defect: the whole pipeline finds what is wrong outside of the checker
#[test]
fn the_property_finds_each_planted_bug() {
    silence_planned_panics();
    for plant in Plant::ALL {
        let config = Config {
            cases: 200,
            max_shrink_iters: 0,
            failure_persistence: None,
            ..Config::default()
        };
        // Always the same runs, in which a world without a plant has no problems.
        let mut runner = TestRunner::new_with_rng(config, generator(7));
        let result = runner.run(&step::steps(STEPS as usize), |steps| {
            let mut rig = Rig::planted(plant);
            rig.run(&steps);
            match rig.into_problems().first() {
                None => Ok(()),
                Some(problem) => Err(TestCaseError::fail(problem.clone())),
            }
        });
        match result {
            Err(TestError::Fail(problem, _)) => {
                let problem = problem.to_string();
                println!("{plant:?}: {}", problem.chars().take(160).collect::<String>());
            }
            other => panic!("{plant:?} was not found: {other:?}"),
        }
    }
}

/// Planned panics of models and stores would drown what a test has to say.
pub(crate) fn silence_planned_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = panic.payload_as_str().unwrap_or_default();
            if !text.contains("planned") && !text.contains("asked the store to panic") {
                usual(panic);
            }
        }));
    });
}

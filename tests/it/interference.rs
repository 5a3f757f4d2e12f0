//! The headline property, non-interference: what a chat's log says does not depend on its
//! neighbours (law 6).
//!
//! Each chat has a script of inputs, faults of its own included. All chats run at once in one world,
//! in a random interleaving, while watchers come and go; then each script runs alone in a fresh
//! world. Up to times and checkpoints the logs are the same.
//!
//! Models and tools misbehave in every chat: they panic, hang, flood and fail, while others wait for
//! a person. All chats share the same model, tools and agents.
//!
//! Time is a world's, so whatever waits for it (a restart, a store that comes back) is waited for
//! within the input that caused it; limits of the world are out of reach.
//!
//! | file | holds |
//! |---|---|
//! | `player` | one chat's script as data, and who plays it |
//! | `threads` | the same on real threads |

mod player;
mod threads;

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use polychat::{ChatId, Command, Limits, Recorded, agent::WorldSettings};
use polychat_testkit::checker::same_log;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner},
};

use self::player::{Act, Player, script};
use super::state_machine::{
    act::new_chat,
    generator,
    rig::Rig,
    silence_planned_panics,
    step::{Watch, watch},
    wanted, wanted_seed,
};

const CASES: u64 = 192;
const CASES_OVER_A_PIPE: u64 = 64;
/// Longer than whatever an input may have to wait for: a hanging append, a restart's pause.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens in one moment: the chats of these places do their next input at once.
#[derive(Debug, Clone)]
struct Round {
    chats: u8,
    watch: Option<Watch>,
}

fn runs() -> impl Strategy<Value = (Vec<Vec<Act>>, Vec<Round>)> {
    let round = (1..=63_u8, option::of(watch())).prop_map(|(chats, watch)| Round { chats, watch });
    (vec(script(), 2..=6), vec(round, 40))
}

/// Bounds that one chat can reach and a world cannot.
fn limits() -> Limits {
    let mut limits = Limits::default();
    let for_ever = Duration::from_secs(365 * 24 * 3_600);
    (limits.turn_duration_max, limits.turn_progress_duration_max) = (for_ever, for_ever);
    (limits.restarts_max, limits.restart_delay) = (1_000, Duration::from_millis(1));
    limits.prompts_queued_max = 3;
    limits.turn_output_bytes_max = 8_192;
    limits.steps_max = 3;
    limits.feed_recorded_max = 8;
    (limits.tool_duration_max, limits.title_duration_max) = (for_ever, for_ever);
    limits.titles_running_max = 1_000;
    limits.tool_calls_parallel_max = 1;
    limits.tool_result_bytes_max = 128;
    limits.tool_output_bytes_max = 512;
    limits
}

/// Whatever leads from one agent to another, and a title for who has none.
fn settings() -> WorldSettings {
    let mut settings = WorldSettings::default();
    (settings.mentions, settings.broadcast, settings.titles) = (true, true, true);
    settings
}

/// Plays these scripts in one world, and then whatever is left of them one by one.
fn play(mut rig: Rig, mut players: Vec<Player<'_>>, rounds: &[Round]) -> Rig {
    rig.drive(async |rig: &mut Rig| {
        rig.send(Command::UpdateWorld { settings: settings() }).await;
        for player in &players {
            rig.chats.push(player.chat.clone());
            rig.send(Command::CreateChat { chat: new_chat(&player.chat) }).await;
        }
        let longest = players.iter().map(|player| player.script.len()).max().unwrap_or(0);
        let rest = Round { chats: u8::MAX, watch: None };
        for round in rounds.iter().chain(std::iter::repeat_n(&rest, longest)) {
            let mut wait = false;
            for (place, player) in players.iter_mut().enumerate() {
                if round.chats >> place & 1 == 1 {
                    wait |= player.play(rig);
                }
            }
            rig.settle().await;
            if wait {
                rig.pass(PATIENCE).await;
            }
            if let Some(watch) = round.watch {
                rig.watch(watch).await;
            }
        }
    });
    rig
}

fn log(rig: &Rig, chat: &ChatId) -> Vec<Recorded> {
    rig.logs.get(chat).into_iter().flatten().map(|recorded| (**recorded).clone()).collect()
}

/// How often which event was compared, by its name.
type Met = BTreeMap<&'static str, usize>;

/// What the property must have met, so that it can be about it.
const WANTED: [&str; 9] = [
    "chat.updated",
    "message.error",
    "prompt.joined",
    "turn.handed_off",
    "tool.start",
    "tool.result",
    "tool.error",
    "approval.requested",
    "approval.resolved",
];

/// Plays the scripts together in this world, and each alone in a world of its own in this process.
fn compare(scripts: &[Vec<Act>], rounds: &[Round], shared: Rig) -> Result<Met, String> {
    let players = || scripts.iter().enumerate().map(|(place, acts)| Player::new(place, acts));
    let together = play(shared, players().collect(), rounds);
    if !together.problems.is_empty() {
        return Err(format!("together: {}", together.problems.join("\n")));
    }
    let mut met = Met::new();
    for player in players() {
        let chat = player.chat.clone();
        let alone = play(Rig::with_limits(limits()), vec![player], &[]);
        if !alone.problems.is_empty() {
            return Err(format!("{chat} alone: {}", alone.problems.join("\n")));
        }
        let (one, other) = (log(&together, &chat), log(&alone, &chat));
        other.iter().for_each(|recorded| *met.entry(recorded.event.name()).or_default() += 1);
        same_log(&one, &other).map_err(|difference| format!("{chat}: {difference}"))?;
    }
    Ok(met)
}

// law 6; REQ-1, REQ-5, REQ-6, REQ-11, REQ-12, NFR-1
#[test]
fn a_chats_log_among_others_is_the_log_it_has_alone() {
    let cases = wanted("POLYCHAT_CASES", CASES);
    let met = hold(|| Rig::with_limits(limits()), cases);
    if cases >= CASES {
        let missing = WANTED.into_iter().filter(|name| !met.contains_key(name));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&str>::new(), "never happened");
    }
}

// law 6; issue 5: one pipe for all chats makes them no more each other's matter than one process
#[test]
fn a_chats_log_among_others_over_one_pipe_is_the_log_it_has_alone() {
    let cases = wanted("POLYCHAT_CASES", CASES_OVER_A_PIPE);
    hold(|| Rig::with_limits(limits()).over_a_pipe(), cases);
}

/// Holds the property for chats that are together in such a world; what was compared how often.
fn hold(shared: fn() -> Rig, cases: u64) -> Met {
    let seed = wanted_seed();
    let kept = FileFailurePersistence::Direct("tests/it/interference.proptest-regressions");
    let config = Config {
        cases: u32::try_from(cases).unwrap_or(u32::MAX),
        failure_persistence: Some(Box::new(kept)),
        source_file: Some(file!()),
        max_shrink_iters: 1_000,
        ..Config::default()
    };
    silence_planned_panics();
    let met = RefCell::new(Met::new());
    let mut runner = TestRunner::new_with_rng(config, generator(seed));
    let result = runner.run(&runs(), |(scripts, rounds)| {
        let more = compare(&scripts, &rounds, shared()).map_err(TestCaseError::fail)?;
        let mut met = met.borrow_mut();
        more.into_iter().for_each(|(name, times)| *met.entry(name).or_default() += times);
        Ok(())
    });
    if let Err(failure) = result {
        let failure = match failure {
            TestError::Fail(reason, runs) => format!("{reason}\nafter {runs:?}"),
            aborted @ TestError::Abort(_) => aborted.to_string(),
        };
        panic!(
            "{failure}\nreplay: POLYCHAT_SEED={seed} POLYCHAT_CASES={cases} \
             cargo test --test it interference"
        );
    }
    let met = met.into_inner();
    let events: usize = met.values().sum();
    println!("{cases} cases, {events} events compared: {met:?}");
    assert!(events as u64 >= cases * 20, "the chats did next to nothing: {events} events");
    met
}

// a check that cannot fail is a defect: in a world so small that chats crowd each other out, they
// do interfere, and that shows
#[test]
fn chats_that_do_interfere_are_found() {
    silence_planned_panics();
    let mut crowded = limits();
    crowded.world_commands_in_flight_max = 1;
    let config =
        Config { cases: 20, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, generator(7));
    let result = runner.run(&runs(), |(scripts, rounds)| {
        let crowded = Rig::with_limits(crowded.clone());
        compare(&scripts, &rounds, crowded).map(drop).map_err(TestCaseError::fail)
    });
    let Err(TestError::Fail(reason, _)) = result else { panic!("not found: {result:?}") };
    assert!(reason.to_string().contains("the logs differ"), "{reason}");
}

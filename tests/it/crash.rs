//! kill -9 and power cuts: real processes under load, ended at any moment, and what is left.
//!
//! A child of this very binary keeps a hundred chats busy over one SQLite file and tells on a pipe
//! what was acknowledged and shown. It is killed after a number of told facts that follows from a
//! seed; the file is then judged by the checker and against what was told, and the next child goes
//! on over the same file. `docs/reliability.md` has the figures of long runs.
//!
//! | file | |
//! |---|---|
//! | `child`, `house`, `person` | the process that is killed: its world, its people |
//! | `told` | what it tells |
//! | `rounds`, `rest` | its parent: kill, look, open again |
//! | `ledger`, `shelf`, `runs`, `fault` | what was told against what is stored and was run |
//! | `plants` | that the judge can say no |
//! | `disk` | a disk that keeps only what was flushed |
//!
//! By hand: `POLYCHAT_KILL_ROUNDS=1000`, `POLYCHAT_CUT_ROUNDS=200`, `POLYCHAT_CRASH_SEED=2`.

mod child;
pub(crate) mod dice;
mod disk;
mod fault;
mod house;
mod ledger;
mod person;
mod plants;
mod rest;
mod rounds;
mod runs;
mod shelf;
mod told;

use polychat_store::Durability::{PowerSafe, ProcessSafe};

use self::{
    disk::Disk,
    fault::listed,
    house::Place,
    ledger::Ledger,
    rounds::{Rounds, count},
};

// law 1, law 5, REQ-9: the end of a process loses nothing, whatever was promised about the power
#[test]
fn a_process_killed_at_any_moment_loses_nothing_and_runs_nothing_twice() {
    let all = count("POLYCHAT_KILL_ROUNDS", 20);
    let mut rounds = Rounds::new(Place::new());
    let folder = rounds.place.live();
    for round in 0..all {
        let durability = if round % 3 == 0 { ProcessSafe } else { PowerSafe };
        rounds.live(durability, None);
        rounds.judge(&folder, durability, round + 1 == all);
    }
    println!("kill -9: {}", rounds.figures);
    rounds.assert_busy();
}

// law 1, law 5: what PowerSafe acknowledged is on the disk
#[test]
fn a_power_cut_takes_nothing_that_power_safe_acknowledged() {
    let mut rounds = Rounds::new(Place::new());
    let Some(disk) = Disk::of(&rounds.place) else { return };
    let all = count("POLYCHAT_CUT_ROUNDS", 10);
    for round in 0..all {
        disk.switch_on();
        rounds.live(PowerSafe, Some(&disk));
        rounds.judge(disk.kept(), PowerSafe, round + 1 == all);
    }
    println!("power cut, PowerSafe: {}", rounds.figures);
    rounds.assert_busy();
}

// law 1: a file is there as a whole or not at all, wherever its first opening was broken off
#[test]
fn a_power_cut_at_any_operation_of_the_first_opening_leaves_a_file_that_can_be_opened() {
    // Every operation by hand; a prime step meets each sort of them.
    let step = count("POLYCHAT_CUT_STEP", 7).max(1);
    let mut operations = 0;
    loop {
        let mut rounds = Rounds::new(Place::new());
        let Some(disk) = Disk::of(&rounds.place) else { return };
        disk.switch_on();
        let told = rounds.live_on(&disk, operations);
        rounds.judge(disk.kept(), PowerSafe, false);
        if told {
            break;
        }
        operations += step;
    }
    println!("power cut: the first chat is there after about {operations} operations");
    assert!(operations > 50, "the first opening writes more than that");
}

// The tests above could not fail if the disk kept more than it should: this shows that it does not.
#[test]
fn a_power_cut_takes_the_end_of_what_process_safe_acknowledged_and_nothing_in_the_middle() {
    let mut rounds = Rounds::new(Place::new());
    let Some(disk) = Disk::of(&rounds.place) else { return };
    let (mut lost, mut shown) = (0, 0);
    for _ in 0..count("POLYCHAT_CUT_ROUNDS", 10) {
        disk.switch_on();
        // What an earlier cut took is not missed again.
        rounds.ledger = Ledger::default();
        rounds.live(ProcessSafe, Some(&disk));
        let shelf = rounds.shelf(disk.kept());
        let (gone, faults) = rounds.ledger.judge_loss(&shelf);
        assert!(faults.is_empty(), "{}", listed(&faults));
        lost += gone;
        shown += rounds.ledger.acknowledged;
    }
    println!("power cut, ProcessSafe: {lost} events lost, {shown} facts told");
    assert!(lost > 0, "the power was cut, and nothing was lost: the disk keeps too much");
}

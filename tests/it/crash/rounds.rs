//! Rounds: a child lives, is killed after so many facts, and what it left is judged.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    process::{ChildStdout, Command, Stdio},
};

use polychat_store::Durability;
use polychat_testkit::checker::RunState;

use super::{
    child::{ORDERS, Orders},
    dice::Dice,
    disk::Disk,
    fault::{Fault, Figures, listed},
    house::{self, Place},
    ledger::Ledger,
    rest::come_to_rest,
    runs::Runs,
    shelf::Shelf,
    told::Told,
};

/// After how many facts a child is killed at most; every fourth is killed much sooner, so that
/// recovery itself is interrupted.
const FACTS_MAX: u64 = 4_000;
const FACTS_OF_RECOVERY_MAX: u64 = 80;
/// Every so many rounds nothing is left to do before the next one begins.
const RESTS_EVERY: u64 = 4;
/// How much of what a child complained of is shown.
const COMPLAINT_BYTES_MAX: usize = 4_000;

/// What must have been stored in some round.
const BUSY: [&str; 17] = [
    "message.imported",
    "chat.updated",
    "chat.closed",
    "chat.reopened",
    "prompt.edited",
    "prompt.withdrawn",
    "prompt.joined",
    "turn.ended",
    "message.checkpoint",
    "message.end",
    "message.error",
    "tool.start",
    "tool.result",
    "tool.error",
    "approval.requested",
    "approval.resolved",
    "history.truncated",
];

/// What all rounds of one test share.
pub(super) struct Rounds {
    pub(super) place: Place,
    dice: Dice,
    pub(super) ledger: Ledger,
    runs: Runs,
    pub(super) figures: Figures,
}

/// How many rounds there are: so many, unless the environment variable `name` says otherwise.
pub(super) fn count(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

impl Rounds {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            dice: Dice::new(count("POLYCHAT_CRASH_SEED", 1)),
            ledger: Ledger::default(),
            runs: Runs::default(),
            figures: Figures::default(),
        }
    }

    /// One life of a child, until it is killed after a number of facts.
    pub(super) fn live(&mut self, durability: Durability, disk: Option<&Disk>) {
        let (mut command, round, seed) = self.child(durability);
        if let Some(disk) = disk {
            disk.plug_in(&mut command, seed);
        }
        let max = if round % 4 == 3 { FACTS_OF_RECOVERY_MAX } else { FACTS_MAX };
        let facts = 1 + self.dice.below(max);
        let heard = self.run(&mut command, facts);
        if heard < facts {
            let complaint = complaint(&self.place);
            let what = format!("round {round} ended after {heard} facts: {complaint}");
            self.ledger.wrong.push(Fault::Child(what));
        }
    }

    /// One life of a child whose disk loses power after so many operations, unless it tells
    /// something first; answers whether it did.
    pub(super) fn live_on(&mut self, disk: &Disk, operations: u64) -> bool {
        let (mut command, _, seed) = self.child(Durability::PowerSafe);
        disk.plug_in(&mut command, seed);
        Disk::cut_after(&mut command, operations);
        self.run(&mut command, 1) > 0
    }

    /// The child of the next round, its number and its seed.
    fn child(&mut self, durability: Durability) -> (Command, u64, u64) {
        let orders = Orders {
            folder: self.place.live(),
            runs: self.place.runs(),
            power_safe: durability == Durability::PowerSafe,
            round: self.figures.rounds,
            seed: self.dice.next(),
        };
        self.figures.rounds += 1;
        (command(&orders, &self.place), orders.round, orders.seed)
    }

    /// Lets a child live for so many facts; answers how many there were before it was killed.
    fn run(&mut self, command: &mut Command, facts: u64) -> u64 {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let heard = self.hear(&mut lines, facts);
        child.kill().unwrap();
        // What it had told before it ended is still in the pipe.
        self.hear(&mut lines, u64::MAX);
        child.wait().unwrap();
        self.figures.acknowledged = self.ledger.acknowledged;
        self.runs.read(&self.place.runs());
        self.figures.tools_run = self.runs.count();
        heard
    }

    /// Takes in facts, up to so many; answers how many there were.
    fn hear(&mut self, lines: &mut BufReader<ChildStdout>, facts: u64) -> u64 {
        let (mut heard, mut line) = (0, Vec::new());
        while heard < facts {
            line.clear();
            if lines.read_until(b'\n', &mut line).unwrap() == 0 {
                break;
            }
            if let Some(told) = Told::of_line(&String::from_utf8_lossy(&line)) {
                self.ledger.take(told);
                heard += 1;
            }
        }
        heard
    }

    /// Looks at a copy of a folder: who goes on with it finds it as it was left.
    pub(super) fn shelf(&mut self, folder: &std::path::Path) -> Shelf {
        let look = self.place.path("look");
        house::copy(folder, &look);
        let shelf = Shelf::read(&look, self.ledger.gone());
        self.figures.read(&shelf);
        shelf
    }

    /// Judges what a crash left in this folder; every few rounds, and at the last, also what
    /// becomes of it. Nothing of what was acknowledged may be missing.
    pub(super) fn judge(
        &mut self,
        folder: &std::path::Path,
        durability: Durability,
        is_last: bool,
    ) {
        let shelf = self.shelf(folder);
        let mut faults = self.ledger.judge(&shelf, RunState::Live);
        faults.extend(self.runs.judge(&shelf));
        if is_last || self.figures.rounds.is_multiple_of(RESTS_EVERY) {
            let (found, asked) = come_to_rest(folder, &self.place.runs(), durability);
            faults.extend(found);
            self.figures.asked_after += asked;
            self.runs.read(&self.place.runs());
            let shelf = self.shelf(folder);
            faults.extend(self.ledger.judge(&shelf, RunState::Quiet));
            faults.extend(self.runs.judge(&shelf));
        }
        self.figures.count(&faults);
        self.figures.deleted = self.ledger.gone().count();
        let round = self.figures.rounds;
        assert!(faults.is_empty(), "after round {round}: {}\n{}", listed(&faults), self.figures);
    }

    /// The rounds were worth it: everything that chats do was going on, and was broken off.
    pub(super) fn assert_busy(&self) {
        let figures = &self.figures;
        let missing: Vec<_> =
            BUSY.iter().filter(|kind| !figures.kinds.contains_key(*kind)).collect();
        assert!(missing.is_empty(), "never: {missing:?} in {figures}");
        assert!(figures.broken_off > 0 && figures.asked_after > 0, "{figures}");
        assert!(figures.deleted > 0 && figures.tools_run > 0, "{figures}");
    }
}

fn command(orders: &Orders, place: &Place) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "crash::child::lives_until_it_is_killed", "--nocapture"])
        .env(ORDERS, serde_json::to_string(orders).unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(place.path("complaints")).unwrap());
    command
}

/// The end of what a child complained of.
fn complaint(place: &Place) -> String {
    let mut text = Vec::new();
    File::open(place.path("complaints")).unwrap().read_to_end(&mut text).unwrap();
    let from = text.len().saturating_sub(COMPLAINT_BYTES_MAX);
    String::from_utf8_lossy(&text[from..]).into_owned()
}

//! What can be found wrong after a crash, and how much of it there was.

use std::{collections::BTreeMap, fmt};

use polychat::Event;
use polychat_testkit::checker::{LogFault, Violation};

use super::shelf::Shelf;

/// How many faults a failing test shows.
const TOLD_MAX: usize = 40;

/// Something that must not be.
#[derive(Debug)]
pub(super) enum Fault {
    /// What was acknowledged or shown is not there any more, or is another.
    Lost(String),
    /// A log breaks a law.
    Law(Violation),
    /// A tool was run again for the call of this name.
    RanTwice(String),
    /// A tool was run for a call that the log does not know to have begun, or answered unrun.
    RunNotRecorded(String),
    /// The store finds its own file unsound.
    Unsound(String),
    /// A child met something wrong, or ended by itself.
    Child(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(what) => write!(f, "lost: {what}"),
            Self::Law(violation) => write!(f, "{violation:?}"),
            Self::RanTwice(call) => write!(f, "ran twice: {call}"),
            Self::RunNotRecorded(what) => write!(f, "not recorded: {what}"),
            Self::Unsound(what) => write!(f, "unsound: {what}"),
            Self::Child(what) => write!(f, "in the child: {what}"),
        }
    }
}

/// The first faults, one line each.
pub(super) fn listed(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().take(TOLD_MAX).map(Fault::to_string).collect();
    format!("{} faults\n{}", faults.len(), lines.join("\n"))
}

impl Fault {
    fn is_gap(&self) -> bool {
        let Self::Law(Violation::Log { fault, .. }) = self else { return false };
        matches!(fault, LogFault::SeqGap { .. } | LogFault::SeqReused)
    }

    fn is_second_end(&self) -> bool {
        let Self::Law(Violation::Log { fault, .. }) = self else { return false };
        matches!(
            fault,
            LogFault::TwoOutcomes { .. }
                | LogFault::MessageEndedTwice { .. }
                | LogFault::CallEndedTwice { .. }
        )
    }
}

/// The sum of many rounds, as `docs/reliability.md` tells it.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) rounds: u64,
    pub(super) acknowledged: u64,
    pub(super) tools_run: u64,
    /// Chats whose deletion was told, or happened.
    pub(super) deleted: usize,
    /// Events of logs read after crashes, each time they were read.
    pub(super) events_checked: u64,
    /// Which events were among them, and how many.
    pub(super) kinds: BTreeMap<&'static str, u64>,
    /// Turns that ran or waited for a person at the moment of a crash.
    pub(super) broken_off: u64,
    /// Model calls in worlds that came to rest after a crash: of prompts that waited.
    pub(super) asked_after: usize,
    pub(super) lost: usize,
    pub(super) gaps: usize,
    pub(super) second_ends: usize,
    pub(super) ran_twice: usize,
    pub(super) others: usize,
}

impl Figures {
    /// Counts what was read after a crash.
    pub(super) fn read(&mut self, shelf: &Shelf) {
        for log in shelf.logs.values() {
            let mut runs = false;
            for recorded in log {
                self.events_checked += 1;
                *self.kinds.entry(recorded.event.name()).or_default() += 1;
                match recorded.event {
                    Event::TurnStarted { .. } => runs = true,
                    Event::TurnEnded { .. } => runs = false,
                    _ => {}
                }
            }
            self.broken_off += u64::from(runs);
        }
    }

    /// Counts what was found wrong.
    pub(super) fn count(&mut self, faults: &[Fault]) {
        for fault in faults {
            let counter = match fault {
                Fault::Lost(_) => &mut self.lost,
                Fault::RanTwice(_) => &mut self.ran_twice,
                fault if fault.is_gap() => &mut self.gaps,
                fault if fault.is_second_end() => &mut self.second_ends,
                _ => &mut self.others,
            };
            *counter += 1;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rounds: {} acknowledged, {} lost; {} events checked, {} gaps, {} second ends; \
             {} tools run, {} run twice; {} turns broken off; {} model calls for what had waited; \
             {} chats deleted; {} other faults; events {:?}",
            self.rounds,
            self.acknowledged,
            self.lost,
            self.events_checked,
            self.gaps,
            self.second_ends,
            self.tools_run,
            self.ran_twice,
            self.broken_off,
            self.asked_after,
            self.deleted,
            self.others,
            self.kinds,
        )
    }
}

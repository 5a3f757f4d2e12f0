//! What can be found wrong after a crash, and how much of it there was.

use std::{collections::BTreeSet, fmt};

use polychat::{Event, TurnOutcome};
use polychat_testkit::checker::{LogFault, Violation};

use super::shelf::Shelf;

/// Something that must not be.
#[derive(Debug, Clone)]
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
    /// Events of logs read after crashes, each time they were read.
    pub(super) events_checked: u64,
    /// Which events were among them.
    pub(super) kinds: BTreeSet<&'static str>,
    /// Turns that a crash interrupted, as the logs say each time that they have come to rest.
    pub(super) interrupted: u64,
    pub(super) lost: usize,
    pub(super) gaps: usize,
    pub(super) second_ends: usize,
    pub(super) ran_twice: usize,
    pub(super) others: usize,
}

impl Figures {
    /// Counts what was read after a crash.
    pub(super) fn read(&mut self, shelf: &Shelf) {
        for recorded in shelf.logs.values().flatten() {
            self.events_checked += 1;
            self.kinds.insert(recorded.event.name());
        }
    }

    /// Counts what a crash cost that is allowed: turns that ended as interrupted.
    pub(super) fn rest(&mut self, shelf: &Shelf) {
        let is = |event: &Event| {
            matches!(event, Event::TurnEnded { outcome: TurnOutcome::Interrupted, .. })
        };
        let all = shelf.logs.values().flatten().filter(|recorded| is(&recorded.event));
        self.interrupted += all.count() as u64;
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
             {} tools run, {} run twice; {} turns interrupted; {} other faults",
            self.rounds,
            self.acknowledged,
            self.lost,
            self.events_checked,
            self.gaps,
            self.second_ends,
            self.tools_run,
            self.ran_twice,
            self.interrupted,
            self.others,
        )
    }
}

//! What happened in the runs, counted: a property that never gets to what it is about cannot fail.

use std::{collections::BTreeMap, fmt};

use polychat::{
    CommandError, Event, LiveBody, Notice, PromptOutcome, Reply, StartAt, TurnOutcome,
    notice::WorldNotice,
};
use polychat_testkit::history::Fact;

/// How often what happened.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

/// What 256 runs of 50 steps are bound to meet.
const WANTED: [&str; 39] = [
    "event chat.closed",
    "event chat.created",
    "event chat.deleted",
    "event chat.updated",
    "event history.truncated",
    "event message.checkpoint",
    "event message.end",
    "event message.error",
    "event message.imported",
    "event prompt.accepted",
    "event prompt.joined",
    "event prompt.withdrawn",
    "event tool.error",
    "turn cancelled",
    "turn completed",
    "turn failed deadline or silence",
    "turn failed model_unavailable",
    "turn failed output_limit",
    "turn failed panicked",
    "turn interrupted",
    "lookup ended",
    "notice live",
    "notice recorded",
    "notice status",
    "ended unreadable",
    "ended world_closed",
    "diagnostic recovered",
    "diagnostic stalled",
    "answer chat_busy",
    "answer chat_closed",
    "answer chat_deleted",
    "answer chat_failed",
    "answer chat_restarted",
    "answer chat_stalled",
    "answer conflict",
    "answer prompt_not_waiting",
    "answer store_unavailable",
    "process lost",
    "resumed",
];

impl Tally {
    /// Counts a fact.
    pub(super) fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::Committed { events, .. } => {
                for recorded in events {
                    self.add_one(format!("event {}", recorded.event.name()));
                    if let Event::TurnEnded { outcome, .. } = &recorded.event {
                        self.add_one(format!("turn {}", word(outcome)));
                    }
                }
            }
            Fact::Sent { .. } => self.add_one("commands".to_owned()),
            Fact::Answered { answer, .. } => self.answer(answer),
            Fact::Subscribed { start: StartAt::After(_), .. } => self.add_one("resumed".to_owned()),
            Fact::Noticed { notice, .. } => self.notice(notice),
            Fact::ProcessLost => self.add_one("process lost".to_owned()),
            _ => {}
        }
    }

    fn answer(&mut self, answer: &Result<Reply, CommandError>) {
        match answer {
            Ok(Reply::Prompt(polychat::command::PromptState::Ended { outcome, .. })) => {
                self.add_one("lookup ended".to_owned());
                if *outcome == PromptOutcome::Withdrawn {
                    self.add_one("lookup withdrawn".to_owned());
                }
            }
            Ok(_) => self.add_one("answer ok".to_owned()),
            Err(error) => self.add_one(format!("answer {}", error.code())),
        }
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Recorded { .. } => self.add_one("notice recorded".to_owned()),
            Notice::Live { event, .. } => {
                self.add_one("notice live".to_owned());
                if matches!(event.body, LiveBody::ReasoningChunk { .. }) {
                    self.add_one("notice reasoning".to_owned());
                }
            }
            Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => {
                self.add_one(format!("diagnostic {}", diagnostic.kind.as_str()));
            }
            Notice::World(WorldNotice::Status { .. }) => self.add_one("notice status".to_owned()),
            Notice::Ended(reason) => {
                let word = serde_json::to_value(reason).ok();
                let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
                self.add_one(format!("ended {word}"));
            }
            _ => {}
        }
    }

    fn add_one(&mut self, what: String) {
        *self.0.entry(what).or_default() += 1;
    }

    /// Adds what happened in another run.
    pub(super) fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// What should have happened and never did.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        WANTED.into_iter().filter(|wanted| !self.0.contains_key(*wanted)).collect()
    }
}

fn word(outcome: &TurnOutcome) -> String {
    match outcome {
        TurnOutcome::Failed { failure } => match failure.kind.as_str() {
            "deadline" | "no_progress" => "failed deadline or silence".to_owned(),
            kind => format!("failed {kind}"),
        },
        outcome => outcome.as_str().to_owned(),
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, times)| write!(f, "\n  {times:>8}  {what}"))
    }
}

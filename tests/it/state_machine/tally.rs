//! What happened in the runs, counted: a property that never gets to what it is about cannot fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use polychat::{
    ChatId, Command, CommandError, Event, LiveBody, Notice, PromptOutcome, Recorded, Reply,
    StartAt, StatusKind, ToolCallId, TurnOutcome,
    event::{ApprovalKind, PromptMode, TitleProvenance},
    notice::WorldNotice,
    rules::TITLE_INSTRUCTIONS,
    tool::ApprovalDecision,
};
use polychat_testkit::history::{Fact, RunEnd};

/// How often what happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<String, u64>,
    /// What is under way, to tell what it went through.
    chats: BTreeMap<ChatId, Under>,
}

/// What is under way in a chat.
#[derive(Debug, Clone, Default)]
struct Under {
    /// Calls that wait for a person, and whether the process was lost or the world closed since.
    waiting: BTreeMap<ToolCallId, bool>,
    /// Calls that run.
    running: BTreeSet<ToolCallId>,
    /// Whether a call of the step at hand has ended.
    some_ended: bool,
    in_turn: bool,
}

/// What 256 runs of 50 steps are bound to meet.
const WANTED: [&str; 76] = [
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
    "event turn.handed_off",
    "turn cancelled",
    "turn completed",
    "turn failed deadline or silence",
    "turn failed model_unavailable",
    "turn failed output_limit",
    "turn failed panicked",
    "turn interrupted",
    "turn to all",
    "calls at once 1",
    "calls at once 4",
    "a call waited for its place",
    "a call waited longer than its process",
    "agents changed in the middle of a turn",
    "asked for answer",
    "asked for permission",
    "decided allowed for the chat",
    "decided allowed once",
    "decided answered",
    "decided denied",
    "decided too late",
    "decided while another call runs",
    "call failed cancelled",
    "call failed denied",
    "call failed interrupted",
    "call failed invalid_arguments",
    "call failed unknown_tool",
    "run failed cancelled",
    "run failed deadline",
    "run failed panicked",
    "run failed tool_failed",
    "run failed unknown_outcome",
    "run dropped",
    "run returned",
    "result cut",
    "output unshown",
    "cancelled while a call runs",
    "cancelled while a call waits",
    "closed while a call runs",
    "deleted while a call runs",
    "deleted while a call waits",
    "interrupted while a call runs",
    "interrupted while a call waits",
    "lost while a call runs",
    "revised while a call runs",
    "revised while a call waits",
    "title asked for",
    "title of a model",
    "lookup ended",
    "notice awaiting",
    "notice live",
    "notice output",
    "notice progress",
    "notice recorded",
    "notice status",
    "ended unreadable",
    "ended world_closed",
    "diagnostic recovered",
    "diagnostic stalled",
    "answer chat_busy",
    "answer conflict",
    "answer decision_mismatch",
    "process lost",
    "resumed",
];

/// What stores and people who come too late are told, in the same runs.
const REFUSED: [&str; 9] = [
    "answer agent_in_use",
    "answer chat_closed",
    "answer chat_deleted",
    "answer chat_failed",
    "answer chat_restarted",
    "answer chat_stalled",
    "answer prompt_not_waiting",
    "answer store_unavailable",
    "answer unknown_agent",
];

impl Tally {
    /// Counts a fact.
    pub(super) fn count(&mut self, fact: &Fact) {
        match fact {
            Fact::Committed { chat, events, .. } => {
                self.ends(chat, events);
                for recorded in events {
                    self.add_one(format!("event {}", recorded.event.name()));
                    self.recorded(chat, recorded);
                }
            }
            Fact::Sent { command, .. } => {
                self.add_one("commands".to_owned());
                let turns = self.chats.values().any(|under| under.in_turn);
                if let (Command::PutAgent { .. } | Command::RemoveAgent { .. }, true) =
                    (command, turns)
                {
                    self.add_one("agents changed in the middle of a turn".to_owned());
                }
            }
            Fact::Answered { answer, .. } => self.answer(answer),
            Fact::Subscribed { start: StartAt::After(_), .. } => self.add_one("resumed".to_owned()),
            Fact::Noticed { notice, .. } => self.notice(notice),
            Fact::Requested { content, .. } if *content.system == *TITLE_INSTRUCTIONS => {
                self.add_one("title asked for".to_owned());
            }
            Fact::RunEnded { end: RunEnd::Dropped, .. } => self.add_one("run dropped".to_owned()),
            Fact::RunEnded { .. } => self.add_one("run returned".to_owned()),
            Fact::ProcessLost => self.add_one("process lost".to_owned()),
            Fact::Opening => {
                let waiting = self.chats.values_mut().flat_map(|under| under.waiting.values_mut());
                waiting.for_each(|outlived| *outlived = true);
            }
            _ => {}
        }
    }

    /// What ended a turn from outside, and where the turn stood.
    fn ends(&mut self, chat: &ChatId, events: &[Arc<Recorded>]) {
        let Some(under) = self.chats.get(chat) else { return };
        let stood = match (under.running.is_empty(), under.waiting.is_empty()) {
            (true, true) => return,
            (false, _) => "runs",
            (true, false) => "waits",
        };
        let has = |is: fn(&Event) -> bool| events.iter().any(|recorded| is(&recorded.event));
        if let Some(what) = ended_by(has) {
            self.add_one(format!("{what} while a call {stood}"));
        }
    }

    fn recorded(&mut self, chat: &ChatId, recorded: &Recorded) {
        let under = self.chats.entry(chat.clone()).or_default();
        let mut words = Vec::new();
        match &recorded.event {
            Event::TurnStarted { then, .. } => {
                under.in_turn = true;
                words.extend((!then.is_empty()).then(|| "turn to all".to_owned()));
            }
            Event::TurnEnded { outcome, .. } => {
                *under = Under::default();
                words.push(format!("turn {}", word(outcome)));
            }
            Event::MessageEnd { tool_calls, .. } => {
                under.some_ended = false;
                words.push(format!("calls at once {}", tool_calls.len()));
            }
            Event::ApprovalRequested { tool_call_id, kind, .. } => {
                under.waiting.insert(*tool_call_id, false);
                let asked = if *kind == ApprovalKind::Question { "answer" } else { "permission" };
                words.push(format!("asked for {asked}"));
            }
            Event::ApprovalResolved { tool_call_id, decision } => {
                let outlived = under.waiting.remove(tool_call_id);
                words.push(format!("decided {}", decision_word(decision.as_ref())));
                if decision.is_some() && outlived == Some(true) {
                    words.push("a call waited longer than its process".to_owned());
                }
                if !under.running.is_empty() {
                    words.push("decided while another call runs".to_owned());
                }
            }
            Event::ToolStart { tool_call_id, .. } => {
                if under.some_ended {
                    words.push("a call waited for its place".to_owned());
                }
                under.running.insert(*tool_call_id);
            }
            Event::ToolResult { tool_call_id, output } => {
                under.running.remove(tool_call_id);
                under.some_ended = true;
                words.extend((output.cut_bytes > 0).then(|| "result cut".to_owned()));
                words.extend((output.unshown_bytes > 0).then(|| "output unshown".to_owned()));
            }
            Event::ToolError { tool_call_id, failure } => {
                let began = under.running.remove(tool_call_id);
                under.some_ended = true;
                let when = if began { "run" } else { "call" };
                words.push(format!("{when} failed {}", failure.kind.as_str()));
            }
            Event::ChatUpdated { provenance: Some(TitleProvenance::Auto), .. } => {
                words.push("title of a model".to_owned());
            }
            _ => {}
        }
        words.into_iter().for_each(|word| self.add_one(word));
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
                match event.body {
                    LiveBody::ReasoningChunk { .. } => self.add_one("notice reasoning".to_owned()),
                    LiveBody::ToolOutput { .. } => self.add_one("notice output".to_owned()),
                    LiveBody::ToolProgress { .. } => self.add_one("notice progress".to_owned()),
                    _ => {}
                }
            }
            Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => {
                self.add_one(format!("diagnostic {}", diagnostic.kind.as_str()));
            }
            Notice::World(WorldNotice::Status { status }) => {
                self.add_one("notice status".to_owned());
                if status.kind == StatusKind::Awaiting {
                    self.add_one("notice awaiting".to_owned());
                }
            }
            Notice::Ended(reason) => {
                let word = serde_json::to_value(reason).ok();
                let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default();
                self.add_one(format!("ended {word}"));
            }
            _ => {}
        }
    }

    fn add_one(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Adds what happened in another run.
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.counts {
            *self.counts.entry(what.clone()).or_default() += times;
        }
    }

    /// What should have happened and never did.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        self.missing_of(WANTED.into_iter().chain(REFUSED))
    }

    /// What of these never happened.
    pub(crate) fn missing_of(
        &self,
        wanted: impl IntoIterator<Item = &'static str>,
    ) -> Vec<&'static str> {
        wanted.into_iter().filter(|wanted| !self.counts.contains_key(*wanted)).collect()
    }
}

type Is = fn(&Event) -> bool;

/// Who or what ended a turn from outside, in an append that has such events.
fn ended_by(has: impl Fn(Is) -> bool) -> Option<&'static str> {
    let words: [(&str, Is); 6] = [
        ("deleted", |event| matches!(event, Event::ChatDeleted {})),
        ("closed", |event| matches!(event, Event::ChatClosed {})),
        ("revised", |event| matches!(event, Event::HistoryTruncated { .. })),
        ("interrupted", |event| {
            matches!(event, Event::PromptAccepted { mode: PromptMode::Interrupt, .. })
        }),
        ("cancelled", |event| {
            matches!(event, Event::TurnEnded { outcome: TurnOutcome::Cancelled, .. })
        }),
        ("lost", |event| {
            matches!(event, Event::TurnEnded { outcome: TurnOutcome::Interrupted, .. })
        }),
    ];
    words.into_iter().find(|(_, is)| has(*is)).map(|(word, _)| word)
}

fn decision_word(decision: Option<&ApprovalDecision>) -> &'static str {
    match decision {
        Some(ApprovalDecision::AllowOnce) => "allowed once",
        Some(ApprovalDecision::AllowForChat) => "allowed for the chat",
        Some(ApprovalDecision::Deny { .. }) => "denied",
        Some(ApprovalDecision::Answer { .. }) => "answered",
        _ => "too late",
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
        self.counts.iter().try_for_each(|(what, times)| write!(f, "\n  {times:>8}  {what}"))
    }
}

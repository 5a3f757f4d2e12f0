//! One judge over a whole recorded history: every law, in one pass.
//!
//! The checker is a second opinion. It shares no rule with `polychat_core::rules`: it knows only
//! the words (events, notices, commands, answers, requests, statuses) and the laws of
//! `docs/ARCHITECTURE.md`. Property tests feed it what [`History`] recorded; a planted violation of
//! each sort shows that it can say no.
//!
//! | file | judges |
//! |---|---|
//! | `log`, `work`, `prompts` | one log: shape, turns, messages, prompts (laws 2, 5) |
//! | `calls` | tool calls and approvals of one log (law 5) |
//! | `agents`, `titles` | who answers, handing on, titles that a model proposed |
//! | `delivery`, `shown`, `world_feed` | what subscribers received (laws 1, 4) |
//! | `answers` | answers to commands, refusals |
//! | `statuses` | statuses and summaries against the log |
//! | `requests`, `past` | what models were given and released (law 3, REQ-2) |
//! | `runs`, `contexts` | what tools were given and did (law 3, REQ-4) |
//! | `canary` | secrets of one chat in another (NFR-1) |
//! | `same_log` | non-interference (law 6) |
//!
//! What a world was told of its agents and settings is in `told`. [`Checker`] keeps pace with a growing history, so a test can ask after each step; the whole
//! costs time in proportion to the facts. [`check_log`] judges one log alone.

mod agents;
mod answers;
mod calls;
mod canary;
mod contexts;
mod delivery;
mod log;
mod past;
pub(crate) mod place;
mod prompts;
mod requests;
mod runs;
mod same_log;
mod shown;
mod statuses;
mod titles;
mod told;
mod violation;
mod work;
mod world_feed;

use std::{collections::HashMap, sync::Arc};

use polychat_core::{ChatId, Event, Recorded, Reply, Summary};

use self::{
    answers::Answers, delivery::Deliveries, log::LogWalk, requests::Requests, runs::Runs,
    statuses::judge_summary, told::Told, world_feed::WorldFeeds,
};
pub use self::{
    canary::{Canaries, canaries},
    log::check_log,
    same_log::{Difference, canonical, same_log},
    told::Known,
    violation::{
        AnswerFault, ContextPart, DeliveryFault, LogFault, OpenWork, RequestFault, RunFault,
        StatusFault, Violation,
    },
};
use crate::history::{Entry, Fact, History};

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// The world still works: turns may be open and prompts may wait.
    Live,
    /// The run is over and the world had time to finish: nothing may be open.
    Quiet,
}

/// Judges a whole history.
///
/// A history begins with the first life of its logs: what was recorded before it cannot be told
/// from what nobody asked for.
#[must_use]
pub fn check(history: &History, run: RunState) -> Vec<Violation> {
    let mut checker = Checker::new();
    checker.keep_up(history);
    checker.finish(run)
}

/// How many turns of all chats ran at the same moment at most, as the store saw it.
#[must_use]
pub fn turns_at_once(history: &History) -> usize {
    let (mut now, mut most) = (0_usize, 0_usize);
    for entry in history.entries() {
        let Fact::Committed { events, .. } = &entry.fact else { continue };
        for recorded in events {
            match recorded.event {
                Event::TurnStarted { .. } => now += 1,
                Event::TurnEnded { .. } => now = now.saturating_sub(1),
                _ => {}
            }
        }
        most = most.max(now);
    }
    most
}

/// A judge that keeps pace with a history.
///
/// ```
/// use polychat_testkit::{checker::{Checker, RunState}, history::History};
///
/// let history = History::new();
/// let mut checker = Checker::new();
/// // After each step of a test:
/// checker.keep_up(&history);
/// assert_eq!(checker.found(), []);
/// // At its end:
/// assert_eq!(checker.finish(RunState::Quiet), []);
/// ```
#[derive(Debug, Default)]
pub struct Checker {
    next: u64,
    walks: HashMap<ChatId, LogWalk>,
    deliveries: Deliveries,
    feeds: WorldFeeds,
    answers: Answers,
    requests: Requests,
    runs: Runs,
    told: Told,
    found: Vec<Violation>,
}

impl Checker {
    /// A judge that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells it what a history does not say of its world. It must have judged nothing yet.
    #[must_use]
    pub fn knowing(mut self, known: Known) -> Self {
        self.told.know(known);
        self
    }

    /// Judges what was recorded since the last time.
    pub fn keep_up(&mut self, history: &History) {
        for entry in history.entries_from(self.next) {
            self.entry(&entry);
        }
    }

    /// What was found so far.
    #[must_use]
    pub fn found(&self) -> &[Violation] {
        &self.found
    }

    /// Ends the judging: also what is missing now is found.
    #[must_use]
    pub fn finish(mut self, run: RunState) -> Vec<Violation> {
        for walk in self.walks.values() {
            walk.finish(run, &mut self.found);
        }
        self.answers.finish(&self.walks, &mut self.found);
        self.found
    }

    fn entry(&mut self, entry: &Entry) {
        self.next = entry.order.saturating_add(1);
        match &entry.fact {
            Fact::Sent { call, command } => {
                self.told.sent(*call, command, entry.order);
                self.answers.sent(*call, command, &self.walks);
            }
            Fact::Answered { call, answer } => {
                self.told.answered(*call, answer.is_ok(), entry.order);
                self.answers.answered(*call, answer, &self.walks, &mut self.found);
                if let Ok(Reply::Snapshot(snapshot)) = answer {
                    self.deliveries.snapshot(&snapshot.status.chat_id, snapshot);
                }
            }
            Fact::Committed { chat, events, summary } => {
                self.committed(entry.order, chat, events, summary.as_ref());
            }
            Fact::Subscribed { subscriber, scope, start } => {
                let walk = scope_chat(scope).and_then(|chat| self.walks.get(chat));
                self.deliveries.subscribed(*subscriber, scope, start, walk);
                self.feeds.subscribed(*subscriber, scope);
            }
            Fact::Noticed { subscriber, notice } => {
                let (walks, found) = (&self.walks, &mut self.found);
                let sources = (&self.requests, &self.runs);
                self.deliveries.noticed(*subscriber, notice, walks, sources, found);
                self.feeds.noticed(*subscriber, notice, walks, found);
            }
            Fact::Requested { request, chat, content } => {
                let walk = chat.as_ref().and_then(|chat| self.walks.get(chat));
                let (chat, found) = (chat.as_ref(), &mut self.found);
                self.requests.requested(*request, walk, chat, content, found);
            }
            Fact::Released { request, delta } => self.requests.released(*request, delta),
            Fact::Ran { run, chat, tool, input } => {
                let walk = chat.as_ref().and_then(|chat| self.walks.get(chat));
                self.runs.ran(*run, walk, tool, input, &mut self.found);
            }
            Fact::Showed { run, showing } => self.runs.showed(*run, showing),
            Fact::RunEnded { run, end } => self.runs.ended(*run, end),
            Fact::Opening => self.told.opening(entry.order),
            Fact::ProcessLost => self.deliveries.shown.process_lost(),
            Fact::Unsubscribed { .. } | Fact::Task { .. } => {}
        }
    }

    fn committed(
        &mut self,
        order: u64,
        chat: &ChatId,
        events: &[Arc<Recorded>],
        summary: Option<&Summary>,
    ) {
        let new = || LogWalk::new(chat.clone());
        let walk = self.walks.entry(chat.clone()).or_insert_with(new);
        let lived = walk.deleted.is_none();
        walk.unconfirmed = summary.is_none();
        // What is stored now was decided after the append before had been acknowledged.
        let moment = self.told.between(walk.told_at, order);
        walk.told_at = order;
        for recorded in events {
            walk.push(recorded, moment, &mut self.found);
            self.requests.ended(chat, recorded, &mut self.found);
            self.runs.recorded(chat, recorded, &mut self.found);
            if let Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. } =
                &recorded.event
            {
                self.deliveries.shown.ended(walk, chat, *message_id, &mut self.found);
            }
        }
        if let (true, Some(first), Some(_)) = (lived, events.first(), walk.deleted) {
            walk.deleted_from = first.seq;
        }
        if let Some(summary) = summary {
            judge_summary(Some(walk), summary, &mut self.found);
        }
    }
}

fn scope_chat(scope: &polychat_core::Scope) -> Option<&ChatId> {
    match scope {
        polychat_core::Scope::Chat(chat) => Some(chat),
        _ => None,
    }
}

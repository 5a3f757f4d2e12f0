//! One chat's log, judged event by event: its shape here, its work and prompts in their own files.

use std::{collections::HashMap, sync::Arc};

use polychat_core::{
    ChatId, Event, OutcomeKind, Recorded, Seq, StatusKind, TurnId, content::Text, event::PromptMode,
};

use super::{
    RunState,
    agents::Agents,
    contexts::Contexts,
    past::Past,
    prompts::{AfterCut, Busy, Prompts, Standing},
    titles::Titles,
    told::{Moment, Told},
    violation::{LogFault, OpenWork, Violation},
    work::Work,
};

/// Judges one log on its own, in one pass.
///
/// This is the cheap part of [`check`](super::check): it needs no history, only what a store
/// holds, and suits logs read back after a restart.
///
/// ```
/// use polychat_core::ChatId;
/// use polychat_testkit::checker::{self, RunState};
///
/// let chat = ChatId::new("a")?;
/// assert!(checker::check_log(&chat, &[], RunState::Quiet).is_empty());
/// # Ok::<(), polychat_core::id::InvalidId>(())
/// ```
#[must_use]
pub fn check_log<'a>(
    chat: &ChatId,
    log: impl IntoIterator<Item = &'a Recorded>,
    run: RunState,
) -> Vec<Violation> {
    let mut walk = LogWalk::new(chat.clone());
    let (told, mut found) = (Told::blind(), Vec::new());
    for recorded in log {
        walk.push(&Arc::new(recorded.clone()), told.between(0, u64::MAX), &mut found);
    }
    walk.finish(run, &mut found);
    found
}

/// What a status must say at one head.
#[derive(Debug, Clone)]
pub(super) struct StatusInLog {
    pub(super) kind: KindInLog,
    pub(super) turn: Option<TurnId>,
    pub(super) last_outcome: Option<OutcomeKind>,
    pub(super) queued: usize,
    pub(super) title: Text,
    pub(super) archived: bool,
}

/// The kinds that the log allows at one head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KindInLog {
    Only(StatusKind),
    /// Something runs beside a call that waits, or prompts wait for a turn's place: both words fit.
    Either(StatusKind, StatusKind),
    /// The chat is deleted, and no word fits.
    Any,
}

/// One log as far as it was judged.
#[derive(Debug, Clone)]
pub(super) struct LogWalk {
    pub(super) chat: ChatId,
    pub(super) head: Seq,
    pub(super) events: HashMap<Seq, Arc<Recorded>>,
    pub(super) statuses: HashMap<Seq, StatusInLog>,
    pub(super) work: Work,
    pub(super) prompts: Prompts,
    pub(super) past: Past,
    pub(super) titles: Titles,
    pub(super) contexts: Contexts,
    agents: Agents,
    pub(super) deleted: Option<Seq>,
    /// Whether the last append was found in the store, and its chat may not know of it yet.
    pub(super) unconfirmed: bool,
    /// The first event of the append that deleted the chat.
    pub(super) deleted_from: Seq,
    pub(super) closed: bool,
    /// When the last append was acknowledged, as an order of the history.
    pub(super) told_at: u64,
    title: Text,
    archived: bool,
    last_outcome: Option<OutcomeKind>,
    cut: AfterCut,
    lives: bool,
}

impl LogWalk {
    pub(super) fn new(chat: ChatId) -> Self {
        Self {
            chat,
            head: Seq::ZERO,
            events: HashMap::new(),
            statuses: HashMap::new(),
            work: Work::default(),
            prompts: Prompts::default(),
            past: Past::default(),
            titles: Titles::default(),
            contexts: Contexts::default(),
            agents: Agents::default(),
            deleted: None,
            unconfirmed: false,
            deleted_from: Seq::MAX,
            closed: false,
            told_at: 0,
            title: Text::from(""),
            archived: false,
            last_outcome: None,
            cut: AfterCut::No,
            lives: false,
        }
    }

    /// Judges the next event, which was decided at this moment, and takes it over.
    pub(super) fn push(
        &mut self,
        recorded: &Arc<Recorded>,
        moment: Moment<'_>,
        found: &mut Vec<Violation>,
    ) {
        let mut faults = Vec::new();
        if self.shape(recorded, &mut faults) {
            self.apply(recorded, moment, &mut faults);
            self.head = recorded.seq;
            self.events.insert(recorded.seq, Arc::clone(recorded));
            self.statuses.insert(recorded.seq, self.status());
        }
        let log = |fault| Violation::Log { chat: self.chat.clone(), seq: recorded.seq, fault };
        found.extend(faults.into_iter().map(log));
    }

    /// Says what is missing when the run is over.
    pub(super) fn finish(&self, run: RunState, found: &mut Vec<Violation>) {
        if run == RunState::Live {
            return;
        }
        if let Some(open) = self.open_work() {
            let fault = LogFault::Unfinished { open };
            found.push(Violation::Log { chat: self.chat.clone(), seq: self.head, fault });
        }
    }

    /// Whether the prompt left the queue without a turn.
    pub(super) fn is_withdrawn(&self, prompt: &polychat_core::PromptId) -> bool {
        let standing = self.prompts.all.get(prompt).map(|prompt| &prompt.standing);
        matches!(standing, Some(Standing::Ended(None, _)))
    }

    fn open_work(&self) -> Option<OpenWork> {
        let turn = || self.work.turn.map(OpenWork::Turn);
        let queue = || (self.prompts.waiting() > 0).then_some(OpenWork::Queue);
        self.work.open_work().or_else(turn).or_else(queue)
    }

    /// Whether the event has its place in this log; if not, it is not taken over.
    fn shape(&self, recorded: &Recorded, faults: &mut Vec<LogFault>) -> bool {
        if recorded.chat_id != self.chat {
            faults.push(LogFault::ForeignRecord { claimed: recorded.chat_id.clone() });
        }
        if recorded.seq <= self.head {
            faults.push(LogFault::SeqReused);
            return false;
        }
        if recorded.seq != self.head.next() {
            faults.push(LogFault::SeqGap { expected: self.head.next() });
        }
        let created = matches!(recorded.event, Event::ChatCreated { .. });
        if created != (self.head == Seq::ZERO) {
            faults.push(LogFault::CreatedMisplaced);
        }
        if self.deleted.is_some() {
            faults.push(LogFault::AfterDelete);
            return false;
        }
        true
    }

    fn apply(&mut self, recorded: &Recorded, moment: Moment<'_>, faults: &mut Vec<LogFault>) {
        self.apply_to_chat(recorded, faults);
        let busy = if self.work.turn.is_some() { Busy::Running } else { Busy::Not };
        self.prompts.apply(recorded, busy, self.cut, faults);
        self.agents.apply(&recorded.event, self.work.open_work().is_some(), moment, faults);
        self.work.apply(recorded, moment, faults);
        self.titles.apply(&recorded.event, &self.past, moment, faults);
        self.contexts.apply(recorded, &self.prompts);
        self.past.apply(recorded, self.work.writer_of(&recorded.event), &self.prompts, faults);
        self.cut = AfterCut::No;
        match &recorded.event {
            Event::HistoryTruncated { .. } => {
                self.cut = AfterCut::Yes;
                self.last_outcome = None;
            }
            Event::TurnEnded { outcome, .. } => self.last_outcome = Some(outcome.kind()),
            Event::PromptAccepted { mode: PromptMode::Interrupt, .. }
            | Event::PromptEdited { mode: Some(PromptMode::Interrupt), .. } => {
                self.work.interrupt()
            }
            _ => {}
        }
    }

    fn apply_to_chat(&mut self, recorded: &Recorded, faults: &mut Vec<LogFault>) {
        match &recorded.event {
            Event::ChatCreated { title, .. } => self.title = Arc::clone(title),
            Event::ChatUpdated { title, archived, .. } => {
                if let Some(title) = title {
                    self.title = Arc::clone(title);
                }
                self.archived = archived.unwrap_or(self.archived);
            }
            Event::ChatClosed {} => self.closed = true,
            Event::ChatReopened {} => self.closed = false,
            Event::ChatDeleted {} => {
                if let Some(open) = self.open_work() {
                    faults.push(LogFault::EndedWithOpen { open });
                }
                self.deleted = Some(recorded.seq);
            }
            Event::MessageImported { .. } if self.lives => faults.push(LogFault::ImportedLate),
            Event::PromptAccepted { prompt_id, .. } if self.closed => {
                faults.push(LogFault::AcceptedWhileClosed { prompt: prompt_id.clone() });
            }
            Event::TurnStarted { .. } if self.closed => faults.push(LogFault::TurnWhileClosed),
            _ => {}
        }
        self.lives |=
            !matches!(recorded.event, Event::ChatCreated { .. } | Event::MessageImported { .. });
    }

    fn status(&self) -> StatusInLog {
        let turn = self.work.turn;
        let kind = if self.deleted.is_some() {
            KindInLog::Any
        } else if turn.is_some() && self.work.only_waits() {
            KindInLog::Only(StatusKind::Awaiting)
        } else if turn.is_some() && self.work.waits() {
            KindInLog::Either(StatusKind::Running, StatusKind::Awaiting)
        } else if turn.is_some() {
            KindInLog::Only(StatusKind::Running)
        } else if self.closed {
            KindInLog::Only(StatusKind::Closed)
        } else if self.prompts.waiting() > 0 {
            KindInLog::Either(StatusKind::Idle, StatusKind::Running)
        } else {
            KindInLog::Only(StatusKind::Idle)
        };
        StatusInLog {
            kind,
            turn,
            last_outcome: self.last_outcome,
            queued: self.prompts.waiting(),
            title: Arc::clone(&self.title),
            archived: self.archived,
        }
    }
}

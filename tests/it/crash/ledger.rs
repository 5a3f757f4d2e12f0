//! What the children told, and whether a store still holds it.

use std::collections::{BTreeMap, BTreeSet};

use polychat::{ChatId, Event, PromptId, PromptOutcome, Recorded, Seq};
use polychat_testkit::{
    checker::{RunState, check_log},
    view::{ChatView, ViewPromptState},
};

use super::{
    fault::Fault,
    shelf::{Log, Shelf},
    told::{Done, Told, mark},
};

/// What was told of one chat.
#[derive(Debug, Default)]
struct Book {
    accepted: BTreeMap<PromptId, Seq>,
    seen: BTreeMap<Seq, u64>,
    ended: BTreeMap<PromptId, PromptOutcome>,
    done: Vec<Done>,
    /// Whether it may be gone, though nobody was told so.
    may_be_gone: bool,
}

/// All that was told, of all rounds.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    books: BTreeMap<ChatId, Book>,
    gone: BTreeSet<ChatId>,
    /// Facts that were told, and must outlive whatever happens.
    pub(super) acknowledged: u64,
    /// What the children themselves found wrong.
    pub(super) wrong: Vec<Fault>,
}

impl Ledger {
    /// Takes over what was told.
    pub(super) fn take(&mut self, told: Told) {
        self.acknowledged += 1;
        match told {
            Told::Wrong(what) => self.wrong.push(Fault::Child(what)),
            Told::Created(chat) => drop(self.books.entry(chat).or_default()),
            Told::Deleting(chat) => {
                self.acknowledged -= 1;
                self.books.entry(chat).or_default().may_be_gone = true;
            }
            Told::Deleted(chat) => {
                self.books.remove(&chat);
                self.gone.insert(chat);
            }
            // Of a deleted chat only its deletion is left; what others were told before comes late.
            Told::Accepted { chat, .. }
            | Told::Done { chat, .. }
            | Told::Saw { chat, .. }
            | Told::Ended { chat, .. }
                if self.gone.contains(&chat) => {}
            Told::Accepted { chat, prompt, seq } => {
                self.book(chat).accepted.insert(prompt, seq);
            }
            Told::Done { chat, done } => self.book(chat).done.push(done),
            Told::Saw { chat, seq, mark } => {
                let before = self.book(chat.clone()).seen.insert(seq, mark);
                if before.is_some_and(|before| before != mark) {
                    self.wrong.push(Fault::Lost(format!("{seq} of {chat} was shown twice")));
                }
            }
            Told::Ended { chat, prompt, outcome } => {
                self.book(chat).ended.insert(prompt, outcome);
            }
        }
    }

    fn book(&mut self, chat: ChatId) -> &mut Book {
        self.books.entry(chat).or_default()
    }

    /// Chats whose deletion was told.
    pub(super) fn gone(&self) -> impl Iterator<Item = &ChatId> {
        self.gone.iter()
    }

    /// Whether all that was told is there, and nothing that breaks a law.
    pub(super) fn judge(&mut self, shelf: &Shelf, run: RunState) -> Vec<Fault> {
        let mut faults = std::mem::take(&mut self.wrong);
        faults.extend(shelf.unsound.iter().cloned().map(Fault::Unsound));
        for (chat, log) in &shelf.logs {
            let found = check_log(chat, log.iter().map(|recorded| &**recorded), run);
            faults.extend(found.into_iter().map(Fault::Law));
        }
        for chat in shelf.not_gone(run) {
            faults.push(Fault::Lost(format!("the deletion of {chat}")));
        }
        for (chat, book) in &self.books {
            let lost = |what: String| Fault::Lost(format!("{what} of {chat}"));
            match shelf.logs.get(chat) {
                Some(log) => faults.extend(book.missing(chat, log).into_iter().map(lost)),
                None if book.may_be_gone => {}
                None => faults.push(lost("all".to_owned())),
            }
        }
        // What was deleted without anybody being told stays so.
        let vanished = |chat: &ChatId, book: &mut Book| {
            book.may_be_gone && shelf.logs.get(chat).is_none_or(is_deletion)
        };
        self.gone.extend(self.books.extract_if(.., vanished).map(|(chat, _)| chat));
        // Whoever wanted to delete the others has ended.
        self.books.values_mut().for_each(|book| book.may_be_gone = false);
        faults
    }

    /// How many events were lost that somebody was shown; they must be the last ones of each log.
    pub(super) fn judge_loss(&mut self, shelf: &Shelf) -> (u64, Vec<Fault>) {
        let (mut lost, mut faults) = (0, std::mem::take(&mut self.wrong));
        faults.extend(shelf.unsound.iter().cloned().map(Fault::Unsound));
        for (chat, log) in &shelf.logs {
            let found = check_log(chat, log.iter().map(|recorded| &**recorded), RunState::Live);
            faults.extend(found.into_iter().map(Fault::Law));
        }
        for (chat, book) in &self.books {
            let log = shelf.logs.get(chat).map(Vec::as_slice).unwrap_or_default();
            let head = log.last().map_or(Seq::ZERO, |last| last.seq);
            lost += book.seen.range(head.next()..).count() as u64;
            for seq in book.unseen(log).into_iter().filter(|seq| *seq <= head) {
                faults.push(Fault::Lost(format!("{seq} of {chat}, though {head} is there")));
            }
        }
        (lost, faults)
    }
}

pub(super) fn is_deletion(log: &Log) -> bool {
    log.last().is_some_and(|last| matches!(last.event, Event::ChatDeleted {}))
}

impl Book {
    /// What was told and is not there, in words.
    fn missing(&self, chat: &ChatId, log: &Log) -> Vec<String> {
        let mut missing: Vec<String> =
            self.unseen(log).into_iter().map(|seq| format!("event {seq}")).collect();
        let view = ChatView::of_log(chat.clone(), log.iter().map(|recorded| &**recorded));
        let Ok(view) = view else { return vec![format!("the whole: {view:?}")] };
        for (prompt, seq) in &self.accepted {
            if view.prompts.get(prompt).is_none_or(|there| there.accepted != *seq) {
                missing.push(format!("prompt {prompt} at {seq}"));
            }
        }
        for (prompt, outcome) in &self.ended {
            let there = view.prompts.get(prompt).map(|prompt| &prompt.state);
            if there != Some(&ViewPromptState::Ended(outcome.clone())) {
                missing.push(format!("outcome {outcome:?} of {prompt}, which is {there:?}"));
            }
        }
        let never = |done: &&Done| !log.iter().any(|recorded| done.is(recorded));
        missing.extend(self.done.iter().filter(never).map(|done| format!("{done:?}")));
        missing
    }

    /// Events that somebody was shown and that are not there as they were.
    fn unseen(&self, log: &[std::sync::Arc<Recorded>]) -> Vec<Seq> {
        let there: BTreeMap<Seq, u64> =
            log.iter().map(|recorded| (recorded.seq, mark(recorded))).collect();
        let differs = |(seq, mark): (&Seq, &u64)| (there.get(seq) != Some(mark)).then_some(*seq);
        self.seen.iter().filter_map(differs).collect()
    }
}

impl Done {
    /// Whether this event is what was acknowledged.
    fn is(&self, recorded: &Recorded) -> bool {
        match (self, &recorded.event) {
            (Self::Decided(call), Event::ApprovalResolved { tool_call_id, .. }) => {
                call == tool_call_id
            }
            (Self::Cancelled(turn), Event::TurnEnded { turn_id, .. }) => turn == turn_id,
            (Self::Withdrawn(prompt), Event::PromptWithdrawn { prompt_id, .. })
            | (Self::Edited(prompt), Event::PromptEdited { prompt_id, .. }) => prompt == prompt_id,
            (Self::Titled(title), Event::ChatUpdated { title: Some(there), .. }) => {
                *title == **there
            }
            (Self::Closed, Event::ChatClosed {}) | (Self::Reopened, Event::ChatReopened {}) => true,
            _ => false,
        }
    }
}

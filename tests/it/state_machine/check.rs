//! What must hold after each step, and what when all is finished.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use polychat::{
    ChatId, ChatStatus, Command, CommandError, EndReason, Event, PromptId, Recorded, Refusal,
    Reply, StatusKind,
    command::{ChatFilter, Page, PromptState, Snapshot},
    rules::{ChatState, TITLE_INSTRUCTIONS},
    tool::ApprovalDecision,
};
use polychat_testkit::{
    checker::{Checker, RunState},
    view::ChatView,
};

use super::rig::Rig;

/// How often the rig looks whether all chats have come to rest, before it calls them stuck.
const PATIENCE: usize = 60;

impl Rig {
    /// What was recorded breaks no law, and one chat's status is that of its log.
    pub(crate) async fn check_step(&mut self) {
        let busy = self.life.as_ref().is_some_and(|life| !life.unanswered.is_empty());
        if !busy && !self.chats.is_empty() {
            self.names += 1;
            let chat = self.chats[self.names % self.chats.len()].clone();
            self.compare_status(&chat).await;
        }
        self.read_along();
        self.judge();
    }

    fn judge(&mut self) {
        self.checker.keep_up(&self.history);
        for violation in self.checker.found().to_vec() {
            self.problem(format!("{violation:?}"));
        }
    }

    /// The status told equals the one replayed from the log, what the store or the supervisor adds
    /// aside.
    async fn compare_status(&mut self, chat: &ChatId) {
        let snapshot = self.send(Command::Snapshot { chat: chat.clone() }).await;
        if let Some(Ok(Reply::Snapshot(snapshot))) = snapshot {
            let differs = self.differs(chat, &snapshot);
            if let Some(replayed) = differs {
                let told = &snapshot.status;
                self.problem(format!("told {told:?}, but the log says {replayed:?}"));
            }
        }
    }

    fn differs(&self, chat: &ChatId, snapshot: &Snapshot) -> Option<ChatStatus> {
        let log = self.logs.get(chat).map(Vec::as_slice).unwrap_or_default();
        let until = log.iter().map(|r| &**r).take_while(|r| r.seq <= snapshot.status.head);
        let state = ChatState::replay(chat, until).ok()?;
        let mut replayed = state.status();
        if matches!(snapshot.status.kind, StatusKind::Stalled | StatusKind::Failed) {
            replayed.kind = snapshot.status.kind;
        }
        let same = replayed == snapshot.status
            && snapshot.prompts.len() == replayed.queued
            && snapshot.approvals == state.approvals();
        (!same).then_some(replayed)
    }

    /// Everything works again: what is open is finished, and then nothing may be left.
    pub(crate) async fn finish(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.heal_all().await;
        let mut busy = Vec::new();
        for _ in 0..PATIENCE {
            busy = self.finish_round().await;
            if busy.is_empty() || !self.problems.is_empty() {
                break;
            }
            self.pass(Duration::from_secs(2)).await;
        }
        if !busy.is_empty() {
            self.problem(format!("these chats never come to rest: {busy:?}"));
        }
        if self.problems.is_empty() {
            // Rows of deleted chats whose removal failed are removed by now.
            self.pass(Duration::from_secs(12)).await;
            self.check_prompts().await;
            self.check_list().await;
            self.check_readers().await;
        }
        self.shut_down().await;
        self.judge();
        if self.problems.is_empty() {
            let checker = std::mem::replace(&mut self.checker, Checker::new());
            for violation in checker.finish(RunState::Quiet) {
                self.problem(format!("at the end: {violation:?}"));
            }
        }
    }

    /// Ends the answers of all models and the calls of all tools, and decides what waits for a
    /// person; answers with the chats that still work, and at what.
    async fn finish_round(&mut self) -> Vec<String> {
        if let Some(life) = &self.life {
            for call in &life.calls {
                if *call.request().system == *TITLE_INSTRUCTIONS {
                    call.text("What this was about");
                }
                call.finish();
            }
            life.runs.iter().for_each(|run| run.result("done"));
        }
        self.settle().await;
        for chat in self.chats.clone() {
            for asked in self.calls_of(&chat).into_iter().filter(|asked| asked.waits) {
                let decision = ApprovalDecision::Deny { reason: "it is late".into() };
                let (chat, call) = (chat.clone(), asked.call);
                self.send(Command::DecideApproval { chat, call, decision }).await;
            }
        }
        let mut busy = Vec::new();
        for chat in self.chats.clone() {
            let answer = self.send(Command::Snapshot { chat: chat.clone() }).await;
            let revive = match &answer {
                Some(Ok(Reply::Snapshot(snapshot))) => match snapshot.status.kind {
                    StatusKind::Idle | StatusKind::Closed => continue,
                    // A log that was misread once may have been left alone by now.
                    kind => kind == StatusKind::Failed || self.misread,
                },
                Some(Err(CommandError::Refused(
                    Refusal::ChatDeleted { .. } | Refusal::UnknownChat { .. },
                ))) => continue,
                Some(Err(CommandError::Refused(Refusal::ChatFailed { .. }))) => true,
                _ => false,
            };
            busy.push(format!("{chat}: {answer:?}"));
            if revive {
                self.send(Command::ReopenChat { chat }).await;
            }
        }
        // A title may be thought of beside the turns.
        let calls = self.life.as_ref().map_or(0, |life| life.calls.len() + life.runs.len());
        if calls > 0 {
            busy.push(format!("{calls} calls of models and tools"));
        }
        let unanswered = self.life.as_ref().map_or(0, |life| life.unanswered.len());
        if unanswered > 0 {
            busy.push(format!("{unanswered} commands without an answer"));
        }
        busy
    }

    /// Every accepted prompt tells its one outcome (law 5).
    async fn check_prompts(&mut self) {
        let accepted: Vec<(ChatId, PromptId)> = self
            .logs
            .iter()
            .flat_map(|(chat, log)| {
                log.iter().filter_map(|recorded| match &recorded.event {
                    Event::PromptAccepted { prompt_id, .. } => {
                        Some((chat.clone(), prompt_id.clone()))
                    }
                    _ => None,
                })
            })
            .collect();
        for (chat, prompt) in accepted {
            let look_up = Command::LookUpPrompt { chat: chat.clone(), prompt: prompt.clone() };
            match self.send(look_up).await {
                Some(Ok(Reply::Prompt(PromptState::Ended { .. }))) => {}
                Some(Err(CommandError::Refused(Refusal::ChatDeleted { .. }))) => {}
                other => self.problem(format!("{prompt} of {chat} has no outcome: {other:?}")),
            }
        }
    }

    /// The list shows every chat that was created and not deleted, and no other.
    async fn check_list(&mut self) {
        let (mut listed, mut page) = (BTreeSet::new(), Page::first(2));
        loop {
            let filter = ChatFilter::new().with_archived();
            let list = Command::ListChats { page: page.clone(), filter };
            let Some(Ok(Reply::Chats(chats))) = self.send(list).await else {
                return self.problem("the chats cannot be listed".to_owned());
            };
            listed.extend(chats.chats.into_iter().map(|summary| summary.chat_id));
            match chats.next {
                Some(next) => page = Page::after(next, 2),
                None => break,
            }
        }
        let lives = |log: &[std::sync::Arc<Recorded>]| {
            log.last().is_some_and(|last| !matches!(last.event, Event::ChatDeleted {}))
        };
        let there: BTreeSet<ChatId> =
            self.logs.iter().filter(|(_, log)| lives(log)).map(|(chat, _)| chat.clone()).collect();
        if listed != there {
            self.problem(format!("listed are {listed:?}, there are {there:?}"));
        }
    }

    /// Whoever reads on to the end sees what the log says (law 4).
    async fn check_readers(&mut self) {
        for reader in 0..self.readers.len() {
            self.catch_up(reader).await;
            let broke_off = |ended: Option<EndReason>| ended != Some(EndReason::Deleted);
            if self.readers[reader].stream.is_none() && broke_off(self.readers[reader].ended) {
                self.resume(reader).await;
                self.catch_up(reader).await;
            }
            let state = &self.readers[reader];
            let (Some(chat), Some(seen)) = (&state.chat, &state.view) else { continue };
            if state.stream.is_none() && !seen.deleted {
                // Its chat was deleted while it was away.
                continue;
            }
            let log = self.logs.get(chat).map(Vec::as_slice).unwrap_or_default();
            let told = ChatView::of_log(chat.clone(), log.iter().map(|recorded| &**recorded));
            if told.as_ref() != Ok(seen) {
                let problem = format!("a reader sees {seen:?}\nthe log says {told:?}");
                self.problem(problem);
            }
        }
    }
}

//! Answers to commands against the logs: acknowledged means stored, refused means nothing happened.

use std::collections::{BTreeMap, HashMap};

use polychat_core::{
    ChatId, Command, CommandError, Event, PromptId, Refusal, Reply, Seq, StatusKind, ToolCallId,
    command::{Accepted, CancelTarget, LogPage, PromptState, ReviseTarget},
    event::{PromptBody, TitleProvenance, WithdrawReason},
    tool::ApprovalDecision,
};

use super::{
    log::LogWalk,
    prompts::Standing,
    statuses::{judge_status, judge_summary},
    violation::{AnswerFault, Violation},
};
use crate::history::CallId;

type Walks = HashMap<ChatId, LogWalk>;

/// What was true when a command was sent.
#[derive(Debug)]
struct Sent {
    command: Command,
    head: Seq,
    prompt_ended: bool,
}

/// What a command wants to see recorded, so that refused ones can be held against the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Wish {
    Created,
    Updated,
    Closed,
    Reopened,
    Deleted,
    Accepted(PromptId),
    Edited(PromptId),
    Withdrawn(PromptId),
    Decided(ToolCallId),
}

#[derive(Debug, Default)]
struct Tries {
    refused: Option<(CallId, &'static str)>,
    others: usize,
}

/// All commands of a history.
#[derive(Debug, Default)]
pub(super) struct Answers {
    sent: HashMap<CallId, Sent>,
    tries: BTreeMap<(ChatId, Wish), Tries>,
}

impl Answers {
    /// Takes over a command as it is sent.
    pub(super) fn sent(&mut self, call: CallId, command: &Command, walks: &Walks) {
        let walk = command.chat().and_then(|chat| walks.get(chat));
        let prompt_ended = match (command, walk) {
            (Command::LookUpPrompt { prompt, .. }, Some(walk)) => {
                let standing = walk.prompts.all.get(prompt).map(|prompt| &prompt.standing);
                // A chat that has not heard yet of its last append still tells the state before.
                matches!(standing, Some(Standing::Ended(..))) && !walk.unconfirmed
            }
            _ => false,
        };
        if let Some((chat, wish)) = wish(command) {
            self.tries.entry((chat, wish)).or_default().others += 1;
        }
        let head = walk.map_or(Seq::ZERO, |walk| walk.head);
        self.sent.insert(call, Sent { command: command.clone(), head, prompt_ended });
    }

    /// Judges the answer at the moment it was given.
    pub(super) fn answered(
        &mut self,
        call: CallId,
        answer: &Result<Reply, CommandError>,
        walks: &Walks,
        found: &mut Vec<Violation>,
    ) {
        let Some(sent) = self.sent.remove(&call) else { return };
        let name = sent.command.name();
        let fault = match answer {
            Ok(reply) if !fits(&sent.command, reply) => Some(AnswerFault::WrongSort),
            Ok(reply) => sent.judge(reply, walks, found),
            Err(CommandError::Refused(refusal)) => {
                if let Some(tries) = wish(&sent.command).and_then(|key| self.tries.get_mut(&key)) {
                    tries.others = tries.others.saturating_sub(1);
                    tries.refused = Some((call, name));
                }
                sent.judge_refusal(refusal, walks)
            }
            // A fault may or may not have taken effect.
            Err(_) => None,
        };
        found.extend(fault.map(|fault| Violation::Answer { call, command: name, fault }));
    }

    /// Holds what was refused against the logs, when no more answers come.
    pub(super) fn finish(&self, walks: &Walks, found: &mut Vec<Violation>) {
        let mut recorded: HashMap<(&ChatId, Wish), (usize, &'static str)> = HashMap::new();
        for (chat, walk) in walks {
            for event in walk.events.values() {
                if let Some(granted) = granted(&event.event) {
                    recorded.entry((chat, granted)).or_insert((0, event.event.name())).0 += 1;
                }
            }
        }
        for ((chat, wish), tries) in &self.tries {
            let Some((call, command)) = tries.refused else { continue };
            let Some((times, event)) = recorded.get(&(chat, wish.clone())) else { continue };
            if *times > tries.others {
                let fault = AnswerFault::RefusedLeftEvent { event };
                found.push(Violation::Answer { call, command, fault });
            }
        }
    }
}

impl Sent {
    fn judge(
        &self,
        reply: &Reply,
        walks: &Walks,
        found: &mut Vec<Violation>,
    ) -> Option<AnswerFault> {
        if let Reply::Chats(page) = reply {
            for summary in &page.chats {
                judge_summary(walks.get(&summary.chat_id), summary, found);
            }
            return None;
        }
        if let Reply::Chat(chat) = reply {
            let stored = walks.get(chat).is_some_and(|walk| walk.head >= Seq::FIRST);
            return (!stored).then_some(AnswerFault::NotStored);
        }
        let chat = self.command.chat()?;
        let Some(walk) = walks.get(chat) else { return Some(AnswerFault::NotStored) };
        match reply {
            Reply::Done => (!self.is_done(walk)).then_some(AnswerFault::NotStored),
            Reply::Accepted(accepted) => self.judge_accepted(accepted, walk),
            Reply::Snapshot(snapshot) => {
                judge_status(Some(walk), &snapshot.status, found);
                judge_summary(Some(walk), &snapshot.summary, found);
                let differs = (snapshot.status.head == walk.head && walk.deleted.is_none())
                    .then(|| walk.past.differs(&snapshot.messages));
                if let Some(message) = differs.flatten() {
                    return Some(AnswerFault::MessagesDiffer { message });
                }
                // A stalled chat does not know yet what its last append left in the store.
                let stalled = snapshot.status.kind == StatusKind::Stalled;
                if stalled { None } else { self.not_stale(snapshot.status.head) }
            }
            Reply::Prompt(state) => self.judge_state(state, walk),
            Reply::Log(page) => self.judge_log(page, walk),
            _ => None,
        }
    }

    fn is_done(&self, walk: &LogWalk) -> bool {
        match &self.command {
            Command::CloseChat { .. } => {
                walk.closed || self.happened(walk, |event| matches!(event, Event::ChatClosed {}))
            }
            Command::ReopenChat { .. } => {
                !walk.closed || self.happened(walk, |event| matches!(event, Event::ChatReopened {}))
            }
            Command::DeleteChat { .. } => walk.deleted.is_some(),
            Command::UpdateChat { change, .. } => {
                let told = walk.statuses.get(&walk.head);
                let same = told.is_some_and(|told| {
                    change.title.as_ref().is_none_or(|title| *title == told.title)
                        && change.archived.is_none_or(|archived| archived == told.archived)
                });
                same || self.happened(walk, |event| matches!(event, Event::ChatUpdated { .. }))
            }
            Command::WithdrawPrompt { prompt, .. } => walk.is_withdrawn(prompt),
            Command::EditPrompt { prompt, change, .. } => {
                // A change to what is there already needs no event.
                let same = walk.prompts.all.get(prompt).is_some_and(|now| {
                    change.parts.as_ref().is_none_or(|parts| *parts == now.parts)
                        && change.mode.is_none_or(|mode| mode == now.mode)
                });
                same || self.happened(walk, |event| {
                    matches!(event, Event::PromptEdited { prompt_id, .. } if prompt_id == prompt)
                })
            }
            Command::CancelTurn { target: CancelTarget::Turn(turn), .. } => {
                walk.work.turn != Some(*turn) && walk.head >= turn.0
            }
            Command::CancelTurn { target: CancelTarget::Running, .. } => {
                self.happened(walk, |event| matches!(event, Event::TurnEnded { .. }))
            }
            Command::DecideApproval { call, decision, .. } => self.happened(walk, |event| {
                matches!(event, Event::ApprovalResolved { tool_call_id, decision: Some(stored) }
                    if tool_call_id == call && stored == decision)
            }),
            _ => true,
        }
    }

    /// Whether such an event was stored between the command and its answer.
    fn happened(&self, walk: &LogWalk, is_it: impl Fn(&Event) -> bool) -> bool {
        let between = self.head.get().saturating_add(1)..=walk.head.get();
        let mut seqs = between.filter_map(|seq| Seq::try_from(seq).ok());
        seqs.any(|seq| walk.events.get(&seq).is_some_and(|event| is_it(&event.event)))
    }

    fn judge_accepted(&self, accepted: &Accepted, walk: &LogWalk) -> Option<AnswerFault> {
        let (id, body, revises) = submitted(&self.command)?;
        let Some(prompt) = walk.prompts.all.get(id) else { return Some(AnswerFault::NotStored) };
        if accepted.prompt_id != *id || accepted.accepted_seq != prompt.accepted {
            return Some(AnswerFault::AcceptedDiffers { stored: Some(prompt.accepted) });
        }
        let other = body.is_some_and(|body| *body != prompt.body) && revises == prompt.revises;
        other.then(|| AnswerFault::ConflictAccepted { prompt: id.clone() })
    }

    fn judge_refusal(&self, refusal: &Refusal, walks: &Walks) -> Option<AnswerFault> {
        let Refusal::Conflict { .. } = refusal else { return None };
        let (id, body, revises) = submitted(&self.command)?;
        let prompt = walks.get(self.command.chat()?)?.prompts.all.get(id)?;
        // One that was accepted while this one was under way need not be this one's doing.
        let known = prompt.accepted <= self.head && prompt.revises == revises;
        let same = body.is_some_and(|body| *body == prompt.body);
        (known && same).then(|| AnswerFault::FalseConflict { prompt: id.clone() })
    }

    fn judge_state(&self, state: &PromptState, walk: &LogWalk) -> Option<AnswerFault> {
        let Command::LookUpPrompt { prompt: id, .. } = &self.command else { return None };
        let Some(prompt) = walk.prompts.all.get(id) else { return Some(AnswerFault::NotStored) };
        let (told, fits) = match state {
            PromptState::Queued { accepted_seq } => (*accepted_seq, !self.prompt_ended),
            PromptState::Running { accepted_seq, .. } => (*accepted_seq, !self.prompt_ended),
            PromptState::Ended { accepted_seq, turn_id, outcome } => {
                (*accepted_seq, prompt.standing == Standing::Ended(*turn_id, outcome.clone()))
            }
            _ => return None,
        };
        let fits = fits && told == prompt.accepted;
        (!fits).then(|| AnswerFault::StateDiffers { prompt: id.clone() })
    }

    fn judge_log(&self, page: &LogPage, walk: &LogWalk) -> Option<AnswerFault> {
        let Command::ReadLog { after, .. } = &self.command else { return None };
        let mut seq = *after;
        for event in &page.events {
            seq = seq.next();
            if event.seq != seq || walk.events.get(&seq) != Some(event) {
                return Some(AnswerFault::LogDiffers { seq: event.seq });
            }
        }
        if page.head > walk.head {
            return Some(AnswerFault::NotStored);
        }
        self.not_stale(page.head)
    }

    fn not_stale(&self, head: Seq) -> Option<AnswerFault> {
        (head < self.head).then_some(AnswerFault::Stale { head, known: self.head })
    }
}

/// The prompt that a command submits, its body where the command holds it, and whether it revises.
fn submitted(command: &Command) -> Option<(&PromptId, Option<&PromptBody>, bool)> {
    match command {
        Command::SendPrompt { prompt, body, .. } => Some((prompt, Some(body), false)),
        Command::Revise { prompt, target: ReviseTarget::Message { body, .. }, .. } => {
            Some((prompt, Some(body), true))
        }
        Command::Revise { prompt, .. } => Some((prompt, None, true)),
        _ => None,
    }
}

fn wish(command: &Command) -> Option<(ChatId, Wish)> {
    let wish = match command {
        Command::CreateChat { .. } => Wish::Created,
        Command::ForkChat { chat, .. } => return Some((chat.id.clone()?, Wish::Created)),
        Command::ImportChat { .. } => Wish::Created,
        Command::UpdateChat { .. } => Wish::Updated,
        Command::CloseChat { .. } => Wish::Closed,
        Command::ReopenChat { .. } => Wish::Reopened,
        Command::DeleteChat { .. } => Wish::Deleted,
        Command::SendPrompt { prompt, .. } | Command::Revise { prompt, .. } => {
            Wish::Accepted(prompt.clone())
        }
        Command::EditPrompt { prompt, .. } => Wish::Edited(prompt.clone()),
        Command::WithdrawPrompt { prompt, .. } => Wish::Withdrawn(prompt.clone()),
        Command::DecideApproval { call, .. } => Wish::Decided(*call),
        _ => return None,
    };
    Some((command.chat()?.clone(), wish))
}

fn granted(event: &Event) -> Option<Wish> {
    match event {
        Event::ChatCreated { .. } => Some(Wish::Created),
        // A title that a model proposed needs no command.
        Event::ChatUpdated { provenance: Some(TitleProvenance::Auto), .. } => None,
        Event::ChatUpdated { .. } => Some(Wish::Updated),
        Event::ChatClosed {} => Some(Wish::Closed),
        Event::ChatReopened {} => Some(Wish::Reopened),
        Event::ChatDeleted {} => Some(Wish::Deleted),
        Event::PromptAccepted { prompt_id, .. } => Some(Wish::Accepted(prompt_id.clone())),
        Event::PromptEdited { prompt_id, .. } => Some(Wish::Edited(prompt_id.clone())),
        Event::PromptWithdrawn { prompt_id, reason: WithdrawReason::Requested } => {
            Some(Wish::Withdrawn(prompt_id.clone()))
        }
        // Allowed for the chat, a call may have waited beside the one that was decided.
        Event::ApprovalResolved { decision: Some(ApprovalDecision::AllowForChat), .. } => None,
        Event::ApprovalResolved { tool_call_id, decision: Some(_) } => {
            Some(Wish::Decided(*tool_call_id))
        }
        _ => None,
    }
}

/// Whether a reply is of the sort that the command's documentation names.
fn fits(command: &Command, reply: &Reply) -> bool {
    match command {
        Command::CreateChat { chat } | Command::ForkChat { chat, .. } => match reply {
            Reply::Chat(id) => chat.id.as_ref().is_none_or(|asked| asked == id),
            _ => false,
        },
        Command::ImportChat { chat } => match reply {
            Reply::Chat(id) => chat.chat.id.as_ref().is_none_or(|asked| asked == id),
            _ => false,
        },
        Command::Search { .. } => matches!(reply, Reply::Found(_)),
        Command::ListChats { .. } => matches!(reply, Reply::Chats(_)),
        Command::Snapshot { chat } => match reply {
            Reply::Snapshot(snapshot) => snapshot.status.chat_id == *chat,
            _ => false,
        },
        Command::SendPrompt { .. } | Command::Revise { .. } => matches!(reply, Reply::Accepted(_)),
        Command::ListPrompts { .. } => matches!(reply, Reply::Prompts(_)),
        Command::LookUpPrompt { .. } => matches!(reply, Reply::Prompt(_)),
        Command::ListMessages { .. } => matches!(reply, Reply::Messages(_)),
        Command::ReadLog { .. } => matches!(reply, Reply::Log(_)),
        Command::GetWorld => matches!(reply, Reply::World(_)),
        _ => matches!(reply, Reply::Done),
    }
}

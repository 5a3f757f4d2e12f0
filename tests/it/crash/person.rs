//! Somebody who uses one chat after the other, in every way, and reads along.
//!
//! What a person does next depends on what was read and on dice. All of it is told: see `told`.

use futures_util::FutureExt;
use polychat::{
    Chat, ChatId, CommandError, EndReason, Event, MessageId, Notice, Part, PromptChange, PromptId,
    Refusal, Seq, StartAt, StatusKind, StreamExt, World,
    command::{NewChat, PendingApproval, PromptState},
    ports::NoticeStream,
    rules::ChatState,
    tool::ApprovalDecision,
};

use polychat_testkit::history::CHAT_CONTEXT_KEY;

use super::{
    dice::Dice,
    house::{GUARDED, NAME, NOTE},
    told::{Done, Told, mark},
};
use crate::support::field;

/// How many prompts a person leaves unanswered at once.
const UNANSWERED_MAX: usize = 3;
/// A chat whose log is longer is deleted soon, so that the file does not grow with the rounds.
const LOG_LONG: u64 = 150;

pub(super) struct Person {
    world: World,
    name: String,
    dice: Dice,
    /// How many names were given to chats, prompts and calls.
    names: u64,
    /// A fork of the last chat, to go on with.
    fork: Option<ChatId>,
}

/// One chat as its person sees it.
struct Talk<'a> {
    person: &'a mut Person,
    chat: Chat,
    notices: NoticeStream,
    state: ChatState,
    /// What was there before is not told again.
    told: Seq,
    prompts: Vec<PromptId>,
    /// Whether the chat was deleted, and only the end of its notices is waited for.
    leaves: bool,
}

impl Person {
    pub(super) fn new(world: World, name: String, dice: Dice) -> Self {
        Self { world, name, dice, names: 0, fork: None }
    }

    /// Goes on with a chat that is there, and then with new ones, for ever.
    pub(super) async fn use_chats(mut self, mut old: Option<(ChatId, Seq)>) {
        loop {
            let fork = self.fork.take().map(|fork| (fork, Seq::ZERO));
            let (chat, told) = match old.take().or(fork) {
                Some(there) => there,
                None => (self.begin().await, Seq::ZERO),
            };
            let handle = self.world.chat(chat.as_str()).unwrap();
            let notices = match handle.subscribe(StartAt::Start).await {
                Ok(notices) => notices,
                // Whoever lived before deleted it, and its rows still go.
                Err(CommandError::Refused(Refusal::ChatDeleted { .. })) => continue,
                Err(error) => return wrong(&handle, "subscribing", &error),
            };
            let state = ChatState::of_empty_log(&chat);
            let mut talk = Talk {
                person: &mut self,
                chat: handle,
                notices,
                state,
                told,
                prompts: Vec::new(),
                leaves: false,
            };
            if talk.go_on().await.is_none() {
                return;
            }
        }
    }

    async fn begin(&mut self) -> ChatId {
        let id = ChatId::new(self.fresh()).unwrap();
        match self.world.create_chat(new_chat(&id)).await {
            Ok(_) => Told::Created(id.clone()).tell(),
            Err(error) => Told::Wrong(format!("creating {id}: {error:?}")).tell(),
        }
        id
    }

    /// A name that nobody else was given, in this round or another.
    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("{}-{}", self.name, self.names)
    }
}

/// A chat that the checker recognises by its context.
fn new_chat(id: &ChatId) -> NewChat {
    NewChat::with_id(id.clone()).context(field(CHAT_CONTEXT_KEY, id.as_str()))
}

fn wrong(chat: &Chat, doing: &str, error: &CommandError) {
    Told::Wrong(format!("{doing} in {}: {error:?}", chat.id())).tell();
}

impl Talk<'_> {
    /// Talks until the chat is deleted; `None` when something went wrong.
    async fn go_on(&mut self) -> Option<()> {
        loop {
            while let Some(notice) = self.notices.next().now_or_never() {
                if self.hear(notice)? == Heard::Deleted {
                    return Some(());
                }
            }
            let reads_up = self.state.head() < self.told.max(Seq::FIRST);
            if !reads_up && !self.leaves {
                self.act().await;
            }
            // Nothing more comes of a chat that is at rest until somebody does something.
            let works = self.state.status().kind == StatusKind::Running;
            if !(reads_up || self.leaves || works) {
                tokio::task::yield_now().await;
            } else if self.hear_next().await? == Heard::Deleted {
                return Some(());
            }
        }
    }

    async fn hear_next(&mut self) -> Option<Heard> {
        let notice = self.notices.next().await;
        self.hear(notice)
    }

    fn hear(&mut self, notice: Option<Notice>) -> Option<Heard> {
        let chat = self.chat.id();
        match notice {
            Some(Notice::Recorded { event, .. }) => {
                if event.seq > self.told {
                    let (chat, seq) = (chat.clone(), event.seq);
                    Told::Saw { chat, seq, mark: mark(&event) }.tell();
                }
                if let Err(error) = self.state.apply(&event) {
                    Told::Wrong(format!("{chat} was shown {event:?}: {error:?}")).tell();
                    return None;
                }
                if matches!(event.event, Event::ChatDeleted {}) {
                    Told::Deleted(chat.clone()).tell();
                }
                Some(Heard::Something)
            }
            Some(Notice::Ended(EndReason::Deleted)) => Some(Heard::Deleted),
            Some(Notice::Live { .. }) => Some(Heard::Something),
            other => {
                Told::Wrong(format!("{chat} was shown {other:?}")).tell();
                None
            }
        }
    }

    /// Does one thing, if there is something of the kind to do.
    async fn act(&mut self) {
        let running = self.state.turn().is_some();
        let unanswered = self.state.waiting_prompts().len() + usize::from(running);
        let asked = self.state.approvals().into_iter().next();
        let roll = self.person.dice.below(100);
        let is_long = self.state.head().get() > LOG_LONG;
        match (self.state.status().kind, asked) {
            _ if roll < 1 || (is_long && roll < 60) => self.delete().await,
            (StatusKind::Closed, _) => self.reopen().await,
            (_, Some(asked)) if roll < 50 || unanswered >= UNANSWERED_MAX => {
                self.decide(&asked).await;
            }
            _ => match roll {
                1..4 => self.cancel().await,
                4..8 => self.withdraw().await,
                8..12 => self.edit().await,
                12..16 => self.revise().await,
                16..17 => self.close().await,
                17..20 => self.rename().await,
                20..30 => self.look_up().await,
                _ if unanswered < UNANSWERED_MAX => self.prompt().await,
                _ => {}
            },
        }
    }

    /// Waits for an acknowledgement, and tells it. A refusal is none: what a person wants may have
    /// been overtaken by what the chat did.
    async fn done(
        &mut self,
        doing: &str,
        command: impl Future<Output = Result<(), CommandError>>,
        done: Done,
    ) {
        match command.await {
            Ok(()) => Told::Done { chat: self.chat.id().clone(), done }.tell(),
            Err(CommandError::Refused(_)) => {}
            Err(error) => wrong(&self.chat, doing, &error),
        }
    }

    fn accepted(&mut self, doing: &str, answer: Result<polychat::PromptHandle, CommandError>) {
        match answer {
            Ok(handle) => {
                let (chat, prompt) = (self.chat.id().clone(), handle.id().clone());
                self.prompts.push(prompt.clone());
                Told::Accepted { chat, prompt, seq: handle.accepted_seq() }.tell();
            }
            Err(CommandError::Refused(_)) => {}
            Err(error) => wrong(&self.chat, doing, &error),
        }
    }

    async fn prompt(&mut self) {
        let text = self.wording();
        let id = PromptId::new(self.person.fresh()).unwrap();
        let request = self.chat.prompt(text).id(id);
        let request = match self.person.dice.below(20) {
            0..10 => request.queue(),
            10..17 => request.steer(),
            17..19 => request.interrupt(),
            _ => request.reject_if_busy(),
        };
        let answer = request.await;
        self.accepted("prompting", answer);
    }

    /// What to say: words, many words, calls of tools, a thought, what fails.
    fn wording(&mut self) -> String {
        let mut call = |tool| format!("/tool {tool} {}", self.arguments());
        let calls = [call(NOTE), call(NOTE), call(GUARDED), call(NOTE)];
        match self.person.dice.below(24) {
            0..3 => format!("my name is {}", self.person.name),
            3..6 => "/long 250".to_owned(),
            6..13 => calls[0].clone(),
            13..16 => calls[..2].join("\n"),
            16..20 => calls[1..].join("\n"),
            20..22 => format!("think about {}", self.person.name),
            _ => "/error".to_owned(),
        }
    }

    /// The arguments of a call that no other call is given; they say whose it is.
    fn arguments(&mut self) -> String {
        format!("{{\"{NAME}\": \"{}/{}\"}}", self.chat.id(), self.person.fresh())
    }

    async fn decide(&mut self, asked: &PendingApproval) {
        let decision = match self.person.dice.below(10) {
            0..6 => ApprovalDecision::AllowOnce,
            6 => ApprovalDecision::AllowForChat,
            _ => ApprovalDecision::Deny { reason: "not now".into() },
        };
        let call = asked.tool_call_id;
        let decide = self.chat.clone();
        let decide = async move { decide.decide(call, decision).await };
        self.done("deciding", decide, Done::Decided(call)).await;
    }

    async fn cancel(&mut self) {
        let Some(turn) = self.state.turn() else { return };
        let cancel = self.chat.clone();
        let cancel = async move { cancel.cancel_turn(turn).await };
        self.done("cancelling", cancel, Done::Cancelled(turn)).await;
    }

    fn waiting(&mut self) -> Option<PromptId> {
        let waiting = self.state.waiting_prompts();
        let at = self.person.dice.below(waiting.len() as u64);
        waiting.get(usize::try_from(at).ok()?).map(|prompt| prompt.prompt_id.clone())
    }

    async fn withdraw(&mut self) {
        let Some(prompt) = self.waiting() else { return };
        let (chat, id) = (self.chat.clone(), prompt.clone());
        let withdraw = async move { chat.withdraw_prompt(&id).await };
        self.done("withdrawing", withdraw, Done::Withdrawn(prompt)).await;
    }

    async fn edit(&mut self) {
        let Some(prompt) = self.waiting() else { return };
        // Other words than before: what changes nothing leaves no event.
        let text = format!("/tool {NOTE} {}", self.arguments());
        let change = PromptChange::default().parts(vec![Part::text(text)]);
        let (chat, id) = (self.chat.clone(), prompt.clone());
        let edit = async move { chat.edit_prompt(&id, change).await };
        self.done("editing", edit, Done::Edited(prompt)).await;
    }

    async fn revise(&mut self) {
        let of_user: Vec<MessageId> =
            self.state.messages().iter().filter(|it| it.is_user()).map(|it| it.id).collect();
        let Some(message) = self.person.dice.pick(&of_user) else { return };
        let text = self.wording();
        let answer = self.chat.revise(message, text).await;
        self.accepted("revising", answer);
    }

    async fn close(&mut self) {
        let chat = self.chat.clone();
        self.done("closing", async move { chat.close().await }, Done::Closed).await;
    }

    async fn reopen(&mut self) {
        let chat = self.chat.clone();
        self.done("reopening", async move { chat.reopen().await }, Done::Reopened).await;
    }

    async fn rename(&mut self) {
        let title = self.person.fresh();
        let (chat, wanted) = (self.chat.clone(), title.clone());
        let rename = async move { chat.rename(wanted).await };
        self.done("renaming", rename, Done::Titled(title)).await;
    }

    async fn look_up(&mut self) {
        let at = self.person.dice.below(self.prompts.len() as u64);
        let at = usize::try_from(at).unwrap_or(0);
        let Some(prompt) = self.prompts.get(at).cloned() else { return };
        match self.chat.prompt_state(&prompt).await {
            Ok(PromptState::Ended { outcome, .. }) => {
                Told::Ended { chat: self.chat.id().clone(), prompt, outcome }.tell();
            }
            Ok(_) => {}
            Err(error) => wrong(&self.chat, "looking up", &error),
        }
    }

    /// Goes on in a copy of the history, if there is any.
    async fn fork(&mut self) {
        let Some(at) = self.state.messages().last().map(|message| message.id) else { return };
        let id = ChatId::new(self.person.fresh()).unwrap();
        match self.chat.fork(at, new_chat(&id)).await {
            Ok(_) => {
                Told::Created(id.clone()).tell();
                self.person.fork = Some(id);
            }
            Err(CommandError::Refused(_)) => {}
            Err(error) => wrong(&self.chat, "forking", &error),
        }
    }

    async fn delete(&mut self) {
        if self.person.dice.below(2) == 0 {
            self.fork().await;
        }
        Told::Deleting(self.chat.id().clone()).tell();
        self.leaves = true;
        match self.chat.delete().await {
            Ok(()) => Told::Deleted(self.chat.id().clone()).tell(),
            Err(error) => wrong(&self.chat, "deleting", &error),
        }
    }
}

/// What became of the chat by what was heard.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Something,
    Deleted,
}

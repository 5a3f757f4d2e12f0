//! From a step to commands, to words of models, and to faults.

pub(crate) mod tools;

use std::time::Duration;

use polychat::{
    ChatId, Command, Event, MessageId, Metadata, PromptId, Seq, TurnId,
    command::{CancelTarget, ChatChange, ChatFilter, NewChat, Page, PromptChange, ReviseTarget},
    content::Part,
    event::{PromptBody, PromptMode},
    ports::{ModelError, ModelErrorKind},
};
use polychat_testkit::{
    faulty_store::{AtOpen, Call, Fault},
    history::CHAT_CONTEXT_KEY,
};
use serde_json::{Map, Value};

use super::{
    rig::Rig,
    step::{Ask, Break, Manage, Pick, PromptIdOf, Says, Step, Trouble, Which, tools::To},
};

/// Chats of one run, forks included.
const CHATS_MAX: usize = 6;
/// The entry that a read with a gap leaves out.
const MISSING: Seq = Seq::FIRST.plus(2);

impl Rig {
    /// Does one step; what it picks from may be empty, then nothing is done.
    pub(super) async fn act(&mut self, step: &Step) {
        match step.clone() {
            Step::Open { again } => self.open(again).await,
            Step::Prompt { chat, mode, id, to } => self.prompt(chat, mode, id, to).await,
            Step::Edit { prompt, text, mode } => self.edit(prompt, text, mode).await,
            Step::Withdraw { prompt } => {
                if let Some((chat, prompt, _)) = pick_late(&self.prompts, prompt) {
                    self.send(Command::WithdrawPrompt { chat, prompt }).await;
                }
            }
            Step::Cancel { chat, which } => self.cancel(chat, which).await,
            Step::Revise { prompt } => self.revise(prompt).await,
            Step::Retry { chat, which } => self.retry(chat, which).await,
            Step::Manage { chat, how } => self.manage(chat, how).await,
            Step::Fork { chat, message } => self.fork(chat, message).await,
            Step::Ask { chat, what } => self.ask(chat, what).await,
            Step::Model { call, says } => self.speak(call, says),
            Step::Tool { run, does } => self.serve(run, does),
            Step::Decide { chat, about, decides } => self.decide(chat, about, decides).await,
            Step::Disturb { chat, how } => self.disturb(chat, how).await,
            Step::Change(change) => self.change(change).await,
            Step::Watch(watch) => self.watch(watch).await,
            Step::Advance { milliseconds } => self.pass(Duration::from_millis(milliseconds)).await,
            Step::Passivate => self.pass(Duration::from_secs(700)).await,
            Step::Break { chat, how } => self.break_store(chat, how),
            Step::Outage => {
                self.broken = true;
                self.writing.outage();
                self.reading.outage();
            }
            Step::Heal { chat } => {
                if let Some(chat) = pick(&self.chats, chat) {
                    self.writing.for_chat(&chat).clear();
                    self.reading.for_chat(&chat).clear();
                }
            }
            Step::HealAll => self.heal_all().await,
            Step::Shutdown | Step::Kill => {}
        }
    }

    fn fresh(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    async fn open(&mut self, again: bool) {
        let full = self.chats.len() >= CHATS_MAX;
        let id = match self.chats.first() {
            Some(first) if again || full => first.clone(),
            _ => self.fresh_chat(),
        };
        // Some are created with a title, and some wait for a model to give them one.
        let named = self.chats.len().is_multiple_of(2);
        let chat = if named { new_chat(&id).title("t") } else { new_chat(&id) };
        self.send(Command::CreateChat { chat }).await;
    }

    fn fresh_chat(&mut self) -> ChatId {
        let id = ChatId::new(format!("c{}", self.chats.len())).expect("a chat id");
        self.chats.push(id.clone());
        id
    }

    async fn prompt(&mut self, chat: Pick, mode: PromptMode, id: PromptIdOf, to: To) {
        let (chat, prompt, body) = match id {
            PromptIdOf::Fresh => {
                let Some(chat) = pick(&self.chats, chat) else { return };
                let (prompt, body) = self.fresh_prompt(&chat, to);
                self.prompts.push((chat.clone(), prompt.clone(), body.clone()));
                (chat, prompt, body)
            }
            PromptIdOf::Again(of) => {
                let Some(same) = pick(&self.prompts, of) else { return };
                same
            }
            PromptIdOf::Conflict(of) => {
                let Some((chat, prompt, _)) = pick(&self.prompts, of) else { return };
                (chat, prompt, PromptBody::text("another body"))
            }
        };
        self.send(Command::SendPrompt { chat, prompt, mode, body }).await;
    }

    fn fresh_prompt(&mut self, chat: &ChatId, to: To) -> (PromptId, PromptBody) {
        let n = self.fresh();
        let begin = match to {
            To::Nobody | To::Named(_) => String::new(),
            To::Mentioned(agent) => format!("@{} ", tools::agent_name(agent)),
            To::All => "@all ".to_owned(),
        };
        let mut body = PromptBody::text(format!("{begin}{chat} asks {n}"));
        if let To::Named(agent) = to {
            body.agent = Some(tools::agent_name(agent));
        }
        (body.metadata, body.context) = (object("n", n.into()), object("attached", n.into()));
        (PromptId::new(format!("p{n}")).expect("a prompt id"), body)
    }

    async fn edit(&mut self, prompt: Pick, text: bool, mode: Option<PromptMode>) {
        let Some((chat, prompt, _)) = pick_late(&self.prompts, prompt) else { return };
        let mut change = PromptChange::default();
        if text {
            let n = self.fresh();
            change = change.parts(vec![Part::text(format!("{chat} asks instead {n}"))]);
        }
        if let Some(mode) = mode {
            change = change.mode(mode);
        }
        self.send(Command::EditPrompt { chat, prompt, change }).await;
    }

    async fn cancel(&mut self, chat: Pick, which: Which) {
        let Some(chat) = pick(&self.chats, chat) else { return };
        let target = match which {
            Which::Running => CancelTarget::Running,
            which => match self.turn(&chat, which) {
                Some(turn) => CancelTarget::Turn(turn),
                None => return,
            },
        };
        self.send(Command::CancelTurn { chat, target }).await;
    }

    fn turn(&self, chat: &ChatId, which: Which) -> Option<TurnId> {
        let log = self.logs.get(chat)?;
        let began = |event: &&std::sync::Arc<polychat::Recorded>| {
            matches!(event.event, Event::TurnStarted { .. })
        };
        let seq = match which {
            Which::Running | Which::Last => log.iter().rfind(began)?.seq,
            Which::Stale => log.iter().find(began)?.seq,
            Which::Never => Seq::try_from(99_999).ok()?,
        };
        Some(TurnId(seq))
    }

    async fn revise(&mut self, prompt: Pick) {
        let Some((chat, old, _)) = pick(&self.prompts, prompt) else { return };
        let accepted = self.logs.get(&chat).into_iter().flatten().find_map(|recorded| {
            let of = matches!(&recorded.event,
                Event::PromptAccepted { prompt_id, .. } if *prompt_id == old);
            of.then_some(recorded.seq)
        });
        let Some(accepted) = accepted else { return };
        let (prompt, body) = self.fresh_prompt(&chat, To::Nobody);
        self.prompts.push((chat.clone(), prompt.clone(), body.clone()));
        let target = ReviseTarget::Message { id: MessageId(accepted), body };
        self.send(Command::Revise { chat, target, prompt }).await;
    }

    async fn retry(&mut self, chat: Pick, which: Which) {
        let Some(chat) = pick(&self.chats, chat) else { return };
        let Some(turn) = self.turn(&chat, which) else { return };
        let (prompt, body) = self.fresh_prompt(&chat, To::Nobody);
        self.prompts.push((chat.clone(), prompt.clone(), body));
        self.send(Command::Revise { chat, target: ReviseTarget::Turn(turn), prompt }).await;
    }

    async fn manage(&mut self, chat: Pick, how: Manage) {
        let Some(chat) = pick(&self.chats, chat) else { return };
        let n = self.fresh();
        let command = match how {
            Manage::Rename => {
                let change = ChatChange::default().title(format!("title {n}"));
                Command::UpdateChat { chat, change }
            }
            Manage::Archive => {
                let change = ChatChange::default().archived(n.is_multiple_of(2));
                Command::UpdateChat { chat, change }
            }
            Manage::Agent(agent) => {
                let change = ChatChange::default().agent(tools::agent_name(agent));
                Command::UpdateChat { chat, change }
            }
            Manage::Close => Command::CloseChat { chat },
            Manage::Reopen => Command::ReopenChat { chat },
            Manage::Delete => {
                self.read_well(&chat);
                Command::DeleteChat { chat }
            }
        };
        self.send(command).await;
    }

    async fn fork(&mut self, chat: Pick, message: Pick) {
        let Some(from) = pick(&self.chats, chat) else { return };
        let begins = |event: &Event| {
            matches!(event, Event::PromptAccepted { .. } | Event::MessageStart { .. })
        };
        let log = self.logs.get(&from).into_iter().flatten();
        let messages: Vec<Seq> = log.filter(|r| begins(&r.event)).map(|r| r.seq).collect();
        let Some(at) = pick(&messages, message) else { return };
        if self.chats.len() >= CHATS_MAX {
            return;
        }
        let chat = new_chat(&self.fresh_chat());
        self.send(Command::ForkChat { from, at: MessageId(at), chat }).await;
    }

    async fn ask(&mut self, chat: Pick, what: Ask) {
        let Some(chat) = pick(&self.chats, chat) else { return };
        let command = match what {
            Ask::List => Command::ListChats {
                page: Page::first(2),
                filter: ChatFilter::new().with_archived(),
            },
            Ask::Prompts => Command::ListPrompts { chat },
            Ask::LookUp(of) => match pick(&self.prompts, of) {
                Some((chat, prompt, _)) => Command::LookUpPrompt { chat, prompt },
                None => return,
            },
            Ask::Messages => Command::ListMessages { chat, page: Page::first(3) },
            Ask::Log => Command::ReadLog { chat, after: Seq::ZERO, limit: 5 },
        };
        self.send(command).await;
    }

    fn speak(&mut self, call: Pick, says: Says) {
        let n = self.fresh();
        // Room for the numbers of a message's calls.
        self.names += 4;
        let Some(life) = &self.life else { return };
        let Some(place) = usize::from(call).checked_rem(life.calls.len()) else { return };
        let call = &life.calls[place];
        let pieces = |word: &str, count: usize| {
            for n in 0..count {
                call.text(format!("{word} {n:>50} "));
            }
        };
        match says {
            Says::Text(text) => {
                call.text(text);
            }
            Says::Reasoning(text) => {
                call.reasoning(text);
            }
            Says::Much => pieces("much", 20),
            Says::Flood => pieces("flood", 100),
            Says::Calls(wants) => {
                for (n, want) in (n..).zip(wants.into_iter().flatten()) {
                    call.tool_call(tools::call(want, n));
                }
                call.finish();
            }
            Says::HandsOn(agent) => {
                call.text(format!("\n\n@{} go on", tools::agent_name(agent))).finish();
            }
            Says::Finish => call.finish(),
            Says::Error { retryable } => {
                let error = ModelError::new(ModelErrorKind::Unavailable, "planned");
                call.fail(if retryable { error.retryable() } else { error });
            }
            Says::Panic => call.panic("planned"),
        }
    }

    /// A log that is misread when it is to go is removed as it is, and says no more how what was
    /// open in it ended. That is another test's matter: here it is read once more, and well.
    fn read_well(&self, chat: &ChatId) {
        self.reading.for_chat(chat).clear();
    }

    fn break_store(&mut self, chat: Pick, how: Break) {
        let Some(chat) = pick(&self.chats, chat) else { return };
        let events = self.logs.get(&chat).map_or(0, Vec::len) as u64;
        if matches!(how, Break::ReadGap) && events <= MISSING.get() {
            // A log that lacks its last entry is a shorter log, and nobody can tell.
            return;
        }
        self.broken = true;
        let (writing, reading) = (self.writing.for_chat(&chat), self.reading.for_chat(&chat));
        self.misread |= matches!(how, Break::ReadForeign | Break::ReadGap);
        self.crashed |= matches!(how, Break::Crash | Break::CrashLoop);
        match how {
            Break::Crash => writing.next(Call::Append, 1, Fault::Panic),
            Break::CrashLoop => writing.next(Call::Append, 5, Fault::Panic),
            Break::Append(trouble) => self.trouble(&chat, Call::Append, trouble),
            Break::OpenLog(trouble) => self.trouble(&chat, Call::Open, trouble),
            Break::Delete(trouble) => self.trouble(&chat, Call::Delete, trouble),
            Break::ReadFails => reading.next(Call::Read, 2, Fault::Unavailable),
            Break::ReadPanics => reading.next(Call::Read, 1, Fault::Panic),
            Break::ReadForeign => {
                let other = ChatId::new("foreign").expect("a chat id");
                reading.next(Call::Read, 1, Fault::Foreign(other));
            }
            Break::ReadGap => reading.next(Call::Read, 1, Fault::Gap(MISSING)),
            Break::Away => writing.every(Call::Append, Fault::Unavailable),
        }
    }

    fn trouble(&mut self, chat: &ChatId, call: Call, trouble: Trouble) {
        let gate = polychat_testkit::faulty_store::Gate::closed();
        let fault = match trouble {
            Trouble::Unavailable => Fault::Unavailable,
            Trouble::Full => Fault::Full,
            Trouble::RequestLost => Fault::RequestLost,
            Trouble::AnswerLost => Fault::AnswerLost,
            Trouble::LateLands => Fault::Late(AtOpen::Lands),
            Trouble::LateLost => Fault::Late(AtOpen::Lost),
            Trouble::HangsBefore => Fault::HangBefore(gate.clone()),
            Trouble::HangsAfter => Fault::HangAfter(gate.clone()),
        };
        self.gates.push(gate);
        self.writing.for_chat(chat).next(call, 1, fault);
    }
}

/// A chat whose host context says which chat it is, for the record alone.
pub(crate) fn new_chat(id: &ChatId) -> NewChat {
    NewChat::with_id(id.clone()).context(object(CHAT_CONTEXT_KEY, id.as_str().into()))
}

/// Metadata of one entry.
fn object(key: &str, value: Value) -> Metadata {
    Metadata::from(Map::from_iter([(key.to_owned(), value)]))
}

/// Half of the time one of the last three: those may still wait.
fn pick_late<T: Clone>(from: &[T], number: Pick) -> Option<T> {
    let late = if number.is_multiple_of(2) { from.len().saturating_sub(3) } else { 0 };
    pick(from.get(late..)?, number / 2)
}

fn pick<T: Clone>(from: &[T], pick: Pick) -> Option<T> {
    let place = usize::from(pick).checked_rem(from.len())?;
    from.get(place).cloned()
}

//! The chats that were named so far, each with its watcher; orders go to the chat that they name.

use std::{collections::BTreeMap, time::Duration};

use polychat::{Chat, ChatId, CommandError, Error, Message, Seq, StartAt, World, message::Role};
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    decide,
    kept::Unfinished,
    line::{self, Line, Order},
    screen::Screen,
    tally::Tally,
    watcher::Watcher,
};

pub(crate) struct Room {
    world: World,
    screen: Screen,
    patience: Duration,
    members: BTreeMap<ChatId, Member>,
}

/// A chat that was named.
struct Member {
    chat: Chat,
    /// The last prompt that it accepted.
    last_accepted: Seq,
    last_prompt: watch::Sender<Option<Seq>>,
    watcher: JoinHandle<Tally>,
}

impl Room {
    pub(crate) fn new(world: World, screen: Screen, patience: Duration) -> Self {
        Self { world, screen, patience, members: BTreeMap::new() }
    }

    /// Does what a line of input says. What goes wrong is told, and concerns this line only.
    pub(crate) async fn obey(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let Line { chat, order } = match line::parse(line) {
            Ok(line) => line,
            Err(hint) => return self.screen.hint(hint).await,
        };
        let screen = self.screen.clone();
        let member = match self.member(chat).await {
            Ok(member) => member,
            Err(error) => return screen.hint(format!("{chat}: {error}")).await,
        };
        if let Err(error) = member.obey(order, &screen).await {
            screen.noted(member.chat.id(), format!("refused: {error}")).await;
        }
    }

    /// The chat of this name, created and watched from the start when it is named first.
    async fn member(&mut self, name: &str) -> Result<&mut Member, Error> {
        let id = self.world.chat(name)?.id().clone();
        if !self.members.contains_key(&id) {
            let member = self.join(name).await?;
            self.members.insert(id.clone(), member);
        }
        let missing = || CommandError::from(polychat::Refusal::UnknownChat { chat_id: id.clone() });
        Ok(self.members.get_mut(&id).ok_or_else(missing)?)
    }

    /// Watches the chats in which the last run left something to be done.
    pub(crate) async fn go_on(&mut self, unfinished: Vec<Unfinished>) {
        for Unfinished { chat, head } in unfinished {
            match self.watch(chat.as_str(), head).await {
                Ok(member) => drop(self.members.insert(chat, member)),
                Err(error) => self.screen.hint(format!("{chat}: {error}")).await,
            }
        }
    }

    async fn join(&self, name: &str) -> Result<Member, Error> {
        let chat = self.world.open_chat(name).await?;
        // Whatever is in it was there before it was named.
        let head = chat.snapshot().await?.status.head;
        self.watch(name, head).await
    }

    /// Begins to watch a chat of which everything up to `past` is known.
    async fn watch(&self, name: &str, past: Seq) -> Result<Member, Error> {
        let chat = self.world.chat(name)?;
        let notices = chat.subscribe(StartAt::Start).await?;
        let (last_prompt, last_prompt_seen) = watch::channel(None);
        let watcher =
            Watcher::new(chat.clone(), self.screen.clone(), self.patience, last_prompt_seen, past);
        let watcher = tokio::spawn(watcher.run(notices));
        Ok(Member { chat, last_accepted: Seq::ZERO, last_prompt, watcher })
    }

    /// No line follows: whoever has nothing more to do may stop.
    pub(crate) fn end_input(&self) {
        for member in self.members.values() {
            // A watcher that has ended needs no telling.
            let _ = member.last_prompt.send(Some(member.last_accepted));
        }
    }

    /// Waits until all chats have done what they were sent; cancel-safe.
    pub(crate) async fn wait(&mut self) {
        for member in self.members.values_mut() {
            member.last_prompt.closed().await;
        }
    }

    /// The counts of each chat, in the order of their names.
    pub(crate) async fn into_tallies(self) -> Vec<(ChatId, Tally)> {
        let mut tallies = Vec::new();
        for (id, member) in self.members {
            // A watcher that ended by a bug of its own has counted nothing.
            tallies.push((id, member.watcher.await.unwrap_or_default()));
        }
        tallies
    }
}

impl Member {
    async fn obey(&mut self, order: Order<'_>, screen: &Screen) -> Result<(), CommandError> {
        let chat = &self.chat;
        let prompt = match order {
            Order::Queue(text) => chat.prompt(text).queue().await?,
            Order::Steer(text) => chat.prompt(text).steer().await?,
            Order::Interrupt(text) => chat.prompt(text).interrupt().await?,
            Order::Retry => match last_turn(chat).await? {
                Some(turn) => chat.retry(turn).await?,
                None => {
                    screen.noted(chat.id(), "nothing to retry").await;
                    return Ok(());
                }
            },
            Order::Cancel => return chat.cancel().await,
            Order::Decide(call, says) => {
                let waiting = chat.approvals().await?;
                match decide::choose(&waiting, call, says) {
                    Ok(asked) => chat.decide(asked, decide::decision(says)).await?,
                    Err(hint) => screen.noted(chat.id(), hint).await,
                }
                return Ok(());
            }
            Order::Close => return chat.close().await,
            Order::Reopen => return chat.reopen().await,
            Order::Delete => return chat.delete().await,
            Order::History => {
                for message in chat.snapshot().await?.messages {
                    screen.noted(chat.id(), told(&message)).await;
                }
                return Ok(());
            }
            Order::Help => {
                for line in line::HELP {
                    screen.said(chat.id(), *line).await;
                }
                return Ok(());
            }
        };
        self.last_accepted = prompt.accepted_seq();
        Ok(())
    }
}

async fn last_turn(chat: &Chat) -> Result<Option<polychat::TurnId>, CommandError> {
    let messages = chat.snapshot().await?.messages;
    Ok(messages.iter().rev().find_map(|message| message.turn_id))
}

/// A message on one line.
fn told(message: &Message) -> String {
    let who = match &message.role {
        Role::User { .. } => "you",
        Role::Assistant { .. } => "assistant",
        _ => "tool",
    };
    let text = message.text();
    let broke_off =
        message.failure.as_ref().map(|failure| format!(" … ({})", failure.kind.as_str()));
    format!("{who}: {text}{}", broke_off.unwrap_or_default())
}

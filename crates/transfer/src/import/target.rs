//! The world that is filled: what it has, and what becomes of a chat that is brought to it.

use std::{collections::BTreeMap, sync::Arc};

use polychat_core::{
    AgentConfig, AgentName, ChatId, Command, CommandError, Refusal, Reply, Summary, WorldId,
    agent::WorldSettings,
    command::{ImportedChat, ImportedEntry, Snapshot},
    message::SharedMessage,
    ports::WorldService,
};

use crate::{
    ProblemKind,
    ask::{read, unexpected},
    export::source_of,
    line::name_of,
};

/// What became of something that was brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It is here now, and was not before.
    Here,
    /// It was here already.
    AlreadyThere,
    /// It is not.
    LeftOut(ProblemKind, String),
}

/// A world, and the agents that it has.
pub(crate) struct Target {
    world: Arc<dyn WorldService>,
    world_id: WorldId,
    pub(crate) agents: BTreeMap<AgentName, Arc<AgentConfig>>,
}

impl Target {
    pub(crate) async fn of(world: Arc<dyn WorldService>) -> Result<Self, CommandError> {
        match world.call(Command::GetWorld).await? {
            Reply::World(info) => {
                let agents = info.agents.into_iter().map(|agent| (agent.name.clone(), agent));
                Ok(Self { world, world_id: info.world_id, agents: agents.collect() })
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Adds an agent, if there is none of its name.
    pub(crate) async fn put_agent(&mut self, agent: AgentConfig) -> Result<Placed, CommandError> {
        if let Some(here) = self.agents.get(&agent.name) {
            if **here == agent {
                return Ok(Placed::AlreadyThere);
            }
            let why = format!("the agent {} is another one here, which stays", agent.name);
            return Ok(Placed::LeftOut(ProblemKind::Conflict, why));
        }
        let command = Command::PutAgent { agent: agent.clone() };
        let placed = settle(self.world.call(command).await)?;
        if placed == Placed::Here {
            self.agents.insert(agent.name.clone(), Arc::new(agent));
        }
        Ok(placed)
    }

    pub(crate) async fn set(&self, settings: WorldSettings) -> Result<Placed, CommandError> {
        settle(self.world.call(Command::UpdateWorld { settings }).await)
    }

    /// The world's settings as they are now.
    #[cfg(feature = "agent-world")]
    pub(crate) async fn settings(&self) -> Result<WorldSettings, CommandError> {
        match self.world.call(Command::GetWorld).await? {
            Reply::World(info) => Ok(info.settings),
            other => Err(unexpected(&other)),
        }
    }

    /// Creates a chat, unless its id is taken.
    pub(crate) async fn place(
        &self,
        id: &ChatId,
        chat: ImportedChat,
    ) -> Result<Placed, CommandError> {
        match read(&*self.world, id).await {
            Ok(snapshot) => return Ok(self.compare(&snapshot, &chat)),
            Err(CommandError::Refused(Refusal::UnknownChat { .. })) => {}
            Err(CommandError::Refused(Refusal::ChatDeleted { .. })) => {
                let why = "the chat was deleted here, and its id is never used again".to_owned();
                return Ok(Placed::LeftOut(ProblemKind::Deleted, why));
            }
            Err(error) => return settle(Err(error)),
        }
        settle(self.world.call(Command::ImportChat { chat: Box::new(chat) }).await)
    }

    /// A chat that has gone on since it was imported is still the same one; also its title and
    /// metadata may have changed since.
    fn compare(&self, here: &Snapshot, chat: &ImportedChat) -> Placed {
        if !self.has_origin(&here.summary, chat) {
            let why = "a chat of this id is here already, and comes from elsewhere".to_owned();
            return Placed::LeftOut(ProblemKind::Conflict, why);
        }
        let mut pairs = here.messages.iter().zip(&chat.history);
        let same = pairs.by_ref().take_while(|(message, entry)| is_same(message, entry)).count();
        if same == chat.history.len() {
            return Placed::AlreadyThere;
        }
        let why = if same == here.messages.len() {
            format!(
                "a chat of this id is here already, and ends after message {same}: an import adds \
                 nothing to a chat that is there"
            )
        } else {
            let from = same + 1;
            format!(
                "a chat of this id is here already, with another history from message {from} on"
            )
        };
        Placed::LeftOut(ProblemKind::Conflict, why)
    }

    fn has_origin(&self, here: &Summary, chat: &ImportedChat) -> bool {
        *source_of(Some(&self.world_id), here.origin.as_ref()) == *chat.source
    }
}

/// Whether a message here is the one that is brought.
fn is_same(message: &SharedMessage, entry: &ImportedEntry) -> bool {
    let is_named = entry.source_id.as_ref().is_none_or(|name| *name == name_of(message));
    let here = ImportedEntry { source_id: entry.source_id.clone(), ..ImportedEntry::of(message) };
    is_named && here == *entry
}

/// A refusal that stays is a fact about what was brought; what passes is an error.
fn settle(answer: Result<Reply, CommandError>) -> Result<Placed, CommandError> {
    match answer {
        Ok(Reply::Chat(_) | Reply::Done) => Ok(Placed::Here),
        Ok(other) => Err(unexpected(&other)),
        Err(error @ CommandError::Refused(Refusal::WorldClosed {})) => Err(error),
        Err(CommandError::Refused(refusal)) if !refusal.retryable() => {
            let kind = match refusal {
                Refusal::ChatExists { .. } => ProblemKind::Conflict,
                Refusal::ChatDeleted { .. } => ProblemKind::Deleted,
                Refusal::TooLarge { .. } | Refusal::ChatFull { .. } => ProblemKind::TooLarge,
                _ => ProblemKind::Refused,
            };
            Ok(Placed::LeftOut(kind, refusal.to_string()))
        }
        Err(error) => Err(error),
    }
}

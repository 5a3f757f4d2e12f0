//! The world's own log: its settings and agents, recorded beside the chats in the same store.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    agent::{AgentConfig, AgentTable, WorldSettings},
    id::AgentName,
    refusal::Refusal,
    seq::{Seq, Timestamp},
};

/// One entry of a world's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorldRecorded {
    /// Its place in the log: gap-free from 1.
    pub seq: Seq,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: WorldEvent,
}

/// What happened in a world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum WorldEvent {
    /// The first event of the log: the agent that answers when nobody names one.
    #[serde(rename = "world.created")]
    WorldCreated {
        /// The default agent.
        agent: Arc<AgentConfig>,
        /// The settings.
        settings: WorldSettings,
    },
    /// New settings, as a whole.
    #[serde(rename = "world.updated")]
    WorldUpdated {
        /// The settings.
        settings: WorldSettings,
    },
    /// An agent was added, or replaced the one of the same name.
    #[serde(rename = "agent.put")]
    AgentPut {
        /// The agent.
        agent: Arc<AgentConfig>,
    },
    /// An agent was removed.
    #[serde(rename = "agent.removed")]
    AgentRemoved {
        /// The agent.
        agent: AgentName,
    },
}

/// What may be asked of a world's log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum WorldChange {
    /// New settings.
    Settings(WorldSettings),
    /// An agent, new or replaced.
    Put(AgentConfig),
    /// An agent to remove.
    Remove(AgentName),
}

/// How many agents a world has at most.
pub const AGENTS_MAX: usize = 1_024;

/// The largest size of an agent, and of a world's settings, as JSON: each step records its agent.
pub const AGENT_BYTES_MAX: usize = 256 * 1_024;

impl AgentTable {
    /// Folds a world's log; `None` while it is empty.
    #[must_use]
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a WorldEvent>) -> Option<Self> {
        events.into_iter().fold(None, Self::apply)
    }

    /// The table after one more event; `None` while the log is empty.
    #[must_use]
    pub fn apply(table: Option<Self>, event: &WorldEvent) -> Option<Self> {
        if let WorldEvent::WorldCreated { agent, settings } = event {
            let agents = BTreeMap::from([(agent.name.clone(), Arc::clone(agent))]);
            let default_agent = agent.name.clone();
            return Some(Self { default_agent, agents, settings: settings.clone() });
        }
        let mut table = table?;
        match event {
            WorldEvent::WorldUpdated { settings } => table.settings = settings.clone(),
            WorldEvent::AgentPut { agent } => {
                table.agents.insert(agent.name.clone(), Arc::clone(agent));
            }
            WorldEvent::AgentRemoved { agent } => {
                table.agents.remove(agent);
            }
            WorldEvent::WorldCreated { .. } => {}
        }
        Some(table)
    }

    /// Decides a change of the world's log.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownAgent`], [`Refusal::AgentInUse`] for the default agent, or
    /// [`Refusal::TooLarge`] beyond [`AGENTS_MAX`] or [`AGENT_BYTES_MAX`].
    pub fn decide(&self, change: WorldChange) -> Result<WorldEvent, Refusal> {
        match change {
            WorldChange::Settings(settings) => {
                check_size("settings", &settings)?;
                Ok(WorldEvent::WorldUpdated { settings })
            }
            WorldChange::Put(agent) => {
                check_size("agent", &agent)?;
                if self.agents.len() >= AGENTS_MAX && !self.agents.contains_key(&agent.name) {
                    let what = "number of agents".into();
                    return Err(Refusal::TooLarge { what, bytes: AGENTS_MAX + 1, max: AGENTS_MAX });
                }
                Ok(WorldEvent::AgentPut { agent: Arc::new(agent) })
            }
            WorldChange::Remove(agent) if agent == self.default_agent => {
                Err(Refusal::AgentInUse { agent })
            }
            WorldChange::Remove(agent) if !self.agents.contains_key(&agent) => {
                Err(Refusal::UnknownAgent { agent })
            }
            WorldChange::Remove(agent) => Ok(WorldEvent::AgentRemoved { agent }),
        }
    }
}

fn check_size(what: &str, value: &impl Serialize) -> Result<(), Refusal> {
    let (bytes, max) = (crate::content::json_bytes(value), AGENT_BYTES_MAX);
    if bytes > max { Err(Refusal::TooLarge { what: what.into(), bytes, max }) } else { Ok(()) }
}

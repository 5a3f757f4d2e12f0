//! The file of all worlds, for whoever takes chats out of it or brings chats in.
//!
//! Nothing runs meanwhile: no prompt that waits is answered, no model is asked, and agents that are
//! configured are not put into worlds. So keys of models are not needed either.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use polychat::{
    AgentConfig, AgentTable, DemoModel, Seq, SqliteError, SqliteStore, World, WorldBuilder,
    WorldId,
    ports::{Entry, LogKey, Store, StoreError, StoreErrorKind},
};
use tokio::sync::Mutex;

use super::{agents, open_file, resting::Resting, shut_down};
use crate::{
    config::{Configured, StoreConfig},
    error::Error,
    places,
};

/// Events of a world's own log that are read at once.
const EVENTS: usize = 256;

/// The file, and those of its worlds that were asked for.
pub(crate) struct Archive<'a> {
    configured: &'a Configured,
    file: Arc<SqliteStore>,
    worlds: Mutex<BTreeMap<WorldId, World>>,
}

impl<'a> Archive<'a> {
    /// Opens the file, which is made if there is none.
    pub(crate) async fn open(configured: &'a Configured) -> Result<Self, Error> {
        let file = open_file(&configured.config.store).await?.ok_or(Error::InMemory)?;
        Ok(Self { configured, file, worlds: Mutex::default() })
    }

    /// Opens the file, which must be there.
    pub(crate) async fn open_existing(configured: &'a Configured) -> Result<Self, Error> {
        existing(&configured.config.store)?;
        Self::open(configured).await
    }

    /// A world, which is made if there is none.
    pub(crate) async fn world(&self, id: &WorldId) -> Result<World, Error> {
        let agent = match stored_agent(&self.file, id).await? {
            Some(agent) => agent,
            None => agents::first_of(self.configured, id.as_str())?,
        };
        self.open_world(id, agent).await
    }

    /// A world that must be there.
    pub(crate) async fn existing(&self, name: &str) -> Result<World, Error> {
        let id = WorldId::new(name).map_err(polychat::Error::from)?;
        let agent = stored_agent(&self.file, &id).await?;
        let agent = agent.ok_or_else(|| Error::UnknownWorld { world: name.to_owned() })?;
        self.open_world(&id, agent).await
    }

    async fn open_world(&self, id: &WorldId, agent: AgentConfig) -> Result<World, Error> {
        let mut worlds = self.worlds.lock().await;
        if let Some(world) = worlds.get(id) {
            return Ok(world.clone());
        }
        // It has to have some model, which nobody asks.
        let builder = WorldBuilder::new(id.as_str(), DemoModel::new()).agent(agent);
        let builder = builder.keep_in(Arc::clone(&self.file));
        let builder = builder.limits(self.configured.config.limits.limits());
        let world = builder.store(Arc::new(Resting(Arc::clone(&self.file)))).open().await?;
        worlds.insert(id.clone(), world.clone());
        Ok(world)
    }

    /// Gives the file back.
    pub(crate) async fn close(self) {
        shut_down(self.worlds.into_inner().values()).await;
        self.file.close().await;
    }
}

/// The default agent of a world as it is stored; `None` if there is no such world.
async fn stored_agent(file: &SqliteStore, id: &WorldId) -> Result<Option<AgentConfig>, StoreError> {
    let key = LogKey::World(id.clone());
    let (mut table, mut after) = (None, Seq::ZERO);
    loop {
        let entries = match file.read(&key, after, EVENTS).await {
            Ok(entries) => entries,
            Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(last) = entries.last() else { break };
        after = last.seq();
        for entry in &entries {
            if let Entry::World(recorded) = entry {
                table = AgentTable::apply(table, &recorded.event);
            }
        }
    }
    Ok(table.and_then(|table| table.get(&table.default_agent).map(|agent| (**agent).clone())))
}

/// The file that is configured, which must be there.
pub(crate) fn existing(config: &StoreConfig) -> Result<PathBuf, Error> {
    if config.memory {
        return Err(Error::InMemory);
    }
    let path = config.file.clone().map_or_else(places::data, Ok)?;
    if path.exists() { Ok(path) } else { Err(SqliteError::Missing { path }.into()) }
}

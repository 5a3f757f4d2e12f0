//! The house that is served: the worlds that are open, and the file that they are kept in.
//!
//! What a world is made of is made of the configuration in `models`, `agents` and `toolbox`;
//! secrets come in by `secret` and go nowhere else. `archive` is the same file for whoever only takes
//! chats out or brings chats in.

mod agents;
pub(crate) mod archive;
#[cfg(feature = "mcp")]
mod mcp;
#[cfg(not(feature = "mcp"))]
#[path = "house/no_mcp.rs"]
mod mcp;
mod models;
mod resting;
pub(crate) mod secret;
mod toolbox;

use std::{collections::BTreeMap, sync::Arc};

use polychat::transport::{
    Rejections,
    ipc::{self, ServeOptions, Server},
};
use polychat::{AgentConfig, Hosts, SqliteStore, World, WorldBuilder, WorldId, ports::Toolbox};
use tokio::task::spawn_blocking;

use crate::{
    config::{Configured, StoreConfig},
    error::Error,
    places,
};

/// Worlds that are open, and the file that they are kept in.
pub(crate) struct House {
    worlds: BTreeMap<WorldId, World>,
    file: Option<Arc<SqliteStore>>,
    /// Models and tools of connected programs, if they may bring any; the same for all worlds.
    hosts: Option<Hosts>,
    /// Servers of tools; the same for all worlds.
    servers: mcp::Servers,
}

impl House {
    /// Opens all worlds that are configured.
    pub(crate) async fn open(configured: &Configured) -> Result<Self, Error> {
        let worlds = configured.config.worlds.keys().cloned().collect::<Vec<_>>();
        Self::with(configured, &worlds).await
    }

    /// Opens one world, which need not be configured.
    pub(crate) async fn open_one(
        configured: &Configured,
        world: &str,
    ) -> Result<(Self, Served), Error> {
        let house = Self::with(configured, &[world.to_owned()]).await?;
        let served = house.worlds.first_key_value().map(|(id, world)| Served {
            id: id.clone(),
            world: world.clone(),
            hosts: house.hosts.clone(),
        });
        served.map(|served| (house, served)).ok_or(Error::NoWorld)
    }

    async fn with(configured: &Configured, names: &[String]) -> Result<Self, Error> {
        let hosts = configured.config.hosts.allow.then(Hosts::new);
        // What is wrong with the configuration is said before anything is opened.
        let servers = mcp::Servers::new(configured)?;
        let template = Template::new(configured, &servers, hosts.as_ref())?;
        let mut builders = Vec::new();
        for name in names {
            let id = WorldId::new(name);
            let id = id.map_err(|error| configured.wrong(["worlds", name], error.to_string()))?;
            builders.push((id, template.builder(name)?));
        }
        let file = open_file(&configured.config.store).await?;
        let worlds = BTreeMap::new();
        let mut house = Self { worlds, file, hosts: hosts.clone(), servers };
        for (id, mut builder) in builders {
            if let Some(file) = &house.file {
                builder = builder.keep_in(Arc::clone(file));
            }
            match builder.open().await {
                Ok(world) => {
                    house.worlds.insert(id, world);
                }
                Err(error) => {
                    house.close().await;
                    return Err(error.into());
                }
            }
        }
        agents::tell_of_other_defaults(configured, &house.worlds).await;
        Ok(house)
    }

    /// All that are open, by their ids.
    pub(crate) fn worlds(&self) -> &BTreeMap<WorldId, World> {
        &self.worlds
    }

    /// What connected programs bring, if they may.
    pub(crate) fn hosts(&self) -> Option<&Hosts> {
        self.hosts.as_ref()
    }

    /// Ends what runs, by its deadline, and gives the file back.
    pub(crate) async fn close(&self) {
        shut_down(self.worlds.values()).await;
        self.servers.stop().await;
        if let Some(file) = &self.file {
            file.close().await;
        }
    }
}

/// A world that is served over pipes.
pub(crate) struct Served {
    id: WorldId,
    world: World,
    hosts: Option<Hosts>,
}

impl Served {
    /// Serves it, to any number of connections.
    pub(crate) fn server(&self, framing: ipc::Framing) -> Arc<Server> {
        let mut options = ServeOptions::default();
        options.framing = framing;
        let server = Server::new(self.id.clone(), self.world.service(), options)
            .rejections(Arc::new(self.rejections("ipc")));
        Arc::new(match &self.hosts {
            Some(hosts) => server.hosts(Arc::new(hosts.clone())),
            None => server,
        })
    }

    /// Counts what is rejected on this path, and tells the world's operators.
    pub(crate) fn rejections(&self, path: &'static str) -> Rejections {
        self.world.rejections(path)
    }
}

/// Ends what runs in these worlds, in all of them at once.
async fn shut_down(worlds: impl Iterator<Item = &World>) {
    futures_util::future::join_all(worlds.map(World::shutdown)).await;
}

/// The file of all worlds, open; `None` if they are kept in memory.
async fn open_file(config: &StoreConfig) -> Result<Option<Arc<SqliteStore>>, Error> {
    if config.memory {
        if let Some(file) = &config.file {
            tracing::warn!(file = %file.display(), "store.memory is set: chats are kept in memory, and not in this file");
        }
        return Ok(None);
    }
    let path = config.file.clone().map_or_else(places::data, Ok)?;
    let durability = config.durability.into();
    let opening = spawn_blocking(move || SqliteStore::options(path).durability(durability).open());
    Ok(Some(Arc::new(opening.await.map_err(Error::Bug)??)))
}

/// What all worlds are made of.
struct Template<'a> {
    configured: &'a Configured,
    models: models::Models,
    agents: BTreeMap<&'a str, AgentConfig>,
    tools: Option<Arc<dyn Toolbox>>,
    hosts: Option<&'a Hosts>,
}

impl<'a> Template<'a> {
    fn new(
        configured: &'a Configured,
        servers: &mcp::Servers,
        hosts: Option<&'a Hosts>,
    ) -> Result<Self, Error> {
        let models = models::Models::new(configured)?;
        let agents = agents::all(configured, &models, hosts.is_some())?;
        let tools = toolbox::new(configured, servers)?;
        Ok(Self { configured, models, agents, tools, hosts })
    }

    /// A world of this name, in memory so far.
    fn builder(&self, world: &str) -> Result<WorldBuilder, Error> {
        let name = agents::default_of(self.configured, world)?;
        let agent = self.agents.get(name).ok_or(Error::NoWorld)?;
        let model = self.models.of(agent, self.hosts);
        let mut builder = WorldBuilder::new(world, model).agent(agent.clone());
        for (name, model) in self.models.all() {
            builder = builder.add_model(name.clone(), model.clone());
        }
        let others = self.agents.iter().filter(|(other, _)| **other != name);
        builder = others.fold(builder, |builder, (_, agent)| builder.add_agent(agent.clone()));
        if let Some(tools) = &self.tools {
            builder = builder.tools(Arc::clone(tools));
        }
        if let Some(hosts) = self.hosts {
            builder = builder.hosts(hosts);
        }
        Ok(builder.limits(self.configured.config.limits.limits()))
    }
}

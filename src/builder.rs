//! How a world is opened.

use std::{any::Any, sync::Arc};

use polychat_core::{
    AgentConfig, AgentName, Limits, ModelName, WorldId,
    ports::{Clock, ContextProvider, Ids, Model, Search, Store, Toolbox},
    rules::ContextPolicy,
    tool::ToolSelection,
};
use polychat_store::MemoryStore;
use polychat_world_actor::{LocalWorld, WorldOptions};

use crate::{Error, World};

/// The name of the agent and of the model that a builder begins with.
const DEFAULT_NAME: &str = "assistant";

/// Opens a world. Required is a name and a model; the rest has defaults: a store in memory, one
/// agent named `assistant`, [`Limits::default`], the machine's clock, random ids.
///
/// ```
/// # tokio_test_block_on(async {
/// use polychat::{DemoModel, Limits, WorldBuilder};
///
/// let mut limits = Limits::default();
/// limits.turns_running_max = 8;
/// let world = WorldBuilder::new("home", DemoModel::new())
///     .system("Answer in one sentence.")
///     .limits(limits)
///     .open()
///     .await?;
/// world.shutdown().await;
/// # Ok::<(), polychat::Error>(()) }).unwrap();
/// # fn tokio_test_block_on<F: Future>(future: F) -> F::Output {
/// #     tokio::runtime::Runtime::new().unwrap().block_on(future)
/// # }
/// ```
#[derive(Clone)]
pub struct WorldBuilder {
    name: String,
    options: Options,
}

/// What is set so far. The agent's model is registered under the agent's own name.
#[derive(Clone)]
struct Options {
    model: Arc<dyn Model>,
    agent: Option<AgentConfig>,
    system: Option<String>,
    agents: Vec<AgentConfig>,
    models: Vec<(ModelName, Arc<dyn Model>)>,
    store: Option<Arc<dyn Store>>,
    search: Option<Arc<dyn Search>>,
    #[cfg(feature = "tools")]
    single_tools: polychat_tools::ToolsBuilder,
    tools: Option<Arc<dyn Toolbox>>,
    #[cfg(feature = "tools")]
    hosts: Option<crate::Hosts>,
    context_policy: Option<Arc<dyn ContextPolicy>>,
    context_provider: Option<Arc<dyn ContextProvider>>,
    limits: Limits,
    clock: Option<Arc<dyn Clock>>,
    ids: Option<Arc<dyn Ids>>,
    handle: Option<Arc<dyn Any + Send + Sync>>,
}

impl WorldBuilder {
    /// A world of this name that answers through this model.
    #[must_use]
    pub fn new(name: impl Into<String>, model: impl Model + 'static) -> Self {
        let options = Options {
            model: Arc::new(model),
            agent: None,
            system: None,
            agents: Vec::new(),
            models: Vec::new(),
            store: None,
            search: None,
            #[cfg(feature = "tools")]
            single_tools: polychat_tools::Tools::builder(),
            tools: None,
            #[cfg(feature = "tools")]
            hosts: None,
            context_policy: None,
            context_provider: None,
            limits: Limits::default(),
            clock: None,
            ids: None,
            handle: None,
        };
        Self { name: name.into(), options }
    }

    /// Gives the default agent its instructions.
    #[must_use]
    pub fn system(mut self, system: impl Into<String>) -> Self {
        self.options.system = Some(system.into());
        self
    }

    /// Sets the default agent as a whole. The builder's model is registered under the name that
    /// this agent gives its model.
    #[must_use]
    pub fn agent(mut self, agent: AgentConfig) -> Self {
        self.options.agent = Some(agent);
        self
    }

    /// Adds a further agent, which chats and prompts can name.
    #[must_use]
    pub fn add_agent(mut self, agent: AgentConfig) -> Self {
        self.options.agents.push(agent);
        self
    }

    /// Registers a further model, for agents to name.
    #[must_use]
    pub fn add_model(mut self, name: ModelName, model: impl Model + 'static) -> Self {
        self.options.models.push((name, Arc::new(model)));
        self
    }

    /// Keeps the logs in this store.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.options.store = Some(store);
        self
    }

    /// Finds messages by their words here; it has to know what the [store](Self::store) is given.
    #[must_use]
    pub fn search(mut self, search: Arc<dyn Search>) -> Self {
        self.options.search = Some(search);
        self
    }

    /// Keeps the logs in a file, where messages are also found again.
    ///
    /// What is acknowledged is in the file; see [`Durability`](crate::Durability). Several worlds
    /// may share a file, and one process has it at a time. The file is free again when the store is
    /// [closed](polychat_store::SqliteStore::close), or when the last handle on the world is gone.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("polychat-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::sync::Arc;
    /// use polychat::{DemoModel, SqliteStore, WorldBuilder};
    ///
    /// let file = Arc::new(SqliteStore::open(folder.join("chats.db"))?);
    /// let world =
    ///     WorldBuilder::new("home", DemoModel::new()).keep_in(Arc::clone(&file)).open().await?;
    /// let chat = world.open_chat("a").await?;
    /// chat.prompt("the meeting is at the lighthouse").await?.outcome().await?;
    /// let found = world.search("lighthouse").await?;
    /// assert_eq!(found.hits[0].chat_id, *chat.id());
    /// world.shutdown().await;
    /// file.close().await;
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// ```
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn keep_in(self, file: impl Into<Arc<polychat_store::SqliteStore>>) -> Self {
        let file = file.into();
        self.store(Arc::clone(&file) as Arc<dyn Store>).search(file)
    }

    /// Adds one tool.
    ///
    /// Which agent may use which tools says its [`ToolSelection`], and an agent that nobody gave one
    /// may use none. The agent that a builder without [`agent`](Self::agent) makes by itself may use
    /// all.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use polychat::{DemoModel, WorldBuilder, tools::{NoArguments, tool}};
    ///
    /// let dice = tool("dice", "throws a die", |_: NoArguments| async { 4 }).reads_only();
    /// let world = WorldBuilder::new("home", DemoModel::new()).tool(dice).open().await?;
    /// # world.shutdown().await;
    /// # Ok::<(), polychat::Error>(()) }).unwrap();
    /// ```
    #[cfg(feature = "tools")]
    #[must_use]
    pub fn tool(mut self, tool: impl crate::ports::Tool + 'static) -> Self {
        self.options.single_tools = self.options.single_tools.add(tool);
        self
    }

    /// Sets a toolbox, for example a source of tools that come and go. Tools that were added singly
    /// go before those of the same name in it. Which agent may use which says its
    /// [`ToolSelection`], as for single ones.
    #[must_use]
    pub fn tools(mut self, tools: Arc<dyn Toolbox>) -> Self {
        self.options.tools = Some(tools);
        self
    }

    /// Uses the models and tools that these hosts bring, now and later.
    ///
    /// What the world has itself goes before theirs, and hosts that come later cannot bring
    /// anything of those names. Which agent may use which tools says its [`ToolSelection`]. An
    /// agent may name a model that no host has brought yet.
    #[cfg(feature = "tools")]
    #[must_use]
    pub fn hosts(mut self, hosts: &crate::Hosts) -> Self {
        self.options.hosts = Some(hosts.clone());
        self
    }

    /// Sets what decides how much of a long history a model receives.
    #[must_use]
    pub fn context_policy(mut self, policy: impl ContextPolicy + 'static) -> Self {
        self.options.context_policy = Some(Arc::new(policy));
        self
    }

    /// Sets what resolves secrets and handles for each call of a model or tool.
    #[must_use]
    pub fn context_provider(mut self, provider: impl ContextProvider + 'static) -> Self {
        self.options.context_provider = Some(Arc::new(provider));
        self
    }

    /// Sets the bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.options.clock = Some(clock);
        self
    }

    /// Sets where fresh ids come from.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.options.ids = Some(ids);
        self
    }

    /// Hands the embedder's own state to models and tools, untouched.
    #[must_use]
    pub fn handle(mut self, handle: Arc<dyn Any + Send + Sync>) -> Self {
        self.options.handle = Some(handle);
        self
    }

    /// Opens the world. Must be called within a tokio runtime, which the world's chats run on.
    ///
    /// Over one store a world should be open once at a time, and [`Worlds`](crate::Worlds) sees to
    /// that within a process. Of two that are open at once each takes chats from the other whenever
    /// it needs one: nothing is stored twice, but turns are interrupted, and commands fail as faults.
    ///
    /// # Errors
    ///
    /// [`Error::Id`] when the name is no id, [`Error::Open`] as for [`LocalWorld::open`], and with
    /// feature `tools` [`Error::Tools`](crate::Error) when its tools cannot be put together.
    pub async fn open(self) -> Result<World, Error> {
        let world = WorldId::new(&self.name)?;
        self.open_as(world).await
    }

    /// Fixes the store now, so that all clones share it.
    pub(crate) fn with_shared_store(mut self) -> Self {
        self.options.store.get_or_insert_with(|| Arc::new(MemoryStore::new()));
        self
    }

    /// The store that all clones share, once it is fixed.
    pub(crate) fn shared_store(&self) -> Option<&Arc<dyn Store>> {
        self.options.store.as_ref()
    }

    /// Opens the world under another name.
    pub(crate) async fn open_as(self, world: WorldId) -> Result<World, Error> {
        let tools = self.options.toolbox()?;
        let Options { model, agent, system, agents, models, store, search, .. } = self.options;
        let mut agent = match agent {
            Some(agent) => agent,
            None => AgentConfig::new(AgentName::new(DEFAULT_NAME)?, ModelName::new(DEFAULT_NAME)?)
                .tools(if tools.is_some() { ToolSelection::All } else { ToolSelection::None }),
        };
        if let Some(system) = system {
            agent = agent.system(system);
        }
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let mut options = WorldOptions::new(world, store, agent, model);
        options.search = search;
        options.agents = agents;
        #[cfg(feature = "tools")]
        if let Some(hosts) = &self.options.hosts {
            hosts.keep_free(models.iter().map(|(name, _)| name.clone()), []);
            options.model_source = Some(hosts.models());
        }
        options.models.extend(models);
        options.limits = self.options.limits;
        options.handle = self.options.handle;
        options.tools = tools.unwrap_or(options.tools);
        options.context_policy = self.options.context_policy.unwrap_or(options.context_policy);
        options.context_provider = self.options.context_provider;
        options.clock = self.options.clock.unwrap_or(options.clock);
        options.ids = self.options.ids.unwrap_or(options.ids);
        Ok(World::of_local(LocalWorld::open(options).await?))
    }
}

impl Options {
    /// All tools as one toolbox; `None` if there are none.
    #[cfg(feature = "tools")]
    fn toolbox(&self) -> Result<Option<Arc<dyn Toolbox>>, Error> {
        let own = self.own_tools()?;
        let Some(hosts) = &self.hosts else { return Ok(own) };
        let mut all = polychat_tools::Tools::builder();
        if let Some(own) = own {
            let specs = own.catalog().specs();
            hosts.keep_free([], specs.iter().map(|spec| Arc::clone(&spec.name)));
            all = all.add_source(own);
        }
        Ok(Some(Arc::new(all.add_source(hosts.tools()).build()?)))
    }

    /// The tools that the world has itself.
    #[cfg(feature = "tools")]
    fn own_tools(&self) -> Result<Option<Arc<dyn Toolbox>>, Error> {
        let (single, given) = (self.single_tools.clone(), self.tools.clone());
        if single.is_empty() {
            return Ok(given);
        }
        let single = given.into_iter().fold(single, polychat_tools::ToolsBuilder::add_source);
        Ok(Some(Arc::new(single.build()?)))
    }

    /// The toolbox that was given.
    #[cfg(not(feature = "tools"))]
    #[allow(clippy::unnecessary_wraps)] // with feature `tools` it can fail
    fn toolbox(&self) -> Result<Option<Arc<dyn Toolbox>>, Error> {
        Ok(self.tools.clone())
    }
}

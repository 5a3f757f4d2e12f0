//! What a world is opened with.

use std::{any::Any, collections::HashMap, sync::Arc};

use polychat_core::{
    AgentConfig, AgentName, Limits, ModelName, WorldId,
    ports::{Clock, ContextProvider, Ids, Model, ModelSource, Search, Store, StoreError, Toolbox},
    rules::{ByteBudget, ContextPolicy},
    tool::NoTools,
};

use crate::system::{RandomIds, SystemClock};

/// What a world is opened with. What is required is an argument of [`new`](Self::new).
#[derive(Clone)]
#[non_exhaustive]
pub struct WorldOptions {
    /// The world.
    pub world: WorldId,
    /// Where its logs are kept.
    pub store: Arc<dyn Store>,
    /// Finds messages by their words; `None` where the store offers no such thing.
    pub search: Option<Arc<dyn Search>>,
    /// The agent that answers when nobody names one.
    pub agent: AgentConfig,
    /// Further agents; put into the world's log if they are not there like this.
    pub agents: Vec<AgentConfig>,
    /// The models by name.
    pub models: HashMap<ModelName, Arc<dyn Model>>,
    /// Asked for models of other names, which may come and go while the world is open.
    pub model_source: Option<Arc<dyn ModelSource>>,
    /// The world's tools, and what runs them.
    pub tools: Arc<dyn Toolbox>,
    /// Decides what of a long history a model receives.
    pub context_policy: Arc<dyn ContextPolicy>,
    /// Resolves for each call of a model or tool what is not stored.
    pub context_provider: Option<Arc<dyn ContextProvider>>,
    /// The bounds.
    pub limits: Limits,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// The embedder's own state, handed to models and tools untouched.
    pub handle: Option<Arc<dyn Any + Send + Sync>>,
}

impl WorldOptions {
    /// A world that answers through one model, with default limits and the machine's clock.
    #[must_use]
    pub fn new(
        world: WorldId,
        store: Arc<dyn Store>,
        agent: AgentConfig,
        model: Arc<dyn Model>,
    ) -> Self {
        Self {
            world,
            store,
            search: None,
            models: HashMap::from([(agent.model.clone(), model)]),
            model_source: None,
            agent,
            agents: Vec::new(),
            tools: Arc::new(NoTools),
            context_policy: Arc::new(ByteBudget),
            context_provider: None,
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            handle: None,
        }
    }
}

/// Why a world could not be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Without unwinding one chat's panic would end the process: isolation would be a promise that
    /// cannot be kept.
    #[error("built with panic = \"abort\": a panic in one chat would end all of them")]
    PanicAborts,
    /// An agent names a model that is not registered.
    #[error("agent {agent} wants the model {model}, which is not registered")]
    UnknownModel {
        /// The agent.
        agent: AgentName,
        /// The model.
        model: ModelName,
    },
    /// The world's own log could not be opened or read.
    #[error("the world's log: {0}")]
    Store(#[from] StoreError),
    /// The world's own log is damaged.
    #[error("the world's log is damaged: {0}")]
    Damaged(String),
    /// The supervisor could not be started.
    #[error("the supervisor did not start: {0}")]
    Supervisor(String),
    /// A world of this id is open already.
    #[error("world {0} is open already")]
    AlreadyOpen(WorldId),
}

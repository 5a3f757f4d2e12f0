//! `Hosts`: programs outside that bring models and tools of their own.
//!
//! It stands between the transports, which offer what a connected program has, and the worlds,
//! which use it like models and tools of their own.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polychat_core::{
    ModelName, Refusal,
    content::Text,
    ports::{HostOffer, HostRegistry, HostStay, Model, ModelSource, Toolbox},
};
use polychat_model::LiveModels;
use polychat_tools::{CompiledTools, LiveTools, ToolsError};

/// Takes in programs that bring models and tools, and gives them to worlds.
///
/// One value may serve several worlds and several transports; a clone is the same one. What a host
/// brings is there from its registration until it goes, and its names stay known after that: models
/// and tools that have gone answer `host_gone`.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use std::sync::Arc;
/// use polychat::{DemoModel, Hosts, ModelName, WorldBuilder, ports::{HostOffer, HostRegistry}};
///
/// let hosts = Hosts::new();
/// // The world's agent speaks through a model that a host will bring.
/// let model = hosts.model(ModelName::new("theirs").unwrap());
/// let world = WorldBuilder::new("home", model).hosts(&hosts).open().await?;
///
/// // A transport does this when a program registers; `ipc::Server::hosts` takes the registry.
/// let offer = HostOffer::new("an app").model(ModelName::new("theirs").unwrap(), Arc::new(DemoModel::new()));
/// let stay = hosts.admit(offer).unwrap();
/// let answer = world.open_chat("a").await?.prompt("hello").await?.answer().await?;
/// # assert!(!answer.is_empty());
/// drop(stay);
/// # world.shutdown().await;
/// # Ok::<(), polychat::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Hosts(Arc<Shared>);

#[derive(Default)]
struct Shared {
    models: LiveModels,
    tools: LiveTools,
    /// Also held while a host is let in, so that it comes in whole or not at all.
    kept_free: Mutex<KeptFree>,
}

/// Names of what worlds have themselves. A host's would never be asked.
#[derive(Default)]
struct KeptFree {
    models: HashSet<ModelName>,
    tools: HashSet<Text>,
}

impl Hosts {
    /// No hosts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whatever model of this name a host brings, as one that is always there.
    ///
    /// While no host serves it, its answers fail as `host_gone`, which may be tried again.
    #[must_use]
    pub fn model(&self, name: ModelName) -> impl Model + Clone + use<> {
        self.0.models.model(name)
    }

    /// Keeps these names for a world that has such models and tools itself.
    pub(crate) fn keep_free(
        &self,
        models: impl IntoIterator<Item = ModelName>,
        tools: impl IntoIterator<Item = Text>,
    ) {
        let mut kept_free = self.0.lock();
        kept_free.models.extend(models);
        kept_free.tools.extend(tools);
    }

    pub(crate) fn models(&self) -> Arc<dyn ModelSource> {
        Arc::new(self.0.models.clone())
    }

    pub(crate) fn tools(&self) -> Arc<dyn Toolbox> {
        Arc::new(self.0.tools.clone())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, KeptFree> {
        // Nothing panics while it holds the lock.
        self.kept_free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hosts")
            .field("models", &self.0.models)
            .field("tools", &self.0.tools)
            .finish_non_exhaustive()
    }
}

impl HostRegistry for Hosts {
    fn admit(&self, offer: HostOffer) -> Result<HostStay, Refusal> {
        let HostOffer { host, models, tools, .. } = offer;
        let tool_names: Vec<Text> = tools.iter().map(|tool| tool.spec().name).collect();
        let model_names: Vec<ModelName> = models.iter().map(|(name, _)| name.clone()).collect();
        // Schemas of a stranger may take a while, and no other host should wait for them.
        let tools = CompiledTools::new(tools).map_err(refusal)?;
        let kept_free = self.0.lock();
        if let Some(name) = model_names.iter().find(|name| kept_free.models.contains(*name)) {
            return Err(taken("model", name.as_str().into()));
        }
        if let Some(name) = tool_names.into_iter().find(|name| kept_free.tools.contains(name)) {
            return Err(taken("tool", name));
        }
        self.0.models.check(&model_names)?;
        let tools = self.0.tools.register(host, tools).map_err(refusal)?;
        let models = self.0.models.register(models)?;
        Ok(HostStay::new((models, tools)))
    }
}

fn taken(what: &str, name: Text) -> Refusal {
    Refusal::NameTaken { what: what.into(), name }
}

/// Why tools cannot be let in, as whoever offers them hears it.
fn refusal(error: ToolsError) -> Refusal {
    match error {
        ToolsError::DuplicateName { name } => taken("tool", name),
        ToolsError::TooMany { count } => {
            Refusal::TooLarge { what: "tools".into(), bytes: count, max: polychat_tools::TOOLS_MAX }
        }
        other => Refusal::InvalidInput { what: "tools".into(), why: other.to_string().into() },
    }
}

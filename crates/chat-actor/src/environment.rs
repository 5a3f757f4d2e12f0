//! What a chat gets from its world; shared by all chats, changed by none of them.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use polychat_core::{
    AgentTable, ChatStatus, Diagnostic, Limits, ModelName, WorldId,
    ports::{Clock, ContextProvider, Model, ModelSource, Store, Toolbox},
    rules::ContextPolicy,
};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::gate::TurnGate;

/// Hears what becomes of the chats of a world. Nothing here waits or fails.
pub trait Reporter: Send + Sync {
    /// A chat's status may have changed. Calls for one chat come in the order of its changes.
    fn status(&self, status: ChatStatus);
    /// A chat was created and stored.
    fn created(&self, status: ChatStatus);
    /// A chat was deleted and stored.
    fn deleted(&self, status: ChatStatus);
    /// Something that operators should know.
    fn diagnostic(&self, diagnostic: Diagnostic);
}

/// What a chat gets from its world.
pub struct Environment {
    /// The world.
    pub world: WorldId,
    /// Where logs are kept.
    pub store: Arc<dyn Store>,
    /// Tells the time of day.
    pub clock: Arc<dyn Clock>,
    /// The bounds.
    pub limits: Limits,
    /// The world's agents and settings, as they are now.
    pub agents: Agents,
    /// The models by name.
    pub models: Models,
    /// The world's tools, and what runs them.
    pub tools: Arc<dyn Toolbox>,
    /// Decides what of a long history a model receives.
    pub context_policy: Arc<dyn ContextPolicy>,
    /// Resolves for each call what is not stored.
    pub context_provider: Option<Arc<dyn ContextProvider>>,
    /// The embedder's own state, handed to models and tools untouched.
    pub handle: Option<Arc<dyn Any + Send + Sync>>,
    /// Who hears of statuses and diagnostics.
    pub reporter: Arc<dyn Reporter>,
    /// The world's running turns.
    pub gate: TurnGate,
    /// The places for thinking about titles.
    pub titles: Semaphore,
    /// All tasks that work for turns.
    pub tasks: TaskTracker,
    /// Counts up while the world lives; by it chats know how long they were not used.
    pub ticks: AtomicU64,
}

impl Environment {
    /// The present tick.
    #[must_use]
    pub fn tick(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}

/// The models of a world: those it was opened with, then those that come and go.
pub struct Models {
    own: HashMap<ModelName, Arc<dyn Model>>,
    others: Option<Arc<dyn ModelSource>>,
}

impl Models {
    /// These models, and of other names whatever the source has.
    #[must_use]
    pub fn new(
        own: HashMap<ModelName, Arc<dyn Model>>,
        others: Option<Arc<dyn ModelSource>>,
    ) -> Self {
        Self { own, others }
    }

    /// The model of this name as it is now.
    #[must_use]
    pub fn get(&self, name: &ModelName) -> Option<Arc<dyn Model>> {
        self.own.get(name).cloned().or_else(|| self.others.as_ref()?.get(name))
    }
}

/// The agent table in force. Readers take the whole table, so a change is seen whole or not at all.
#[derive(Debug)]
pub struct Agents(RwLock<Arc<AgentTable>>);

impl Agents {
    /// Begins with a table.
    #[must_use]
    pub fn new(table: Arc<AgentTable>) -> Self {
        Self(RwLock::new(table))
    }

    /// The table in force.
    #[must_use]
    pub fn get(&self) -> Arc<AgentTable> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a new table in force, for turns that start from now on.
    pub fn set(&self, table: Arc<AgentTable>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = table;
    }
}

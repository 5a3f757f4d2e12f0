//! Several worlds side by side.

use std::collections::BTreeMap;

use polychat_core::{WorldId, id::InvalidId};
use tokio::sync::Mutex;

use crate::{Error, OpenError, World, WorldBuilder};

/// Opens, lists and closes worlds by id, over the store, models, tools and limits of one builder.
///
/// Worlds share nothing else: the same chat id in two worlds names two chats. Each world has the
/// builder's limits for itself.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use polychat::{DemoModel, WorldBuilder, Worlds};
///
/// let worlds = Worlds::new(WorldBuilder::new("template", DemoModel::new()));
/// let (home, work) = (worlds.open("home").await?, worlds.open("work").await?);
/// home.open_chat("a").await?;
/// work.open_chat("a").await?;
/// assert_eq!(worlds.list().await.len(), 2);
/// worlds.close("home").await?;
/// # worlds.close_all().await;
/// # Ok::<(), polychat::Error>(()) }).unwrap();
/// ```
pub struct Worlds {
    template: WorldBuilder,
    /// Held while one is opened or closed, so that no world is ever open twice.
    open: Mutex<BTreeMap<WorldId, World>>,
}

impl Worlds {
    /// Worlds that are all opened like this one, but for their names.
    #[must_use]
    pub fn new(template: WorldBuilder) -> Self {
        Self { template: template.with_shared_store(), open: Mutex::new(BTreeMap::new()) }
    }

    /// Opens a world.
    ///
    /// # Errors
    ///
    /// [`OpenError::AlreadyOpen`], or as [`WorldBuilder::open`].
    pub async fn open(&self, id: impl AsRef<str>) -> Result<World, Error> {
        let id = WorldId::new(id)?;
        let mut open = self.open.lock().await;
        if open.contains_key(&id) {
            return Err(OpenError::AlreadyOpen(id).into());
        }
        let world = self.template.clone().open_as(id.clone()).await?;
        open.insert(id, world.clone());
        Ok(world)
    }

    /// An open world; `None` if it is not open.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the string is no id.
    pub async fn get(&self, id: impl AsRef<str>) -> Result<Option<World>, InvalidId> {
        let id = WorldId::new(id)?;
        Ok(self.open.lock().await.get(&id).cloned())
    }

    /// The ids of the open worlds, in their byte order.
    pub async fn list(&self) -> Vec<WorldId> {
        self.open.lock().await.keys().cloned().collect()
    }

    /// Closes a world in order; whether it was open. The others go on.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the string is no id.
    pub async fn close(&self, id: impl AsRef<str>) -> Result<bool, InvalidId> {
        let id = WorldId::new(id)?;
        let mut open = self.open.lock().await;
        let Some(world) = open.get(&id) else { return Ok(false) };
        world.shutdown().await;
        open.remove(&id);
        Ok(true)
    }

    /// Closes all worlds in order, at once.
    pub async fn close_all(&self) {
        let mut open = self.open.lock().await;
        futures_util::future::join_all(open.values().map(World::shutdown)).await;
        open.clear();
    }
}

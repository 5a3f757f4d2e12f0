//! Several worlds side by side.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use polychat_core::{WorldId, command::Page, id::InvalidId};

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
/// assert_eq!(worlds.list().len(), 2);
/// worlds.close("home").await?;
/// # worlds.close_all().await;
/// # Ok::<(), polychat::Error>(()) }).unwrap();
/// ```
pub struct Worlds {
    template: WorldBuilder,
    /// Never locked while a world opens or closes: the others are found all the time.
    places: Mutex<BTreeMap<WorldId, Place>>,
}

enum Place {
    /// It is being opened or closed.
    Changing,
    Open(World),
}

impl Worlds {
    /// Worlds that are all opened like this one, but for their names.
    #[must_use]
    pub fn new(template: WorldBuilder) -> Self {
        Self { template: template.with_shared_store(), places: Mutex::new(BTreeMap::new()) }
    }

    /// Opens a world.
    ///
    /// # Errors
    ///
    /// [`OpenError::AlreadyOpen`], also while it is being opened or closed, or as
    /// [`WorldBuilder::open`].
    pub async fn open(&self, id: impl AsRef<str>) -> Result<World, Error> {
        let id = WorldId::new(id)?;
        let mut change = self.begin_opening(&id)?;
        let world = self.template.clone().open_as(id).await?;
        change.ends_as = Some(world.clone());
        Ok(world)
    }

    /// The world of this id, which is opened if it is not open.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open): [`OpenError::AlreadyOpen`] only while somebody else opens or closes
    /// it.
    pub async fn get_or_open(&self, id: impl AsRef<str>) -> Result<World, Error> {
        match self.get(&id)? {
            Some(world) => Ok(world),
            None => self.open(id).await,
        }
    }

    /// An open world; `None` if it is not open.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the string is no id.
    pub fn get(&self, id: impl AsRef<str>) -> Result<Option<World>, InvalidId> {
        let id = WorldId::new(id)?;
        Ok(match self.lock().get(&id) {
            Some(Place::Open(world)) => Some(world.clone()),
            Some(Place::Changing) | None => None,
        })
    }

    /// The ids of the open worlds, in their byte order.
    #[must_use]
    pub fn list(&self) -> Vec<WorldId> {
        let open = |(id, place): (&WorldId, &Place)| match place {
            Place::Open(_) => Some(id.clone()),
            Place::Changing => None,
        };
        self.lock().iter().filter_map(open).collect()
    }

    /// The ids of the worlds that the store holds, open or not, in their byte order.
    ///
    /// # Errors
    ///
    /// [`OpenError::Store`] when the store does not answer.
    pub async fn stored(&self, page: &Page) -> Result<Vec<WorldId>, Error> {
        let Some(store) = self.template.shared_store() else { return Ok(Vec::new()) };
        Ok(store.worlds(page).await.map_err(OpenError::from)?)
    }

    /// Closes a world in order; whether it was open. The others go on.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] when the string is no id.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the world is open still, and may be closing: call it again.
    pub async fn close(&self, id: impl AsRef<str>) -> Result<bool, InvalidId> {
        let id = WorldId::new(id)?;
        let Some((world, mut change)) = self.begin_closing(&id) else { return Ok(false) };
        world.shutdown().await;
        change.ends_as = None;
        Ok(true)
    }

    /// Closes all worlds that are open now, in order and at once.
    pub async fn close_all(&self) {
        let ids = self.list();
        futures_util::future::join_all(ids.iter().map(|id| self.close(id))).await;
    }

    fn begin_opening(&self, id: &WorldId) -> Result<Change<'_>, Error> {
        let mut places = self.lock();
        if places.contains_key(id) {
            return Err(OpenError::AlreadyOpen(id.clone()).into());
        }
        places.insert(id.clone(), Place::Changing);
        Ok(Change { worlds: self, id: id.clone(), ends_as: None })
    }

    fn begin_closing(&self, id: &WorldId) -> Option<(World, Change<'_>)> {
        let mut places = self.lock();
        let place = places.get_mut(id)?;
        match std::mem::replace(place, Place::Changing) {
            Place::Changing => None,
            Place::Open(world) => {
                let ends_as = Some(world.clone());
                Some((world, Change { worlds: self, id: id.clone(), ends_as }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorldId, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A world that is being opened or closed. However that ends, its place is not left in between.
struct Change<'a> {
    worlds: &'a Worlds,
    id: WorldId,
    /// The world, if it is open then.
    ends_as: Option<World>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let mut places = self.worlds.lock();
        match self.ends_as.take() {
            Some(world) => places.insert(self.id.clone(), Place::Open(world)),
            None => places.remove(&self.id),
        };
    }
}

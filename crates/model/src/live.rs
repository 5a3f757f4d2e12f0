//! `LiveModels`: models that come and go while worlds are open.
//!
//! A [`ModelSource`]: a world asks it for names that it was not opened with. It knows nothing of
//! where its models run; a transport brings those of a host, and takes them out when the host goes.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::stream;
use polychat_core::{
    ModelName, Refusal,
    ports::{Model, ModelError, ModelErrorKind, ModelRequest, ModelSource, ModelStream},
};

/// How many models may be there at once.
const MODELS_MAX: usize = 1_024;

/// How many names of models that have gone are remembered.
const GONE_MAX: usize = 1_024;

/// Models that come and go. A clone is the same set.
///
/// A model that has gone stays known by its name: whoever asks it hears
/// [`HostGone`](ModelErrorKind::HostGone), which may be tried again, until another of that name has
/// come. A name that was never there is not configured.
///
/// ```
/// use polychat_core::{ModelName, ports::ModelSource};
/// use polychat_model::{DemoModel, LiveModels};
///
/// let (models, name) = (LiveModels::new(), ModelName::new("mine")?);
/// assert!(models.get(&name).is_none());
/// let stay = models.register([(name.clone(), std::sync::Arc::new(DemoModel::new()) as _)])?;
/// assert!(models.get(&name).is_some());
/// drop(stay);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct LiveModels(Arc<Shared>);

impl LiveModels {
    /// No models yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in all of these models, or none.
    ///
    /// # Errors
    ///
    /// [`Refusal::NameTaken`] when one of the names is there, or is offered twice;
    /// [`Refusal::TooLarge`] beyond 1,024 models.
    pub fn register(
        &self,
        models: impl IntoIterator<Item = (ModelName, Arc<dyn Model>)>,
    ) -> Result<ModelsStay, Refusal> {
        let (names, models): (Vec<_>, Vec<_>) = models.into_iter().unzip();
        let mut set = self.0.lock();
        set.check(&names)?;
        let offered: HashMap<_, _> = names.iter().cloned().zip(models).collect();
        set.gone.retain(|name| !offered.contains_key(name));
        set.live.extend(offered);
        Ok(ModelsStay { shared: Arc::clone(&self.0), names })
    }

    /// Whether [`register`](Self::register) would take models of these names now.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check(&self, names: &[ModelName]) -> Result<(), Refusal> {
        self.0.lock().check(names)
    }

    /// Whatever model has this name when it is asked, as one that is always there.
    ///
    /// A world can be opened with it: its agents speak through a host that comes later.
    #[must_use]
    pub fn model(&self, name: ModelName) -> LiveModel {
        LiveModel { shared: Arc::clone(&self.0), name }
    }
}

impl fmt::Debug for LiveModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.0.lock().live.keys().cloned().collect();
        names.sort();
        f.debug_struct("LiveModels").field("models", &names).finish()
    }
}

impl ModelSource for LiveModels {
    fn get(&self, name: &ModelName) -> Option<Arc<dyn Model>> {
        // Which model it is, is looked up for each attempt: a host that came back is found.
        self.0.lock().knows(name).then(|| Arc::new(self.model(name.clone())) as _)
    }
}

/// Whatever model of a [`LiveModels`] has a name, looked up for each request.
#[derive(Clone)]
pub struct LiveModel {
    shared: Arc<Shared>,
    name: ModelName,
}

impl Model for LiveModel {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let found = self.shared.lock().live.get(&self.name).cloned();
        match found {
            Some(model) => model.stream(request),
            None => Box::pin(stream::iter([Err(absent(&self.name))])),
        }
    }
}

impl fmt::Debug for LiveModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LiveModel").field(&self.name).finish()
    }
}

/// The stay of models in a [`LiveModels`]. Dropping it takes them out.
///
/// Answers that have begun go on.
#[must_use = "dropping it takes the models out again"]
pub struct ModelsStay {
    shared: Arc<Shared>,
    names: Vec<ModelName>,
}

impl Drop for ModelsStay {
    fn drop(&mut self) {
        let mut removed = Vec::with_capacity(self.names.len());
        let mut set = self.shared.lock();
        for name in self.names.drain(..) {
            removed.extend(set.live.remove(&name));
            if set.gone.len() == GONE_MAX {
                set.gone.pop_front();
            }
            set.gone.push_back(name);
        }
        drop(set);
        // Only now: what a model's end does may well ask for another one.
        drop(removed);
    }
}

impl fmt::Debug for ModelsStay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelsStay").field(&self.names).finish()
    }
}

#[derive(Default)]
struct Shared(Mutex<Set>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Set> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Set {
    live: HashMap<ModelName, Arc<dyn Model>>,
    /// Names that nobody serves any more, the oldest first.
    gone: VecDeque<ModelName>,
}

impl Set {
    fn check(&self, names: &[ModelName]) -> Result<(), Refusal> {
        let mut offered = HashSet::new();
        for name in names {
            if self.live.contains_key(name) || !offered.insert(name) {
                return Err(taken(name));
            }
        }
        let count = self.live.len().saturating_add(names.len());
        if count > MODELS_MAX {
            return Err(Refusal::TooLarge { what: "models".into(), bytes: count, max: MODELS_MAX });
        }
        Ok(())
    }

    fn knows(&self, name: &ModelName) -> bool {
        self.live.contains_key(name) || self.gone.contains(name)
    }
}

fn taken(name: &ModelName) -> Refusal {
    Refusal::NameTaken { what: "model".into(), name: name.as_str().into() }
}

fn absent(name: &ModelName) -> ModelError {
    let text = format!("no host serves the model {name} now");
    ModelError::new(ModelErrorKind::HostGone, text).retryable()
}

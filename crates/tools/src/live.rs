//! `LiveTools`: tools that come and go while worlds are open.
//!
//! A [`Toolbox`] that hands out a new catalog whenever somebody brings tools or takes them out. It
//! knows nothing of where they run; a transport brings those of a host, and takes them out when the
//! host goes.

mod catalog;

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use async_trait::async_trait;
use polychat_core::{
    Failure,
    content::Text,
    diagnostic::ToolSourceState,
    ports::{Tool, ToolInput, ToolObserver, ToolSink, Toolbox},
    tool::{ToolCatalog, ToolOutput, ToolSpec},
};

use self::catalog::{Catalog, gone};
use crate::{compiled::CompiledTools, error::ToolsError, observers::Observers};

/// Tools that come and go. A clone is the same toolbox.
///
/// A tool that has gone stays known by its name: models are not told of it any more, and a call of
/// it ends as [`HostGone`](polychat_core::FailureKind::HostGone), until another of that name has
/// come. A name that was never there is unknown.
///
/// ```
/// use std::sync::Arc;
/// use polychat_core::ports::Toolbox;
/// use polychat_tools::{CompiledTools, LiveTools, NoArguments, tool};
///
/// let live = LiveTools::new();
/// let dice = tool("dice", "throws a die", |_: NoArguments| async { 4 });
/// let stay = live.register("my app", CompiledTools::new([Arc::new(dice) as _])?)?;
/// assert_eq!(live.catalog().specs().len(), 1);
/// drop(stay);
/// assert!(live.catalog().specs().is_empty());
/// # Ok::<(), polychat_tools::ToolsError>(())
/// ```
#[derive(Clone, Default)]
pub struct LiveTools(Arc<Shared>);

impl LiveTools {
    /// No tools yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in all of these tools, or none. Observers hear of them under the name of their source.
    ///
    /// # Errors
    ///
    /// [`ToolsError::DuplicateName`] when one of the names is there; [`ToolsError::TooMany`] beyond
    /// 1,024 tools of all sources together.
    pub fn register(
        &self,
        source: impl Into<Text>,
        tools: CompiledTools,
    ) -> Result<ToolsStay, ToolsError> {
        let source = source.into();
        let names = tools.names();
        self.0.change(|catalog| catalog.with(tools))?;
        let stay = ToolsStay { shared: Arc::clone(&self.0), source, names };
        stay.tell(ToolSourceState::Ready, "");
        Ok(stay)
    }
}

impl fmt::Debug for LiveTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let specs = self.0.catalog().specs();
        let names: Vec<_> = specs.iter().map(|spec| Arc::clone(&spec.name)).collect();
        f.debug_struct("LiveTools").field("tools", &names).finish()
    }
}

#[async_trait]
impl Toolbox for LiveTools {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.0.catalog()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let catalog = self.0.catalog();
        let source = || catalog.source_of_gone(name).map(Arc::clone);
        catalog.tool(name).or_else(|| Some(Arc::new(Gone { name: name.into(), source: source()? })))
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        self.0.observers.add(observer);
    }
}

/// The stay of tools in a [`LiveTools`]. Dropping it takes them out.
///
/// Calls that have begun go on.
#[must_use = "dropping it takes the tools out again"]
pub struct ToolsStay {
    shared: Arc<Shared>,
    source: Text,
    names: Vec<Text>,
}

impl ToolsStay {
    /// Who brings no tools is no source of tools.
    fn tell(&self, state: ToolSourceState, reason: &str) {
        if !self.names.is_empty() {
            self.shared.observers.tell(&self.source, state, reason);
        }
    }
}

impl Drop for ToolsStay {
    fn drop(&mut self) {
        // It cannot fail: to go is always possible.
        let _ = self.shared.change(|catalog| Ok(catalog.without(&self.names, &self.source)));
        self.tell(ToolSourceState::Failed, "its host has gone");
    }
}

impl fmt::Debug for ToolsStay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolsStay")
            .field("source", &self.source)
            .field("tools", &self.names)
            .finish()
    }
}

#[derive(Default)]
struct Shared {
    /// As it is now. Whoever asks takes the whole catalog, so a change is seen whole or not at all.
    catalog: Mutex<Arc<Catalog>>,
    observers: Observers,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Arc<Catalog>> {
        // Nothing panics while it holds the lock.
        self.catalog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.lock())
    }

    fn change(
        &self,
        change: impl FnOnce(&Catalog) -> Result<Catalog, ToolsError>,
    ) -> Result<(), ToolsError> {
        let mut catalog = self.lock();
        let next = Arc::new(change(&catalog)?);
        let before = mem::replace(&mut *catalog, next);
        drop(catalog);
        // Only now: what a tool's end does may well ask for another one.
        drop(before);
        Ok(())
    }
}

/// Stands for a tool that has gone between the check of a call and the call.
struct Gone {
    name: Text,
    source: Text,
}

#[async_trait]
impl Tool for Gone {
    fn spec(&self) -> ToolSpec {
        ToolSpec::new(Arc::clone(&self.name), "", serde_json::json!({ "type": "object" }))
    }

    async fn call(&self, _: ToolInput, _: ToolSink) -> Result<ToolOutput, Failure> {
        Err(gone(&self.name, &self.source))
    }
}

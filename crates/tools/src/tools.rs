//! Many tools as one toolbox.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use polychat_core::{
    ports::{Tool, ToolObserver, Toolbox},
    tool::{ToolCatalog, ToolSelection},
};

use crate::{
    catalog::{Catalog, Merged},
    compiled::CompiledTools,
    error::ToolsError,
};

/// Many tools as one toolbox: single ones, and other toolboxes as further sources.
///
/// The tools do not change once it is built. A clone is the same toolbox.
///
/// Of tools with the same name only the first counts: single tools go before sources, sources go in
/// the order in which they were added. Two single tools of one name are an error, because somebody
/// wrote both; what sources have is not known beforehand.
///
/// ```
/// use polychat_tools::{NoArguments, Tools, tool};
/// let dice = tool("dice", "throws a die", |_: NoArguments| async { 4 });
/// let tools = Tools::builder().add(dice).build()?;
/// # let _ = tools;
/// # Ok::<(), polychat_tools::ToolsError>(())
/// ```
#[derive(Clone)]
pub struct Tools {
    own: Arc<Catalog>,
    sources: Arc<[Arc<dyn Toolbox>]>,
}

impl Tools {
    /// Begins a toolbox without any tools.
    #[must_use]
    pub fn builder() -> ToolsBuilder {
        ToolsBuilder::default()
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.own.specs().iter().map(|spec| Arc::clone(&spec.name)).collect();
        f.debug_struct("Tools")
            .field("tools", &names)
            .field("sources", &self.sources.len())
            .finish()
    }
}

#[async_trait]
impl Toolbox for Tools {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        let own = Arc::clone(&self.own);
        if self.sources.is_empty() {
            return own;
        }
        let mut all: Vec<Arc<dyn ToolCatalog>> = vec![own];
        all.extend(self.sources.iter().map(|source| source.catalog()));
        Arc::new(Merged(all))
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.own.tool(name).or_else(|| self.sources.iter().find_map(|source| source.get(name)))
    }

    async fn prepare(&self, selection: &ToolSelection) {
        for source in self.sources.iter() {
            source.prepare(selection).await;
        }
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        for source in self.sources.iter() {
            source.observe(Weak::clone(&observer));
        }
    }
}

/// Collects [`Tools`].
#[derive(Clone, Default)]
pub struct ToolsBuilder {
    tools: Vec<Arc<dyn Tool>>,
    sources: Vec<Arc<dyn Toolbox>>,
}

impl ToolsBuilder {
    /// Adds a tool.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // nobody takes it for arithmetic
    pub fn add(mut self, tool: impl Tool + 'static) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// Adds several tools, for example all that are built in.
    #[must_use]
    pub fn add_all<T: Tool + 'static>(self, tools: impl IntoIterator<Item = T>) -> Self {
        tools.into_iter().fold(self, Self::add)
    }

    /// Adds whatever tools another toolbox has, now and later.
    #[must_use]
    pub fn add_source(mut self, source: Arc<dyn Toolbox>) -> Self {
        self.sources.push(source);
        self
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty() && self.sources.is_empty()
    }

    /// Compiles the schemas and puts all together.
    ///
    /// # Errors
    ///
    /// [`ToolsError`] for the first tool whose name or schema cannot be used.
    pub fn build(self) -> Result<Tools, ToolsError> {
        let CompiledTools(entries) = CompiledTools::new(self.tools)?;
        Ok(Tools { own: Arc::new(Catalog::new(entries)), sources: self.sources.into() })
    }
}

//! What the rules ask: which tools there are, and whether a call fits one.

use std::{collections::HashMap, sync::Arc};

use polychat_core::{
    Failure, FailureKind,
    content::Text,
    ports::Tool,
    tool::{ToolCall, ToolCatalog, ToolSpec},
};

use crate::schema::ArgumentSchema;

/// One tool, all that is known of it at hand.
pub(crate) struct Entry {
    pub(crate) spec: Arc<ToolSpec>,
    pub(crate) schema: ArgumentSchema,
    pub(crate) tool: Arc<dyn Tool>,
}

/// The tools that were added one by one. It never changes.
pub(crate) struct Catalog {
    entries: HashMap<Text, Arc<Entry>>,
    /// In the order in which they were added.
    specs: Vec<Arc<ToolSpec>>,
}

impl Catalog {
    /// The names must differ.
    pub(crate) fn new(entries: Vec<Arc<Entry>>) -> Self {
        let specs = entries.iter().map(|entry| Arc::clone(&entry.spec)).collect();
        let named = |entry: Arc<Entry>| (Arc::clone(&entry.spec.name), entry);
        Self { entries: entries.into_iter().map(named).collect(), specs }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.entries.get(name).map(|entry| Arc::clone(&entry.tool))
    }
}

impl ToolCatalog for Catalog {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        let Some(entry) = self.entries.get(&call.name) else {
            let message = format!("there is no tool named {:?}", call.name);
            return Err(Failure::new(FailureKind::UnknownTool, &message));
        };
        entry.schema.check(&call.arguments)?;
        Ok(Arc::clone(&entry.spec))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.specs.clone()
    }
}

/// Several catalogs as one, at one moment: of a name that several have, the first one's tool counts.
pub(crate) struct Merged(pub(crate) Vec<Arc<dyn ToolCatalog>>);

impl ToolCatalog for Merged {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        let mut unknown = None;
        for catalog in &self.0 {
            match catalog.check(call) {
                Err(failure) if failure.kind == FailureKind::UnknownTool => unknown = Some(failure),
                known => return known,
            }
        }
        Err(unknown.unwrap_or_else(|| Failure::new(FailureKind::UnknownTool, "there are no tools")))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        let mut names = std::collections::HashSet::new();
        let all = self.0.iter().flat_map(|catalog| catalog.specs());
        all.filter(|spec| names.insert(Arc::clone(&spec.name))).collect()
    }
}

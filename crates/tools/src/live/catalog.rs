//! What the rules ask: which tools are there now, which were, and whether a call fits one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use polychat_core::{
    Failure, FailureKind,
    content::Text,
    ports::Tool,
    tool::{ToolCall, ToolCatalog, ToolSpec},
};

use crate::{
    catalog::Entry,
    compiled::{CompiledTools, TOOLS_MAX},
    error::ToolsError,
};

/// How many names of tools that have gone are remembered.
const GONE_MAX: usize = 1_024;

/// The tools at one moment. It never changes.
#[derive(Default)]
pub(super) struct Catalog {
    /// In the order of their names: it stays the same whoever came first.
    live: BTreeMap<Text, Arc<Entry>>,
    /// Names that nobody serves any more, and who did, the oldest first.
    gone: VecDeque<(Text, Text)>,
}

impl Catalog {
    /// The same, and these tools.
    pub(super) fn with(&self, tools: CompiledTools) -> Result<Self, ToolsError> {
        let count = self.live.len().saturating_add(tools.0.len());
        let (mut live, mut gone) = (self.live.clone(), self.gone.clone());
        for entry in tools.0 {
            let name = Arc::clone(&entry.spec.name);
            if live.insert(Arc::clone(&name), entry).is_some() {
                return Err(ToolsError::DuplicateName { name });
            }
        }
        if count > TOOLS_MAX {
            return Err(ToolsError::TooMany { count });
        }
        gone.retain(|(name, _)| !live.contains_key(name));
        Ok(Self { live, gone })
    }

    /// The same without these tools, which stay known by name.
    pub(super) fn without(&self, names: &[Text], source: &Text) -> Self {
        let (mut live, mut gone) = (self.live.clone(), self.gone.clone());
        for name in names {
            live.remove(name);
            gone.push_back((Arc::clone(name), Arc::clone(source)));
        }
        let too_many = gone.len().saturating_sub(GONE_MAX);
        gone.drain(..too_many);
        Self { live, gone }
    }

    pub(super) fn tool(&self, name: &str) -> Option<Arc<dyn Tool>> {
        self.live.get(name).map(|entry| Arc::clone(&entry.tool))
    }

    /// Who served this tool, which has gone.
    pub(super) fn source_of_gone(&self, name: &str) -> Option<&Text> {
        self.gone.iter().find(|(known, _)| **known == *name).map(|(_, source)| source)
    }
}

impl ToolCatalog for Catalog {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        if let Some(entry) = self.live.get(&call.name) {
            entry.schema.check(&call.arguments)?;
            return Ok(Arc::clone(&entry.spec));
        }
        Err(match self.source_of_gone(&call.name) {
            Some(source) => gone(&call.name, source),
            None => {
                let message = format!("there is no tool named {:?}", call.name);
                Failure::new(FailureKind::UnknownTool, &message)
            }
        })
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.live.values().map(|entry| Arc::clone(&entry.spec)).collect()
    }
}

/// What a model hears that calls a tool which has gone.
pub(super) fn gone(name: &str, source: &str) -> Failure {
    let text = format!("the tool {name} has gone with its host, {source}");
    Failure::new(FailureKind::HostGone, &text).retryable()
}

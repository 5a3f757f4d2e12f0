//! Tools whose schemas are compiled: what takes time has happened.

use std::{collections::HashSet, fmt, sync::Arc};

use polychat_core::{content::Text, ports::Tool};

use crate::{
    catalog::Entry,
    error::ToolsError,
    schema::{ArgumentSchema, is_tool_name, tidied},
};

/// How many tools one toolbox takes. Providers take fewer in one request; which agent gets which
/// says its selection.
pub const TOOLS_MAX: usize = 1_024;

/// Tools that are ready to be put into a toolbox: checked, and their schemas compiled.
///
/// Compiling schemas of a stranger may take a while, so it is not done under any lock, and should
/// not be done on a thread that chats share.
pub struct CompiledTools(pub(crate) Vec<Arc<Entry>>);

impl CompiledTools {
    /// Checks tools and compiles their schemas.
    ///
    /// # Errors
    ///
    /// [`ToolsError`] for the first tool whose name or schema cannot be used.
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Result<Self, ToolsError> {
        let tools: Vec<_> = tools.into_iter().collect();
        if tools.len() > TOOLS_MAX {
            return Err(ToolsError::TooMany { count: tools.len() });
        }
        let mut names = HashSet::new();
        let mut entries = Vec::with_capacity(tools.len());
        for tool in tools {
            let entry = compiled(tool)?;
            let name = Arc::clone(&entry.spec.name);
            if !names.insert(Arc::clone(&name)) {
                return Err(ToolsError::DuplicateName { name });
            }
            entries.push(Arc::new(entry));
        }
        Ok(Self(entries))
    }

    pub(crate) fn names(&self) -> Vec<Text> {
        self.0.iter().map(|entry| Arc::clone(&entry.spec.name)).collect()
    }
}

impl fmt::Debug for CompiledTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CompiledTools").field(&self.names()).finish()
    }
}

fn compiled(tool: Arc<dyn Tool>) -> Result<Entry, ToolsError> {
    let mut spec = tool.spec();
    let name = Arc::clone(&spec.name);
    if !is_tool_name(&name) {
        return Err(ToolsError::InvalidName { name });
    }
    spec.schema = tidied(spec.schema);
    let schema = ArgumentSchema::compile(&spec.schema)
        .map_err(|reason| ToolsError::InvalidSchema { name, reason })?;
    Ok(Entry { spec: Arc::new(spec), schema, tool })
}

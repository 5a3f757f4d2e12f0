//! The tools of all worlds, as they are configured.

use std::{collections::BTreeSet, sync::Arc};

use polychat::{
    ports::Toolbox,
    tools::{FnTool, Tools, builtin},
};

use super::mcp::Servers;
use crate::{
    config::{Builtin, Configured},
    error::Error,
};

/// All tools; `None` if there are none.
pub(super) fn new(
    configured: &Configured,
    servers: &Servers,
) -> Result<Option<Arc<dyn Toolbox>>, Error> {
    let named = configured.config.tools.builtin.iter().flatten().copied();
    let named = named.collect::<BTreeSet<_>>();
    let mut tools = Tools::builder().add_all(named.into_iter().map(tool));
    if let Some(theirs) = servers.toolbox() {
        tools = tools.add_source(theirs);
    }
    if tools.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(tools.build().map_err(polychat::Error::from)?)))
}

fn tool(name: Builtin) -> FnTool {
    match name {
        Builtin::AskUser => builtin::ask_user(),
        Builtin::Calculator => builtin::calculator(),
        Builtin::Clock => builtin::clock(),
        Builtin::Wait => builtin::wait(),
    }
}

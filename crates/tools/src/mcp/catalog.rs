//! What the rules ask: which tools the servers have, and whether a call fits one.

use std::sync::Arc;

use polychat_core::{
    Failure,
    tool::{ToolCall, ToolCatalog, ToolSpec},
};
use serde_json::json;

use super::{
    config::Config,
    failure,
    listing::{Listing, unknown, with_rules},
    server::Unavailable,
};

/// The tools of all servers at one moment. It never changes.
pub(super) struct Catalog(pub(super) Vec<Part>);

/// The tools of one server at one moment.
pub(super) struct Part {
    pub(super) config: Arc<Config>,
    /// What it said it has; `None` before it was asked for the first time.
    pub(super) listing: Option<Arc<Listing>>,
    /// Whether models are told of them. They are not while the server cannot be started.
    pub(super) offered: bool,
    /// Why it does not run, where it was tried.
    pub(super) failed: Option<Unavailable>,
}

impl ToolCatalog for Catalog {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        // Prefixes do not overlap, so there is at most one.
        let Some(part) = self.0.iter().find(|part| part.config.may_have(&call.name)) else {
            return Err(unknown(&call.name));
        };
        match (&part.listing, &part.failed) {
            (Some(listing), _) => Ok(Arc::clone(&listing.check(call)?.spec)),
            // Nobody should be asked about a tool that nobody has seen and that cannot be called.
            (None, Some(failed)) => Err(failure::unavailable(&part.config.name, failed)),
            (None, None) => Ok(Arc::new(placeholder(&call.name, &part.config))),
        }
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        let offered = self.0.iter().filter(|part| part.offered);
        let listings = offered.filter_map(|part| part.listing.as_ref());
        listings.flat_map(|listing| listing.specs()).map(Arc::clone).collect()
    }
}

/// What stands for a tool of a server that was not asked yet, for example when a chat waits for an
/// approval across a restart. The call itself finds out.
pub(super) fn placeholder(name: &str, config: &Config) -> ToolSpec {
    with_rules(ToolSpec::new(name, "", json!({})), config)
}

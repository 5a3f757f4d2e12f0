//! A build without servers of tools.

use std::sync::Arc;

use polychat::ports::Toolbox;

use crate::config::{ConfigError, Configured};

/// None.
#[derive(Clone)]
pub(super) struct Servers;

impl Servers {
    pub(super) fn new(configured: &Configured) -> Result<Self, ConfigError> {
        if configured.config.mcp.is_empty() {
            return Ok(Self);
        }
        let what = "this build knows no servers of tools: it was made without feature `mcp`";
        Err(configured.wrong(["mcp"], what))
    }

    #[allow(clippy::unused_self)] // with feature `mcp` there may be some
    pub(super) fn toolbox(&self) -> Option<Arc<dyn Toolbox>> {
        None
    }

    #[allow(clippy::unused_self, clippy::unused_async)] // with feature `mcp` there may be some
    pub(super) async fn stop(&self) {}
}

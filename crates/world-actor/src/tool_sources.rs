//! Tells operators how the sources of a world's tools are doing.

use std::sync::Arc;

use polychat_chat_actor::environment::Reporter;
use polychat_core::{
    Diagnostic,
    content::Text,
    diagnostic::{DiagnosticKind, ToolSourceState},
    outcome::cut,
    ports::{Clock, ToolObserver},
};

use crate::feed::WorldFeed;

/// The longest reason that is passed on, in bytes.
const REASON_BYTES_MAX: usize = 1_024;

/// Passes on to the world's feed what a toolbox says of its sources.
pub(crate) struct ToolSources {
    pub(crate) feed: Arc<WorldFeed>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ToolObserver for ToolSources {
    fn source_changed(&self, source: &Text, state: ToolSourceState, reason: &str) {
        let reason = cut(reason, REASON_BYTES_MAX).into();
        let kind = DiagnosticKind::ToolSource { source: Arc::clone(source), state, reason };
        self.feed.diagnostic(Diagnostic::of_world(self.clock.now(), kind));
    }
}

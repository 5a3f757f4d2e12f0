//! What the actor itself asks of a world's toolbox, at arm's length.
//!
//! Tools run in tasks of their own, but arguments are checked, and tools looked up, while the actor
//! decides. That is code of others too: if it panics, one call is refused, and no actor is lost.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use polychat_core::{
    Failure, FailureKind,
    ports::{Tool, Toolbox},
    tool::{NoTools, ToolCall, ToolCatalog, ToolSpec},
};

/// A catalog whose checks may panic.
pub(crate) struct Guarded(pub(crate) Arc<dyn ToolCatalog>);

impl Guarded {
    /// The tools as they are now; none if that is not to be found out.
    pub(crate) fn catalog(toolbox: &dyn Toolbox) -> Self {
        let found = catch_unwind(AssertUnwindSafe(|| toolbox.catalog()));
        Self(found.unwrap_or_else(|_| Arc::new(NoTools)))
    }
}

impl ToolCatalog for Guarded {
    fn check(&self, call: &ToolCall) -> Result<Arc<ToolSpec>, Failure> {
        catch_unwind(AssertUnwindSafe(|| self.0.check(call)))
            .unwrap_or_else(|_| Err(panicked("checking the call")))
    }

    fn specs(&self) -> Vec<Arc<ToolSpec>> {
        self.0.specs()
    }
}

/// What runs calls of the tool of this name.
pub(crate) fn tool(toolbox: &dyn Toolbox, name: &str) -> Result<Arc<dyn Tool>, Failure> {
    let found = catch_unwind(AssertUnwindSafe(|| toolbox.get(name)));
    found.map_err(|_| panicked("looking for the tool"))?.ok_or_else(|| {
        let message = format!("nothing here runs the tool {name:?}");
        Failure::new(FailureKind::NotConfigured, &message)
    })
}

// The text of the panic is of no use to a model; operators find it where the panic hook put it.
fn panicked(doing: &str) -> Failure {
    Failure::new(FailureKind::Panicked, &format!("{doing} panicked"))
}

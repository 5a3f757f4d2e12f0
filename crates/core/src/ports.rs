//! The traits behind which worlds, stores, models and tools live.
//!
//! Each is small and object-safe. Adapters in the crates above implement them; the conformance
//! suites in `polychat-testkit` say what an implementation promises.

mod clock;
mod host;
mod model;
mod registry;
mod search;
mod service;
mod store;
mod tool;

pub use clock::{Clock, Ids};
pub use host::{Callee, ContextProvider, ContextRequest, HostContext};
pub use model::{
    Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelSource, ModelStream,
};
pub use registry::{HostOffer, HostRegistry, HostStay};
pub use search::{Hit, Search, SearchPage, SearchQuery, Snippet};
pub use service::{NoticeStream, WorldService};
pub use store::{
    AppendError, Entry, Fence, Head, LogKey, OpenMode, Store, StoreError, StoreErrorKind,
};
pub use tool::{ProgressSink, Tool, ToolInput, ToolObserver, ToolSink, Toolbox};

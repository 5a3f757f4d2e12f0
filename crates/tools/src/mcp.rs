//! `Mcp`: the tools of servers that speak the Model Context Protocol (feature `mcp`).
//!
//! A [`Toolbox`] on the official crate `rmcp`. Nothing is started before a chat needs it; then once
//! for all chats, which share the connection without mixing: each call has a progress token of its
//! own. What the embedder attached ([`HostContext`]) never goes to a server.
//!
//! A server is somebody else's program. It may crash, hang, flood, lie: that ends its own calls as
//! failures that the model hears, and nothing else. What it says of its tools is not believed unless
//! the embedder says so.
//!
//! Read on, outside in: `config` and `limits` (what is said of a server), `server` and `start` (its
//! lives), `connection` and `tool` (its calls), `listing`, `catalog` and `names` (what it has),
//! `answer` and `failure` (how calls end); below them what messages pass through: `wire`, `tap`,
//! `pipe`, `lines`, `scan`, and the ways to a server: `process`, `http`, `connect`.
//!
//! [`HostContext`]: polychat_core::ports::HostContext

mod answer;
mod back_off;
mod catalog;
mod config;
mod connect;
mod connection;
mod error;
mod failure;
mod http;
mod limits;
mod lines;
mod listing;
mod names;
mod pipe;
mod process;
mod scan;
mod server;
mod start;
mod status;
mod tap;
mod tool;
mod wire;

use std::{
    fmt,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use polychat_core::{
    ports::{Tool, ToolObserver, Toolbox},
    tool::{ToolCatalog, ToolSelection},
};

use catalog::{Catalog, placeholder};
use config::Config;
use server::Server;
use tool::McpTool;

use crate::observers::Observers;

pub use config::McpServer;
pub use connect::{McpConnect, McpStream};
pub use error::McpConfigError;
pub use limits::McpLimits;
pub use status::{McpState, McpStatus};

/// The tools of MCP servers.
///
/// One of it serves all chats of a world at once, and may serve several worlds; clones are the same.
/// Dropping the last one ends the servers.
///
/// # How a server lives
///
/// It starts when an agent that may use its tools is about to be asked, or when one of its tools is
/// called, and not twice at once. One that is not ready in time is left out, which observers and
/// [`status`](Self::status) tell, and is not tried again before its pause is over; model calls wait
/// for its first start only. When it ends, all calls on it fail at once as retryable; the next use
/// starts it again. So it is with one that hangs: when three calls in a row were given up without a
/// word from it, and it does not answer a ping either. Models keep its tools meanwhile, unless it
/// cannot be started. When it says that its tools have changed, they are listed again before the
/// next model call, but not twice within five seconds.
///
/// # Names
///
/// A model knows a tool as `prefix_tool`. A name that no provider would take is made to fit, and
/// marked with a hash of the whole, so that a name always means the same tool.
///
/// ```
/// use polychat_tools::{Tools, mcp::{Mcp, McpServer}};
///
/// let mcp = Mcp::new([
///     McpServer::stdio("files", "npx")
///         .args(["-y", "@modelcontextprotocol/server-filesystem", "/srv/data"])
///         .deny(["write_file"]),
///     McpServer::http("search", "http://127.0.0.1:3001/mcp").trust_annotations(),
/// ])?;
/// let tools = Tools::builder().add_source(std::sync::Arc::new(mcp)).build()?;
/// # let _ = tools;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Mcp(Arc<Inner>);

struct Inner {
    servers: Vec<Arc<Server>>,
    observers: Arc<Observers>,
}

impl Mcp {
    /// The tools of these servers. Nothing is started.
    ///
    /// # Errors
    ///
    /// [`McpConfigError`], for the first thing that is wrong with the configuration.
    pub fn new(servers: impl IntoIterator<Item = McpServer>) -> Result<Self, McpConfigError> {
        let configs: Vec<_> = servers.into_iter().map(Config::new).collect::<Result<_, _>>()?;
        for (index, config) in configs.iter().enumerate() {
            configs.iter().take(index).try_for_each(|other| other.stands_beside(config))?;
        }
        let observers = Arc::new(Observers::default());
        let server = |config| Server::new(config, Arc::clone(&observers));
        let servers = configs.into_iter().map(server).collect();
        Ok(Self(Arc::new(Inner { servers, observers })))
    }

    /// How the servers are doing, in the order in which they were given.
    #[must_use]
    pub fn status(&self) -> Vec<McpStatus> {
        self.0.servers.iter().map(|server| server.status()).collect()
    }

    /// Ends all servers in an orderly way and waits for that. The next use starts them again.
    ///
    /// Calls that are under way fail, and so do starts. A process that does not end by itself is killed after a few
    /// seconds.
    pub async fn stop(&self) {
        join_all(self.0.servers.iter().map(|server| server.stop())).await;
    }
}

impl fmt::Debug for Mcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mcp").field("servers", &self.status()).finish()
    }
}

#[async_trait]
impl Toolbox for Mcp {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        Arc::new(Catalog(self.0.servers.iter().map(|server| server.part()).collect()))
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let server = self.0.servers.iter().find(|server| server.config().may_have(name))?;
        let spec = match server.listing() {
            Some(listing) => Arc::clone(&listing.get(name)?.spec),
            None => Arc::new(placeholder(name, server.config())),
        };
        Some(Arc::new(McpTool { server: Arc::clone(server), spec }))
    }

    async fn prepare(&self, selection: &ToolSelection) {
        let needed = self.0.servers.iter().filter(|server| match selection {
            ToolSelection::None => false,
            ToolSelection::Only(names) => names.iter().any(|name| server.config().may_have(name)),
            // All, and whatever selections there may be later: rather too many than too few.
            _ => true,
        });
        join_all(needed.map(|server| server.prepare())).await;
    }

    fn observe(&self, observer: Weak<dyn ToolObserver>) {
        self.0.observers.add(observer);
    }
}

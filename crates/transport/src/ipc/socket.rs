//! Unix sockets: who may enter, who may serve, and what happens when a process did not clean up.
//!
//! A socket lies in a folder that only its user may enter, and both ends look at who the other one
//! is. At most one process serves a path: whoever does holds a lock beside it, which the operating
//! system gives back however the process ends. So a socket without a holder is a left-over and is
//! replaced, and no two that start at the same moment can both believe so.
//!
//! ```
//! # use polychat_core::{Command, CommandError, WorldId, ports::WorldService};
//! use polychat_transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions, Server, socket};
//! # async fn program(id: WorldId, world: std::sync::Arc<dyn WorldService>) -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("run/home.sock");
//!
//! let listener = socket::Listener::bind(&path).await?;
//! let server = std::sync::Arc::new(Server::new(id.clone(), world, ServeOptions::default()));
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let serving = tokio::spawn(listener.serve(server, async { stopped.await.unwrap_or(()) }));
//!
//! let remote = RemoteWorld::over(socket::connect(&path).await?, id, RemoteOptions::default());
//! remote.call(Command::GetWorld).await?;
//!
//! drop(stop);
//! let connections = serving.await?; // Nobody new comes in; these go on.
//! drop(connections); // Closed; it cancels nothing.
//! # Ok(())
//! # }
//! ```

mod connections;
mod error;
mod folder;
mod listener;
mod lock;
mod peer;

pub use connections::Connections;
pub use error::SocketError;
pub use listener::Listener;
pub use peer::connect;

//! Where a fresh pipe to a world comes from, again and again.

use std::{future::Future, io};

use tokio::io::{AsyncRead, AsyncWrite};

/// Makes a fresh pipe or socket to a world each time it is asked: one that nobody has spoken on.
///
/// Any function does that returns such a future:
///
/// ```
/// # use polychat_core::{Command, ports::WorldService};
/// # use polychat_transport::ipc::{RemoteOptions, RemoteWorld, Server};
/// # async fn program(server: std::sync::Arc<Server>) -> Result<(), Box<dyn std::error::Error>> {
/// let connector = move || {
///     let server = server.clone();
///     async move {
///         let (near, far) = tokio::io::duplex(64 * 1024);
///         tokio::spawn(async move { server.serve(far).await });
///         Ok(near)
///     }
/// };
/// let remote = RemoteWorld::connect(connector, RemoteOptions::default()).await?;
/// remote.call(Command::GetWorld).await?;
/// # Ok(())
/// # }
/// ```
pub trait Connect: Send + Sync + 'static {
    /// What is read and written.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Makes one.
    ///
    /// # Errors
    ///
    /// Why there is none just now; it is asked for again after a while.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when it takes too long, and when nobody wants the world any more.
    fn connect(&self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl<F, C, T> Connect for F
where
    F: Fn() -> C + Send + Sync + 'static,
    C: Future<Output = io::Result<T>> + Send,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = T;

    fn connect(&self) -> impl Future<Output = io::Result<T>> + Send {
        self()
    }
}

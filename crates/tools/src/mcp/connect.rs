//! Servers that are reached over any pair of byte streams.

use std::{fmt, io};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

/// Opens connections to an MCP server in a way of the embedder's own: a socket, a process in a
/// container, a server in this process.
///
/// ```
/// use polychat_tools::mcp::{McpConnect, McpServer, McpStream};
///
/// struct InThisProcess;
///
/// #[async_trait::async_trait]
/// impl McpConnect for InThisProcess {
///     async fn connect(&self) -> std::io::Result<McpStream> {
///         let (ours, theirs) = tokio::io::duplex(64 * 1024);
///         // … give `theirs` to a server …
/// #       drop(theirs);
///         let (read, write) = tokio::io::split(ours);
///         Ok(McpStream::new(read, write))
///     }
/// }
///
/// let server = McpServer::connect("inside", InThisProcess);
/// # let _ = server;
/// ```
#[async_trait]
pub trait McpConnect: Send + Sync + 'static {
    /// Opens one connection: messages are lines of JSON, in both directions.
    ///
    /// It is asked again whenever the server has ended and is needed. Dropping the future stops it.
    ///
    /// # Errors
    ///
    /// Why it cannot be reached; the reason is shown to operators.
    async fn connect(&self) -> io::Result<McpStream>;
}

/// Both directions of a connection that [`McpConnect`] opened.
pub struct McpStream {
    pub(super) read: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) write: Box<dyn AsyncWrite + Send + Unpin>,
}

impl McpStream {
    /// What the server writes, and where it reads.
    pub fn new(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self { read: Box::new(read), write: Box::new(write) }
    }
}

impl fmt::Debug for McpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("McpStream { .. }")
    }
}

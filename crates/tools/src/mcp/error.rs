//! Why servers cannot be put together.

use polychat_core::content::Text;

/// Why [`Mcp::new`](super::Mcp::new) refuses its servers. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum McpConfigError {
    /// A server's name, or its prefix, cannot begin the names of tools.
    #[error("{name:?} cannot begin names of tools: 1 to 32 letters, digits, `_` or `-`")]
    InvalidName {
        /// The name or prefix.
        name: Text,
    },
    /// Two servers have the same name.
    #[error("there are two servers named {name:?}")]
    DuplicateName {
        /// The name.
        name: Text,
    },
    /// The name of a tool could belong to either of two servers.
    #[error("the prefixes {first:?} and {second:?} overlap: give one of the servers another")]
    OverlappingPrefixes {
        /// One prefix.
        first: Text,
        /// The other.
        second: Text,
    },
    /// The address of a server is none, or not one of HTTP. It is not repeated: it may hold a key.
    #[error("the url of the server {server:?} is not an http url")]
    InvalidUrl {
        /// The server.
        server: Text,
    },
    /// A header cannot be sent, or belongs to the protocol. Its value is not repeated.
    #[error("the header {header:?} of the server {server:?} cannot be sent")]
    InvalidHeader {
        /// The server.
        server: Text,
        /// The header's name.
        header: Text,
    },
    /// An option that this sort of server does not have, for example a header of a child process.
    #[error("the server {server:?} is not of the sort that has: {option}")]
    WrongOption {
        /// The server.
        server: Text,
        /// The option.
        option: &'static str,
    },
    /// TLS, or the HTTP client, could not be set up on this machine.
    #[error("the http client cannot be set up: {reason}")]
    Http {
        /// Why.
        reason: Text,
    },
}

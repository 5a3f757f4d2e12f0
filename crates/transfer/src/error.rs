//! Why an export or an import ended before its end.
//!
//! What is wrong with a single line, row or chat is no error: it is a [`Problem`](crate::Problem)
//! of the report, and the rest goes on.

use polychat_core::CommandError;

/// Why an export ended early. What was written until then lacks its last line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The world did not give what it was asked for.
    #[error("the world cannot be read: {0}")]
    World(#[from] CommandError),
    /// A line could not be made.
    #[error("a line cannot be written as json")]
    Json(#[from] serde_json::Error),
    /// The pieces could not be written where they were to go.
    #[error("the export cannot be written")]
    Io(#[from] std::io::Error),
}

/// Why an import ended early. Running it again goes on where it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The world did not answer, or refused for a reason that passes.
    #[error("the world cannot be written to: {0}")]
    World(#[from] CommandError),
    /// The lines could not be read.
    #[error("the lines cannot be read")]
    Io(#[from] std::io::Error),
    /// The database could not be read.
    #[cfg(feature = "agent-world")]
    #[error(transparent)]
    Database(#[from] crate::agent_world::DatabaseError),
}

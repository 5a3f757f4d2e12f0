//! Why tools cannot be put together.

use polychat_core::content::Text;

use crate::{compiled::TOOLS_MAX, schema::InvalidSchema};

/// Why tools cannot be put into a toolbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolsError {
    /// A name that a provider would not take: not 1 to 64 of `A-Z a-z 0-9 _ -`.
    #[error("{name:?} is no name of a tool: 1 to 64 letters, digits, `_` or `-`")]
    InvalidName {
        /// The name.
        name: Text,
    },
    /// Two tools have the same name.
    #[error("there are two tools named {name:?}")]
    DuplicateName {
        /// The name.
        name: Text,
    },
    /// A tool's schema cannot be used.
    #[error("the schema of the tool {name:?}: {reason}")]
    InvalidSchema {
        /// The tool.
        name: Text,
        /// What is wrong with it.
        reason: InvalidSchema,
    },
    /// More tools than one toolbox takes.
    #[error("{count} tools: one toolbox takes {TOOLS_MAX}")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

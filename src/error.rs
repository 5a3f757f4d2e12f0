//! The one error of a program's main function.

#[cfg(feature = "sqlite")]
use std::sync::Arc;

use crate::{CommandError, OpenError, id::InvalidId};

/// Whatever can go wrong with the handles: `?` turns each of their errors into this one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// A world could not be opened.
    Open(OpenError),
    /// A string is no id.
    Id(InvalidId),
    /// A command was declined, or something broke on the way.
    Command(CommandError),
    /// Tools cannot be put together.
    #[cfg(feature = "tools")]
    Tools(polychat_tools::ToolsError),
    /// A file cannot be opened.
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<polychat_store::SqliteError>),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Id(error) => error.fmt(f),
            Self::Command(error) => error.fmt(f),
            #[cfg(feature = "tools")]
            Self::Tools(error) => error.fmt(f),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => error.source(),
            Self::Id(error) => error.source(),
            Self::Command(error) => error.source(),
            #[cfg(feature = "tools")]
            Self::Tools(error) => error.source(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(error) => error.source(),
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<InvalidId> for Error {
    fn from(error: InvalidId) -> Self {
        Self::Id(error)
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

#[cfg(feature = "tools")]
impl From<polychat_tools::ToolsError> for Error {
    fn from(error: polychat_tools::ToolsError) -> Self {
        Self::Tools(error)
    }
}

#[cfg(feature = "sqlite")]
impl From<polychat_store::SqliteError> for Error {
    fn from(error: polychat_store::SqliteError) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl From<crate::notice::InvalidCursor> for Error {
    fn from(error: crate::notice::InvalidCursor) -> Self {
        let (what, why) = ("cursor".into(), error.to_string().into());
        crate::Refusal::InvalidInput { what, why }.into()
    }
}

impl From<crate::Refusal> for Error {
    fn from(refusal: crate::Refusal) -> Self {
        Self::Command(refusal.into())
    }
}

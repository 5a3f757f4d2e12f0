//! Opaque identifiers that come from outside.
//!
//! Existing applications have ids already, so an id is any string of 1 to 128 bytes without control
//! characters that is not `.` or `..` (those two break paths). Nothing is ever parsed out of an id.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The largest length of an id, in bytes of UTF-8.
pub const ID_BYTES_MAX: usize = 128;

/// Why a string is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// The string is empty.
    #[error("an id must not be empty")]
    Empty,
    /// The string has more than [`ID_BYTES_MAX`] bytes.
    #[error("an id has at most {ID_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The string holds a control character.
    #[error("an id must not hold control characters")]
    ControlCharacter,
    /// The string is `.` or `..`.
    #[error("an id must not be a path step")]
    PathStep,
}

fn check(value: &str) -> Result<(), InvalidId> {
    if value.is_empty() {
        return Err(InvalidId::Empty);
    }
    if value.len() > ID_BYTES_MAX {
        return Err(InvalidId::TooLong { bytes: value.len() });
    }
    if value.chars().any(char::is_control) {
        return Err(InvalidId::ControlCharacter);
    }
    if value == "." || value == ".." {
        return Err(InvalidId::PathStep);
    }
    Ok(())
}

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(as = "String"))]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a string and makes an id of it.
            ///
            /// # Errors
            ///
            /// [`InvalidId`] when the string is empty, longer than [`ID_BYTES_MAX`] bytes, holds a
            /// control character, or is `.` or `..`.
            pub fn new(value: impl AsRef<str>) -> Result<Self, InvalidId> {
                check(value.as_ref())?;
                Ok(Self(Arc::from(value.as_ref())))
            }

            /// The id as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                check(&value)?;
                Ok(Self(value.into()))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                Self::new(value)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

opaque_id! {
    /// Names one world.
    ///
    /// ```
    /// use polychat_core::WorldId;
    /// assert_eq!(WorldId::new("home")?.as_str(), "home");
    /// # Ok::<(), polychat_core::id::InvalidId>(())
    /// ```
    WorldId
}
opaque_id! {
    /// Names one chat within its world; never used again, also not after deletion.
    ///
    /// ```
    /// use polychat_core::ChatId;
    /// assert!(ChatId::new("chat-7").is_ok());
    /// assert!(ChatId::new("").is_err());
    /// assert!(ChatId::new("..").is_err());
    /// ```
    ChatId
}
opaque_id! {
    /// Names one prompt within its chat; sending it again with the same body is answered alike.
    PromptId
}
opaque_id! {
    /// Names an agent of a world.
    AgentName
}
opaque_id! {
    /// The name under which a model is registered with a world.
    ModelName
}

impl From<&AgentName> for ModelName {
    /// Both follow the same rules, so the name of an agent can name a model.
    fn from(name: &AgentName) -> Self {
        Self(Arc::clone(&name.0))
    }
}

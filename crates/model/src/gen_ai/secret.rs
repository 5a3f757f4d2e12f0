//! A key that cannot be printed.

use std::{env, fmt, sync::Arc};

/// A key. Neither `Debug` nor `Display` shows it.
///
/// ```
/// use polychat_model::Secret;
/// let key = Secret::new("sk-very-secret");
/// assert_eq!(format!("{key} {key:?}"), "[secret] [secret]");
/// ```
#[derive(Clone)]
pub struct Secret(Arc<str>);

/// No environment variable of this name holds a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {variable} holds no key")]
#[non_exhaustive]
pub struct MissingKey {
    /// The variable's name.
    pub variable: String,
}

impl Secret {
    /// A key; white space around it is dropped.
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(Arc::from(key.as_ref().trim()))
    }

    /// The key that an environment variable holds now.
    ///
    /// # Errors
    ///
    /// When there is no such variable, or it is empty or no Unicode.
    pub fn from_env(variable: &str) -> Result<Self, MissingKey> {
        let key = Self::new(env::var(variable).unwrap_or_default());
        if key.0.is_empty() {
            return Err(MissingKey { variable: variable.to_owned() });
        }
        Ok(key)
    }

    /// The key itself, for the one place that sends it.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// Strikes the key out of a text.
    pub(super) fn strike(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&*self.0, "[secret]") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_key_is_struck_out_of_any_text_and_an_empty_one_changes_nothing() {
        assert_eq!(Secret::new(" sk-1\n").strike("key sk-1 is bad"), "key [secret] is bad");
        assert_eq!(Secret::new("").strike("as it was"), "as it was");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named_in_the_error() {
        let error = Secret::from_env("POLYCHAT_NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!(error.variable, "POLYCHAT_NO_SUCH_VARIABLE");
    }
}

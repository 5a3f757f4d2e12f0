//! Secrets: read from where the configuration says, and never shown.

use std::{env, fs, path::Path};

use crate::config::{ConfigError, Configured};

/// Where a secret is kept.
pub(crate) struct Kept<'a> {
    /// The name of an environment variable.
    pub(crate) variable: Option<&'a str>,
    /// A file that holds nothing else.
    pub(crate) file: Option<&'a Path>,
}

impl Kept<'_> {
    /// The secret, without white space around it; `None` if none is kept. The keys are those that
    /// say where it is kept: the variable's, then the file's.
    pub(crate) fn read(
        &self,
        configured: &Configured,
        variable_keys: &[&str],
        file_keys: &[&str],
    ) -> Result<Option<String>, ConfigError> {
        match (self.variable, self.file) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(configured.wrong(file_keys, "there is a variable for it already"))
            }
            (Some(name), None) => {
                variable(name).map(Some).map_err(|what| configured.wrong(variable_keys, what))
            }
            (None, Some(file)) => {
                let text = fs::read_to_string(file).map_err(|error| {
                    let what = format!("{} cannot be read: {error}", file.display());
                    configured.wrong(file_keys, what)
                })?;
                match text.trim() {
                    "" => Err(configured.wrong(file_keys, "the file holds nothing")),
                    secret => Ok(Some(secret.to_owned())),
                }
            }
        }
    }
}

/// What an environment variable holds, or what is wrong with it.
///
/// Only what can be a name is repeated in a message: it may be the secret itself, put into the
/// wrong place.
pub(crate) fn variable(name: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        let what = "this is no name of an environment variable (capitals, digits and `_`)";
        return Err(what.to_owned());
    }
    let value = env::var(name).unwrap_or_default();
    match value.trim() {
        "" => Err(format!("the environment variable {name} is not set")),
        value => Ok(value.to_owned()),
    }
}

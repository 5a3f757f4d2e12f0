//! Where a key was said: a line of a file, an environment variable, an option.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

/// The name of a value, section by section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys(Vec<String>);

impl Keys {
    pub(crate) fn of<K: ToString>(keys: impl IntoIterator<Item = K>) -> Self {
        Self(keys.into_iter().map(|key| key.to_string()).collect())
    }
}

impl Keys {
    /// The whole.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }
}

impl Deref for Keys {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Keys {
    /// As it would stand in a file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, key) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if !key.is_empty() && key.chars().all(plain) {
                write!(f, "{dot}{key}")?;
            } else {
                write!(f, "{dot}{key:?}")?;
            }
        }
        Ok(())
    }
}

/// Where something was said, as it stands before what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file; lines and columns begin with 1, columns count characters.
    File { path: PathBuf, line: usize, column: usize },
    /// An environment variable.
    Variable(String),
    /// An option, with its dashes.
    Option(&'static str),
    /// Nobody said anything.
    Nowhere,
}

impl Place {
    /// The place in a file after so many bytes.
    pub(crate) fn in_file(path: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Self::File { path: path.to_owned(), line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}: ", path.display()),
            Self::Variable(name) => write!(f, "{name}: "),
            Self::Option(name) => write!(f, "{name}: "),
            Self::Nowhere => Ok(()),
        }
    }
}

/// Where everything was said.
#[derive(Debug, Default)]
pub(crate) struct Places {
    file: Option<(PathBuf, String)>,
    /// By variables and options, in the order in which they count.
    said: Vec<(Place, Keys)>,
}

impl Places {
    pub(crate) fn file(&mut self, path: &Path, text: String) {
        self.file = Some((path.to_owned(), text));
    }

    pub(crate) fn said(&mut self, place: Place, keys: Keys) {
        self.said.push((place, keys));
    }

    /// Where this was said, or the nearest section around it.
    pub(crate) fn of(&self, keys: &Keys) -> Place {
        let said = self.said.iter().rev().find(|(_, said)| said.starts_with(keys));
        let in_file = self.in_file(keys);
        match (said, in_file) {
            (Some((place, _)), _) => place.clone(),
            (None, Some((place, _))) => place,
            (None, None) => Place::Nowhere,
        }
    }

    /// The place in the file that says most of these keys, and how many.
    fn in_file(&self, keys: &Keys) -> Option<(Place, usize)> {
        let (path, text) = self.file.as_ref()?;
        let root = DeTable::parse(text).ok()?;
        let mut table = Some(root.get_ref());
        let mut found = None;
        for (depth, key) in keys.iter().enumerate() {
            let entry = table?.iter().find(|(name, _)| **name.get_ref() == *key.as_str());
            let Some((name, value)) = entry else { break };
            found = Some((Place::in_file(path, text, name.span().start), depth + 1));
            table = match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => None,
            };
        }
        found
    }
}

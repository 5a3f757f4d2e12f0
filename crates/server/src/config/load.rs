//! From a file, the environment and the command line to one [`Config`]; what is said later counts.
//!
//! The crate `config` merges. What is here besides is that every mistake is told with its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use config::{Map, Source, Value, ValueKind};
use serde::Deserialize;

use super::{
    Config, WORLD,
    place::{Keys, Place, Places},
    secrecy::{self, discreet},
};

/// What the names of environment variables begin with.
const PREFIX: &str = "POLYCHAT_";
/// What parts the keys in the names of environment variables. A name without it is none of ours,
/// but for [`LOG`].
const LEVEL: &str = "__";
/// The environment variable that is a short name of `log.filter`.
const LOG: &str = "POLYCHAT_LOG";

/// A configuration, and where each part of it was said.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) config: Config,
    places: Places,
}

/// Something that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the configuration {path} cannot be read")]
    Read { path: PathBuf, source: io::Error },
    #[error("{place}{}{what}", before(key))]
    Wrong { place: Place, key: Keys, what: String },
}

/// The key as it stands before what is wrong with it. What is no TOML at all is wrong as a whole.
fn before(key: &Keys) -> String {
    if key.is_empty() { String::new() } else { format!("{key}: ") }
}

/// A value that one variable or one option says.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    /// The variable or the option.
    place: Place,
    keys: Keys,
    value: Value,
}

impl Said {
    /// What an option of the command line says; its name with the dashes.
    pub(crate) fn option(
        name: &'static str,
        keys: &'static [&'static str],
        value: impl Into<ValueKind>,
    ) -> Self {
        let value = Value::new(None, value);
        Self { place: Place::Option(name), keys: Keys::of(keys), value }
    }

    /// What an environment variable says, if it is one of ours.
    fn variable(name: &str, value: &str) -> Option<Self> {
        let keys = if name == LOG {
            Keys::of(["log", "filter"])
        } else {
            let keys = name.strip_prefix(PREFIX).filter(|keys| keys.contains(LEVEL))?;
            Keys::of(keys.to_lowercase().split(LEVEL))
        };
        let place = Place::Variable(name.to_owned());
        Some(Self { place, keys, value: value_of_text(value) })
    }
}

impl Source for Said {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let nested = self.keys.iter().rev().fold(self.value.clone(), |value, key| {
            Value::new(None, Map::from_iter([(key.clone(), value)]))
        });
        nested.into_table()
    }
}

/// The values of a file.
#[derive(Debug, Clone)]
struct File(Map<String, Value>);

impl Source for File {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Puts a configuration together: this file, then these variables, then these options.
pub(crate) fn load(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    options: Vec<Said>,
) -> Result<Configured, ConfigError> {
    let mut places = Places::default();
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        builder = builder.add_source(read(path, &text)?);
        places.file(path, text);
    }
    let variables = variables.into_iter().filter_map(|(name, value)| Said::variable(&name, &value));
    for said in variables.chain(options) {
        places.said(said.place.clone(), said.keys.clone());
        builder = builder.add_source(said);
    }
    let merged = builder.build().map_err(|error| wrong(&places, Keys::none(), &error))?;
    let mut config: Config = serde_path_to_error::deserialize(merged).map_err(|error| {
        let keys = keys_of(error.path());
        wrong(&places, keys, error.inner())
    })?;
    config.tools.settle(config.models.values());
    let configured = Configured { config, places };
    secrecy::check(&configured)?;
    Ok(configured)
}

impl Configured {
    /// The world that a subcommand serves that has one: this one, or the only one, or `home`.
    pub(crate) fn one_world<'a>(&'a self, asked: Option<&'a str>) -> Result<&'a str, ConfigError> {
        let mut names = self.config.worlds.keys().map(String::as_str);
        match (asked, names.next(), names.next()) {
            (Some(name), ..) | (None, Some(name), None) => Ok(name),
            (None, None, _) => Err(self.wrong(["worlds"], "there must be one at least")),
            _ if self.config.worlds.contains_key(WORLD) => Ok(WORLD),
            _ => Err(self.wrong(["worlds"], "say which of them with --world NAME")),
        }
    }

    /// What is wrong with the value of these keys, told with its place.
    pub(crate) fn wrong<K: ToString>(
        &self,
        keys: impl IntoIterator<Item = K>,
        what: impl Into<String>,
    ) -> ConfigError {
        let key = Keys::of(keys);
        ConfigError::Wrong { place: self.places.of(&key), key, what: what.into() }
    }
}

/// Reads a file strictly: what comes after it may be looser, because it is text.
fn read(path: &Path, text: &str) -> Result<File, ConfigError> {
    let wrong = |keys: Keys, error: &toml::de::Error| {
        let place = Place::in_file(path, text, error.span().map_or(0, |span| span.start));
        let what = discreet(&keys, error.message().to_owned());
        ConfigError::Wrong { place, key: keys, what }
    };
    let parsed = toml::Deserializer::parse(text).map_err(|error| wrong(Keys::none(), &error))?;
    let config: Result<Config, _> = serde_path_to_error::deserialize(parsed);
    config.map_err(|error| wrong(keys_of(error.path()), error.inner()))?;
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| wrong(Keys::none(), &error))?;
    let Some(folder) = path.parent().unwrap_or(Path::new("")).to_str() else {
        let source = io::Error::other("its folder has a name that is no unicode");
        return Err(ConfigError::Read { path: path.to_owned(), source });
    };
    relative_to(folder, &mut table);
    Ok(File(table.into_iter().map(|(key, value)| (key, value_of(value))).collect()))
}

/// Paths in a file begin in its folder; `*` stands for any name.
const PATHS: [&[&str]; 4] = [
    &["store", "file"],
    &["models", "*", "key_file"],
    &["serve", "tokens", "*", "token_file"],
    &["mcp", "*", "working_dir"],
];

fn relative_to(folder: &str, table: &mut toml::Table) {
    for keys in PATHS {
        table.iter_mut().for_each(|(key, value)| begin_in(folder, keys, key, value));
    }
}

/// Lets a value begin in this folder, if it is reached by these keys, the first of which is its own.
fn begin_in(folder: &str, keys: &[&str], key: &str, value: &mut toml::Value) {
    let Some((first, rest)) = keys.split_first() else { return };
    if *first != "*" && *first != key {
        return;
    }
    match value {
        toml::Value::Table(table) => {
            table.iter_mut().for_each(|(key, value)| begin_in(folder, rest, key, value));
        }
        toml::Value::String(path) if rest.is_empty() => {
            *path = Path::new(folder).join(&*path).display().to_string();
        }
        _ => {}
    }
}

fn value_of(value: toml::Value) -> Value {
    let kind = match value {
        toml::Value::String(text) => ValueKind::String(text),
        toml::Value::Integer(number) => ValueKind::I64(number),
        toml::Value::Float(number) => ValueKind::Float(number),
        toml::Value::Boolean(truth) => ValueKind::Boolean(truth),
        toml::Value::Datetime(time) => ValueKind::String(time.to_string()),
        toml::Value::Array(values) => ValueKind::Array(values.into_iter().map(value_of).collect()),
        toml::Value::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, value_of(value))).collect())
        }
    };
    Value::new(None, kind)
}

/// A list or a table where it looks like one, otherwise a text, which becomes what its key needs.
fn value_of_text(text: &str) -> Value {
    let structured = text.trim_start().starts_with(['[', '{']);
    let parsed = structured
        .then(|| toml::Value::deserialize(toml::de::ValueDeserializer::parse(text).ok()?).ok());
    parsed.flatten().map_or_else(|| Value::new(None, text), value_of)
}

fn wrong(places: &Places, key: Keys, error: &config::ConfigError) -> ConfigError {
    let what = discreet(&key, what(error));
    ConfigError::Wrong { place: places.of(&key), key, what }
}

/// What is wrong, without the key and the source, which are told besides.
fn what(error: &config::ConfigError) -> String {
    match error {
        config::ConfigError::At { error, .. } => what(error),
        config::ConfigError::Type { unexpected, expected, .. } => {
            format!("invalid type: {unexpected}, expected {expected}")
        }
        other => other.to_string(),
    }
}

fn keys_of(path: &serde_path_to_error::Path) -> Keys {
    let keys = path.iter().map_while(|segment| match segment {
        serde_path_to_error::Segment::Map { key } => Some(key),
        _ => None,
    });
    Keys::of(keys)
}

//! What can be configured: one type for all sections, whoever says it.
//!
//! A file, the environment and the command line are put together in `load`; what each section means
//! is made of it in the house and in the commands. `docs/configuration.md` lists all keys.
//! Secrets never stand here: only the names of the variables or files that hold them.

mod duration;
mod limits;
mod load;
mod parts;
mod place;
mod secrecy;
mod serve;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    duration::Span,
    limits::LimitsConfig,
    load::{ConfigError, Configured, Said, load},
    parts::{Agent, Approval, Mcp, Model, ToolNames, ToolWord, World},
    serve::{ServeConfig, ServeLimits, Token},
};

/// All sections. Each key stands in one, so that each has a name in the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where chats are kept.
    pub(crate) store: StoreConfig,
    /// What is logged.
    pub(crate) log: LogConfig,
    /// `polychat serve`.
    pub(crate) serve: ServeConfig,
    /// What connected programs may bring.
    pub(crate) hosts: HostsConfig,
    /// Tools that the server has itself.
    pub(crate) tools: ToolsConfig,
    /// The worlds, by their ids; without any there is `home`.
    pub(crate) worlds: BTreeMap<String, World>,
    /// The agents of each world, by their names; without any there is `assistant`.
    pub(crate) agents: BTreeMap<String, Agent>,
    /// The models, by the names that agents use; without any there is `demo`.
    pub(crate) models: BTreeMap<String, Model>,
    /// Servers of tools, by their names.
    pub(crate) mcp: BTreeMap<String, Mcp>,
    /// The bounds of each world.
    pub(crate) limits: LimitsConfig,
}

/// The name of the world that there is when none is named.
pub(crate) const WORLD: &str = "home";
/// The name of the agent that there is when none is named.
pub(crate) const AGENT: &str = "assistant";
/// The name of the model that there is when none is named.
const MODEL: &str = "demo";

impl Default for Config {
    fn default() -> Self {
        Self {
            store: StoreConfig::default(),
            log: LogConfig::default(),
            serve: ServeConfig::default(),
            hosts: HostsConfig::default(),
            tools: ToolsConfig::default(),
            worlds: BTreeMap::from([(WORLD.to_owned(), World::default())]),
            agents: BTreeMap::from([(AGENT.to_owned(), Agent::default())]),
            models: BTreeMap::from([(MODEL.to_owned(), Model::default())]),
            mcp: BTreeMap::new(),
            limits: LimitsConfig::default(),
        }
    }
}

impl fmt::Display for Config {
    /// As a file that says the same. It holds no secrets, because no key does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

/// Where chats are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// Keeps nothing beyond the end of the process.
    pub(crate) memory: bool,
    /// The file; without it one in the folder that the system keeps for this user's data.
    pub(crate) file: Option<PathBuf>,
    /// What an acknowledgement means.
    pub(crate) durability: Durability,
}

/// [`polychat::Durability`], as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Durability {
    /// What is acknowledged outlives a power cut.
    #[default]
    PowerSafe,
    /// What is acknowledged outlives the process.
    ProcessSafe,
}

impl From<Durability> for polychat::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::PowerSafe => Self::PowerSafe,
            Durability::ProcessSafe => Self::ProcessSafe,
        }
    }
}

/// What is logged to standard error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// As in `info,polychat=debug`. Without it what each subcommand thinks right.
    pub(crate) filter: Option<String>,
    /// How a record looks.
    pub(crate) format: LogFormat,
}

/// How a record of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// A line for people.
    #[default]
    Pretty,
    /// An object of JSON, one per line.
    Json,
}

/// What connected programs may bring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HostsConfig {
    /// Takes models and tools that connected programs register.
    pub(crate) allow: bool,
}

impl Default for HostsConfig {
    fn default() -> Self {
        Self { allow: true }
    }
}

/// Tools that the server has itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ToolsConfig {
    /// Of those that read no files, reach no network and change nothing, the ones that agents can
    /// have. Where nothing is said, all of them for the demo, which has something to show then, and
    /// none for other models, of which some refuse requests with tools.
    pub(crate) builtin: Option<Vec<Builtin>>,
}

impl ToolsConfig {
    /// Says for these models what was left out.
    fn settle<'a>(&mut self, mut models: impl Iterator<Item = &'a Model>) {
        let only_demo = models.all(|model| model.provider == Model::DEMO);
        self.builtin
            .get_or_insert_with(|| if only_demo { Builtin::ALL.to_vec() } else { Vec::new() });
    }
}

/// A tool of [`polychat::tools::builtin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Builtin {
    AskUser,
    Calculator,
    Clock,
    Wait,
}

impl Builtin {
    const ALL: [Self; 4] = [Self::AskUser, Self::Calculator, Self::Clock, Self::Wait];
}

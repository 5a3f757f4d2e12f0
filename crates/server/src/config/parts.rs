//! What a world is made of: its models, its agents, and servers of tools.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Span;

/// A world. All worlds have the same models, agents and tools.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct World {
    /// The agent that answers when neither chat nor prompt names one. It is set when the world is
    /// made. Without it the only agent, or `assistant`.
    pub(crate) agent: Option<String>,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Agent {
    /// The model that it speaks through. Without it the only one.
    pub(crate) model: Option<String>,
    /// Its instructions.
    pub(crate) system: String,
    /// The tools that it may use.
    pub(crate) tools: ToolNames,
    /// When a person must allow a call of a tool; without it as the world's settings say.
    pub(crate) approval: Option<Approval>,
    /// The same for single tools.
    pub(crate) approvals: BTreeMap<String, Approval>,
    /// What it asks of the model.
    pub(crate) params: Params,
}

/// Which tools an agent may use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = r#"expected "all", "none", or a list of names of tools"#)]
pub(crate) enum ToolNames {
    /// All or none.
    Word(ToolWord),
    /// Those named.
    Only(Vec<String>),
}

impl Default for ToolNames {
    fn default() -> Self {
        Self::Word(ToolWord::All)
    }
}

/// All or none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToolWord {
    All,
    None,
}

/// When a person must allow a call of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Approval {
    /// Tools that only read may run, others are denied.
    Read,
    /// Tools that only read may run, others ask.
    Ask,
    /// All may run.
    Auto,
}

/// What an agent asks of its model; what is not said is the provider's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// Sampling temperature.
    pub(crate) temperature: Option<f64>,
    /// The largest answer, in tokens.
    pub(crate) output_tokens_max: Option<u32>,
    /// How hard to think: a word that the provider understands.
    pub(crate) reasoning_effort: Option<String>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Model {
    /// `demo`, or whose protocol is spoken: `openai`, `anthropic`, `gemini`, `ollama`…
    pub(crate) provider: String,
    /// The name that the provider knows. Without it the one that agents use.
    pub(crate) model: Option<String>,
    /// A server other than the provider's own.
    pub(crate) base_url: Option<String>,
    /// The environment variable that holds the key.
    pub(crate) key_env: Option<String>,
    /// The file that holds the key.
    pub(crate) key_file: Option<PathBuf>,
    /// How long a connection may take to stand.
    pub(crate) connect_duration_max: Span,
}

impl Model {
    /// The provider that needs no key and no network.
    pub(crate) const DEMO: &'static str = "demo";
}

impl Default for Model {
    fn default() -> Self {
        Self {
            provider: Self::DEMO.to_owned(),
            model: None,
            base_url: None,
            key_env: None,
            key_file: None,
            connect_duration_max: Span::secs(10),
        }
    }
}

/// A server of tools: a process, or an address.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mcp {
    /// The program, looked up in `PATH`; no shell is involved.
    pub(crate) command: Option<String>,
    /// Its arguments.
    pub(crate) args: Vec<String>,
    /// The environment variables of this process that it gets, beside the few that programs need
    /// to run.
    pub(crate) pass_env: Vec<String>,
    /// The folder in which it starts.
    pub(crate) working_dir: Option<PathBuf>,
    /// The address, spoken to over streamable HTTP.
    pub(crate) url: Option<String>,
    /// Headers of each request: their names, and the environment variables that hold their values.
    pub(crate) headers_env: BTreeMap<String, String>,
    /// What the names of its tools begin with, instead of its own.
    pub(crate) prefix: Option<String>,
    /// The only tools that are taken, by the names that it gives them.
    pub(crate) allow: Option<Vec<String>>,
    /// Tools that are left out.
    pub(crate) deny: Vec<String>,
    /// Believes it which of its tools only read.
    pub(crate) trust_annotations: bool,
    /// Makes each call wait for a person.
    pub(crate) needs_approval: bool,
    /// How long one call may take, where that is less than the world's limit.
    pub(crate) duration_max: Option<Span>,
    /// How long starting it may take.
    pub(crate) start_duration_max: Option<Span>,
}

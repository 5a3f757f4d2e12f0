//! Agents: who answers, with which model, instructions, parameters and tools.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    content::Text,
    id::{AgentName, ModelName},
    tool::{ToolPolicy, ToolSelection},
};

/// What an agent is; kept in the world's own log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AgentConfig {
    /// How prompts and chats name it.
    pub name: AgentName,
    /// The registered model that it speaks through.
    pub model: ModelName,
    /// Its instructions; empty for none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub system: Text,
    /// What it asks of the model.
    #[serde(default)]
    pub params: ModelParams,
    /// The tools it may use.
    #[serde(default)]
    pub tools: ToolSelection,
    /// When a person must allow a call; `None` takes the world's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<ToolPolicy>,
}

impl AgentConfig {
    /// An agent without instructions and tools.
    ///
    /// ```
    /// use polychat_core::{AgentConfig, AgentName, ModelName};
    /// let agent = AgentConfig::new(AgentName::new("guide")?, ModelName::new("demo")?)
    ///     .system("Answer in one sentence.");
    /// assert_eq!(&*agent.system, "Answer in one sentence.");
    /// # Ok::<(), polychat_core::id::InvalidId>(())
    /// ```
    #[must_use]
    pub fn new(name: AgentName, model: ModelName) -> Self {
        Self {
            name,
            model,
            system: Text::from(""),
            params: ModelParams::default(),
            tools: ToolSelection::default(),
            policy: None,
        }
    }

    /// Sets the instructions.
    #[must_use]
    pub fn system(mut self, system: impl Into<Text>) -> Self {
        self.system = system.into();
        self
    }

    /// Sets the parameters.
    #[must_use]
    pub fn params(mut self, params: ModelParams) -> Self {
        self.params = params;
        self
    }

    /// Sets the tools it may use.
    #[must_use]
    pub fn tools(mut self, tools: ToolSelection) -> Self {
        self.tools = tools;
        self
    }

    /// Sets its own policy for tools.
    #[must_use]
    pub fn policy(mut self, policy: ToolPolicy) -> Self {
        self.policy = Some(policy);
        self
    }
}

/// What a request asks of a model beyond its messages; what is not set is the provider's default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(optional_fields))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ModelParams {
    /// Sampling temperature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The largest answer, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_max: Option<u32>,
    /// How hard to think: a word that the provider understands, for example `low` or `high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<Text>,
}

/// The agents and settings of a world at one moment: what a chat's rules may know of its world.
///
/// A table is immutable. A change makes a new one, so a running turn keeps what it started with.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AgentTable {
    /// The agent that answers when neither chat nor prompt names one.
    pub default_agent: AgentName,
    /// All agents by name.
    pub agents: BTreeMap<AgentName, Arc<AgentConfig>>,
    /// What holds for all chats of the world.
    pub settings: WorldSettings,
}

impl AgentTable {
    /// A table with one agent, which is the default.
    #[must_use]
    pub fn new(agent: AgentConfig) -> Self {
        let default_agent = agent.name.clone();
        Self {
            agents: BTreeMap::from([(default_agent.clone(), Arc::new(agent))]),
            default_agent,
            settings: WorldSettings::default(),
        }
    }

    /// The agent of this name.
    #[must_use]
    pub fn get(&self, name: &AgentName) -> Option<&Arc<AgentConfig>> {
        self.agents.get(name)
    }
}

/// What holds for all chats of a world; kept in the world's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct WorldSettings {
    /// Whether `@name` at the start of a paragraph addresses an agent, in prompts and replies.
    /// Off by default, because pasted text must not re-route a chat.
    pub mentions: bool,
    /// How often replies may hand one turn on to another agent.
    pub handoffs_max: u32,
    /// Whether `@all` at the start of a paragraph of a prompt asks all agents, one after another in
    /// the order of their names, within one turn. Off by default. All of them together have the
    /// bounds of one turn, [`steps_max`](crate::Limits::steps_max) among them; if one fails, the
    /// turn does.
    pub broadcast: bool,
    /// Whether the model proposes a title after a chat's first completed turn. Off by default.
    pub titles: bool,
    /// When a person must allow a tool call, for agents without a policy of their own.
    pub policy: ToolPolicy,
    /// How much history a model receives, in bytes of text; older turns are left out whole.
    pub context_bytes_max: usize,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            mentions: false,
            handoffs_max: 4,
            broadcast: false,
            titles: false,
            policy: ToolPolicy::default(),
            context_bytes_max: 256 * 1024,
        }
    }
}

//! The agents of all worlds, as they are configured.

use std::collections::BTreeMap;

use polychat::{
    AgentConfig, AgentName, ModelName, ModelParams, World, WorldId,
    tool::{PolicyMode, ToolPolicy, ToolSelection},
};

use super::models::Models;
use crate::config::{self, Approval, ConfigError, Configured, ToolNames, ToolWord};

/// All agents, by name.
pub(super) fn all<'a>(
    configured: &'a Configured,
    models: &Models,
    hosts: bool,
) -> Result<BTreeMap<&'a str, AgentConfig>, ConfigError> {
    let mut agents = BTreeMap::new();
    for (name, config) in &configured.config.agents {
        let id = AgentName::new(name)
            .map_err(|error| configured.wrong(["agents", name], error.to_string()))?;
        let model = model_of(configured, name, config)?;
        // A connected program may bring it later.
        if !hosts && !models.has(&model) {
            let what = format!("there is no model {:?} among `models`", model.as_str());
            return Err(configured.wrong(["agents", name, "model"], what));
        }
        if !models.has(&model) {
            tracing::warn!(
                agent = %name,
                model = %model,
                "this model is not among `models`: until a connected program brings it, prompts to \
                 this agent fail"
            );
        }
        agents.insert(name.as_str(), agent(id, model, config));
    }
    Ok(agents)
}

/// The agent that a new world begins with. Nobody has looked yet whether there is its model.
pub(super) fn first_of(configured: &Configured, world: &str) -> Result<AgentConfig, ConfigError> {
    let name = default_of(configured, world)?;
    let config = configured.config.agents.get(name).cloned().unwrap_or_default();
    let id = AgentName::new(name)
        .map_err(|error| configured.wrong(["agents", name], error.to_string()))?;
    Ok(agent(id, model_of(configured, name, &config)?, &config))
}

fn model_of(
    configured: &Configured,
    name: &str,
    config: &config::Agent,
) -> Result<ModelName, ConfigError> {
    let mut models = configured.config.models.keys();
    let only = models.next().filter(|_| models.next().is_none());
    let keys = ["agents", name, "model"];
    let Some(model) = config.model.as_ref().or(only) else {
        return Err(configured.wrong(keys, "it is not said which of several `models` it is"));
    };
    ModelName::new(model).map_err(|error| configured.wrong(keys, error.to_string()))
}

fn agent(name: AgentName, model: ModelName, config: &config::Agent) -> AgentConfig {
    let mut params = ModelParams::default();
    params.temperature = config.params.temperature;
    params.output_tokens_max = config.params.output_tokens_max;
    params.reasoning_effort = config.params.reasoning_effort.as_deref().map(Into::into);
    let tools = match &config.tools {
        ToolNames::Word(ToolWord::All) => ToolSelection::All,
        ToolNames::Word(ToolWord::None) => ToolSelection::None,
        ToolNames::Only(names) => {
            ToolSelection::Only(names.iter().map(|name| name.as_str().into()).collect())
        }
    };
    let agent = AgentConfig::new(name, model).system(config.system.as_str());
    let agent = agent.params(params).tools(tools);
    if config.approval.is_none() && config.approvals.is_empty() {
        return agent;
    }
    let mut policy = ToolPolicy::default();
    policy.mode = config.approval.map_or(policy.mode, mode);
    let single = config.approvals.iter();
    policy.tools = single.map(|(tool, approval)| (tool.as_str().into(), mode(*approval))).collect();
    agent.policy(policy)
}

fn mode(approval: Approval) -> PolicyMode {
    match approval {
        Approval::Read => PolicyMode::Read,
        Approval::Ask => PolicyMode::Ask,
        Approval::Auto => PolicyMode::Auto,
    }
}

/// The name of the agent that a world begins with.
pub(super) fn default_of<'a>(
    configured: &'a Configured,
    world: &str,
) -> Result<&'a str, ConfigError> {
    let config = &configured.config;
    let keys = ["worlds", world, "agent"];
    if let Some(name) = config.worlds.get(world).and_then(|world| world.agent.as_deref()) {
        let what = || configured.wrong(keys, format!("there is no agent {name:?} among `agents`"));
        return config.agents.contains_key(name).then_some(name).ok_or_else(what);
    }
    let mut names = config.agents.keys().map(String::as_str);
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(configured.wrong(["agents"], "there must be one at least")),
        _ if config.agents.contains_key(config::AGENT) => Ok(config::AGENT),
        _ => Err(configured.wrong(keys, "it is not said which of several `agents` it is")),
    }
}

/// A world keeps the default agent that it was made with; whoever configured another should know.
pub(super) async fn tell_of_other_defaults(
    configured: &Configured,
    worlds: &BTreeMap<WorldId, World>,
) {
    for (id, world) in worlds {
        let Ok(wanted) = default_of(configured, id.as_str()) else { continue };
        let Ok(info) = world.info().await else { continue };
        if info.default_agent.as_str() != wanted {
            tracing::warn!(
                world_id = %id,
                agent = %info.default_agent,
                wanted,
                "the world was made with another default agent, which it keeps"
            );
        }
    }
}

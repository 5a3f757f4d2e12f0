//! Agents of agent-world as agents of ours.

use polychat_core::{AgentConfig, AgentName, ModelName, ModelParams, tool::ToolSelection};

use super::rows::{AgentRow, Wrong};
use crate::ProblemKind;

/// The agent, speaking through the model that is registered under the name that it had there.
///
/// It may use all tools of the world, as agents there may; which calls a person must allow, the
/// world's policy says.
pub(super) fn agent(row: AgentRow) -> Result<AgentConfig, Wrong> {
    let invalid = |error: polychat_core::id::InvalidId| (ProblemKind::InvalidId, error.to_string());
    let name = AgentName::new(&row.id).map_err(invalid)?;
    let model = ModelName::new(&row.model).map_err(invalid)?;
    let mut params = ModelParams::default();
    params.temperature = row.temperature.filter(|number| number.is_finite());
    params.output_tokens_max = row.tokens_max.and_then(|max| u32::try_from(max).ok());
    let agent = AgentConfig::new(name, model).params(params).tools(ToolSelection::All);
    Ok(agent.system(row.system.unwrap_or_default()))
}

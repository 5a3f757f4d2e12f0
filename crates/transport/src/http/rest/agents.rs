//! The agents of the world.

use std::sync::Arc;

use axum::http::StatusCode;
use polychat_core::{AgentConfig, AgentName, Reply};
use serde::Serialize;
use serde_json::Value;

use super::{
    answer::{Answer, Answered, ask, perform, wrong_kind},
    extract::{Body, Path, Query, invalid},
    params::{AgentBody, AgentPath, NoQuery},
};
use crate::{
    error::why,
    http::{problem::Problem, state::Caller},
    wire::{AgentParams, NoParams, PutAgentParams, WireCommand},
};

/// The agents of a world.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "agents", rename_all = "camelCase")]
pub(in crate::http) struct Agents {
    /// The one that answers when nobody names one.
    default_agent: AgentName,
    /// In the order of their names.
    agents: Vec<Arc<AgentConfig>>,
}

/// `GET /agents`: all of them; a world has few.
pub(super) async fn list(caller: Caller, _: Query<NoQuery>) -> Answered {
    match perform(&caller, WireCommand::GetWorld(Some(NoParams {}))).await? {
        Reply::World(world) => {
            let agents = Agents { default_agent: world.default_agent, agents: world.agents };
            Answer::json(StatusCode::OK, &agents)
        }
        other => Err(wrong_kind(&other)),
    }
}

/// `PUT /agents/{agent}`: adds it, or replaces it as a whole.
pub(super) async fn put(
    caller: Caller,
    Path(AgentPath { agent: name }): Path<AgentPath>,
    _: Query<NoQuery>,
    Body(body): Body<AgentBody>,
) -> Answered {
    ask(&caller, WireCommand::PutAgent(PutAgentParams { agent: named(name, body)? })).await
}

/// `DELETE /agents/{agent}`
pub(super) async fn remove(
    caller: Caller,
    Path(AgentPath { agent }): Path<AgentPath>,
    _: Query<NoQuery>,
) -> Answered {
    ask(&caller, WireCommand::RemoveAgent(AgentParams { agent })).await
}

/// The configuration of the agent that the path names.
fn named(name: String, AgentBody { mut agent }: AgentBody) -> Result<AgentConfig, Problem> {
    let name = Value::String(name);
    if agent.get("name").is_some_and(|said| *said != name) {
        return Err(invalid("agent.name", "the path names another agent"));
    }
    agent.insert("name".into(), name);
    serde_path_to_error::deserialize(Value::Object(agent))
        .map_err(|error| invalid(&format!("agent.{}", error.path()), &why(error.inner())))
}

//! Who answers: at the beginning of a turn, at each of its steps, and after a reply.
//!
//! Asked by [`turns`](super::turns) while a decision is made. Whoever was chosen is recorded
//! (`turn.started`, `turn.handed_off`, `message.start`); a replay chooses nobody.
//!
//! | who | decided | by |
//! |---|---|---|
//! | answers a prompt | when its turn starts | the prompt's `agent`; or whom its text addresses; or the chat's agent; or the world's |
//! | answers next, everybody having been asked | when a reply ends | the recorded order; who is gone by then is skipped |
//! | answers next otherwise | when a reply ends | whom the reply mentions first, if that is another agent; `handoffs_max` times in a turn |
//!
//! An agent keeps, to the end of the turn, the configuration with which it first answered in it.
//! One that was handed the turn and was removed before its step could begin is stood in for by the
//! world's default agent, as is one whom a prompt names.

use std::sync::Arc;

use super::{
    Addressed, addressed, mentioned,
    state::{Queued, Turn},
};
use crate::{
    agent::{AgentConfig, AgentTable},
    content::text_of,
    id::{AgentName, ModelName},
    world::AGENTS_MAX,
};

/// Who answers a prompt.
pub(super) struct Answerers {
    pub(super) first: Arc<AgentConfig>,
    /// Who answers after that, in this order; fewer than a world may have agents.
    pub(super) then: Vec<AgentName>,
}

/// Who answers a prompt in a chat whose own agent is `of_chat`.
pub(super) fn answerers(
    prompt: &Queued,
    of_chat: Option<&AgentName>,
    table: &AgentTable,
) -> Answerers {
    let body = &prompt.body;
    let allowed = table.settings.mentions || table.settings.broadcast;
    let addressed = match &body.agent {
        // What the sender says goes before what stands in the text, which may be pasted.
        Some(agent) => Addressed::One(agent),
        None if allowed => addressed(&text_of(&body.parts), table),
        None => Addressed::Nobody,
    };
    let named = match addressed {
        Addressed::One(agent) => Some(agent),
        Addressed::Nobody => None,
        Addressed::All => {
            let mut all = table.agents.values().take(AGENTS_MAX);
            if let Some(first) = all.next() {
                let then = all.map(|agent| agent.name.clone()).collect();
                return Answerers { first: Arc::clone(first), then };
            }
            None
        }
    };
    // An agent may have been removed since it was named; the default one always exists.
    let names = [named, of_chat, Some(&table.default_agent)];
    let first = names.into_iter().flatten().find_map(|name| table.get(name).cloned());
    let first = first.unwrap_or_else(|| missing_agent(&table.default_agent));
    Answerers { first, then: Vec::new() }
}

/// What the next model call of a turn is configured with when this agent makes it.
pub(super) fn config_of(turn: &Turn, agent: &AgentName, table: &AgentTable) -> Arc<AgentConfig> {
    let known = |name| turn.config_of(name).or_else(|| table.get(name)).cloned();
    known(agent).or_else(|| known(&table.default_agent)).unwrap_or_else(|| missing_agent(agent))
}

/// Who goes on with a turn after a reply without tool calls; `None` when the turn is over.
pub(super) fn answers_next<'a>(
    turn: &'a Turn,
    reply: &str,
    table: &'a AgentTable,
) -> Option<&'a AgentName> {
    // While somebody is still to answer, no reply re-routes the turn. Who has stood in for somebody
    // else has answered.
    let to_answer = |name: &&AgentName| table.get(name).is_some() && turn.config_of(name).is_none();
    turn.then.iter().find(to_answer).or_else(|| handed_on_to(turn, reply, table))
}

/// Whom a reply hands the turn on to, where the world allows it.
fn handed_on_to<'a>(turn: &Turn, reply: &str, table: &'a AgentTable) -> Option<&'a AgentName> {
    if !table.settings.mentions || turn.handoffs >= table.settings.handoffs_max {
        return None;
    }
    mentioned(reply, table).filter(|to| **to != turn.agent)
}

/// A stand-in for an agent table without its default agent: no model is registered under its name,
/// so the turn fails as `not_configured`.
fn missing_agent(name: &AgentName) -> Arc<AgentConfig> {
    Arc::new(AgentConfig::new(name.clone(), ModelName::from(name)))
}

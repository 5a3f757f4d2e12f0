//! Who answers: the agent that has the turn, who is still to answer, and what each began with.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use polychat_core::{AgentConfig, AgentName, Event, PromptId, TurnOutcome};

use super::{told::Moment, violation::LogFault};

/// The agents of the running turn.
#[derive(Debug, Clone)]
struct Answering {
    holder: AgentName,
    /// Who is still to answer, in this order.
    then: VecDeque<AgentName>,
    handoffs: u32,
    /// What each was configured with in its first message of this turn.
    configs: Vec<Arc<AgentConfig>>,
}

/// Who answers in a chat.
#[derive(Debug, Clone, Default)]
pub(super) struct Agents {
    /// The chat's own agent.
    of_chat: Option<AgentName>,
    /// Whom prompts name, of those that no turn has taken.
    of_prompts: HashMap<PromptId, AgentName>,
    running: Option<Answering>,
}

impl Agents {
    /// Judges one event and takes it over; `work_is_open` says whether a message or call is.
    pub(super) fn apply(
        &mut self,
        event: &Event,
        work_is_open: bool,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        match event {
            Event::ChatCreated { agent, .. } => self.of_chat.clone_from(agent),
            Event::ChatUpdated { agent: Some(agent), .. } => self.of_chat = Some(agent.clone()),
            Event::PromptAccepted { prompt_id, body, .. } => {
                let named = body.agent.clone().map(|agent| (prompt_id.clone(), agent));
                self.of_prompts.extend(named);
            }
            Event::TurnStarted { prompt_ids, agent, then } => {
                let named = prompt_ids.first().and_then(|first| self.of_prompts.get(first));
                self.judge_choice(named, agent, then, moment, faults);
                for prompt in prompt_ids {
                    self.of_prompts.remove(prompt);
                }
                self.running = Some(Answering::new(agent, then, moment, faults));
            }
            Event::TurnHandedOff { from, to, .. } => {
                if work_is_open {
                    faults.push(LogFault::HandedOffMidWork { to: to.clone() });
                }
                if let Some(running) = &mut self.running {
                    running.hand_off(from, to, moment, faults);
                }
            }
            Event::MessageStart { agent, .. } => {
                if let Some(running) = &mut self.running {
                    running.begins(agent, moment, faults);
                }
            }
            Event::TurnEnded { outcome, .. } => {
                if let (Some(running), TurnOutcome::Completed) = (self.running.take(), outcome) {
                    running.completes(moment, faults);
                }
            }
            _ => {}
        }
    }

    /// Whom a prompt names answers it, if that agent is there; where texts address nobody, the
    /// chat's agent does.
    fn judge_choice(
        &self,
        named: Option<&AgentName>,
        agent: &AgentName,
        then: &[AgentName],
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        if moment.settings_may(|settings| settings.mentions || settings.broadcast)
            && named.is_none()
        {
            return;
        }
        let mut wanted = [named, self.of_chat.as_ref(), moment.default_agent()].into_iter();
        let Some(expected) = wanted.by_ref().flatten().find(|name| !moment.agent_may_be_gone(name))
        else {
            return;
        };
        // One that may be gone may be there all the same.
        let earlier = [named, self.of_chat.as_ref()];
        let may_be = earlier.into_iter().flatten().take_while(|name| *name != expected);
        let fits = agent == expected || may_be.into_iter().any(|name| name == agent);
        if !fits || !then.is_empty() && named.is_some() {
            let (expected, got) = (expected.clone(), agent.clone());
            faults.push(LogFault::WrongAgent { expected, got });
        }
    }
}

impl Answering {
    fn new(
        agent: &AgentName,
        then: &[AgentName],
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) -> Self {
        let mut names = std::iter::once(agent).chain(then);
        let ascending = names.by_ref().zip(then).all(|(one, other)| one < other);
        let allowed = then.is_empty() || moment.settings_may(|settings| settings.broadcast);
        if !ascending || !allowed {
            faults.push(LogFault::WrongRow { agent: agent.clone() });
        }
        Self {
            holder: agent.clone(),
            then: then.iter().cloned().collect(),
            handoffs: 0,
            configs: Vec::new(),
        }
    }

    fn hand_off(
        &mut self,
        from: &AgentName,
        to: &AgentName,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        if *from != self.holder {
            let (holder, from) = (self.holder.clone(), from.clone());
            faults.push(LogFault::HandedOffBySomebodyElse { holder, from });
        }
        self.holder = to.clone();
        // Who is gone is skipped; nobody else is.
        let place = self.then.iter().position(|name| name == to);
        let skipped = self.then.drain(..place.unwrap_or(self.then.len()));
        let forgotten = skipped.into_iter().find(|name| !moment.agent_may_be_gone(name));
        faults.extend(forgotten.map(|agent| LogFault::AgentForgotten { agent }));
        if place.is_some() {
            self.then.pop_front();
            return;
        }
        self.handoffs += 1;
        let count = self.handoffs;
        if to == from || !moment.settings_may(|now| now.mentions && count <= now.handoffs_max) {
            faults.push(LogFault::TooManyHandoffs { count });
        }
    }

    fn begins(
        &mut self,
        config: &Arc<AgentConfig>,
        moment: Moment<'_>,
        faults: &mut Vec<LogFault>,
    ) {
        let name = &config.name;
        // The world's own agent stands in for one that is gone.
        let stands_in = moment.default_agent().is_none_or(|usual| usual == name)
            && moment.agent_may_be_gone(&self.holder);
        if *name != self.holder && !stands_in {
            let (expected, got) = (self.holder.clone(), name.clone());
            faults.push(LogFault::WrongAgent { expected, got });
        }
        self.holder = name.clone();
        // Whoever answers in the stead of another one is not asked again.
        self.then.retain(|asked| asked != name);
        match self.configs.iter().find(|known| known.name == *name) {
            Some(known) if known != config => {
                faults.push(LogFault::AgentChangedMidTurn { agent: name.clone() });
            }
            Some(_) => {}
            None => {
                if !moment.agent_may_be(config) {
                    faults.push(LogFault::AgentNotOfWorld { agent: name.clone() });
                }
                self.configs.push(Arc::clone(config));
            }
        }
    }

    fn completes(self, moment: Moment<'_>, faults: &mut Vec<LogFault>) {
        let forgotten = self.then.into_iter().find(|name| !moment.agent_may_be_gone(name));
        faults.extend(forgotten.map(|agent| LogFault::AgentForgotten { agent }));
    }
}

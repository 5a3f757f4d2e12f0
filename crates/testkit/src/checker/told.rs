//! What a world was told of its settings, agents and tools, and what of it may be in force when.
//!
//! A decision is made between two appends of its chat, and a change of the world is in force some
//! time after it was sent; so a checker cannot know the one moment. It knows what *may* have been in
//! force, and finds fault only where nothing that may have been explains what a log says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use polychat_core::{
    AgentConfig, AgentName, Command,
    agent::WorldSettings,
    content::Text,
    tool::{PolicyMode, ToolKind, ToolPolicy, ToolSpec, Verdict},
};

use crate::history::CallId;

/// What a checker is told of a world besides its history. Rules about what it does not know are not
/// judged.
///
/// ```
/// use polychat_core::tool::ToolKind;
/// use polychat_testkit::{checker::{Checker, Known}, tools};
///
/// let known = Known::new().tools([tools::spec("look").kind(ToolKind::Read)]).parallel_calls(2);
/// let checker = Checker::new().knowing(known);
/// # let _ = checker;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Known {
    agents: Vec<AgentConfig>,
    tools: HashMap<Text, Vec<ToolSpec>>,
    parallel_calls_max: Option<usize>,
}

impl Known {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The agents that the world is opened with, its default agent first.
    #[must_use]
    pub fn agents(mut self, agents: impl IntoIterator<Item = AgentConfig>) -> Self {
        self.agents = agents.into_iter().collect();
        self
    }

    /// The world's tools; one that changes is given once for each form.
    #[must_use]
    pub fn tools(mut self, tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        for tool in tools {
            self.tools.entry(Arc::clone(&tool.name)).or_default().push(tool);
        }
        self
    }

    /// How many calls of one step may run at once.
    #[must_use]
    pub fn parallel_calls(mut self, max: usize) -> Self {
        self.parallel_calls_max = Some(max);
        self
    }
}

/// A value that a world was given, from the command to when it is certainly in force.
#[derive(Debug, Clone)]
struct Given<T> {
    sent: u64,
    /// `None` as long as nobody knows whether it took effect.
    done: Option<u64>,
    value: T,
}

/// Everything that was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    known: Known,
    settings: Vec<Given<WorldSettings>>,
    agents: BTreeMap<AgentName, Vec<Given<Option<Arc<AgentConfig>>>>>,
    /// Changes whose answers have not come.
    under_way: HashMap<CallId, u64>,
    /// Whether commands to the world are not seen at all.
    is_blind: bool,
}

impl Told {
    /// For who sees a log and nothing of its world.
    pub(super) fn blind() -> Self {
        Self { is_blind: true, ..Self::default() }
    }

    pub(super) fn know(&mut self, known: Known) {
        self.known = known;
        self.opened_with(0, Some(0));
    }

    /// The world is opened: the agents that it is opened with are put in force again.
    pub(super) fn opening(&mut self, order: u64) {
        self.opened_with(order, None);
    }

    fn opened_with(&mut self, sent: u64, done: Option<u64>) {
        for agent in self.known.agents.clone() {
            let given = Given { sent, done, value: Some(Arc::new(agent.clone())) };
            self.agents.entry(agent.name).or_default().push(given);
        }
    }

    /// A command was given to the world.
    pub(super) fn sent(&mut self, call: CallId, command: &Command, order: u64) {
        match command {
            Command::UpdateWorld { settings } => {
                self.settings.push(Given { sent: order, done: None, value: settings.clone() });
            }
            Command::PutAgent { agent } => {
                let value = Some(Arc::new(agent.clone()));
                let given = Given { sent: order, done: None, value };
                self.agents.entry(agent.name.clone()).or_default().push(given);
            }
            Command::RemoveAgent { agent } => {
                let given = Given { sent: order, done: None, value: None };
                self.agents.entry(agent.clone()).or_default().push(given);
            }
            _ => return,
        }
        self.under_way.insert(call, order);
    }

    /// A command was answered. A refusal leaves a change that may be in force and never was: that
    /// only forgives.
    pub(super) fn answered(&mut self, call: CallId, is_done: bool, order: u64) {
        let Some(sent) = self.under_way.remove(&call).filter(|_| is_done) else { return };
        let finish = |done: &mut Option<u64>| *done = Some(order);
        let settings = self.settings.iter_mut().filter(|given| given.sent == sent);
        settings.for_each(|given| finish(&mut given.done));
        let agents = self.agents.values_mut().flatten().filter(|given| given.sent == sent);
        agents.for_each(|given| finish(&mut given.done));
    }

    /// What may have been in force at any time from `since` to `until`.
    pub(super) fn between(&self, since: u64, until: u64) -> Moment<'_> {
        Moment { told: self, since, until }
    }
}

/// What may have been in force when something was decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    told: &'a Told,
    since: u64,
    until: u64,
}

impl<'a> Moment<'a> {
    fn in_force<T>(self, given: &'a [Given<T>]) -> impl Iterator<Item = &'a T> {
        let superseded = move |at: usize| {
            given.iter().skip(at + 1).any(|later| later.done.is_some_and(|at| at <= self.since))
        };
        let may = move |(at, given): (usize, &'a Given<T>)| {
            (given.sent <= self.until && !superseded(at)).then_some(&given.value)
        };
        given.iter().enumerate().filter_map(may)
    }

    /// Whether settings that fit may be in force. A world begins with the usual ones.
    pub(super) fn settings_may(self, fit: impl Fn(&WorldSettings) -> bool) -> bool {
        let given = &self.told.settings;
        let usual = || !self.is_certain(given) && fit(&WorldSettings::default());
        self.told.is_blind || usual() || self.in_force(given).any(&fit)
    }

    /// Whether an agent may be so configured.
    pub(super) fn agent_may_be(self, config: &AgentConfig) -> bool {
        let given = self.given(&config.name);
        let is_it = |now: &Option<Arc<AgentConfig>>| now.as_deref() == Some(config);
        self.may_be_another(given) || self.in_force(given).any(is_it)
    }

    /// Whether an agent may be missing.
    pub(super) fn agent_may_be_gone(self, agent: &AgentName) -> bool {
        let given = self.given(agent);
        given.is_empty() || self.may_be_another(given) || self.in_force(given).any(Option::is_none)
    }

    fn given(self, agent: &AgentName) -> &'a [Given<Option<Arc<AgentConfig>>>] {
        self.told.agents.get(agent).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether what a world began with, and nobody told, may still be in force.
    fn may_be_another<T>(self, given: &[Given<T>]) -> bool {
        self.told.known.agents.is_empty() && !self.is_certain(given)
    }

    fn is_certain<T>(self, given: &[Given<T>]) -> bool {
        given.iter().any(|given| given.done.is_some_and(|at| at <= self.since))
    }

    /// The agent that the world falls back on, if the checker was told.
    pub(super) fn default_agent(self) -> Option<&'a AgentName> {
        self.told.known.agents.first().map(|agent| &agent.name)
    }

    pub(super) fn parallel_calls_max(self) -> Option<usize> {
        self.told.known.parallel_calls_max
    }

    /// Whether a tool of this name may be a question, if the tool is known.
    pub(super) fn is_question(self, tool: &str) -> Option<bool> {
        let specs = self.told.known.tools.get(tool)?;
        Some(specs.iter().any(|spec| spec.kind == ToolKind::Question))
    }

    /// Whether a policy that may be in force says this of a tool; yes when the tool is not known.
    pub(super) fn policy_may_say(self, agent: &AgentConfig, tool: &str, verdict: Verdict) -> bool {
        let Some(specs) = self.told.known.tools.get(tool) else { return true };
        let says = |policy: &ToolPolicy| specs.iter().any(|spec| says(policy, spec) == verdict);
        match &agent.policy {
            Some(policy) => says(policy),
            None => self.settings_may(|settings| says(&settings.policy)),
        }
    }
}

/// What a policy says of a tool: a second opinion, from the words of [`PolicyMode`] alone.
fn says(policy: &ToolPolicy, spec: &ToolSpec) -> Verdict {
    let mode = policy.tools.get(&spec.name).copied().unwrap_or(policy.mode);
    let reads = spec.kind == ToolKind::Read;
    if spec.kind == ToolKind::Question {
        Verdict::Ask
    } else if mode == PolicyMode::Read && !reads {
        Verdict::Deny
    } else if spec.needs_approval || (mode == PolicyMode::Ask && !reads) {
        Verdict::Ask
    } else {
        Verdict::Allow
    }
}

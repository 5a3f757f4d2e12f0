//! From a step to what tools, people and agents do.

use std::collections::BTreeSet;

use polychat::{
    AgentConfig, AgentName, ChatId, Command, Event, MessageId, ModelName, ToolCallId,
    agent::WorldSettings,
    command::{CancelTarget, ReviseTarget},
    event::{ApprovalKind, PromptMode},
    tool::{ToolCall, ToolKind, ToolPolicy, ToolSelection, ToolSpec},
};
use polychat_testkit::{
    checker::Known,
    faulty_store::{self, Fault},
    tools::{self, Act, ScriptedTools},
};
use serde_json::{Value, json};

use super::{Pick, Rig, pick};
use crate::state_machine::step::tools::{
    ACT, AGENTS, ASK, About, Change, Decides, Deed, Disturbs, Does, LOOK, Mode, SHRED, To, WRITE,
    Want,
};

/// How many forms of one agent can be told apart.
const FORMS: u8 = 6;

/// The tools of a run's world.
pub(crate) fn specs() -> [ToolSpec; 5] {
    let read = |name| tools::spec(name).kind(ToolKind::Read);
    let question = tools::spec(ASK).kind(ToolKind::Question);
    [read(LOOK), tools::spec(WRITE), read(ACT), tools::spec(SHRED).needs_approval(), question]
}

pub(crate) fn toolbox() -> ScriptedTools {
    let [look, write, act, shred, ask] = specs();
    let scripted = ScriptedTools::new().scripted(look).scripted(write).scripted(ask);
    scripted.acting(act).acting(shred)
}

/// The agents that a run's world is opened with, its own first.
pub(crate) fn agents() -> [AgentConfig; 2] {
    [agent(0, 0), agent(2, 1)]
}

/// An agent in one of its forms.
fn agent(name: Pick, form: Pick) -> AgentConfig {
    let name = AGENTS[usize::from(name) % AGENTS.len()];
    let (name, model) = (AgentName::new(name).unwrap(), ModelName::new("scripted").unwrap());
    let form = form % FORMS;
    let agent = AgentConfig::new(name, model).system(format!("form {form}"));
    let with = |mode: Mode| {
        let mut policy = ToolPolicy::default();
        policy.mode = mode.policy();
        policy
    };
    match form {
        0 => agent.tools(ToolSelection::All),
        1 => agent.tools(ToolSelection::All).policy(with(Mode::Auto)),
        2 => agent.tools(ToolSelection::Only(vec![LOOK.into(), WRITE.into(), ASK.into()])),
        3 => agent.tools(ToolSelection::All).policy(with(Mode::Read)),
        4 => agent.tools(ToolSelection::All).policy(with(Mode::Ask)),
        _ => agent,
    }
}

/// What the checker is told of a run's world.
pub(crate) fn known(parallel_calls_max: usize) -> Known {
    Known::new().agents(agents()).tools(specs()).parallel_calls(parallel_calls_max)
}

/// A call that a model asks for; its number tells it from all others.
pub(crate) fn call(want: Want, n: usize) -> ToolCall {
    let with = |mut arguments: Value| {
        arguments["n"] = n.into();
        arguments
    };
    let empty = || with(json!({}));
    let (tool, arguments) = match want {
        Want::Look => (LOOK, empty()),
        Want::Write => (WRITE, empty()),
        Want::Act(deed) => (ACT, with(Act::arguments(&acts(deed, n)))),
        Want::Shred(deed) => (SHRED, with(Act::arguments(&acts(deed, n)))),
        Want::Ask => (ASK, empty()),
        Want::Unknown => ("no_such_tool", empty()),
        Want::Invalid => (ACT, json!("nonsense")),
    };
    tools::asks(tool, arguments)
}

fn acts(deed: Deed, n: usize) -> Vec<Act> {
    match deed {
        Deed::Answers => vec![Act::result(format!("result {n}"))],
        Deed::Shows => vec![
            Act::output(format!("begun {n}, ")),
            Act::Progress(json!({ "progress": n })),
            Act::Yield,
            Act::output(format!("done {n}")),
            Act::result(format!("result {n}")),
        ],
        Deed::Fails => vec![Act::Fail(format!("failed {n}"))],
        Deed::Panics => vec![Act::output("so far"), Act::Panic("planned".to_owned())],
        Deed::Floods => vec![Act::Flood { pieces: 50, bytes: 40 }, Act::result("drained")],
        Deed::Rambles => vec![Act::result(format!("on and on {n} ").repeat(40))],
        Deed::Takes { milliseconds } => {
            vec![Act::output("slow"), Act::Pause(milliseconds), Act::result(format!("late {n}"))]
        }
        Deed::Hangs => vec![Act::output("hanging"), Act::Hang],
    }
}

/// A call that a person was asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) call: ToolCallId,
    pub(crate) kind: ApprovalKind,
    pub(crate) waits: bool,
}

impl Rig {
    /// A tool does something in one of the calls that the test holds.
    pub(super) fn serve(&mut self, run: Pick, does: Does) {
        let n = self.fresh();
        let Some(life) = &self.life else { return };
        if let (Does::Late, Some(over)) = (does, life.over.last()) {
            return over.sink().output("too late ");
        }
        let Some(place) = usize::from(run).checked_rem(life.runs.len()) else { return };
        let run = &life.runs[place];
        match does {
            Does::Output(text) => {
                run.output(text);
            }
            Does::Progress(far) => {
                run.progress(json!({ "progress": far }));
            }
            Does::Flood => {
                run.flood(50, 40);
            }
            Does::Result => run.result(format!("result {n}")),
            Does::Fail => run.fail(format!("failed {n}")),
            Does::Panic => run.panic("planned"),
            Does::Late => run.sink().output("late "),
        }
    }

    /// Somebody decides about a call.
    pub(super) async fn decide(&mut self, chat: Pick, about: About, decides: Decides) {
        let Some((chat, asked)) = self.call_of(chat, about) else { return };
        let (call, decision) = (asked.call, decides.decision(asked.kind));
        self.send(Command::DecideApproval { chat, call, decision }).await;
    }

    fn call_of(&self, chat: Pick, about: About) -> Option<(ChatId, Asked)> {
        match about {
            About::Waiting(call) => {
                let of = |chat: &ChatId| {
                    let calls = self.calls_of(chat).into_iter().filter(|call| call.waits);
                    calls.map(|call| (chat.clone(), call)).collect::<Vec<_>>()
                };
                let waiting: Vec<_> = self.chats.iter().flat_map(of).collect();
                pick(&waiting, chat.wrapping_add(call))
            }
            About::Earlier(call) => {
                let chat = pick(&self.chats, chat)?;
                let call = pick(&self.calls_of(&chat), call)?;
                Some((chat, call))
            }
            About::Foreign(call) => {
                let (chat, of) = (pick(&self.chats, chat)?, pick(&self.chats, call)?);
                let call = self.calls_of(&of).last().copied()?;
                (of != chat).then_some((chat, call))
            }
        }
    }

    /// The calls that a person was asked about, as the log says.
    pub(crate) fn calls_of(&self, chat: &ChatId) -> Vec<Asked> {
        let mut calls: Vec<Asked> = Vec::new();
        for recorded in self.logs.get(chat).into_iter().flatten() {
            match &recorded.event {
                Event::ApprovalRequested { tool_call_id, kind, .. } => {
                    calls.push(Asked { call: *tool_call_id, kind: *kind, waits: true });
                }
                Event::ApprovalResolved { tool_call_id, .. } => {
                    let resolved = calls.iter_mut().filter(|asked| asked.call == *tool_call_id);
                    resolved.for_each(|asked| asked.waits = false);
                }
                _ => {}
            }
        }
        calls
    }

    /// Somebody comes in between while calls of a chat run or wait.
    pub(super) async fn disturb(&mut self, chat: Pick, how: Disturbs) {
        let busy: Vec<_> = self.chats.iter().filter(|chat| self.has_calls(chat)).cloned().collect();
        let Some(chat) = pick(&busy, chat) else { return };
        let mode = match how {
            Disturbs::Steer => PromptMode::Steer,
            _ => PromptMode::Interrupt,
        };
        let command = match how {
            Disturbs::Cancel => Command::CancelTurn { chat, target: CancelTarget::Running },
            Disturbs::Close => Command::CloseChat { chat },
            Disturbs::Delete => {
                self.read_well(&chat);
                Command::DeleteChat { chat }
            }
            Disturbs::Steer | Disturbs::Interrupt => {
                let (prompt, body) = self.fresh_prompt(&chat, To::Nobody);
                self.prompts.push((chat.clone(), prompt.clone(), body.clone()));
                Command::SendPrompt { chat, prompt, mode, body }
            }
            Disturbs::Revise => {
                let Some(id) = self.last_asked(&chat) else { return };
                let (prompt, body) = self.fresh_prompt(&chat, To::Nobody);
                self.prompts.push((chat.clone(), prompt.clone(), body.clone()));
                Command::Revise { chat, target: ReviseTarget::Message { id, body }, prompt }
            }
            Disturbs::Crash => {
                (self.broken, self.crashed) = (true, true);
                self.writing.for_chat(&chat).next(faulty_store::Call::Append, 1, Fault::Panic);
                return;
            }
        };
        self.send(command).await;
    }

    /// Whether a call of this chat has begun or is asked about, and has not ended.
    fn has_calls(&self, chat: &ChatId) -> bool {
        let mut open = BTreeSet::new();
        for recorded in self.logs.get(chat).into_iter().flatten() {
            match &recorded.event {
                Event::ToolStart { tool_call_id, .. }
                | Event::ApprovalRequested { tool_call_id, .. } => {
                    open.insert(*tool_call_id);
                }
                Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                    open.remove(tool_call_id);
                }
                _ => {}
            }
        }
        !open.is_empty()
    }

    /// The message of the last prompt that a turn took.
    fn last_asked(&self, chat: &ChatId) -> Option<MessageId> {
        let log = self.logs.get(chat)?;
        let taken = log.iter().rev().find_map(|recorded| match &recorded.event {
            Event::TurnStarted { prompt_ids, .. } => prompt_ids.first(),
            _ => None,
        })?;
        log.iter().find_map(|recorded| match &recorded.event {
            Event::PromptAccepted { prompt_id, .. } if prompt_id == taken => {
                Some(MessageId(recorded.seq))
            }
            _ => None,
        })
    }

    /// The world's settings, agents or tools change.
    pub(super) async fn change(&mut self, change: Change) {
        let command = match change {
            Change::Settings { mentions, broadcast, titles, handoffs_max, policy } => {
                let mut settings = WorldSettings::default();
                (settings.mentions, settings.broadcast) = (mentions, broadcast);
                (settings.titles, settings.handoffs_max) = (titles, handoffs_max);
                settings.policy.mode = policy.policy();
                Command::UpdateWorld { settings }
            }
            Change::Put { agent: name, form } => Command::PutAgent { agent: agent(name, form) },
            Change::Remove { agent } => Command::RemoveAgent { agent: agent_name(agent) },
            Change::ToolGoes | Change::ToolComes => {
                let Some(life) = &self.life else { return };
                match change {
                    Change::ToolGoes => life.tools.remove(WRITE),
                    _ => life.tools.put(tools::spec(WRITE)),
                }
                return;
            }
        };
        self.send(command).await;
    }
}

pub(super) fn agent_name(agent: Pick) -> AgentName {
    AgentName::new(AGENTS[usize::from(agent) % AGENTS.len()]).unwrap()
}

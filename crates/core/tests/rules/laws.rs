//! What must hold on any log (law 5), read off the events alone, and their short notation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use polychat_core::{
    AgentConfig, AgentName, Event, MessageId, PromptId, Recorded, ToolCallId, TurnId,
    content::text_of,
    event::{ApprovalKind, ImportedMessage},
    tool::ApprovalDecision,
};

/// What is open at some point of a log.
#[derive(Debug, Default)]
pub(crate) struct Open {
    turn: Option<(TurnId, Vec<PromptId>)>,
    /// Who is still to answer in the turn.
    then: Vec<AgentName>,
    /// How often replies have handed the turn on.
    handoffs: u32,
    /// What each agent of the turn began with.
    configs: BTreeMap<AgentName, Arc<AgentConfig>>,
    message: Option<MessageId>,
    tools: BTreeSet<ToolCallId>,
    approvals: BTreeSet<ToolCallId>,
    pub(crate) waiting: BTreeSet<PromptId>,
    pub(crate) ended: BTreeMap<PromptId, &'static str>,
    ended_calls: BTreeSet<ToolCallId>,
    /// The most handoffs by replies that any turn has seen.
    pub(crate) handoffs_most: u32,
    /// Agents that prompts asked for, and that were asked, or skipped because they had gone.
    pub(crate) asked_in_turn: usize,
    pub(crate) skipped: usize,
    /// Agents that answered, then another one, then they again.
    pub(crate) came_back: usize,
    last_to_answer: Option<AgentName>,
    closed: bool,
    deleted: bool,
}

/// Panics where a log breaks a law, and tells what is open at its end.
pub(crate) fn check(log: &[Arc<Recorded>]) -> Open {
    let mut open = Open::default();
    for (at, recorded) in (1..).zip(log) {
        assert_eq!(recorded.seq.get(), at, "seqs are gap-free from 1");
        assert!(!open.deleted, "nothing follows chat.deleted");
        open.follow(recorded);
    }
    if open.deleted || open.closed {
        assert!(open.turn.is_none() && open.waiting.is_empty(), "something outlived its chat");
    }
    open
}

impl Open {
    pub(crate) fn running(&self) -> usize {
        self.turn.as_ref().map_or(0, |(_, prompts)| prompts.len())
    }

    fn turn_is(&self, turn: TurnId) -> bool {
        self.turn.as_ref().is_some_and(|(running, _)| *running == turn)
    }

    fn follow(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::PromptAccepted { .. }
            | Event::PromptEdited { .. }
            | Event::PromptWithdrawn { .. }
            | Event::PromptJoined { .. } => self.follow_prompt(&recorded.event),
            Event::TurnStarted { prompt_ids, agent, then } => {
                assert!(self.turn.is_none(), "two turns at once");
                let asked: BTreeSet<_> = then.iter().chain([agent]).collect();
                assert_eq!(asked.len(), 1 + then.len(), "asked twice");
                (self.then, self.handoffs) = (then.clone(), 0);
                self.configs.clear();
                self.last_to_answer = None;
                for prompt in prompt_ids {
                    assert!(self.waiting.remove(prompt), "{prompt} did not wait");
                }
                self.turn = Some((TurnId(recorded.seq), prompt_ids.clone()));
            }
            Event::TurnHandedOff { turn_id, from, to } => {
                assert!(self.turn_is(*turn_id) && self.message.is_none() && self.tools.is_empty());
                assert_ne!(from, to, "handed on to itself");
                if let Some(at) = self.then.iter().position(|name| name == to) {
                    self.then.drain(..=at);
                    self.asked_in_turn += 1;
                    self.skipped += at;
                } else {
                    self.skipped += self.then.len();
                    self.then.clear();
                    self.handoffs += 1;
                    self.handoffs_most = self.handoffs_most.max(self.handoffs);
                }
            }
            Event::TurnEnded { turn_id, outcome } => {
                assert!(self.turn_is(*turn_id), "the turn did not run");
                assert!(self.message.is_none() && self.tools.is_empty(), "left open");
                assert!(self.approvals.is_empty(), "an approval outlives its turn");
                for prompt in self.turn.take().unwrap().1 {
                    let again = self.ended.insert(prompt, outcome.as_str());
                    assert!(again.is_none(), "two outcomes");
                }
            }
            Event::MessageStart { turn_id, agent, .. } => {
                let another = self.last_to_answer.replace(agent.name.clone());
                let again = self.configs.contains_key(&agent.name);
                self.came_back += usize::from(again && another.as_ref() != Some(&agent.name));
                let began = self.configs.entry(agent.name.clone()).or_insert(Arc::clone(agent));
                assert_eq!(began, agent, "an agent does not go on as it began");
                assert!(self.turn_is(*turn_id) && self.message.is_none() && self.tools.is_empty());
                self.message = Some(MessageId(recorded.seq));
            }
            Event::MessageCheckpoint { message_id, .. } => {
                assert_eq!(self.message, Some(*message_id));
            }
            Event::MessageEnd { message_id, .. } | Event::MessageError { message_id, .. } => {
                assert_eq!(self.message.take(), Some(*message_id), "ended twice or never begun");
            }
            Event::ChatClosed {} => self.closed = true,
            Event::ChatReopened {} => self.closed = false,
            Event::ChatDeleted {} => self.deleted = true,
            event => self.follow_call(event),
        }
    }

    fn follow_prompt(&mut self, event: &Event) {
        match event {
            Event::PromptAccepted { prompt_id, .. } => {
                assert!(!self.closed, "a closed chat takes no prompt");
                assert!(!self.ended.contains_key(prompt_id), "accepted twice");
                assert!(self.waiting.insert(prompt_id.clone()), "accepted twice");
            }
            Event::PromptEdited { prompt_id, .. } => assert!(self.waiting.contains(prompt_id)),
            Event::PromptWithdrawn { prompt_id, .. } => {
                assert!(self.waiting.remove(prompt_id), "{prompt_id} did not wait");
                assert!(self.ended.insert(prompt_id.clone(), "withdrawn").is_none());
            }
            Event::PromptJoined { prompt_id, turn_id } => {
                assert!(self.turn_is(*turn_id) && self.message.is_none() && self.tools.is_empty());
                assert!(self.waiting.remove(prompt_id), "{prompt_id} did not wait");
                self.turn.as_mut().unwrap().1.push(prompt_id.clone());
            }
            _ => {}
        }
    }

    fn follow_call(&mut self, event: &Event) {
        match event {
            Event::ToolStart { tool_call_id, .. } => {
                assert!(self.turn.is_some() && !self.approvals.contains(tool_call_id));
                assert!(!self.ended_calls.contains(tool_call_id), "a call runs twice");
                assert!(self.tools.insert(*tool_call_id), "a call starts twice");
            }
            Event::ToolResult { tool_call_id, .. } => {
                assert!(self.tools.remove(tool_call_id), "a result without a start");
                assert!(self.ended_calls.insert(*tool_call_id), "a call ends twice");
            }
            Event::ToolError { tool_call_id, .. } => {
                self.tools.remove(tool_call_id);
                assert!(!self.approvals.contains(tool_call_id), "ended while a person decides");
                assert!(self.ended_calls.insert(*tool_call_id), "a call ends twice");
            }
            Event::ApprovalRequested { tool_call_id, .. } => {
                assert!(self.turn.is_some() && self.approvals.insert(*tool_call_id));
            }
            Event::ApprovalResolved { tool_call_id, .. } => {
                assert!(self.approvals.remove(tool_call_id), "nobody asked");
            }
            _ => {}
        }
    }
}

/// Events in their short notation, joined by commas.
pub(crate) fn render(events: &[Arc<Recorded>]) -> String {
    if events.is_empty() {
        return "nothing".into();
    }
    events.iter().map(|recorded| render_one(recorded)).collect::<Vec<_>>().join(", ")
}

fn render_one(recorded: &Recorded) -> String {
    let (name, seq) = (recorded.event.name(), recorded.seq);
    match &recorded.event {
        Event::ChatUpdated { title, provenance, archived, agent, metadata } => {
            let title = title.as_ref().map(|title| format!(" title={title:?}"));
            let provenance = provenance.map(|provenance| format!(" by {provenance:?}"));
            let archived = archived.map(|archived| format!(" archived={archived}"));
            let agent = agent.as_ref().map(|agent| format!(" agent={agent}"));
            let metadata = metadata
                .as_ref()
                .map(|metadata| format!(" metadata={}", serde_json::to_string(metadata).unwrap()));
            let set = [title, provenance, archived, agent, metadata];
            format!("{name}{}", set.into_iter().flatten().collect::<String>())
        }
        Event::MessageImported { message, .. } => match &**message {
            ImportedMessage::User { parts } => format!("{name} user {:?}", text_of(parts)),
            ImportedMessage::Assistant { parts, .. } => {
                format!("{name} assistant {:?}", text_of(parts))
            }
            ImportedMessage::Tool { index, .. } => format!("{name} tool .{index}"),
            _ => format!("{name} ?"),
        },
        Event::PromptAccepted { prompt_id, .. } => format!("{name} {prompt_id}"),
        Event::PromptEdited { prompt_id, parts, mode } => {
            let parts = parts.as_ref().map(|parts| format!(" {:?}", text_of(parts)));
            let mode = mode.map(|mode| format!(" {mode:?}").to_lowercase());
            format!("{name} {prompt_id}{}{}", parts.unwrap_or_default(), mode.unwrap_or_default())
        }
        Event::PromptWithdrawn { prompt_id, reason } => {
            format!("{name} {prompt_id} {}", format!("{reason:?}").to_lowercase())
        }
        Event::PromptJoined { prompt_id, turn_id } => format!("{name} {prompt_id} {turn_id}"),
        Event::TurnStarted { prompt_ids, agent, then } => {
            let agent = if agent.as_str() == "guide" { "" } else { &format!(" {agent}") };
            let then = if then.is_empty() { "" } else { &format!(" then {then:?}") };
            format!("{name} {seq} {prompt_ids:?}{agent}{then}").replace('"', "")
        }
        Event::TurnHandedOff { turn_id, from, to } => format!("{name} {turn_id} {from}->{to}"),
        Event::TurnEnded { turn_id, outcome } => match outcome {
            polychat_core::TurnOutcome::Failed { failure } => {
                format!("{name} {turn_id} failed {}", failure.kind.as_str())
            }
            outcome => format!("{name} {turn_id} {}", outcome.as_str()),
        },
        Event::MessageStart { step, omitted, .. } => {
            let omitted = (!omitted.is_none())
                .then(|| format!(" without {}/{}", omitted.turns, omitted.messages));
            format!("{name} {seq} step {step}{}", omitted.unwrap_or_default())
        }
        _ => render_within_step(&recorded.event),
    }
}

fn render_within_step(event: &Event) -> String {
    let name = event.name();
    match event {
        Event::MessageCheckpoint { message_id, text, .. } => {
            format!("{name} {message_id} {text:?}")
        }
        Event::MessageEnd { message_id, text, tool_calls, .. } => {
            let calls: Vec<_> = tool_calls.iter().map(|call| &*call.name).collect();
            let calls = if calls.is_empty() { String::new() } else { format!(" {calls:?}") };
            format!("{name} {message_id} {text:?}{}", calls.replace('"', ""))
        }
        Event::MessageError { message_id, text, failure, .. } => {
            format!("{name} {message_id} {text:?} {}", failure.kind.as_str())
        }
        Event::ToolStart { tool_call_id, name: tool } => format!("{name} {tool_call_id} {tool}"),
        Event::ToolResult { tool_call_id, output } => {
            format!("{name} {tool_call_id} {:?}", text_of(&output.parts))
        }
        Event::ToolError { tool_call_id, failure } => {
            format!("{name} {tool_call_id} {}", failure.kind.as_str())
        }
        Event::ApprovalRequested { tool_call_id, kind, .. } => {
            let kind = if *kind == ApprovalKind::Question { "question" } else { "permission" };
            format!("{name} {tool_call_id} {kind}")
        }
        Event::ApprovalResolved { tool_call_id, decision } => {
            let decision = match decision {
                None => "unanswered",
                Some(ApprovalDecision::AllowOnce) => "once",
                Some(ApprovalDecision::AllowForChat) => "for chat",
                Some(ApprovalDecision::Deny { .. }) => "denied",
                Some(ApprovalDecision::Answer { .. }) => "answered",
                Some(_) => "?",
            };
            format!("{name} {tool_call_id} {decision}")
        }
        Event::HistoryTruncated { from } => format!("{name} {from}"),
        _ => name.into(),
    }
}

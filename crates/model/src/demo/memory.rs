//! What a history tells the demo. There is no other memory.

use std::mem;

use polychat_core::{Failure, content::Text, message::Role, ports::ModelRequest, tool::ToolCall};

use super::intent::{self, Intent};

/// What was told in one chat, folded from its messages.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// What is to be answered; `None` when only tools have answered since the demo last spoke.
    pub(super) asked: Option<String>,
    /// What tools have answered since then, in the order of the calls.
    pub(super) heard: Vec<Heard>,
    /// What the user said before.
    pub(super) before: Option<String>,
    /// How many messages the user has sent, the last one included.
    pub(super) user_messages: usize,
    /// The words in everything the model was given.
    pub(super) words: usize,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
}

/// What became of a call.
#[derive(Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) tool: Text,
    pub(super) answer: Result<String, Failure>,
}

impl Memory {
    /// Reads a request.
    pub(super) fn of(request: &ModelRequest) -> Self {
        let mut memory = Self { words: words(&request.system), ..Self::default() };
        let mut last_user = String::new();
        let mut calls: &[ToolCall] = &[];
        for message in &request.messages {
            let text = message.text();
            memory.words += words(&text);
            match &message.role {
                Role::User { .. } => {
                    memory.user_messages += 1;
                    memory.learn(&text);
                    let earlier = mem::replace(&mut last_user, text.clone());
                    if memory.user_messages > 1 {
                        memory.before = Some(earlier);
                    }
                    memory.asked = Some(text);
                }
                Role::Assistant { tool_calls, .. } => {
                    // What was said is no source of facts, but it may hand the turn on.
                    let handed_on = tool_calls.is_empty() && text.trim_start().starts_with('@');
                    memory.asked = if handed_on { Some(text) } else { None };
                    memory.heard.clear();
                    calls = tool_calls;
                }
                Role::Tool { tool_call_id } => {
                    let call = calls.get(usize::from(tool_call_id.index));
                    let tool = call.map_or_else(|| "a tool".into(), |call| call.name.clone());
                    let answer = message.failure.clone().map_or(Ok(text), Err);
                    memory.heard.push(Heard { tool, answer });
                }
                _ => {}
            }
        }
        if memory.asked.is_none() && memory.heard.is_empty() {
            // Others have answered before; the question is still the user's.
            memory.asked = Some(last_user);
        }
        memory
    }

    /// What was told about a subject, whatever its case.
    pub(super) fn fact(&self, subject: &str) -> Option<&str> {
        let known = self.facts.iter().find(|(known, _)| known.eq_ignore_ascii_case(subject));
        known.map(|(_, value)| value.as_str())
    }

    /// Everything that was told, one clause after the other; empty when nothing was.
    pub(super) fn clauses(&self) -> Vec<String> {
        let facts = self.facts.iter().map(|(subject, value)| format!("your {subject} is {value}"));
        let notes = self.notes.iter().cloned();
        facts.chain(notes).collect()
    }

    fn learn(&mut self, text: &str) {
        match intent::parse(text) {
            Intent::Tell { subject, value } => {
                let known = self.facts.iter_mut().find(|(s, _)| s.eq_ignore_ascii_case(subject));
                match known {
                    Some((_, old)) => value.clone_into(old),
                    None => self.facts.push((subject.to_ascii_lowercase(), value.to_owned())),
                }
            }
            Intent::Note(note) => self.notes.push(note.to_owned()),
            _ => {}
        }
    }
}

/// How the demo counts tokens.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

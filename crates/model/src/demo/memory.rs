//! What a history tells the demo. There is no other memory.

use polychat_core::{
    message::{Message, Role},
    ports::ModelRequest,
};

use super::intent::{self, Intent};

/// What was told in one chat, folded from its messages.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// The last message, which is to be answered.
    pub(super) asked: Asked,
    /// What the user said before it.
    pub(super) before: Option<String>,
    /// How many messages the user has sent, the last one included.
    pub(super) user_messages: usize,
    /// The words in everything the model was given.
    pub(super) words: usize,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
}

/// Who spoke last.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    /// A user.
    User(String),
    /// A tool, with its answer or what went wrong.
    Tool(String),
}

impl Default for Asked {
    fn default() -> Self {
        Self::User(String::new())
    }
}

impl Memory {
    /// Reads a request.
    pub(super) fn of(request: &ModelRequest) -> Self {
        let mut memory = Self { words: words(&request.system), ..Self::default() };
        let mut last_user = None;
        for message in &request.messages {
            let text = message.text();
            memory.words += words(&text);
            match message.role {
                Role::User { .. } => {
                    memory.user_messages += 1;
                    memory.learn(&text);
                    memory.before = last_user.replace(text.clone());
                    memory.asked = Asked::User(text);
                }
                Role::Tool { .. } => memory.asked = Asked::Tool(tool_text(message, text)),
                // What the model itself said is no source.
                _ => {}
            }
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

fn tool_text(message: &Message, text: String) -> String {
    match &message.failure {
        Some(failure) => format!("{text}{failure}"),
        None => text,
    }
}

/// How the demo counts tokens.
pub(super) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

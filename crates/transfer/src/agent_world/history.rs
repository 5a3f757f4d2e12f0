//! One history of what each agent remembers of a chat.
//!
//! There, each agent keeps its own copy of what was said: what one agent answered stands in the
//! memory of another as if a user had said it, and the saving fault writes copies of copies. Here
//! each message stands once, by who said it.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map, hash_map};

use polychat_core::{
    AgentName, Part, Timestamp, command::ImportedEntry, content::Text, event::ImportedMessage,
    message::Usage, tool::ToolOutput,
};

use super::rows::{MemoryRow, Numbered, Role, Wrong};
use crate::ProblemKind;

/// What makes two rows the same message.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    /// Its name, which is unique only within a chat; results of tools are told apart by their calls.
    Named(String, Option<String>),
    /// Written before messages had names: everything that is known of it.
    Nameless(Role, Option<String>, String, Timestamp, Option<String>),
}

/// A message, and where it was found first.
struct Found {
    rowid: i64,
    row: MemoryRow,
}

/// The history of a chat in the making.
pub(super) struct History {
    agents: BTreeSet<String>,
    bytes_max: usize,
    bytes: usize,
    messages: HashMap<Key, Found>,
    pub(super) duplicates: u64,
    /// Rows that were left out, to be told.
    pub(super) problems: Vec<(i64, Wrong)>,
    /// Whether it outgrew its bound; nothing of it is held any more then.
    pub(super) is_too_large: bool,
}

impl History {
    /// A history in a world with these agents.
    pub(super) fn new(agents: BTreeSet<String>, bytes_max: usize) -> Self {
        Self {
            agents,
            bytes_max,
            bytes: 0,
            messages: HashMap::new(),
            duplicates: 0,
            problems: Vec::new(),
            is_too_large: false,
        }
    }

    /// Takes a row in.
    pub(super) fn add(&mut self, (rowid, row): Numbered<MemoryRow>) {
        let mut row = match row {
            Ok(row) => row,
            Err(wrong) => return self.problems.push((rowid, wrong)),
        };
        if self.is_too_large {
            return;
        }
        // What another agent said, as this one remembers it.
        if row.role == Role::User
            && let Some(sender) = row.sender.as_ref().filter(|sender| self.agents.contains(*sender))
        {
            (row.role, row.agent) = (Role::Assistant, sender.clone());
        }
        let bytes = row.content.len() + size_of::<Found>();
        match self.messages.entry(key(&row)) {
            hash_map::Entry::Vacant(place) => {
                place.insert(Found { rowid, row });
                self.bytes = self.bytes.saturating_add(bytes);
                if self.bytes > self.bytes_max {
                    self.is_too_large = true;
                    self.messages = HashMap::new();
                }
            }
            hash_map::Entry::Occupied(mut place) => {
                let found = place.get_mut();
                if found.row.content != row.content || found.row.role != row.role {
                    let why = format!("row {} has another message of the same id", found.rowid);
                    return self.problems.push((rowid, (ProblemKind::Conflict, why)));
                }
                self.duplicates += 1;
                // Who asked for tools remembers the calls, the others do not.
                if found.row.calls.is_empty() {
                    found.row.calls = row.calls;
                }
                if row.at < found.row.at {
                    found.row.at = row.at;
                }
            }
        }
    }

    /// The messages in the order of their times, results after the message that asked for them.
    pub(super) fn entries(&mut self) -> Vec<ImportedEntry> {
        let mut found: Vec<Found> = std::mem::take(&mut self.messages).into_values().collect();
        found.sort_by_key(|found| (found.row.at, found.rowid));
        let (results, said): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| found.row.role == Role::Tool);
        let mut answers = self.placed(results, &said);
        let mut entries = Vec::new();
        for (at, Found { row, .. }) in said.into_iter().enumerate() {
            entries.push(entry(row));
            let of_this = answers.remove(&at).unwrap_or_default();
            entries.extend(of_this.into_iter().map(|(index, found)| result(index, found.row)));
        }
        entries
    }

    /// Results by the place of the message that asked for them, and of the call in it.
    fn placed(
        &mut self,
        results: Vec<Found>,
        said: &[Found],
    ) -> BTreeMap<usize, BTreeMap<u16, Found>> {
        let mut calls: HashMap<Text, Vec<(usize, u16)>> = HashMap::new();
        for (at, found) in said.iter().enumerate() {
            for (index, call) in (0..=u16::MAX).zip(&found.row.calls) {
                if let Some(id) = &call.provider_call_id {
                    calls.entry(id.clone()).or_default().push((at, index));
                }
            }
        }
        let mut placed: BTreeMap<usize, BTreeMap<u16, Found>> = BTreeMap::new();
        for found in results {
            let id = found.row.tool_call_id.as_deref().unwrap_or_default();
            let asked = calls.get(id).map(Vec::as_slice).unwrap_or_default();
            // Providers use ids of calls again: a result belongs to the last one asked before it.
            let place = (found.row.at, found.rowid);
            let before = |&&(at, _): &&(usize, u16)| {
                said.get(at).is_some_and(|said| (said.row.at, said.rowid) < place)
            };
            let Some(&(at, index)) = asked.iter().rev().find(before).or(asked.first()) else {
                let why = format!("the result of a call {id:?} that no message asks for");
                self.problems.push((found.rowid, (ProblemKind::Orphan, why)));
                continue;
            };
            match placed.entry(at).or_default().entry(index) {
                btree_map::Entry::Vacant(place) => {
                    place.insert(found);
                }
                btree_map::Entry::Occupied(first)
                    if first.get().row.content == found.row.content =>
                {
                    self.duplicates += 1;
                }
                btree_map::Entry::Occupied(first) => {
                    let why = format!("row {} has another result of the call", first.get().rowid);
                    self.problems.push((found.rowid, (ProblemKind::Orphan, why)));
                }
            }
        }
        placed
    }
}

fn key(row: &MemoryRow) -> Key {
    let call = row.tool_call_id.clone().filter(|_| row.role == Role::Tool);
    match &row.message_id {
        Some(id) => Key::Named(id.clone(), call),
        None => Key::Nameless(row.role, row.sender.clone(), row.content.clone(), row.at, call),
    }
}

fn parts(content: String) -> Vec<Part> {
    if content.is_empty() { Vec::new() } else { vec![Part::text(content)] }
}

fn entry(row: MemoryRow) -> ImportedEntry {
    let mut metadata = row.metadata;
    let message = if row.role == Role::Assistant {
        ImportedMessage::Assistant {
            author: AgentName::new(&row.agent).ok(),
            parts: parts(row.content),
            reasoning: "".into(),
            tool_calls: row.calls,
            usage: Usage::default(),
            failure: None,
        }
    } else {
        if let Some(sender) = row.sender.filter(|sender| sender != "human") {
            metadata.insert("sender".into(), sender.into());
        }
        ImportedMessage::User { parts: parts(row.content) }
    };
    let mut entry = ImportedEntry::new(message, row.at);
    entry.source_id = row.message_id.map(Text::from);
    entry.metadata = metadata.into();
    entry
}

fn result(index: u16, row: MemoryRow) -> ImportedEntry {
    let output = ToolOutput { parts: parts(row.content), ..ToolOutput::default() };
    let message = ImportedMessage::Tool { index, output, failure: None };
    let mut entry = ImportedEntry::new(message, row.at);
    entry.source_id = row.message_id.map(Text::from);
    entry.metadata = row.metadata.into();
    entry
}

//! Which calls of tools were run, and how often: read from what the tools left behind.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use polychat::{ChatId, Event, ToolCallId};

use super::{fault::Fault, house::NAME, shelf::Shelf};

/// All runs of all rounds.
#[derive(Debug, Default)]
pub(super) struct Runs {
    counts: HashMap<String, usize>,
    /// Those that were not compared with a log yet.
    fresh: Vec<String>,
    read_to: u64,
    twice: Vec<Fault>,
}

/// A call as a log tells it.
#[derive(Default)]
struct Call {
    name: String,
    began: bool,
    answered: bool,
}

impl Runs {
    /// Takes over what was left since the last time.
    pub(super) fn read(&mut self, path: &Path) {
        let Ok(mut file) = File::open(path) else { return };
        file.seek(SeekFrom::Start(self.read_to)).unwrap();
        for line in BufReader::new(file).lines() {
            let line = line.unwrap();
            self.read_to += line.len() as u64 + 1;
            self.ran(line);
        }
    }

    /// Takes over one run.
    pub(super) fn ran(&mut self, name: String) {
        let count = self.counts.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            self.twice.push(Fault::RanTwice(name.clone()));
        }
        self.fresh.push(name);
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.counts.len() as u64
    }

    /// No call was run twice, none answered without being run, and none was run that its log does
    /// not know to have begun: a start is stored before anything is run (law 1).
    pub(super) fn judge(&mut self, shelf: &Shelf) -> Vec<Fault> {
        let mut faults = std::mem::take(&mut self.twice);
        let mut began: BTreeMap<&ChatId, HashSet<String>> = BTreeMap::new();
        for (chat, log) in &shelf.logs {
            let mut calls: BTreeMap<ToolCallId, Call> = BTreeMap::new();
            for recorded in log {
                note(&recorded.event, &mut calls);
            }
            for call in calls.values().filter(|call| call.answered) {
                if !self.counts.contains_key(&call.name) {
                    let what = format!("{} answered and never ran", call.name);
                    faults.push(Fault::RunNotRecorded(what));
                }
            }
            let names = calls.into_values().filter(|call| call.began).map(|call| call.name);
            began.insert(chat, names.collect());
        }
        for name in self.fresh.drain(..) {
            let chat = name.split_once('/').and_then(|(chat, _)| ChatId::new(chat).ok());
            let began = chat.as_ref().and_then(|chat| began.get(chat));
            if began.is_some_and(|began| !began.contains(&name)) {
                faults.push(Fault::RunNotRecorded(format!("{name} ran and never began")));
            }
        }
        faults
    }
}

fn note(event: &Event, calls: &mut BTreeMap<ToolCallId, Call>) {
    match event {
        Event::MessageEnd { message_id, tool_calls, .. } => {
            for (index, call) in (0..).zip(tool_calls) {
                let name = call.arguments.get(NAME).and_then(|name| name.as_str());
                let name = name.unwrap_or_default().to_owned();
                let id = ToolCallId { message: *message_id, index };
                calls.insert(id, Call { name, ..Call::default() });
            }
        }
        Event::ToolStart { tool_call_id, .. } => {
            calls.entry(*tool_call_id).or_default().began = true;
        }
        Event::ToolResult { tool_call_id, .. } => {
            calls.entry(*tool_call_id).or_default().answered = true;
        }
        _ => {}
    }
}

//! The tool calls of one chat, turned into lines: what was called, what it shows, what it answered.
//!
//! Live output and progress are previews, as chunks are: a reader that lags sees them merged or not
//! at all. What counts is the recorded end of each call. However much a tool says, a call gets a
//! bounded number of lines, and each of them a bounded length.

use std::collections::BTreeMap;

use polychat::{
    Failure, MessageId, ToolCallId,
    event::ApprovalKind,
    tool::{ToolCall, ToolOutput},
};
use serde_json::Value;

use crate::{progress::Progress, voice::Voice};

/// What a line shows of arguments, results and failures, in characters.
const CHARS_MAX: usize = 160;
/// What is shown of a call that a person is to judge: nobody should allow what he has not seen.
const JUDGED_CHARS_MAX: usize = 8_000;
/// How many lines of its live output a call gets.
const OUTPUT_LINES_MAX: usize = 12;

/// The calls of the running turn.
#[derive(Debug)]
pub(crate) struct ToolCalls {
    /// In how many steps a call's progress is told.
    progress_steps: u32,
    /// Those that were asked for and have not ended.
    calls: BTreeMap<ToolCallId, Call>,
}

/// A call that has not ended.
#[derive(Debug)]
struct Call {
    /// The tool, and the call's number when its message asked for several.
    label: String,
    arguments: String,
    /// Whether it waits for a person.
    waits: bool,
    /// Whether it is never run, because its answer is what a person says.
    is_question: bool,
    output: Voice,
    lines_output: usize,
    progress: Progress,
}

impl ToolCalls {
    pub(crate) fn new(progress_steps: u32) -> Self {
        Self { progress_steps, calls: BTreeMap::new() }
    }

    /// A message ended, and asks for these.
    pub(crate) fn asked(&mut self, message: MessageId, calls: &[ToolCall]) {
        self.calls.clear();
        for (index, call) in (0..=u16::MAX).zip(calls) {
            let label = match calls.len() {
                1 => call.name.to_string(),
                _ => format!("{} #{}", call.name, number(index)),
            };
            let call = Call {
                label,
                arguments: short(&call.arguments.to_string()),
                waits: false,
                is_question: false,
                output: Voice::default(),
                lines_output: 0,
                progress: Progress::new(self.progress_steps),
            };
            self.calls.insert(ToolCallId { message, index }, call);
        }
    }

    /// A call waits for a person.
    pub(crate) fn waits(
        &mut self,
        id: ToolCallId,
        kind: ApprovalKind,
        arguments: &Value,
    ) -> Option<String> {
        let call = self.calls.get_mut(&id)?;
        call.waits = true;
        call.is_question = kind == ApprovalKind::Question;
        let (asked, how) = match kind {
            ApprovalKind::Question => (question(arguments), "/answer TEXT, /deny WHY"),
            // Every other kind is about permission.
            _ => (None, "/allow, /allow-chat, /deny WHY"),
        };
        let asked = judged(&asked.unwrap_or_else(|| arguments.to_string()));
        Some(format!("waiting for you: {} {asked} — {how}", call.label))
    }

    /// A person decided, or nobody needs to any more.
    pub(crate) fn decided(&mut self, id: ToolCallId) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.waits = false;
        }
    }

    /// A call begins to run.
    pub(crate) fn started(&self, id: ToolCallId) -> Option<String> {
        let Call { label, arguments, .. } = self.calls.get(&id).filter(|call| !call.is_question)?;
        Some(format!("tool {label} {arguments}"))
    }

    /// A running call shows text.
    pub(crate) fn output(&mut self, id: ToolCallId, offset: u64, text: &str) -> Vec<String> {
        let Some(call) = self.calls.get_mut(&id) else { return Vec::new() };
        let lines = call.output.chunk(offset, text);
        call.shown(&lines)
    }

    /// A running call says how far it is.
    pub(crate) fn progress(&mut self, id: ToolCallId, progress: &Value) -> Option<String> {
        let call = self.calls.get_mut(&id)?;
        let told = call.progress.told(progress)?;
        Some(format!("{}: {}", call.label, short(&told)))
    }

    /// A call answered.
    pub(crate) fn answered(&mut self, id: ToolCallId, output: &ToolOutput) -> Vec<String> {
        let said = output.parts.iter().map(|part| match part.as_text() {
            Some(text) => text.to_owned(),
            None => "(something that is no text)".to_owned(),
        });
        let mut said = short(&said.collect::<Vec<_>>().join(" "));
        if output.cut_bytes > 0 {
            said.push_str(&format!(" ({} bytes cut off)", output.cut_bytes));
        }
        self.ended(id, |label| format!("{label} answered: {said}"))
    }

    /// A call failed, or never ran.
    pub(crate) fn failed(&mut self, id: ToolCallId, failure: &Failure) -> Vec<String> {
        let why = short(&failure.to_string());
        self.ended(id, |label| format!("{label} failed: {why}"))
    }

    /// The calls that wait for a person, in their order.
    pub(crate) fn waiting(&self) -> Vec<&str> {
        let waiting = self.calls.values().filter(|call| call.waits);
        waiting.map(|call| call.label.as_str()).collect()
    }

    fn ended(&mut self, id: ToolCallId, line: impl Fn(&str) -> String) -> Vec<String> {
        let Some(mut call) = self.calls.remove(&id) else { return Vec::new() };
        let rest = call.output.flush();
        let mut lines = call.shown(rest.as_slice());
        lines.push(line(&call.label));
        lines
    }
}

impl Call {
    /// The lines that may still be shown, under the call's label.
    fn shown(&mut self, lines: &[String]) -> Vec<String> {
        let room = OUTPUT_LINES_MAX.saturating_sub(self.lines_output);
        let had_room = self.lines_output <= OUTPUT_LINES_MAX;
        self.lines_output += lines.len();
        let label = &self.label;
        let mut shown: Vec<String> =
            lines.iter().take(room).map(|line| format!("{label}: {line}")).collect();
        // Said once: when the first line found no room.
        if had_room && self.lines_output > OUTPUT_LINES_MAX {
            shown.push(format!("{label}: … and more"));
        }
        shown
    }
}

/// How people count the calls of a message: from 1.
pub(crate) fn number(index: u16) -> u16 {
    index.saturating_add(1)
}

/// A question in the usual form, with what there is to choose from.
fn question(arguments: &Value) -> Option<String> {
    let question = arguments["question"].as_str()?;
    let options = arguments["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let options: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    let chosen_from =
        if options.is_empty() { String::new() } else { format!(" ({})", options.join(" | ")) };
    Some(format!("{question}{chosen_from}"))
}

/// The beginning of a text.
fn short(text: &str) -> String {
    let (short, left) = begin(text.trim(), CHARS_MAX);
    if left == 0 { short } else { format!("{short}…") }
}

/// As good as all of a text; what is not shown is counted.
fn judged(text: &str) -> String {
    let (shown, left) = begin(text, JUDGED_CHARS_MAX);
    if left == 0 { shown } else { format!("{shown}… ({left} characters more, not shown)") }
}

/// The first characters of a text, and how many are left.
fn begin(text: &str, chars_max: usize) -> (String, usize) {
    let mut chars = text.chars();
    let begin = chars.by_ref().take(chars_max).collect();
    (begin, chars.count())
}

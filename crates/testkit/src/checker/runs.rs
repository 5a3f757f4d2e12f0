//! What tools were given and did, against the log of the chat that ran them (law 3, law 5).
//!
//! A tool does not know its call, and a history does not say it: a run belongs to a call of its chat
//! that has begun, that no other run belongs to, and that asked for this tool with these arguments.

use std::collections::{BTreeSet, HashMap};

use polychat_core::{
    ChatId, Event, FailureKind, Recorded, ToolCallId,
    content::{Text, bytes_of, text_of},
    ports::{Callee, ToolInput},
    tool::ToolOutput,
};
use serde_json::Value;

use super::{
    log::LogWalk,
    violation::{LogFault, RunFault, Violation},
};
use crate::history::{RunEnd, RunId, Showing};

/// One run of a tool.
#[derive(Debug)]
struct Run {
    chat: ChatId,
    call: ToolCallId,
    output: String,
    progress: Vec<Value>,
    end: Option<RunEnd>,
}

/// All runs of a history.
#[derive(Debug, Default)]
pub(super) struct Runs {
    all: HashMap<RunId, Run>,
    of_calls: HashMap<(ChatId, ToolCallId), RunId>,
    /// Calls that have begun and that no run belongs to yet.
    without: HashMap<ChatId, BTreeSet<ToolCallId>>,
}

impl Runs {
    /// Judges a run at the moment when it begins.
    pub(super) fn ran(
        &mut self,
        run: RunId,
        walk: Option<&LogWalk>,
        tool: &Text,
        input: &ToolInput,
        found: &mut Vec<Violation>,
    ) {
        let mut fail = |fault| found.push(Violation::Run { run, fault });
        let Some(walk) = walk else { return fail(RunFault::UnknownChat) };
        let begun = self.without.entry(walk.chat.clone()).or_default();
        let fits = |id: &&ToolCallId| {
            walk.work.calls.get(id).is_some_and(|call| {
                call.asked.name == *tool && call.asked.arguments == input.arguments
            })
        };
        // The last one that fits: an older one may have ended before its tool was run.
        let Some(call) = begun.iter().rev().find(fits).copied() else {
            return fail(RunFault::NoSuchCall { tool: tool.clone() });
        };
        begun.remove(&call);
        if let Some(asked) = walk.work.calls.get(&call) {
            if asked.is_question {
                fail(RunFault::QuestionRun { call });
            }
            let callee = Callee::Tool(tool.clone());
            let part = walk.contexts.differs(&walk.chat, asked.turn, &callee, &input.context);
            if let Some(part) = part {
                fail(RunFault::ContextDiffers { call, part });
            }
        }
        self.of_calls.insert((walk.chat.clone(), call), run);
        let (chat, progress) = (walk.chat.clone(), Vec::new());
        self.all.insert(run, Run { chat, call, output: String::new(), progress, end: None });
    }

    /// Takes over what a tool shows.
    pub(super) fn showed(&mut self, run: RunId, showing: &Showing) {
        let Some(run) = self.all.get_mut(&run) else { return };
        match showing {
            Showing::Output(text) => run.output.push_str(text),
            Showing::Progress(progress) => run.progress.push(progress.clone()),
        }
    }

    /// Takes over how a run ended.
    pub(super) fn ended(&mut self, run: RunId, end: &RunEnd) {
        if let Some(run) = self.all.get_mut(&run) {
            run.end = Some(end.clone());
        }
    }

    /// Judges what is recorded of a call against what its tool did.
    pub(super) fn recorded(
        &mut self,
        chat: &ChatId,
        recorded: &Recorded,
        found: &mut Vec<Violation>,
    ) {
        let call = match &recorded.event {
            Event::ToolStart { tool_call_id, .. } => {
                self.without.entry(chat.clone()).or_default().insert(*tool_call_id);
                return;
            }
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                *tool_call_id
            }
            _ => return,
        };
        let run = self.of_calls.get(&(chat.clone(), call)).and_then(|run| self.all.get(run));
        if run.is_some_and(|run| run.contradicts(&recorded.event)) {
            let (seq, fault) = (recorded.seq, LogFault::OutcomeNotOfTool { call });
            found.push(Violation::Log { chat: chat.clone(), seq, fault });
        }
    }

    /// Whether a call showed this text at this place; yes when no recorded tool ran it.
    pub(super) fn has_shown(&self, chat: &ChatId, call: ToolCallId, at: u64, text: &str) -> bool {
        let Some(run) = self.of(chat, call) else { return true };
        let shown = usize::try_from(at).ok().and_then(|at| run.output.get(at..));
        shown.is_some_and(|shown| shown.starts_with(text))
    }

    /// Whether a call said that it is so far; yes when no recorded tool ran it.
    pub(super) fn has_said(&self, chat: &ChatId, call: ToolCallId, progress: &Value) -> bool {
        self.of(chat, call).is_none_or(|run| run.progress.contains(progress))
    }

    fn of(&self, chat: &ChatId, call: ToolCallId) -> Option<&Run> {
        let run = self.of_calls.get(&(chat.clone(), call)).and_then(|run| self.all.get(run));
        debug_assert!(run.is_none_or(|run| run.call == call && run.chat == *chat));
        run
    }
}

impl Run {
    fn contradicts(&self, recorded: &Event) -> bool {
        match (recorded, &self.end) {
            (Event::ToolResult { output, .. }, Some(RunEnd::Returned(Ok(returned)))) => {
                !is_kept_of(output, returned)
            }
            (Event::ToolResult { .. }, _) => true,
            (Event::ToolError { failure, .. }, Some(RunEnd::Returned(Err(returned)))) => {
                let own = failure.kind == returned.kind;
                let kept = failure.message.get(..returned.message.len().min(64));
                let said = returned.message.get(..returned.message.len().min(64));
                own && kept != said
            }
            // Only a tool itself can say that it failed.
            (Event::ToolError { failure, .. }, _) => failure.kind == FailureKind::ToolFailed,
            _ => false,
        }
    }
}

/// Whether a recorded output is a tool's, or its beginning together with how much was cut: as a
/// number for programs, and in a last part for the model.
fn is_kept_of(recorded: &ToolOutput, returned: &ToolOutput) -> bool {
    let mut parts = recorded.parts.as_slice();
    if recorded.cut_bytes != returned.cut_bytes {
        let Some((note, kept)) = parts.split_last() else { return false };
        let number = recorded.cut_bytes.to_string();
        if !note.as_text().is_some_and(|note| note.contains(&number)) {
            return false;
        }
        parts = kept;
    }
    let all = (bytes_of(&returned.parts) as u64).saturating_add(returned.cut_bytes);
    text_of(&returned.parts).starts_with(&text_of(parts))
        && (bytes_of(parts) as u64).saturating_add(recorded.cut_bytes) == all
}

//! Watches one chat: shows what it says, counts what it does, and knows when it has no more to do.
//!
//! Each chat has a watcher and a subscription of its own. None of them knows of any other.

use std::{collections::HashSet, time::Duration};

use polychat::{
    Chat, Event, Live, LiveBody, Notice, PromptId, Seq, StatusKind, StreamExt, TurnOutcome,
    ports::NoticeStream,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{screen::Screen, tally::Tally, tool_calls::ToolCalls, voice::Voice};

/// How long a person waits for the next word of a sentence; a pipe waits for whole sentences.
const SENTENCE_PATIENCE: Duration = Duration::from_millis(400);
/// In how many steps the progress of a tool is told: a person has other lines to read, too.
const PROGRESS_STEPS_TERMINAL: u32 = 4;
const PROGRESS_STEPS_PIPE: u32 = 10;

/// The last prompt that a chat was sent, once it is known that no other follows.
pub(crate) type LastPrompt = watch::Receiver<Option<Seq>>;

pub(crate) struct Watcher {
    chat: Chat,
    screen: Screen,
    patience: Duration,
    last_prompt: LastPrompt,
    tally: Tally,
    text: Voice,
    reasoning: Voice,
    tools: ToolCalls,
    /// Accepted, and not ended: what there is to wait for.
    open: HashSet<PromptId>,
    /// Those of them that the running turn works on.
    in_turn: Vec<PromptId>,
    /// How far the log was seen.
    seen: Seq,
    /// Up to here the log is from before: it is needed to know what is open, and not shown.
    past: Seq,
    /// When the running turn began, until its first word.
    turn_began: Option<Instant>,
    last_notice: Instant,
}

impl Watcher {
    pub(crate) fn new(
        chat: Chat,
        screen: Screen,
        patience: Duration,
        last_prompt: LastPrompt,
        past: Seq,
    ) -> Self {
        let progress_steps =
            if screen.is_terminal() { PROGRESS_STEPS_TERMINAL } else { PROGRESS_STEPS_PIPE };
        Self {
            chat,
            screen: if past > Seq::ZERO { screen.quiet() } else { screen },
            patience,
            last_prompt,
            tally: Tally::default(),
            text: Voice::default(),
            reasoning: Voice::default(),
            tools: ToolCalls::new(progress_steps),
            open: HashSet::new(),
            in_turn: Vec::new(),
            seen: Seq::ZERO,
            past,
            turn_began: None,
            last_notice: Instant::now(),
        }
    }

    /// Watches until the stream ends, or until the last prompt has its outcome; or until that could
    /// only come from a person, of whom nothing more will be heard.
    pub(crate) async fn run(mut self, mut notices: NoticeStream) -> Tally {
        while !self.is_done() && !self.waits_in_vain().await {
            let patience_ends = self.last_notice + self.patience;
            let sentence_ends = self.last_notice + SENTENCE_PATIENCE;
            let input_ended = self.last_prompt.borrow().is_some();
            let is_waiting = self.screen.is_terminal() && self.text.is_waiting();
            tokio::select! {
                notice = notices.next() => match notice {
                    None | Some(Notice::Ended(_)) => break,
                    Some(notice) => {
                        self.last_notice = Instant::now();
                        self.take(notice).await;
                    }
                },
                // The end of input: the patience counts from now.
                Ok(()) = self.last_prompt.changed() => self.last_notice = Instant::now(),
                () = sleep_until(sentence_ends), if is_waiting => self.flush().await,
                () = sleep_until(patience_ends), if input_ended => {
                    if !self.lose_patience().await {
                        break;
                    }
                }
            }
        }
        self.flush().await;
        self.tell_what_is_left().await;
        self.tally
    }

    fn is_done(&self) -> bool {
        self.has_seen_all_input() && self.open.is_empty()
    }

    fn has_seen_all_input(&self) -> bool {
        let last_prompt = *self.last_prompt.borrow();
        last_prompt.is_some_and(|last| self.seen >= last && self.seen >= self.past)
    }

    /// Whether the chat waits for a person, and no line can tell it anything any more.
    ///
    /// That a call waits does not say that nothing else runs, so the chat itself is asked.
    async fn waits_in_vain(&self) -> bool {
        if !self.has_seen_all_input() || self.tools.waiting().is_empty() {
            return false;
        }
        let snapshot = self.chat.snapshot().await;
        snapshot.is_ok_and(|chat| {
            chat.status.kind == StatusKind::Awaiting && chat.status.head == self.seen
        })
    }

    async fn tell_what_is_left(&mut self) {
        let (id, waiting) = (self.chat.id(), self.tools.waiting());
        if !waiting.is_empty() {
            self.screen.noted(id, format!("left waiting for you: {}", waiting.join(", "))).await;
            self.tally.left_awaiting();
            for prompt in self.in_turn.drain(..) {
                self.open.remove(&prompt);
            }
        }
        let left = self.open.len();
        if left > 0 {
            self.screen.noted(id, format!("left without an answer: {left}")).await;
        }
    }

    /// Cancels what hangs; whether that helped.
    async fn lose_patience(&mut self) -> bool {
        self.last_notice = Instant::now();
        let id = self.chat.id();
        let patience = self.patience;
        match self.chat.cancel().await {
            Ok(()) => {
                self.screen.noted(id, format!("nothing new for {patience:?}: cancelling")).await;
                true
            }
            Err(error) => {
                self.screen.noted(id, format!("nothing new for {patience:?}: {error}")).await;
                false
            }
        }
    }

    async fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Live { event, .. } => self.take_live(&event).await,
            Notice::Recorded { event, .. } => {
                self.seen = event.seq;
                self.take_recorded(&event.event).await;
                if event.seq == self.past {
                    self.begin_news().await;
                }
            }
            _ => {}
        }
    }

    /// From here on it is shown and counted, and what still waits for a person is told again.
    async fn begin_news(&mut self) {
        self.screen = self.screen.loud();
        self.tally = Tally::default();
        self.turn_began = None;
        let waiting = self.chat.approvals().await.unwrap_or_default();
        let past = waiting.iter().filter(|call| call.tool_call_id.message.0 <= self.past);
        let lines: Vec<String> = past
            .filter_map(|call| self.tools.waits(call.tool_call_id, call.kind, &call.arguments))
            .collect();
        self.note(lines).await;
    }

    async fn take_live(&mut self, live: &Live) {
        match &live.body {
            LiveBody::MessageChunk { offset, text, .. } => {
                self.tally.chunk();
                self.first_word();
                let thought = self.reasoning.flush();
                self.show_thoughts(thought).await;
                let lines = self.text.chunk(*offset, text);
                self.show(lines).await;
            }
            LiveBody::ReasoningChunk { offset, text, .. } => {
                self.tally.chunk();
                self.first_word();
                let thoughts = self.reasoning.chunk(*offset, text);
                self.show_thoughts(thoughts).await;
            }
            LiveBody::ToolOutput { tool_call_id, offset, text } => {
                let lines = self.tools.output(*tool_call_id, *offset, text);
                self.note(lines).await;
            }
            LiveBody::ToolProgress { tool_call_id, progress } => {
                let line = self.tools.progress(*tool_call_id, progress);
                self.note(line).await;
            }
            _ => {}
        }
    }

    async fn take_recorded(&mut self, event: &Event) {
        match event {
            Event::PromptAccepted { prompt_id, .. } => {
                self.open.insert(prompt_id.clone());
            }
            Event::PromptWithdrawn { prompt_id, .. } => {
                self.open.remove(prompt_id);
                self.tally.prompt_withdrawn();
                self.screen.noted(self.chat.id(), "a waiting message was withdrawn").await;
            }
            Event::TurnStarted { prompt_ids, .. } => {
                self.in_turn.clone_from(prompt_ids);
                self.turn_began = Some(Instant::now());
            }
            Event::PromptJoined { prompt_id, .. } => self.in_turn.push(prompt_id.clone()),
            Event::TurnEnded { outcome, .. } => self.end_turn(outcome).await,
            Event::MessageStart { .. } => {
                self.text.begin();
                self.reasoning.begin();
            }
            Event::MessageEnd { message_id, text, reasoning, tool_calls, .. } => {
                self.end_message(text, reasoning).await;
                self.tools.asked(*message_id, tool_calls);
            }
            Event::MessageError { text, reasoning, .. } => {
                self.end_message(text, reasoning).await;
            }
            Event::ToolStart { .. }
            | Event::ToolResult { .. }
            | Event::ToolError { .. }
            | Event::ApprovalRequested { .. }
            | Event::ApprovalResolved { .. } => self.take_tool(event).await,
            Event::ChatClosed {} => self.screen.noted(self.chat.id(), "closed").await,
            Event::ChatReopened {} => self.screen.noted(self.chat.id(), "reopened").await,
            Event::ChatDeleted {} => self.screen.noted(self.chat.id(), "deleted").await,
            _ => {}
        }
    }

    async fn take_tool(&mut self, event: &Event) {
        let lines = match event {
            Event::ApprovalRequested { tool_call_id, kind, arguments, .. } => {
                self.tools.waits(*tool_call_id, *kind, arguments).into_iter().collect()
            }
            Event::ApprovalResolved { tool_call_id, .. } => {
                self.tools.decided(*tool_call_id);
                Vec::new()
            }
            Event::ToolStart { tool_call_id, .. } => {
                self.tools.started(*tool_call_id).into_iter().collect()
            }
            Event::ToolResult { tool_call_id, output } => {
                self.tally.tool_call();
                self.tools.answered(*tool_call_id, output)
            }
            Event::ToolError { tool_call_id, failure } => {
                self.tally.tool_call();
                self.tools.failed(*tool_call_id, failure)
            }
            _ => Vec::new(),
        };
        self.note(lines).await;
    }

    async fn end_message(&mut self, text: &str, reasoning: &str) {
        if !text.is_empty() || !reasoning.is_empty() {
            self.first_word();
        }
        let thoughts = self.reasoning.end(reasoning);
        self.show_thoughts(thoughts).await;
        let lines = self.text.end(text);
        self.show(lines).await;
    }

    async fn end_turn(&mut self, outcome: &TurnOutcome) {
        for prompt in self.in_turn.drain(..) {
            self.open.remove(&prompt);
        }
        self.turn_began = None;
        self.tally.turn_ended(outcome);
        let note = match outcome {
            TurnOutcome::Completed => return,
            TurnOutcome::Failed { failure } => format!("failed: {failure}"),
            other => other.as_str().to_owned(),
        };
        self.screen.noted(self.chat.id(), note).await;
    }

    fn first_word(&mut self) {
        if let Some(began) = self.turn_began.take() {
            self.tally.first_chunk(began.elapsed());
        }
    }

    async fn show(&self, lines: Vec<String>) {
        for line in lines {
            self.screen.said(self.chat.id(), line).await;
        }
    }

    async fn note(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.screen.noted(self.chat.id(), line).await;
        }
    }

    async fn show_thoughts(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.screen.noted(self.chat.id(), format!("thinking: {line}")).await;
        }
    }

    async fn flush(&mut self) {
        let thought = self.reasoning.flush();
        self.show_thoughts(thought).await;
        let line = self.text.flush();
        self.show(line.into_iter().collect()).await;
    }
}

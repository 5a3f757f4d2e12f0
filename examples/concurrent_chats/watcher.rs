//! Watches one chat: shows what it says, counts what it does, and knows when it has no more to do.
//!
//! Each chat has a watcher and a subscription of its own. None of them knows of any other.

use std::{collections::HashSet, time::Duration};

use polychat::{
    Chat, Event, Live, LiveBody, Notice, PromptId, Seq, StreamExt, TurnOutcome, ports::NoticeStream,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{screen::Screen, tally::Tally, voice::Voice};

/// How long a person waits for the next word of a sentence; a pipe waits for whole sentences.
const SENTENCE_PATIENCE: Duration = Duration::from_millis(400);

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
    /// Accepted, and not ended: what there is to wait for.
    open: HashSet<PromptId>,
    /// Those of them that the running turn works on.
    in_turn: Vec<PromptId>,
    /// How far the log was seen.
    seen: Seq,
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
    ) -> Self {
        Self {
            chat,
            screen,
            patience,
            last_prompt,
            tally: Tally::default(),
            text: Voice::default(),
            reasoning: Voice::default(),
            open: HashSet::new(),
            in_turn: Vec::new(),
            seen: Seq::ZERO,
            turn_began: None,
            last_notice: Instant::now(),
        }
    }

    /// Watches until the stream ends, or until the last prompt has its outcome.
    pub(crate) async fn run(mut self, mut notices: NoticeStream) -> Tally {
        while !self.is_done() {
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
        if !self.open.is_empty() {
            let left = self.open.len();
            self.screen.noted(self.chat.id(), format!("left without an answer: {left}")).await;
        }
        self.tally
    }

    fn is_done(&self) -> bool {
        let last = *self.last_prompt.borrow();
        last.is_some_and(|last| self.seen >= last) && self.open.is_empty()
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
            }
            _ => {}
        }
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
            // No tools are registered here.
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
            Event::MessageEnd { text, reasoning, .. }
            | Event::MessageError { text, reasoning, .. } => {
                if !text.is_empty() || !reasoning.is_empty() {
                    self.first_word();
                }
                let thoughts = self.reasoning.end(reasoning);
                self.show_thoughts(thoughts).await;
                let lines = self.text.end(text);
                self.show(lines).await;
            }
            Event::ChatClosed {} => self.screen.noted(self.chat.id(), "closed").await,
            Event::ChatReopened {} => self.screen.noted(self.chat.id(), "reopened").await,
            Event::ChatDeleted {} => self.screen.noted(self.chat.id(), "deleted").await,
            _ => {}
        }
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

//! A chat in miniature: it records and shows as an actor would, and readers fold what they see.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use polychat_chat_actor::feed::{Feed, FeedLimits, FeedReader, FeedWriter, Read, ToolWriter};
use polychat_core::{
    AgentConfig, AgentName, ChatId, Cursor, Epoch, Event, Failure, FailureKind, Live, LiveBody,
    MessageId, ModelName, Recorded, Seq, StartAt, Timestamp, ToolCallId, TurnId, TurnOutcome,
    event::FinishReason,
    message::{Omitted, Usage},
    tool::ToolOutput,
};
use serde_json::Value;

pub(crate) const LIMITS: FeedLimits =
    FeedLimits { recorded_max: 64, subscribers_max: 8, live_bytes_max: 1024 * 1024 };

pub(crate) fn chat_id() -> ChatId {
    ChatId::new("a").unwrap()
}

/// One chat: its log, its feed, and what its turn has open.
pub(crate) struct Chat {
    pub(crate) feed: Arc<Feed>,
    pub(crate) log: Vec<Arc<Recorded>>,
    pub(crate) epoch: Epoch,
    pub(crate) turn: Option<TurnId>,
    pub(crate) message: Option<MessageId>,
}

impl Chat {
    pub(crate) fn new(limits: FeedLimits) -> Self {
        let feed = Arc::new(Feed::new(chat_id(), Seq::ZERO, limits));
        feed.begin_epoch(Epoch(1), Seq::ZERO).unwrap();
        Self { feed, log: Vec::new(), epoch: Epoch(1), turn: None, message: None }
    }

    /// A chat with an open message, and the writer of it.
    pub(crate) fn with_open_message(limits: FeedLimits) -> (Self, FeedWriter) {
        let mut chat = Self::new(limits);
        chat.start_turn();
        let writer = chat.start_message();
        (chat, writer)
    }

    pub(crate) fn head(&self) -> Seq {
        Seq::try_from(self.log.len() as u64).unwrap()
    }

    /// Stores an event without showing it.
    pub(crate) fn store(&mut self, event: Event) -> Arc<Recorded> {
        let seq = self.head().next();
        let recorded = Arc::new(Recorded { chat_id: chat_id(), seq, at: Timestamp(0), event });
        self.log.push(Arc::clone(&recorded));
        recorded
    }

    pub(crate) fn record(&mut self, event: Event) -> Seq {
        let recorded = self.store(event);
        self.feed.publish(self.epoch, std::slice::from_ref(&recorded)).unwrap();
        recorded.seq
    }

    pub(crate) fn start_turn(&mut self) -> TurnId {
        let agent = AgentName::new("guide").unwrap();
        let turn = TurnId(self.record(Event::TurnStarted {
            prompt_ids: Vec::new(),
            agent,
            then: Vec::new(),
        }));
        self.turn = Some(turn);
        turn
    }

    pub(crate) fn end_turn(&mut self) {
        if let Some(turn_id) = self.turn.take() {
            self.record(Event::TurnEnded { turn_id, outcome: TurnOutcome::Completed });
        }
    }

    pub(crate) fn start_message(&mut self) -> FeedWriter {
        let agent =
            AgentConfig::new(AgentName::new("guide").unwrap(), ModelName::new("demo").unwrap());
        let turn_id = self.turn.unwrap();
        let (agent, omitted) = (Arc::new(agent), Omitted::default());
        let seq = self.record(Event::MessageStart { turn_id, step: 1, agent, omitted });
        self.message = Some(MessageId(seq));
        self.writer()
    }

    pub(crate) fn writer(&self) -> FeedWriter {
        self.feed.writer(self.epoch, self.turn.unwrap(), self.message.unwrap())
    }

    /// Seals the open message and records its end with the text shown.
    pub(crate) fn end_message(&mut self) {
        let Some(message_id) = self.message.take() else { return };
        let shown = self.feed.seal(message_id).unwrap();
        self.record(Event::MessageEnd {
            message_id,
            text: shown.text,
            reasoning: shown.reasoning,
            opaque: Vec::new(),
            tool_calls: Vec::new(),
            finish: FinishReason::Stop,
            usage: Usage::default(),
        });
    }

    pub(crate) fn start_tool(&mut self, call: ToolCallId) -> ToolWriter {
        self.record(Event::ToolStart { tool_call_id: call, name: "look".into() });
        self.feed.tool_writer(self.epoch, self.turn.unwrap(), call)
    }

    pub(crate) fn end_tool(&mut self, tool_call_id: ToolCallId) {
        self.record(Event::ToolResult { tool_call_id, output: ToolOutput::default() });
    }

    /// What a restarted actor does: seal, open a new epoch, record that the turn was lost.
    /// `unseen` events were stored by the old actor, which died before it could show them.
    pub(crate) fn restart(&mut self, unseen: usize) {
        let shown = self.message.and_then(|message| self.feed.seal(message));
        for _ in 0..unseen {
            self.store(Event::ChatReopened {});
        }
        self.epoch = Epoch(self.epoch.0 + 1);
        self.feed.begin_epoch(self.epoch, self.head()).unwrap();
        if let (Some(message_id), Some(shown)) = (self.message.take(), shown) {
            let failure = Failure::new(FailureKind::Interrupted, "restarted");
            let (text, reasoning) = (shown.text, shown.reasoning);
            self.record(Event::MessageError { message_id, text, reasoning, failure });
        }
        if let Some(turn_id) = self.turn.take() {
            self.record(Event::TurnEnded { turn_id, outcome: TurnOutcome::Interrupted });
        }
    }

    pub(crate) fn watch(&self, start: &StartAt) -> Watcher {
        Watcher { reader: self.feed.subscribe(start).unwrap(), view: View::default() }
    }
}

/// What a watcher knows after folding what it read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct View {
    pub(crate) seen: Seq,
    /// Text and reasoning of every message.
    pub(crate) messages: BTreeMap<MessageId, (String, String)>,
    pub(crate) outputs: BTreeMap<ToolCallId, String>,
    pub(crate) progress: BTreeMap<ToolCallId, Value>,
}

impl View {
    pub(crate) fn record(&mut self, recorded: &Recorded) {
        assert_eq!(recorded.seq, self.seen.next(), "recorded events come once and in order");
        self.seen = recorded.seq;
        match &recorded.event {
            Event::MessageStart { .. } => {
                self.messages.insert(MessageId(recorded.seq), Default::default());
            }
            Event::MessageEnd { message_id, text, reasoning, .. }
            | Event::MessageError { message_id, text, reasoning, .. } => {
                let (shown, thought) = self.messages.entry(*message_id).or_default();
                assert!(text.starts_with(shown.as_str()), "what was shown is recorded");
                assert!(reasoning.starts_with(thought.as_str()), "what was shown is recorded");
                (*shown, *thought) = (text.to_string(), reasoning.to_string());
            }
            Event::ToolResult { tool_call_id, .. } | Event::ToolError { tool_call_id, .. } => {
                self.outputs.remove(tool_call_id);
                self.progress.remove(tool_call_id);
            }
            Event::TurnEnded { .. } => {
                self.outputs.clear();
                self.progress.clear();
            }
            _ => {}
        }
    }

    pub(crate) fn live(&mut self, live: &Live) {
        assert_eq!(live.chat_id, chat_id());
        let (known, offset, text) = match &live.body {
            LiveBody::MessageChunk { message_id, offset, text } => {
                (&mut self.messages.get_mut(message_id).unwrap().0, offset, text)
            }
            LiveBody::ReasoningChunk { message_id, offset, text } => {
                (&mut self.messages.get_mut(message_id).unwrap().1, offset, text)
            }
            LiveBody::ToolOutput { tool_call_id, offset, text } => {
                (self.outputs.entry(*tool_call_id).or_default(), offset, text)
            }
            LiveBody::ToolProgress { tool_call_id, progress } => {
                self.progress.insert(*tool_call_id, progress.clone());
                return;
            }
            other => panic!("unknown live event {other:?}"),
        };
        assert_eq!(*offset, known.len() as u64, "a chunk goes on where the last one ended");
        assert!(!text.is_empty(), "a chunk brings text");
        known.push_str(text);
    }
}

/// A reader and its view.
pub(crate) struct Watcher {
    pub(crate) reader: FeedReader,
    pub(crate) view: View,
}

impl Watcher {
    pub(crate) fn poll(&mut self) -> Option<Read> {
        match self.reader.poll_read(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(read) => Some(read),
            Poll::Pending => None,
        }
    }

    /// Reads one thing and folds it, from `log` where the feed is behind; false at the end.
    pub(crate) fn step(&mut self, log: &[Arc<Recorded>]) -> bool {
        let (before, read) = (self.reader.cursor(), self.poll());
        match read {
            Some(Read::Recorded { cursor, event }) => {
                assert_eq!(cursor, self.reader.cursor());
                self.view.record(&event);
            }
            Some(Read::Live { cursor, event }) => {
                assert_eq!(cursor, self.reader.cursor());
                self.view.live(&event);
            }
            Some(Read::Behind { after, until }) => {
                assert_eq!(after, self.view.seen);
                assert!(until > after && until <= self.reader.feed().head(), "law 1");
                for event in &log[after.get() as usize..until.get() as usize] {
                    self.view.record(event);
                }
                self.reader.advance(until);
            }
            Some(Read::Ended(_)) | None => return false,
        }
        assert!(self.reader.cursor() != before, "whoever reads moves on");
        true
    }

    pub(crate) fn read_all(&mut self, log: &[Arc<Recorded>]) {
        while self.step(log) {}
    }

    /// Leaves, and comes back with the cursor, which travelled as text.
    pub(crate) fn come_back(&mut self, feed: &Arc<Feed>) {
        let cursor: Cursor = self.reader.cursor().to_string().parse().unwrap();
        self.reader = feed.subscribe(&StartAt::After(cursor)).unwrap();
    }

    /// Reads everything that is there, and answers with the texts of the live chunks.
    pub(crate) fn chunks(&mut self, log: &[Arc<Recorded>]) -> Vec<String> {
        let mut chunks = Vec::new();
        while let Some(read) = self.poll() {
            match read {
                Read::Live { event, .. } => {
                    self.view.live(&event);
                    if let LiveBody::MessageChunk { text, .. } = &event.body {
                        chunks.push(text.to_string());
                    }
                }
                Read::Recorded { event, .. } => self.view.record(&event),
                Read::Behind { after, until } => {
                    for recorded in &log[after.get() as usize..until.get() as usize] {
                        self.view.record(recorded);
                    }
                    self.reader.advance(until);
                }
                Read::Ended(reason) => panic!("{reason:?}"),
            }
        }
        chunks
    }

    /// The text of a live chunk that comes next.
    pub(crate) fn chunk(&mut self) -> Option<String> {
        match self.poll()? {
            Read::Live { event, .. } => match &event.body {
                LiveBody::MessageChunk { text, .. }
                | LiveBody::ReasoningChunk { text, .. }
                | LiveBody::ToolOutput { text, .. } => Some(text.to_string()),
                other => panic!("no text in {other:?}"),
            },
            other => panic!("no live event but {other:?}"),
        }
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Alarm(AtomicUsize);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Alarm {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

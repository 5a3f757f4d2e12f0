//! What happened in one world, in one order: the evidence that the [checker](crate::checker) judges.
//!
//! A test shares one [`History`] between the wrappers around its world, store, model and tools
//! ([`RecordingWorld`], [`RecordingStore`], [`RecordingModel`], [`RecordingTools`]). Each fact gets
//! the next order number under one lock, so "stored before shown" is a comparison of two numbers.
//! Nothing here judges, and nothing here knows the rules.

mod model;
mod stamp;
mod store;
mod tools;
mod world;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use polychat_core::{
    ChatId, Command, CommandError, Failure, Notice, Recorded, Reply, Scope, Seq, StartAt, Summary,
    TurnId,
    content::Text,
    ports::{HostContext, ModelDelta, ModelRequest, ToolInput},
    tool::ToolOutput,
};
use serde_json::Value;

pub use self::{
    model::RecordingModel,
    stamp::{Stamp, Stamping},
    store::RecordingStore,
    tools::RecordingTools,
    world::RecordingWorld,
};

/// Where the chat of a request or a tool's run stands in its host context, for [`RecordingModel`]
/// and [`RecordingTools`].
///
/// Models and tools do not know their chat (law 3), so a test attaches it to the chat's stored
/// context: `NewChat::with_id(id).context(json!({"chat": id}))`.
pub const CHAT_CONTEXT_KEY: &str = "chat";

/// Names one command sent to a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Names one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub u64);

/// Names one model request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Names one run of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// What a tool showed while it ran.
#[derive(Debug, Clone, PartialEq)]
pub enum Showing {
    /// Text.
    Output(Text),
    /// How far it was.
    Progress(Value),
}

/// How a run of a tool ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEnd {
    /// It came to its own end.
    Returned(Result<ToolOutput, Failure>),
    /// Its future was dropped before that, also by a panic.
    Dropped,
}

/// What a turn's task did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskMark {
    /// It began to work.
    Started,
    /// It ended, in whatever way.
    Stopped,
}

/// One fact and its place among all facts.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counted from 0 over all sorts of facts.
    pub order: u64,
    /// What happened.
    pub fact: Fact,
}

/// What can happen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fact {
    /// A command was given to the world.
    Sent {
        /// Names it.
        call: CallId,
        /// The command.
        command: Command,
    },
    /// The world answered it.
    Answered {
        /// The command.
        call: CallId,
        /// The answer.
        answer: Result<Reply, CommandError>,
    },
    /// The store acknowledged an append, or settled one when the log was opened again.
    Committed {
        /// Whose log.
        chat: ChatId,
        /// What is now stored.
        events: Vec<Arc<Recorded>>,
        /// The summary stored with it; `None` where it is not known.
        summary: Option<Summary>,
    },
    /// A subscription was granted.
    Subscribed {
        /// Names it.
        subscriber: SubscriberId,
        /// What it watches.
        scope: Scope,
        /// Where it began; a resume is one that begins after a cursor.
        start: StartAt,
    },
    /// A subscriber received something.
    Noticed {
        /// Who.
        subscriber: SubscriberId,
        /// What.
        notice: Notice,
    },
    /// A subscriber dropped its stream.
    Unsubscribed {
        /// Who.
        subscriber: SubscriberId,
    },
    /// A model was asked.
    Requested {
        /// Names the request.
        request: RequestId,
        /// The chat that the embedder attached; `None` when nobody did.
        chat: Option<ChatId>,
        /// What the model was given.
        content: Box<ModelRequest>,
    },
    /// A model let go of a delta.
    Released {
        /// The request that it answers.
        request: RequestId,
        /// The delta.
        delta: ModelDelta,
    },
    /// A tool was run.
    Ran {
        /// Names the run.
        run: RunId,
        /// Whose context it was given, as the test attached it; `None` when nobody did.
        chat: Option<ChatId>,
        /// The tool's name.
        tool: Text,
        /// What it was given.
        input: Box<ToolInput>,
    },
    /// A tool showed something.
    Showed {
        /// The run.
        run: RunId,
        /// What.
        showing: Showing,
    },
    /// A run of a tool ended.
    RunEnded {
        /// The run.
        run: RunId,
        /// How.
        end: RunEnd,
    },
    /// The task of a turn began or ended.
    Task {
        /// The chat.
        chat: ChatId,
        /// The turn.
        turn: TurnId,
        /// What it did.
        mark: TaskMark,
    },
    /// The world is about to be opened, with the agents that it is opened with each time.
    Opening,
    /// The process was lost: what was shown but not saved is superseded by what recovery records.
    ProcessLost,
}

#[derive(Default)]
struct Inner {
    entries: Vec<Arc<Entry>>,
    names: u64,
    heads: HashMap<ChatId, Seq>,
}

/// A thread-safe recorder of everything that the checker judges.
///
/// Clones share one record.
///
/// ```
/// use polychat_core::{Command, Reply};
/// use polychat_testkit::{checker, history::History};
///
/// let history = History::new();
/// let call = history.sent(Command::GetWorld);
/// history.answered(call, Ok(Reply::Done));
/// // `GetWorld` is not answered by `Done`.
/// assert_eq!(checker::check(&history, checker::RunState::Quiet).len(), 1);
/// ```
#[derive(Clone, Default)]
pub struct History(Arc<Mutex<Inner>>);

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "History({} facts)", self.lock().entries.len())
    }
}

impl History {
    /// An empty record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All facts so far, in order.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.lock().entries.clone()
    }

    /// The facts from this order number on, for a checker that keeps pace.
    #[must_use]
    pub fn entries_from(&self, order: u64) -> Vec<Arc<Entry>> {
        let inner = self.lock();
        let from = usize::try_from(order).unwrap_or(usize::MAX).min(inner.entries.len());
        inner.entries.get(from..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// The log of a chat as far as the store acknowledged it.
    #[must_use]
    pub fn log(&self, chat: &ChatId) -> Vec<Arc<Recorded>> {
        let inner = self.lock();
        let committed = inner.entries.iter().filter_map(|entry| match &entry.fact {
            Fact::Committed { chat: whose, events, .. } if whose == chat => Some(events),
            _ => None,
        });
        committed.flatten().cloned().collect()
    }

    /// The last event of a chat that the store acknowledged.
    #[must_use]
    pub fn head(&self, chat: &ChatId) -> Seq {
        self.lock().heads.get(chat).copied().unwrap_or(Seq::ZERO)
    }

    /// Records a fact as it is; the methods below are the usual way.
    pub fn record(&self, fact: Fact) {
        self.lock().push(fact);
    }

    /// Records that a command is given to the world.
    #[must_use]
    pub fn sent(&self, command: Command) -> CallId {
        let mut inner = self.lock();
        let call = CallId(inner.name());
        inner.push(Fact::Sent { call, command });
        call
    }

    /// Records the answer to a command.
    pub fn answered(&self, call: CallId, answer: Result<Reply, CommandError>) {
        self.record(Fact::Answered { call, answer });
    }

    /// Records that the store acknowledged an append.
    pub fn committed(&self, chat: ChatId, events: Vec<Arc<Recorded>>, summary: Option<Summary>) {
        self.record(Fact::Committed { chat, events, summary });
    }

    /// Records that a subscription was granted.
    #[must_use]
    pub fn subscribed(&self, scope: Scope, start: StartAt) -> SubscriberId {
        let mut inner = self.lock();
        let subscriber = SubscriberId(inner.name());
        inner.push(Fact::Subscribed { subscriber, scope, start });
        subscriber
    }

    /// Records what a subscriber received.
    pub fn noticed(&self, subscriber: SubscriberId, notice: Notice) {
        self.record(Fact::Noticed { subscriber, notice });
    }

    /// Records that a subscriber dropped its stream.
    pub fn unsubscribed(&self, subscriber: SubscriberId) {
        self.record(Fact::Unsubscribed { subscriber });
    }

    /// Records a model request; its chat is read from [`CHAT_CONTEXT_KEY`].
    #[must_use]
    pub fn requested(&self, content: ModelRequest) -> RequestId {
        let chat = chat_of(&content.context);
        let mut inner = self.lock();
        let request = RequestId(inner.name());
        inner.push(Fact::Requested { request, chat, content: Box::new(content) });
        request
    }

    /// Records a delta at the moment the model lets go of it.
    pub fn released(&self, request: RequestId, delta: ModelDelta) {
        self.record(Fact::Released { request, delta });
    }

    /// Records that a tool is run; its chat is read from [`CHAT_CONTEXT_KEY`].
    #[must_use]
    pub fn ran(&self, tool: Text, input: ToolInput) -> RunId {
        let chat = chat_of(&input.context);
        let mut inner = self.lock();
        let run = RunId(inner.name());
        inner.push(Fact::Ran { run, chat, tool, input: Box::new(input) });
        run
    }

    /// Records what a tool shows, at the moment it lets go of it.
    pub fn showed(&self, run: RunId, showing: Showing) {
        self.record(Fact::Showed { run, showing });
    }

    /// Records how a run of a tool ended.
    pub fn run_ended(&self, run: RunId, end: RunEnd) {
        self.record(Fact::RunEnded { run, end });
    }

    /// Records that the world is about to be opened. Without it the agents that a world is opened
    /// with are taken for those of its first life only.
    pub fn opening(&self) {
        self.record(Fact::Opening);
    }

    /// Records that the task of a turn began or ended.
    pub fn task(&self, chat: ChatId, turn: TurnId, mark: TaskMark) {
        self.record(Fact::Task { chat, turn, mark });
    }

    /// Records that the process is lost here, as far as the test plays it.
    pub fn process_lost(&self) {
        self.record(Fact::ProcessLost);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A test that panicked elsewhere still wants its history.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn chat_of(context: &HostContext) -> Option<ChatId> {
    context.chat.get(CHAT_CONTEXT_KEY).and_then(|id| ChatId::new(id.as_str()?).ok())
}

impl Inner {
    fn name(&mut self) -> u64 {
        self.names += 1;
        self.names
    }

    fn push(&mut self, fact: Fact) {
        if let Fact::Committed { chat, events, .. } = &fact {
            let head = self.heads.entry(chat.clone()).or_default();
            *head = events.iter().map(|event| event.seq).fold(*head, Seq::max);
        }
        let order = self.entries.len() as u64;
        self.entries.push(Arc::new(Entry { order, fact }));
    }
}

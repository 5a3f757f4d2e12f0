//! Bugs planted around the world: a property that does not find them is no property.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::StreamExt;
use polychat::{
    ChatId, Command, CommandError, Failure, Notice, Reply, Scope, Seq, StartAt, Summary, WorldId,
    command::Page,
    ports::{
        AppendError, ContextProvider, ContextRequest, Entry, Fence, Head, HostContext, LogKey,
        Model, ModelRequest, ModelStream, NoticeStream, OpenMode, Store, StoreError, Tool,
        ToolInput, ToolSink, Toolbox, WorldService,
    },
    tool::{ApprovalDecision, ToolCatalog, ToolOutput, ToolSpec},
};
use polychat_testkit::history::{CHAT_CONTEXT_KEY, Stamping};

/// What is wrong with a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plant {
    Nothing,
    /// The store acknowledges some appends that it does not keep.
    StoreForgets,
    /// Two chats get each other's answers.
    AnswersSwapped,
    /// A request holds a message of another chat.
    HistoryLeaks,
    /// A notice of one chat is told to a subscriber of another.
    NoticeStrays,
    /// A notice is never told.
    NoticeLost,
    /// A notice is told twice.
    NoticeTwice,
    /// A command is carried out and never answered.
    AnswerLost,
    /// A tool is run twice for one call.
    ToolRunTwice,
    /// Two chats get each other's results.
    ResultsSwapped,
    /// A tool shows something in another chat's call.
    OutputStrays,
    /// Two chats get what was resolved for each other.
    ContextsSwapped,
    /// What a person denies is allowed, and the other way round.
    DecisionTurned,
}

impl Plant {
    pub(crate) const ALL: [Self; 12] = [
        Self::StoreForgets,
        Self::AnswersSwapped,
        Self::HistoryLeaks,
        Self::NoticeStrays,
        Self::NoticeLost,
        Self::NoticeTwice,
        Self::AnswerLost,
        Self::ToolRunTwice,
        Self::ResultsSwapped,
        Self::OutputStrays,
        Self::ContextsSwapped,
        Self::DecisionTurned,
    ];
}

/// How often a planted bug does nothing before it does something.
const PATIENCE: usize = 5;

/// A store that is wrong if the plant says so.
pub(crate) struct PlantedStore {
    pub(crate) plant: Plant,
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) appends: AtomicUsize,
}

#[async_trait]
impl Store for PlantedStore {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        self.inner.open(key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        let count = self.appends.fetch_add(1, Ordering::SeqCst);
        if self.plant == Plant::StoreForgets && count % PATIENCE == PATIENCE - 1 {
            return Ok(());
        }
        self.inner.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.inner.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.inner.list(world, page).await
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.inner.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.inner.delete(fence).await
    }
}

/// A model, recorded within, that is wrong outside of the record.
pub(crate) struct PlantedModel<M> {
    plant: Plant,
    inner: M,
    last: Mutex<HashMap<String, ModelRequest>>,
}

impl<M> PlantedModel<M> {
    pub(crate) fn new(plant: Plant, inner: M) -> Self {
        Self { plant, inner, last: Mutex::default() }
    }
}

impl<M: Model> Model for PlantedModel<M> {
    fn stream(&self, mut request: ModelRequest) -> ModelStream {
        let chat = chat_of(&request.context);
        let mut last = self.last.lock().unwrap();
        let own = request.clone();
        let other = of_another(&last, &chat);
        match (self.plant, other) {
            (Plant::HistoryLeaks, Some(other)) => {
                request.messages.extend(other.messages.first().cloned());
            }
            // The other chat's request is answered, and this one hears it.
            (Plant::AnswersSwapped, Some(other)) => request = other,
            _ => {}
        }
        last.insert(chat, own);
        drop(last);
        self.inner.stream(request)
    }
}

fn chat_of(context: &HostContext) -> String {
    let chat = context.chat.get(CHAT_CONTEXT_KEY).and_then(|chat| chat.as_str());
    chat.unwrap_or_default().to_owned()
}

/// Anything that was kept for another chat.
fn of_another<T: Clone>(kept: &HashMap<String, T>, chat: &str) -> Option<T> {
    kept.iter().find(|(of, _)| **of != chat).map(|(_, other)| other.clone())
}

/// Tools, recorded within, that are wrong outside of the record.
pub(crate) struct PlantedTools<T> {
    plant: Plant,
    inner: T,
    cell: Arc<Cell>,
}

/// What the calls of all chats share, and should not.
#[derive(Default)]
struct Cell {
    results: Mutex<HashMap<String, ToolOutput>>,
    sinks: Mutex<HashMap<String, ToolSink>>,
}

impl<T> PlantedTools<T> {
    pub(crate) fn new(plant: Plant, inner: T) -> Self {
        Self { plant, inner, cell: Arc::default() }
    }
}

impl<T: Toolbox> Toolbox for PlantedTools<T> {
    fn catalog(&self) -> Arc<dyn ToolCatalog> {
        self.inner.catalog()
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let inner = self.inner.get(name)?;
        Some(Arc::new(PlantedTool { plant: self.plant, inner, cell: Arc::clone(&self.cell) }))
    }
}

struct PlantedTool {
    plant: Plant,
    inner: Arc<dyn Tool>,
    cell: Arc<Cell>,
}

#[async_trait]
impl Tool for PlantedTool {
    fn spec(&self) -> ToolSpec {
        self.inner.spec()
    }

    async fn call(&self, input: ToolInput, sink: ToolSink) -> Result<ToolOutput, Failure> {
        let chat = chat_of(&input.context);
        if self.plant == Plant::OutputStrays {
            // Whatever runs elsewhere shows that something began here.
            let mut sinks = self.cell.sinks.lock().unwrap();
            let others = sinks.iter().filter(|(of, _)| **of != chat);
            others.for_each(|(_, other)| other.output("stray"));
            sinks.insert(chat.clone(), Arc::clone(&sink));
        }
        if self.plant == Plant::ToolRunTwice {
            let _ = self.inner.call(input.clone(), Arc::clone(&sink)).await;
        }
        let result = self.inner.call(input, sink).await?;
        let mut results = self.cell.results.lock().unwrap();
        let other = of_another(&results, &chat);
        results.insert(chat, result.clone());
        Ok(other.filter(|_| self.plant == Plant::ResultsSwapped).unwrap_or(result))
    }
}

/// Resolves what says for whom it was resolved, and mixes it up if the plant says so.
pub(crate) struct PlantedProvider {
    plant: Plant,
    last: Mutex<HashMap<String, ContextRequest>>,
}

impl PlantedProvider {
    pub(crate) fn new(plant: Plant) -> Self {
        Self { plant, last: Mutex::default() }
    }
}

#[async_trait]
impl ContextProvider for PlantedProvider {
    async fn resolve(
        &self,
        request: ContextRequest,
    ) -> Result<Option<Arc<dyn Any + Send + Sync>>, Failure> {
        let other = {
            let mut last = self.last.lock().unwrap();
            let chat = request.chat.to_string();
            let other = of_another(&last, &chat);
            last.insert(chat, request.clone());
            other.filter(|_| self.plant == Plant::ContextsSwapped)
        };
        Stamping.resolve(other.unwrap_or(request)).await
    }
}

/// A world that is wrong on the way to its callers, beneath their record.
pub(crate) struct PlantedWorld<W> {
    plant: Plant,
    inner: W,
    counted: Arc<AtomicUsize>,
    strays: Arc<Mutex<HashMap<ChatId, Notice>>>,
}

impl<W> PlantedWorld<W> {
    pub(crate) fn new(plant: Plant, inner: W) -> Self {
        Self { plant, inner, counted: Arc::default(), strays: Arc::default() }
    }
}

#[async_trait]
impl<W: WorldService> WorldService for PlantedWorld<W> {
    async fn call(&self, mut command: Command) -> Result<Reply, CommandError> {
        if let (Plant::DecisionTurned, Command::DecideApproval { decision, .. }) =
            (self.plant, &mut command)
        {
            *decision = match decision {
                ApprovalDecision::Deny { .. } => ApprovalDecision::AllowOnce,
                _ => ApprovalDecision::Deny { reason: "turned".into() },
            };
        }
        let answer = self.inner.call(command).await;
        if self.plant == Plant::AnswerLost
            && self.counted.fetch_add(1, Ordering::SeqCst) == PATIENCE
        {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let inner = self.inner.subscribe(scope.clone(), start).await?;
        let Scope::Chat(chat) = scope else { return Ok(inner) };
        let (plant, counted) = (self.plant, Arc::clone(&self.counted));
        let strays = Arc::clone(&self.strays);
        let wrong = move |notice: Notice| {
            let ended = matches!(notice, Notice::Ended(_));
            let turn = !ended && counted.fetch_add(1, Ordering::SeqCst) % PATIENCE == PATIENCE - 1;
            let mut strays = strays.lock().unwrap();
            let stray = strays.iter().find(|(of, _)| **of != chat).map(|(_, it)| it.clone());
            strays.insert(chat.clone(), notice.clone());
            let told = match (plant, turn, stray) {
                (Plant::NoticeStrays, true, Some(stray)) => vec![stray, notice],
                (Plant::NoticeLost, true, _) => vec![],
                (Plant::NoticeTwice, true, _) => vec![notice.clone(), notice],
                _ => vec![notice],
            };
            futures_util::stream::iter(told)
        };
        Ok(Box::pin(inner.flat_map(wrong)))
    }
}

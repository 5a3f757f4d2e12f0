//! Files that vanish with their store, and chats whose logs are legal.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use polychat_core::{
    Event, MessageId, Recorded, Seq, Summary, TurnId, TurnOutcome, WorldId,
    command::Page,
    event::{FinishReason, PromptBody, PromptMode, TitleProvenance},
    message::{Omitted, Usage},
    ports::{
        AppendError, Entry, Fence, Head, LogKey, OpenMode, Search, SearchQuery, Store, StoreError,
    },
    rules::ChatState,
};
use polychat_store::{Durability, SqliteOptions, SqliteStore};
use polychat_testkit::samples::{self, chat_id, prompt_id, world_id};
use tempfile::TempDir;

/// A folder with a file in it, gone when dropped.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("chats.db")
    }

    /// How many files there are.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.0.path()).unwrap().count()
    }

    /// Quick to open and to write: nobody cuts the power here.
    pub(crate) fn options(&self) -> SqliteOptions {
        SqliteStore::options(self.file())
            .durability(Durability::ProcessSafe)
            .readers(2)
            .ballast_bytes(0)
    }

    pub(crate) fn store(&self) -> SqliteStore {
        self.options().open().unwrap()
    }

    /// A connection that knows nothing of stores.
    pub(crate) fn stranger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }
}

/// A store whose file vanishes after it.
pub(crate) struct Passing {
    pub(crate) store: SqliteStore,
    _place: Place,
}

impl Passing {
    pub(crate) fn new() -> Self {
        let place = Place::new();
        Self { store: place.store(), _place: place }
    }
}

#[async_trait]
impl Store for Passing {
    async fn open(&self, key: &LogKey, mode: OpenMode) -> Result<(Fence, Head), StoreError> {
        Store::open(&self.store, key, mode).await
    }

    async fn append(
        &self,
        fence: &Fence,
        expected: Seq,
        entries: &[Entry],
        summary: Option<&Summary>,
    ) -> Result<(), AppendError> {
        self.store.append(fence, expected, entries, summary).await
    }

    async fn read(&self, key: &LogKey, after: Seq, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.read(key, after, limit).await
    }

    async fn summary(&self, key: &LogKey) -> Result<Summary, StoreError> {
        self.store.summary(key).await
    }

    async fn list(&self, world: &WorldId, page: &Page) -> Result<Vec<Summary>, StoreError> {
        self.store.list(world, page).await
    }

    async fn worlds(&self, page: &Page) -> Result<Vec<WorldId>, StoreError> {
        self.store.worlds(page).await
    }

    async fn delete(&self, fence: &Fence) -> Result<(), StoreError> {
        self.store.delete(fence).await
    }
}

pub(crate) async fn empty_store() -> Arc<dyn Store> {
    Arc::new(Passing::new())
}

pub(crate) fn key(world: &str, chat: &str) -> LogKey {
    LogKey::Chat(world_id(world), chat_id(chat))
}

/// A chat that writes what an actor would: each append legal, with the summary that follows.
pub(crate) struct Chat<'a> {
    pub(crate) store: &'a SqliteStore,
    pub(crate) fence: Fence,
    pub(crate) state: ChatState,
}

impl<'a> Chat<'a> {
    pub(crate) async fn create(store: &'a SqliteStore, world: &str, chat: &str) -> Self {
        let (fence, _) = Store::open(store, &key(world, chat), OpenMode::Create).await.unwrap();
        let mut chat = Self { store, fence, state: ChatState::of_empty_log(&chat_id(chat)) };
        chat.append([created("Title")]).await;
        chat
    }

    pub(crate) fn head(&self) -> Seq {
        self.state.head()
    }

    /// Appends these events, if they may follow, in one go.
    pub(crate) async fn try_append(&mut self, events: impl IntoIterator<Item = Event>) -> bool {
        let mut state = self.state.clone();
        let mut entries = Vec::new();
        for event in events {
            let recorded: Arc<Recorded> =
                samples::recorded(state.chat_id(), state.head().next(), event);
            if state.apply(&recorded).is_err() {
                return false;
            }
            entries.push(Entry::Chat(recorded));
        }
        let (head, summary) = (self.head(), state.summary());
        self.store.append(&self.fence, head, &entries, Some(&summary)).await.unwrap();
        self.state = state;
        true
    }

    pub(crate) async fn append(&mut self, events: impl IntoIterator<Item = Event>) {
        assert!(self.try_append(events).await, "a test appends what is legal");
    }

    /// A whole turn in three appends; answers the messages of the user and of the agent.
    pub(crate) async fn turn(&mut self, question: &str, answer: &str) -> (MessageId, MessageId) {
        let prompt = format!("p{}", self.head());
        let asked = MessageId(self.head().next());
        let turn = TurnId(self.head().plus(2));
        let said = MessageId(self.head().plus(3));
        self.append([accepted(&prompt, question), started(&[&prompt])]).await;
        self.append([message_start(turn)]).await;
        self.append([message_end(said, answer), ended(turn)]).await;
        (asked, said)
    }

    pub(crate) async fn delete(self) {
        self.store.delete(&self.fence).await.unwrap();
    }
}

pub(crate) fn created(title: &str) -> Event {
    Event::ChatCreated {
        title: title.into(),
        provenance: TitleProvenance::Manual,
        metadata: polychat_core::Metadata::NONE,
        agent: None,
        context: polychat_core::Metadata::NONE,
        origin: None,
        archived: false,
    }
}

pub(crate) fn accepted(prompt: &str, text: &str) -> Event {
    let body = PromptBody::text(text);
    Event::PromptAccepted { prompt_id: prompt_id(prompt), mode: PromptMode::Queue, body }
}

pub(crate) fn started(prompts: &[&str]) -> Event {
    let prompt_ids = prompts.iter().map(|prompt| prompt_id(prompt)).collect();
    Event::TurnStarted { prompt_ids, agent: samples::agent_name("guide"), then: Vec::new() }
}

/// The first message of a turn.
pub(crate) fn message_start(turn_id: TurnId) -> Event {
    let agent = Arc::new(samples::agent_config());
    Event::MessageStart { turn_id, step: 1, agent, omitted: Omitted::default() }
}

pub(crate) fn message_end(message_id: MessageId, text: &str) -> Event {
    Event::MessageEnd {
        message_id,
        text: text.into(),
        reasoning: "".into(),
        opaque: Vec::new(),
        tool_calls: Vec::new(),
        finish: FinishReason::Stop,
        usage: Usage::default(),
    }
}

pub(crate) fn ended(turn_id: TurnId) -> Event {
    Event::TurnEnded { turn_id, outcome: TurnOutcome::Completed }
}

/// What is found, as chats with messages, newest first.
pub(crate) async fn search(store: &SqliteStore, world: &str, text: &str) -> Vec<(String, u64)> {
    let query = SearchQuery::new(text, Page::first(1_000));
    let page = store.search(&world_id(world), &query).await.unwrap();
    assert_eq!(page.next, None);
    page.hits.iter().map(|hit| (hit.chat_id.to_string(), hit.message_id.0.get())).collect()
}

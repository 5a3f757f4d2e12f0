//! Messages found again: through the door of a world whose store is a file.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use polychat::{
    Access, Chat, ChatId, DemoModel, Hit, MessageId, Refusal, ScopePolicy, SearchPage, SearchQuery,
    Seq, SqliteStore, World, WorldBuilder, WorldId,
    command::{NewChat, Page},
    ports::{Search, Snippet, StoreError},
};
use polychat_store::Durability;
use tempfile::TempDir;

use crate::support::{WorldWatcher, chat_id, code, house, wired};

/// A world that keeps its chats in a file.
struct Library {
    world: World,
    _folder: TempDir,
}

impl Library {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        let options = SqliteStore::options(path).durability(Durability::ProcessSafe);
        let store = options.ballast_bytes(0).open().unwrap();
        let builder =
            WorldBuilder::new("home", DemoModel::new().pace(Duration::ZERO)).keep_in(store);
        Self { world: builder.open().await.unwrap(), _folder: folder }
    }

    async fn say(&self, chat: &str, text: &str) -> Chat {
        let chat = self.world.open_chat(chat).await.unwrap();
        chat.prompt(text).await.unwrap().outcome().await.unwrap();
        chat
    }
}

/// The chats of what was found, each once, in their order.
fn chats(page: &SearchPage) -> Vec<&str> {
    let mut chats: Vec<&str> = page.hits.iter().map(|hit| hit.chat_id.as_str()).collect();
    chats.dedup();
    chats
}

/// The message that a hit names, as its chat shows it.
async fn text_of(chat: &Chat, id: MessageId) -> String {
    let messages = chat.snapshot().await.unwrap().messages;
    messages.iter().find(|message| message.id == id).unwrap().text()
}

// REQ-5, REQ-9: what is found names the chat and the message in which it was said
#[tokio::test]
async fn what_was_said_is_found_where_it_was_said() {
    let library = Library::open().await;
    let ada = library.say("ada", "the key lies under the lighthouse").await;
    let bob = library.say("bob", "my boat is called Lighthouse Two").await;
    library.say("eve", "nothing of that sort").await;
    let found = library.world.search("lighthouse").await.unwrap();
    assert!(found.hits.len() >= 2 && found.next.is_none(), "{found:?}");
    for hit in &found.hits {
        let chat = if hit.chat_id == *ada.id() { &ada } else { &bob };
        assert_eq!(hit.chat_id, *chat.id());
        let text = text_of(chat, hit.message_id).await.to_lowercase();
        assert!(text.contains("lighthouse"), "{text}");
        let snippet = &hit.snippet;
        assert!(!snippet.marks.is_empty());
        for mark in &snippet.marks {
            assert_eq!(snippet.text[mark.clone()].to_lowercase(), "lighthouse");
        }
    }
    let query = SearchQuery::new("lighthouse", Page::first(9)).in_chat(ada.id().clone());
    let in_one = library.world.find(query).await.unwrap();
    assert_eq!(chats(&in_one), ["ada"]);
    // The same through a wire.
    let behind = wired(&library.world).search("lighthouse").await.unwrap();
    assert_eq!(behind, found);
}

// law 4: pages join without gap or repeat
#[tokio::test]
async fn pages_of_what_was_found_join() {
    let library = Library::open().await;
    for n in 0..5 {
        library.say(&format!("c{n}"), "pebble").await;
    }
    let whole = library.world.find(SearchQuery::new("pebble", Page::first(99))).await.unwrap();
    let mut joined = Vec::new();
    let mut page = Page::first(2);
    for _ in 0..99 {
        let read = library.world.find(SearchQuery::new("pebble", page)).await.unwrap();
        joined.extend(read.hits);
        let Some(next) = read.next else { break };
        page = Page::after(next, 2);
    }
    assert_eq!(joined, whole.hits);
    let foreign = SearchQuery::new("pebble", Page::after("no place in it", 2));
    assert_eq!(code(library.world.find(foreign).await), "invalid_input");
}

// issue 4: truncated tails and deleted chats are gone from the search
#[tokio::test]
async fn what_was_revised_or_deleted_is_found_no_more() {
    let library = Library::open().await;
    let chat = library.say("a", "a walrus").await;
    let first = chat.snapshot().await.unwrap().messages[0].id;
    chat.revise(first, "a heron").await.unwrap().outcome().await.unwrap();
    assert_eq!(library.world.search("walrus").await.unwrap().hits, []);
    assert_eq!(chats(&library.world.search("heron").await.unwrap()), ["a"]);
    chat.delete().await.unwrap();
    assert_eq!(library.world.search("heron").await.unwrap().hits, []);
}

// law 7
#[tokio::test]
async fn a_search_has_bounds_and_a_world_without_one_says_so() {
    let library = Library::open().await;
    let long = "word ".repeat(1_000);
    assert_eq!(code(library.world.search(long).await), "too_large");
    let house = house().open().await;
    assert_eq!(code(house.world.search("anything").await), "unsupported");
}

/// A caller who may see the chats whose names begin alike.
struct Beginning(&'static str);

impl ScopePolicy for Beginning {
    fn chat(&self, chat: &ChatId) -> Access {
        if chat.as_str().starts_with(self.0) { Access::Write } else { Access::None }
    }

    fn admit(&self, _: &mut NewChat) -> Result<(), Refusal> {
        Ok(())
    }
}

// issue 4, law 3: a policy covers the search like everything else
#[tokio::test]
async fn a_caller_finds_only_what_it_may_see() {
    let library = Library::open().await;
    for n in 0..6 {
        library.say(&format!("ada-{n}"), "secret pebble").await;
        library.say(&format!("bob-{n}"), "secret pebble").await;
    }
    let ada = library.world.scoped(Arc::new(Beginning("ada-")));
    let mut seen = 0;
    let mut page = Page::first(2);
    for _ in 0..99 {
        let read = ada.find(SearchQuery::new("pebble", page)).await.unwrap();
        assert!(read.hits.iter().all(|hit| hit.chat_id.as_str().starts_with("ada-")));
        seen += read.hits.len();
        let Some(next) = read.next else { break };
        assert!(!read.hits.is_empty(), "a page of nothing tells that others have something");
        page = Page::after(next, 2);
    }
    let all = library.world.find(SearchQuery::new("pebble", Page::first(99))).await.unwrap();
    assert_eq!(seen * 2, all.hits.len());
    let of_bob = SearchQuery::new("pebble", Page::first(9)).in_chat(chat_id("bob-1"));
    assert_eq!(code(ada.find(of_bob).await), "unknown_chat");
    let of_nobody = SearchQuery::new("pebble", Page::first(9)).in_chat(chat_id("bob-none"));
    assert_eq!(code(ada.find(of_nobody).await), "unknown_chat");
}

/// A search that answers with what it found elsewhere.
struct Liar(SearchPage);

#[async_trait]
impl Search for Liar {
    async fn search(&self, _: &WorldId, _: &SearchQuery) -> Result<SearchPage, StoreError> {
        Ok(self.0.clone())
    }
}

// REQ-13
#[tokio::test(start_paused = true)]
async fn a_search_that_answers_of_another_chat_is_not_believed() {
    let hit = Hit {
        chat_id: chat_id("b"),
        message_id: MessageId(Seq::FIRST),
        snippet: Snippet::default(),
    };
    let found = SearchPage { hits: vec![hit], next: None };
    let house = house().with(|builder| builder.search(Arc::new(Liar(found)))).open().await;
    let mut feed = WorldWatcher::new(&house.local).await;
    let query = SearchQuery::new("pebble", Page::first(9)).in_chat(chat_id("a"));
    assert_eq!(code(house.world.find(query).await), "protocol");
    feed.drain().await;
    assert_eq!(feed.diagnostics(), ["a foreign_record"]);
}

/// A search in which there is always one more message of a chat that the caller may not see.
struct Endless(AtomicUsize);

#[async_trait]
impl Search for Endless {
    async fn search(&self, _: &WorldId, _: &SearchQuery) -> Result<SearchPage, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let message_id = MessageId(Seq::FIRST);
        let hit = Hit { chat_id: chat_id("bob"), message_id, snippet: Snippet::default() };
        Ok(SearchPage { hits: vec![hit], next: Some("more".into()) })
    }
}

// law 7: one call does a bounded amount of work, however little of it may be seen
#[tokio::test(start_paused = true)]
async fn a_search_through_a_policy_ends_and_says_where_to_go_on() {
    let endless = Arc::new(Endless(AtomicUsize::new(0)));
    let search = Arc::clone(&endless);
    let house = house().with(|builder| builder.search(search)).open().await;
    let ada = house.local.scoped(Arc::new(Beginning("ada-")));
    let page = ada.search("pebble").await.unwrap();
    assert_eq!((page.hits.len(), page.next.as_deref()), (0, Some("more")));
    assert!(endless.0.load(Ordering::SeqCst) <= 64);
}

//! Pages of lists and of searches in a world of 100,000 chats, and reading logs back.

use std::time::{Duration, Instant};

use polychat_core::{
    Seq,
    command::Page,
    ports::{Entry, LogKey, Search, SearchQuery, Store},
    rules::ChatState,
};
use polychat_store::SqliteStore;
use polychat_testkit::samples::{chat_id, world_id};

use super::{
    appends::runtime,
    script::{Script, Words},
    size::fill,
};

const CHATS: usize = 100_000;
const ASKED: usize = 200;

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let store = fill(&folder.path().join("chats.db"), CHATS, 1);
    println!("a world of {CHATS} chats, {} messages, made in {:?}", 2 * CHATS, began.elapsed());
    let mut words = Words::new(7);
    runtime().block_on(async {
        let mut pages = Vec::new();
        for _ in 0..ASKED {
            let after = format!("chat-{:06}", words.number(CHATS as u64));
            pages.push(Page::after(after, 100));
        }
        let mut took = Vec::new();
        for page in &pages {
            let began = Instant::now();
            assert!(store.list(&world_id("w"), page).await.unwrap().len() <= 100);
            took.push(began.elapsed());
        }
        say("a page of 100 of the list, anywhere", &mut took);
        let word = Words::of_rank;
        let beginning = |rank| word(rank).chars().take(4).collect::<String>();
        let queries = [
            ("the most frequent word", format!("{} ", word(1))),
            ("the 1,000th word", format!("{} ", word(1_000))),
            ("a rare word", format!("{} ", word(29_000))),
            ("no word of the world", "nowhere ".to_owned()),
            ("two frequent words", format!("{} {} ", word(1), word(5))),
            ("a frequent and a rare word", format!("{} {} ", word(1), word(29_000))),
            ("four letters of the 100th word", beginning(100)),
            ("four letters of the 1,000th word", beginning(1_000)),
        ];
        for (name, text) in queries {
            search(&store, name, &text).await;
        }
    });
}

async fn search(store: &SqliteStore, name: &str, text: &str) {
    let (mut took, mut hits) = (Vec::new(), 0);
    for _ in 0..20 {
        let began = Instant::now();
        let query = SearchQuery::new(text, Page::first(20));
        hits = store.search(&world_id("w"), &query).await.unwrap().hits.len();
        took.push(began.elapsed());
    }
    say(&format!("search: {name} ({hits} hits)"), &mut took);
}

pub(crate) fn run_replay() {
    for (turns, times) in [(100, 50), (2_000, 20)] {
        let folder = tempfile::tempdir().unwrap();
        let store = fill(&folder.path().join("chats.db"), 20, turns);
        let key = LogKey::Chat(world_id("w"), chat_id("chat-000007"));
        let events: usize =
            Script::new(7, turns).appends.iter().map(|append| append.entries.len()).sum();
        let (mut reads, mut folds) = (Vec::new(), Vec::new());
        runtime().block_on(async {
            for _ in 0..times {
                let began = Instant::now();
                let log = store.read(&key, Seq::ZERO, usize::MAX).await.unwrap();
                reads.push(began.elapsed());
                assert_eq!(log.len(), events);
                let began = Instant::now();
                let log = log.iter().map(|entry| match entry {
                    Entry::Chat(recorded) => &**recorded,
                    Entry::World(_) => panic!("a chat's log"),
                });
                let state = ChatState::replay(key.chat().unwrap(), log).unwrap();
                folds.push(began.elapsed());
                assert_eq!(state.messages().len(), 2 * turns);
            }
        });
        say(&format!("reading {events} events, {} messages", 2 * turns), &mut reads);
        say("  and folding them", &mut folds);
    }
}

fn say(name: &str, took: &mut [Duration]) {
    took.sort();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    println!("  {name:58} median {median:9.2?}   worst {worst:9.2?}");
}

//! Pages of lists and of searches in a world of 100,000 chats, and reading logs back.

use std::time::{Duration, Instant};

use polychat_core::{
    command::Page,
    ports::{Entry, LogKey, Search, SearchQuery, Store},
    rules::ChatState,
};
use polychat_store::SqliteStore;
use polychat_testkit::samples::{chat_id, world_id};

use super::{
    appends::runtime,
    raw::cpu,
    script::{HALVES, OWN, Script, Words},
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
            ("two words of 50,000 messages each that never meet", format!("{} ", HALVES.join(" "))),
            ("the beginning of 100,000 words", OWN.to_owned()),
            ("the beginning of 1,000 words", format!("{OWN}012")),
        ];
        for (name, text) in queries {
            search(&store, name, &text).await;
        }
    });
}

async fn search(store: &SqliteStore, name: &str, text: &str) {
    let (mut took, mut hits) = (Vec::new(), Ok(0));
    for _ in 0..20 {
        let began = Instant::now();
        let query = SearchQuery::new(text, Page::first(20));
        hits = store.search(&world_id("w"), &query).await.map(|page| page.hits.len());
        took.push(began.elapsed());
    }
    let hits = hits.map_or_else(|refused| refused.to_string(), |hits| format!("{hits} hits"));
    say(&format!("search: {name} ({hits})"), &mut took);
}

/// As many as an actor reads at once.
const EVENTS_AT_ONCE: usize = 512;

pub(crate) fn run_replay() {
    for (turns, times) in [(100, 50), (2_000, 20)] {
        let folder = tempfile::tempdir().unwrap();
        let store = fill(&folder.path().join("chats.db"), 20, turns);
        let key = LogKey::Chat(world_id("w"), chat_id("chat-000007"));
        let events: usize =
            Script::new(7, turns).appends.iter().map(|append| append.entries.len()).sum();
        let (mut whole, mut reads) = (Vec::new(), Vec::new());
        let cpu_began = cpu();
        runtime().block_on(async {
            for _ in 0..times {
                let began = Instant::now();
                let mut state = ChatState::of_empty_log(key.chat().unwrap());
                let mut reading = Duration::ZERO;
                while state.head().get() < events as u64 {
                    let began = Instant::now();
                    let page = store.read(&key, state.head(), EVENTS_AT_ONCE).await.unwrap();
                    reading += began.elapsed();
                    for entry in &page {
                        let Entry::Chat(recorded) = entry else { panic!("a chat's log") };
                        state.apply(recorded).unwrap();
                    }
                }
                whole.push(began.elapsed());
                reads.push(reading);
                assert_eq!(state.messages().len(), 2 * turns);
            }
        });
        say(&format!("reading and folding {events} events, {} messages", 2 * turns), &mut whole);
        say("  of it reading", &mut reads);
        println!("  CPU of one {:47} {:9.2} ms", "", (cpu() - cpu_began) * 1e3 / f64::from(times));
    }
}

fn say(name: &str, took: &mut [Duration]) {
    took.sort();
    let (median, worst) = (took[took.len() / 2], took[took.len() - 1]);
    println!("  {name:58} median {median:9.2?}   worst {worst:9.2?}");
}

//! A world of 100,000 chats in a file: opening it, working in it, pages of it, its memory.
//!
//! The chats are made in bulk, through the store. Everything lies in the memory of the operating
//! system afterwards, as after a restart of the program and not of the machine. The floor of a page
//! is the same query in raw SQLite, on the same file, whose rows are read and not looked at.

use std::{path::Path, sync::Arc, time::Instant};

use futures_util::future::join_all;
use polychat::{
    Limits, SqliteStore, World, WorldBuilder, WorldId,
    command::{ChatFilter, Page},
    ports::{LogKey, OpenMode, Search, SearchQuery, Store},
};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::{
    HEAP,
    measure::{Times, cpu_nanos, quantile, two_threads},
    noting::Noting,
    revival,
    script::{Script, Words},
    source::{BenchModel, end_in},
};

pub(crate) const CHATS: usize = 100_000;
/// Chats with a live actor at most.
const LIVE: usize = 1_000;
/// Chats prompted, by this many callers at once.
const PROMPTED: usize = 10_000;
const CALLERS: usize = 64;
/// Pages asked for.
const PAGES: usize = 500;
/// Chats of a page of a list, hits of a page of a search.
const LISTED: usize = 100;
const FOUND: usize = 20;

pub(crate) fn run() {
    println!("## crowd: a world of {CHATS} chats in a file, two threads");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    let began = Instant::now();
    two_threads().block_on(fill(&path));
    let (took, size) = (began.elapsed(), std::fs::metadata(&path).unwrap().len());
    println!("made in {took:.0?}, {} MB", size / 1_000_000);
    two_threads().block_on(opening(&path));
    pages(&path);
    revival::run(&path);
    two_threads().block_on(random_access(&path));
}

/// Makes the chats, each in one append.
async fn fill(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let world = WorldId::new("bench").unwrap();
    for slice in (0..CHATS).collect::<Vec<_>>().chunks(1_000) {
        join_all(slice.iter().map(|n| make(&store, &world, *n))).await;
    }
    store.close().await;
}

async fn make(store: &SqliteStore, world: &WorldId, n: usize) {
    let script = Script::new(n, revival::turns_of(n));
    let key = LogKey::Chat(world.clone(), script.chat);
    let (fence, head) = Store::open(store, &key, OpenMode::Create).await.unwrap();
    let summary = script.appends.last().map(|last| last.summary.clone());
    let entries: Vec<_> = script.appends.into_iter().flat_map(|append| append.entries).collect();
    store.append(&fence, head, &entries, summary.as_ref()).await.unwrap();
}

/// The world, once it has looked at all its chats for work that was left.
pub(crate) async fn settled(path: &Path, limits: Limits) -> (Arc<SqliteStore>, World) {
    let file = Arc::new(SqliteStore::open(path).unwrap());
    let store = Arc::new(Noting::new(Arc::clone(&file)));
    let world = WorldBuilder::new("bench", BenchModel).limits(limits);
    let world = world
        .store(Arc::clone(&store) as Arc<dyn Store>)
        .search(Arc::clone(&file) as Arc<dyn Search>);
    let world = world.open().await.unwrap();
    while !store.has_listed_all() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    (file, world)
}

async fn opening(path: &Path) {
    let (heap, resident) = (HEAP.current_usage(), resident_bytes());
    let began = Instant::now();
    let file = Arc::new(SqliteStore::open(path).unwrap());
    let opened_file = began.elapsed();
    let world = WorldBuilder::new("bench", BenchModel).keep_in(Arc::clone(&file));
    let world = world.open().await.unwrap();
    let opened = began.elapsed();
    let chat = world.open_chat("chat-070000").await.unwrap();
    chat.prompt("go").await.unwrap();
    let accepted = began.elapsed();
    chat.prompt("go").await.unwrap().outcome().await.unwrap();
    println!("the file is open after {opened_file:.1?}, the world after {opened:.1?}");
    println!("and a first prompt accepted after {accepted:.1?}");
    drop(chat);
    end_in(file, world).await;

    let (began, cpu_began) = (Instant::now(), cpu_nanos());
    let (file, world) = settled(path, Limits::default()).await;
    let cpu = (cpu_nanos() - cpu_began) / 1e6;
    println!("all chats looked at for work left: {:.0?}, {cpu:.0} ms CPU", began.elapsed());
    let per_chat = HEAP.current_usage().saturating_sub(heap) as f64 / CHATS as f64;
    println!("heap for each chat, none live | {per_chat:.1} B");
    println!("the process, none live | {} MB", (resident_bytes() - resident) / 1_000_000);
    end_in(file, world).await;
}

fn pages(path: &Path) {
    let mut words = Words::new(7);
    let places: Vec<String> =
        (0..PAGES).map(|_| format!("chat-{:06}", words.number(CHATS as u64))).collect();
    let mut raw = raw_pages(path, &places);
    two_threads().block_on(async {
        let (file, world) = settled(path, Limits::default()).await;
        println!("page | median | p99 | CPU | raw SQLite, median");
        let mut listed = Times::default();
        for place in &places {
            let page = Page::after(place.as_str(), LISTED);
            let page = listed.of(world.chats(page, ChatFilter::new())).await.unwrap();
            assert!(page.chats.len() <= LISTED);
        }
        let raw = format!("{:.2} ms", quantile(&mut raw, 0.5));
        listed.say(&format!("{LISTED} chats, anywhere"), &raw);
        for (name, title) in [("a frequent word", Words::of_rank(30)), ("no title's", "qqq".into())]
        {
            let mut listed = Times::default();
            for place in &places[..PAGES / 10] {
                let (page, filter) = (Page::after(place.as_str(), LISTED), ChatFilter::new());
                let filter = filter.title_contains(title.as_str());
                listed.of(world.chats(page, filter)).await.unwrap();
            }
            listed.say(&format!("{LISTED} chats by title, {name}"), "");
        }
        searches(&world).await;
        end_in(file, world).await;
    });
}

async fn searches(world: &World) {
    let word = Words::of_rank;
    let beginning = |rank| word(rank).chars().take(4).collect::<String>();
    let queries = [
        ("the most frequent word", format!("{} ", word(1))),
        ("the 100th word", format!("{} ", word(100))),
        ("a rare word", format!("{} ", word(29_000))),
        ("no word of the world", "nowhere ".to_owned()),
        ("two frequent words", format!("{} {} ", word(1), word(5))),
        ("a frequent and a rare word", format!("{} {} ", word(1), word(29_000))),
        ("one letter", beginning(100).chars().take(1).collect()),
        ("four letters of the 100th word", beginning(100)),
        ("four letters of the 1,000th word", beginning(1_000)),
    ];
    for (name, text) in queries {
        let (mut took, mut hits) = (Times::default(), 0);
        for _ in 0..PAGES / 10 {
            let query = SearchQuery::new(text.as_str(), Page::first(FOUND));
            hits = took.of(world.find(query)).await.unwrap().hits.len();
        }
        took.say(&format!("search, {name} ({hits} hits)"), "");
    }
}

/// The floor: the rows of the same pages of the list.
fn raw_pages(path: &Path, places: &[String]) -> Vec<f64> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT id, head, chat, format, seal, summary FROM logs
               WHERE world = 1 AND chat > ?1 ORDER BY chat LIMIT ?2";
    let mut select = connection.prepare(sql).unwrap();
    let mut took = Vec::new();
    for place in places {
        let began = Instant::now();
        let mut rows = select.query(rusqlite::params![place, LISTED as i64]).unwrap();
        let mut bytes = 0;
        while let Some(row) = rows.next().unwrap() {
            bytes += row.get::<_, String>(5).unwrap().len();
        }
        took.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(bytes > 0 || place.as_str() > "chat-099990");
    }
    took
}

/// Prompts to chats anywhere, many at once, each of which needs one that is not live: with every
/// place taken, another one ends early for it.
async fn random_access(path: &Path) {
    let (heap, resident) = (HEAP.current_usage(), resident_bytes());
    let mut limits = Limits::default();
    limits.live_chats_max = LIVE;
    let (file, world) = settled(path, limits).await;
    let (began, cpu_began) = (Instant::now(), cpu_nanos());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (world, mut words) = (world.clone(), Words::new(caller as u64 + 100));
        callers.spawn(async move {
            let mut took = Vec::new();
            for _ in 0..PROMPTED / CALLERS {
                let chat = format!("chat-{:06}", 100 + words.number(CHATS as u64 - 100));
                let chat = world.chat(chat).unwrap();
                let began = Instant::now();
                let prompt = chat.prompt("go").await.unwrap();
                took.push(began.elapsed().as_secs_f64() * 1e3);
                prompt.outcome().await.unwrap();
            }
            took
        });
    }
    let mut took: Vec<f64> = callers.join_all().await.into_iter().flatten().collect();
    let (wall, cpu) = (began.elapsed().as_secs_f64(), (cpu_nanos() - cpu_began) / 1e3);
    let turns = took.len() as f64;
    println!("{turns} turns of chats anywhere, {CALLERS} at once, at most {LIVE} live:");
    println!("{:.0} turns/s, {:.0} µs CPU per turn", turns / wall, cpu / turns);
    let (median, worst) = (quantile(&mut took, 0.5), quantile(&mut took, 0.99));
    println!("a prompt accepted, its chat revived | {median:.2} ms | {worst:.2} ms");
    let heap = HEAP.current_usage().saturating_sub(heap) as f64 / LIVE as f64;
    println!("heap for each live chat | {heap:.0} B");
    println!("the process, {LIVE} live | {} MB", (resident_bytes() - resident) / 1_000_000);
    end_in(file, world).await;
}

/// The memory of the process that is in use, where the system says so; files that lie in the memory
/// of the system are not counted.
fn resident_bytes() -> usize {
    let told = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.trim().parse::<usize>().ok()).unwrap_or(0) * 1_024
}

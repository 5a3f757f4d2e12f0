//! Chats that are kept in a file, beside chats in memory and raw commits of the same rows.
//!
//! Two threads, one reader for each chat. Timed is one turn of all chats at once, from the first
//! prompt to the last end that a reader saw; each of its appends was flushed to the disk before.

use std::{path::Path, sync::Arc, time::Instant};

use polychat::{
    ChatId, Event, Limits, MemoryStore, Seq, SqliteStore, StartAt, WorldBuilder, WorldId,
    ports::{Entry, LogKey, Store},
};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::{
    measure::{cpu_nanos, median, two_threads},
    noting::Noting,
    raw::{self, Rows},
    script::{Append, Script},
    source::{BenchModel, CHUNKS, end, sentence},
    turns::{open, read_turn},
};

const CHATS: usize = 1_000;
const ROUNDS: usize = 7;
/// The appends of a chat before the turn: the one that creates it.
const CREATION: usize = 1;

/// Seconds of wall time and of CPU time.
#[derive(Debug, Clone, Copy, Default)]
struct Took {
    wall: f64,
    cpu: f64,
}

pub(crate) fn run() {
    println!("## kept: {CHATS} chats at once, one turn of {CHUNKS} chunks each, two threads");
    let (scripts, group) = rows_of_a_round();
    let mut sides: [Vec<Took>; 3] = Default::default();
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let memory = two_threads().block_on(turns(Arc::new(MemoryStore::new())));
        let raw = raw_turns(&scripts, group);
        let file = in_a_file();
        ratios.push(file.wall / (3.0 * memory.wall + raw.wall));
        for (side, took) in sides.iter_mut().zip([memory, raw, file]) {
            side.push(took);
        }
    }
    println!("{group} appends in a commit");
    println!("side | wall | CPU");
    let names = ["in memory", "raw commits of the same rows", "in a file, PowerSafe"];
    for (name, side) in names.iter().zip(&sides) {
        let wall = median(&mut side.iter().map(|took| took.wall * 1e3).collect::<Vec<_>>());
        let cpu = median(&mut side.iter().map(|took| took.cpu * 1e3).collect::<Vec<_>>());
        println!("{name} | {wall:.0} ms | {cpu:.0} ms");
    }
    println!("in a file, of 3 × memory + raw | {:.2}×", median(&mut ratios));
}

/// The appends that a round writes, and how many of them the file took in one commit.
fn rows_of_a_round() -> (Vec<Script>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    let file = Arc::new(SqliteStore::open(&path).unwrap());
    let store = Arc::new(Noting::new(Arc::clone(&file)));
    let _ = two_threads().block_on(turns(Arc::clone(&store) as Arc<dyn Store>));
    let scripts = store.scripts();
    let appends: usize = scripts.iter().map(|script| script.appends.len()).sum();
    assert_eq!(appends, CHATS * 3, "created, begun, ended");
    let created = CHATS * CREATION;
    // Chats were created one after the other, each in a commit of its own.
    let commits = usize::try_from(file.counts().commits).unwrap().saturating_sub(created);
    drop((store, file));
    check(&path);
    (scripts, (appends - created) / commits.max(1))
}

async fn turns(store: Arc<dyn Store>) -> Took {
    let world = WorldBuilder::new("bench", BenchModel).limits(Limits::default()).store(store);
    let world = world.open().await.unwrap();
    let chats = open(&world, CHATS).await;
    let mut readers = JoinSet::new();
    for chat in &chats {
        readers.spawn(read_turn(chat.subscribe(StartAt::Now).await.unwrap()));
    }
    let (began, cpu_began) = (Instant::now(), cpu_nanos());
    let mut prompts = JoinSet::new();
    for chat in chats {
        prompts.spawn(async move { chat.prompt("go").await.unwrap() });
    }
    prompts.join_all().await;
    let bytes: usize = readers.join_all().await.into_iter().sum();
    let took = Took { wall: began.elapsed().as_secs_f64(), cpu: (cpu_nanos() - cpu_began) / 1e9 };
    assert!(bytes > CHATS * CHUNKS);
    end(world).await;
    took
}

fn in_a_file() -> Took {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    let took = two_threads().block_on(async {
        let file = Arc::new(SqliteStore::open(&path).unwrap());
        turns(Arc::clone(&file) as Arc<dyn Store>).await
    });
    check(&path);
    took
}

/// The raw commits of the turns' rows: those of all rows, less those of creating the chats.
fn raw_turns(scripts: &[Script], group: usize) -> Took {
    let created: Vec<Script> = scripts.iter().map(creation).collect();
    let all = raw_commits(scripts, group);
    let created = raw_commits(&created, group);
    Took { wall: all.wall - created.wall, cpu: all.cpu - created.cpu }
}

fn raw_commits(scripts: &[Script], group: usize) -> Took {
    let folder = tempfile::tempdir().unwrap();
    let took = raw::write(&folder.path().join("raw.db"), scripts, group, Rows::All);
    Took { wall: took.seconds, cpu: took.cpu }
}

fn creation(script: &Script) -> Script {
    let copy = |append: &Append| Append {
        expected: append.expected,
        entries: append.entries.clone(),
        summary: append.summary.clone(),
    };
    Script {
        chat: script.chat.clone(),
        appends: script.appends.iter().take(CREATION).map(copy).collect(),
    }
}

/// That the file holds what it should: of each chat these events with this text, and nothing else.
fn check(path: &Path) {
    let store = SqliteStore::open(path).unwrap();
    let expected = sentence(CHUNKS);
    let world = WorldId::new("bench").unwrap();
    two_threads().block_on(async {
        for n in 0..CHATS {
            let chat = ChatId::new(format!("chat-{n}")).unwrap();
            let key = LogKey::Chat(world.clone(), chat.clone());
            let log = store.read(&key, Seq::ZERO, 100).await.unwrap();
            let names: Vec<&str> = log.iter().map(|entry| name(entry, &chat, &expected)).collect();
            let turn = ["prompt.accepted", "turn.started", "message.start", "message.end"];
            assert_eq!(names[0], "chat.created");
            assert_eq!(names[1..5], turn, "{chat}");
            assert_eq!(names[5..], ["turn.ended"], "{chat}");
            assert_eq!(store.summary(&key).await.unwrap().head, Seq::try_from(6).unwrap());
        }
        let walked = store.verify().await.unwrap();
        assert!(walked.is_sound(), "{walked:?}");
    });
    drop(store);
    let connection = Connection::open(path).unwrap();
    let count = |table: &str| -> usize {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap().try_into().unwrap()
    };
    // And one event of the world's own log.
    assert_eq!(count("events"), CHATS * 6 + 1);
    // What was asked, and what was said.
    assert_eq!(count("messages"), CHATS * 2);
}

fn name<'a>(entry: &'a Entry, chat: &ChatId, expected: &str) -> &'a str {
    let Entry::Chat(recorded) = entry else { panic!("a chat's log") };
    assert_eq!(recorded.chat_id, *chat);
    if let Event::MessageEnd { text, .. } = &recorded.event {
        assert_eq!(**text, *expected, "{chat}");
    }
    recorded.event.name()
}

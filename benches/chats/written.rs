//! What is written for an answer: events, payloads, bytes of the file, bytes that reach the disk.
//!
//! Chunks are not stored, checkpoints are: a few for each answer that is long or slow. All else is
//! written once, when the message ends.

use std::{path::Path, sync::Arc};

use polychat::{Chat, Event, Seq, SqliteStore, World, WorldBuilder};
use tokio::task::JoinSet;

use crate::{
    measure::two_threads,
    source::{BenchModel, end_in, sentence},
    turns::open,
};

/// Chats that answer at once.
const CHATS: usize = 64;

pub(crate) fn run() {
    println!(
        "## written: one turn each of {CHATS} chats at once; per turn, and per byte of answer"
    );
    println!("answer | chunks | events | checkpoints | payload | file | disk");
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.db");
    two_threads().block_on(async {
        let (file, world, chats) = world_in(&empty).await;
        drop(chats);
        end_in(file, world).await;
    });
    let empty = bytes_of(&empty);
    for prompt in ["say 50", "say 360", "say 5700", "say 91000", "slowly 200", "slowly 600"] {
        two_threads().block_on(turns(prompt, empty));
    }
}

async fn world_in(path: &Path) -> (Arc<SqliteStore>, World, Vec<Chat>) {
    let file = Arc::new(SqliteStore::open(path).unwrap());
    let world = WorldBuilder::new("bench", BenchModel).keep_in(Arc::clone(&file));
    let world = world.open().await.unwrap();
    let chats = open(&world, CHATS).await;
    (file, world, chats)
}

/// One turn of each chat; a file with the same chats and no turn has `empty` bytes.
async fn turns(prompt: &'static str, empty: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    let (file, world, chats) = world_in(&path).await;
    let disk_before = bytes_to_disk();
    let mut prompts = JoinSet::new();
    for chat in chats.clone() {
        prompts.spawn(async move { chat.prompt(prompt).await.unwrap().outcome().await.unwrap() });
    }
    prompts.join_all().await;
    let (mut events, mut checkpoints, mut payload, mut answer) = (0, 0, 0, 0);
    for chat in &chats {
        let mut after = Seq::ZERO;
        loop {
            let log = chat.log(after, 500).await.unwrap();
            let Some(last) = log.events.last() else { break };
            after = last.seq;
            for recorded in log.events.iter().filter(|recorded| recorded.seq > Seq::ZERO.next()) {
                events += 1;
                payload += serde_json::to_string(&recorded.event).unwrap().len();
                match &recorded.event {
                    Event::MessageCheckpoint { .. } => checkpoints += 1,
                    Event::MessageEnd { text, .. } => answer += text.len(),
                    _ => {}
                }
            }
        }
    }
    let chunks: usize = prompt.split_once(' ').unwrap().1.parse().unwrap();
    assert_eq!(answer, CHATS * sentence(chunks).len());
    // Closing copies what waits in SQLite's own log into the file.
    drop(chats);
    end_in(file, world).await;
    let per_answer = |bytes: usize| bytes as f64 / answer as f64;
    println!(
        "{} B{} | {chunks} | {:.1} | {:.1} | {:.2} B/B | {:.2} B/B | {:.2} B/B",
        answer / CHATS,
        if prompt.starts_with("slowly") { ", 20 chunks a second" } else { "" },
        f64::from(events) / CHATS as f64,
        f64::from(checkpoints) / CHATS as f64,
        per_answer(payload),
        per_answer(bytes_of(&path) - empty),
        per_answer(bytes_to_disk() - disk_before),
    );
}

fn bytes_of(path: &Path) -> usize {
    assert!(!path.with_extension("db-wal").exists(), "the file is still open");
    usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap()
}

/// What this process has sent towards the disk, where the system says so.
fn bytes_to_disk() -> usize {
    let told = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let written = told.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    written.and_then(|bytes| bytes.parse().ok()).unwrap_or(0)
}

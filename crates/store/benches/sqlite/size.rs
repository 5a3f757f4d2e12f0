//! What an event takes in the file beyond its payload.

use std::path::Path;

use polychat_core::ports::{LogKey, OpenMode, Store};
use polychat_store::{Durability, SqliteStore};
use polychat_testkit::samples::world_id;
use rusqlite::Connection;

use super::{appends::runtime, script::Script};

/// Creates these chats, one append of each after the other, as chats do that run at once.
pub(crate) fn fill(path: &Path, chats: usize, turns: usize) -> SqliteStore {
    let options = SqliteStore::options(path).durability(Durability::ProcessSafe);
    let store = options.ballast_bytes(0).open().unwrap();
    runtime().block_on(async {
        // In slices, so that not all scripts lie in memory at once.
        for slice in (0..chats).collect::<Vec<_>>().chunks(1_000) {
            let scripts: Vec<Script> = slice.iter().map(|n| Script::new(*n, turns)).collect();
            let mut fences = Vec::new();
            for script in &scripts {
                let key = LogKey::Chat(world_id("w"), script.chat.clone());
                fences.push(Store::open(&store, &key, OpenMode::Create).await.unwrap().0);
            }
            for round in 0..scripts[0].appends.len() {
                let appends = fences.iter().zip(&scripts).map(|(fence, script)| {
                    let append = &script.appends[round];
                    store.append(fence, append.expected, &append.entries, Some(&append.summary))
                });
                for answer in futures_util::future::join_all(appends).await {
                    answer.unwrap();
                }
            }
        }
    });
    store
}

pub(crate) fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    drop(fill(&path, 2_000, 20));
    let connection = Connection::open(&path).unwrap();
    let number = |sql: &str| -> f64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let events = number("SELECT count(*) * 1.0 FROM events");
    let payload = number("SELECT sum(length(CAST(body AS BLOB))) * 1.0 FROM events");
    let of = |like: &str| {
        number(&format!(
            "SELECT coalesce(sum(pgsize), 0) * 1.0 FROM dbstat WHERE name LIKE '{like}'"
        ))
    };
    let (table, index) = (of("events"), of("events_by_place"));
    println!("{events} events of {:.0} bytes of payload", payload / events);
    println!("bytes per event beyond its payload:");
    let rest = [
        ("events and their index", table + index - payload),
        ("heads and summaries", of("logs%")),
        ("search: which messages", of("messages%") + of("waiting%")),
        ("search: words", of("found%")),
    ];
    for (name, bytes) in rest {
        println!("  {name:28} {:6.1}", bytes / events);
    }
    let file = std::fs::metadata(&path).unwrap().len() as f64;
    println!("  {:28} {:6.1}", "all of the file", (file - payload) / events);
}

//! The stored form, pinned: tables, and the row of every event.
//!
//! `POLYCHAT_BLESS=1 cargo test -p polychat-store --features sqlite golden` writes the file anew. A
//! change of what is in it needs a new version of files, and a migration; or a new format of
//! payloads, with the old one still readable. A new field that may be absent needs neither, only a
//! test that reads what lacks it.

use std::{fs, path::PathBuf, sync::Arc};

use polychat_core::{
    Event, Seq, Summary, Timestamp,
    agent::WorldSettings,
    ports::{Entry, LogKey, OpenMode, Store},
    world::{WorldEvent, WorldRecorded},
};
use polychat_store::SqliteStore;
use polychat_testkit::samples::{self, chat_id, seq, world_id};
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

use super::support::{Place, key};

fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "sqlite.json"].iter().collect()
}

fn chat_entries() -> Vec<Entry> {
    let events = (1..).zip(samples::every_event());
    events.map(|(n, event)| Entry::Chat(samples::recorded(&chat_id("a"), seq(n), event))).collect()
}

fn world_entries() -> Vec<Entry> {
    let agent = Arc::new(samples::agent_config());
    let settings = WorldSettings::default();
    let events = [
        WorldEvent::WorldCreated { agent: Arc::clone(&agent), settings: settings.clone() },
        WorldEvent::WorldUpdated { settings },
        WorldEvent::AgentPut { agent: Arc::clone(&agent) },
        WorldEvent::AgentRemoved { agent: agent.name.clone() },
    ];
    let entry = |(n, event)| {
        let (seq, at) = (seq(n), Timestamp(1_700_000_000_000 + n));
        Entry::World(Arc::new(WorldRecorded { seq, at, event }))
    };
    (1..).zip(events).map(entry).collect()
}

fn summary(entries: &[Entry]) -> Summary {
    samples::summary(&chat_id("a"), entries.last().unwrap().seq())
}

async fn write(store: &SqliteStore, key: &LogKey, entries: &[Entry], summary: Option<&Summary>) {
    let (fence, _) = Store::open(store, key, OpenMode::Create).await.unwrap();
    store.append(&fence, Seq::ZERO, entries, summary).await.unwrap();
}

/// Rows as JSON, each with the names of its columns.
fn rows(connection: &Connection, sql: &str) -> Vec<Value> {
    let mut rows = connection.prepare(sql).unwrap();
    let names: Vec<String> = rows.column_names().map(str::to_owned).collect();
    let value = |row: &Row<'_>| {
        let columns = names.iter().enumerate().map(|(n, name)| {
            let value = match row.get_unwrap::<_, rusqlite::types::Value>(n) {
                rusqlite::types::Value::Integer(n) => json!(n),
                // Read as JSON, a payload can be read by people too; it is compared as bytes below.
                rusqlite::types::Value::Text(text) => json!(text),
                other => panic!("{other:?} in {name}"),
            };
            (name.clone(), value)
        });
        Ok(Value::Object(columns.collect()))
    };
    rows.query_map([], value).unwrap().collect::<Result<_, _>>().unwrap()
}

const EVENTS: &str = "SELECT seq, at, format, seal, body FROM events";

fn stored(connection: &Connection) -> Value {
    let pragma = |name: &str| -> i64 {
        connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    };
    let one_space = |mut row: Value| {
        let sql = row["sql"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        row["sql"] = sql.into();
        row
    };
    let tables = rows(
        connection,
        "SELECT name, sql FROM sqlite_schema
         WHERE sql IS NOT NULL AND name NOT LIKE 'found\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'
         ORDER BY name",
    );
    json!({
        "applicationId": pragma("application_id"),
        "userVersion": pragma("user_version"),
        "autoVacuum": pragma("auto_vacuum"),
        "tables": tables.into_iter().map(one_space).collect::<Vec<_>>(),
        "chatEvents": rows(connection, &format!("{EVENTS} WHERE log = 1 ORDER BY seq")),
        "worldEvents": rows(connection, &format!("{EVENTS} WHERE log = 2 ORDER BY seq")),
        "summary": rows(connection, "SELECT head, format, seal, summary FROM logs WHERE id = 1"),
    })
}

// constraint 1: files outlive the program that wrote them
#[tokio::test]
async fn the_stored_form_is_the_golden_one() {
    let place = Place::new();
    let store = place.store();
    let entries = chat_entries();
    write(&store, &key("w", "a"), &entries, Some(&summary(&entries))).await;
    write(&store, &LogKey::World(world_id("w")), &world_entries(), None).await;
    drop(store);
    let found = stored(&place.stranger());
    if std::env::var_os("POLYCHAT_BLESS").is_some() {
        fs::create_dir_all(path().parent().unwrap()).unwrap();
        fs::write(path(), serde_json::to_string_pretty(&found).unwrap() + "\n").unwrap();
    }
    let golden: Value = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    for (part, golden) in golden.as_object().unwrap() {
        is_golden(part, &found[part], golden);
    }
}

/// Row by row, so that what changed can be seen.
fn is_golden(part: &str, found: &Value, golden: &Value) {
    let (Some(found_rows), Some(rows)) = (found.as_array(), golden.as_array()) else {
        assert_eq!(found, golden, "{part}");
        return;
    };
    for (found, golden) in found_rows.iter().zip(rows) {
        assert_eq!(found, golden, "{part}");
    }
    assert_eq!(found_rows.len(), rows.len(), "{part}");
}

// constraint 1: what an earlier program wrote is read
#[tokio::test]
async fn golden_rows_are_read_as_the_events_that_they_are() {
    let golden: Value = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let place = Place::new();
    drop(place.store());
    let file = place.stranger();
    let head = |rows: &Value| rows.as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
    file.execute("INSERT INTO worlds VALUES (1, 'w')", []).unwrap();
    let summary_row = &golden["summary"][0];
    for (log, chat, part) in [(1, "a", "chatEvents"), (2, "", "worldEvents")] {
        file.execute(
            "INSERT INTO logs (id, world, chat, head) VALUES (?1, 1, ?2, ?3)",
            (log, chat, head(&golden[part])),
        )
        .unwrap();
        for row in golden[part].as_array().unwrap() {
            let number = |name: &str| row[name].as_i64().unwrap();
            file.execute(
                "INSERT INTO events VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6)",
                (
                    log,
                    number("seq"),
                    number("at"),
                    number("format"),
                    number("seal"),
                    row["body"].as_str().unwrap(),
                ),
            )
            .unwrap();
        }
    }
    let number = |name: &str| summary_row[name].as_i64().unwrap();
    let text = summary_row["summary"].as_str().unwrap();
    let set = "UPDATE logs SET format = ?1, seal = ?2, summary = ?3 WHERE id = 1";
    file.execute(set, (number("format"), number("seal"), text)).unwrap();

    let store = place.store();
    let entries = chat_entries();
    let world = LogKey::World(world_id("w"));
    for (key, entries) in [(key("w", "a"), &entries), (world, &world_entries())] {
        let read = store.read(&key, Seq::ZERO, 1_000).await.unwrap();
        for (read, entry) in read.iter().zip(entries) {
            assert_eq!(read, entry);
        }
        assert_eq!(read.len(), entries.len());
    }
    assert_eq!(store.summary(&key("w", "a")).await, Ok(summary(&entries)));
}

#[test]
fn each_event_there_is_has_its_golden_row() {
    let golden = fs::read_to_string(path()).unwrap();
    let events = samples::every_event();
    for name in samples::EVENT_NAMES {
        assert!(golden.contains(&format!("{{\\\"type\\\":\\\"{name}\\\"")), "{name}");
        assert!(events.iter().any(|event: &Event| event.name() == name), "{name}");
    }
}

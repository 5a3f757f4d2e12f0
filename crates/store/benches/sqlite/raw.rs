//! The floor: rows that were made before, written by one thread in groups of a given size.

use std::{path::Path, time::Instant};

use polychat_core::{Event, ports::Entry};
use rusqlite::{Connection, params};

use super::script::{Append, Script, Words};

/// How much the floor writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Events with their index: a log and nothing else.
    Events,
    /// The head and summary of each chat too.
    Summaries,
    /// And the words of messages: all that the store writes.
    All,
}

/// The rows of one append.
struct Ready {
    log: i64,
    events: Vec<(i64, i64, String)>,
    head: i64,
    summary: String,
    texts: Vec<(i64, String)>,
}

fn ready(log: i64, append: &Append) -> Ready {
    let mut events = Vec::new();
    let mut texts = Vec::new();
    for entry in &append.entries {
        let Entry::Chat(recorded) = entry else { panic!("a chat's log") };
        let seq = recorded.seq.get().cast_signed();
        let body = serde_json::to_string(&recorded.event).unwrap();
        events.push((seq, recorded.at.0.cast_signed(), body));
        match &recorded.event {
            Event::PromptAccepted { body, .. } => {
                texts.push((seq, polychat_core::content::text_of(&body.parts)));
            }
            Event::MessageEnd { text, .. } => texts.push((seq, text.to_string())),
            _ => {}
        }
    }
    let head = append.summary.head.get().cast_signed();
    Ready { log, events, head, summary: serde_json::to_string(&append.summary).unwrap(), texts }
}

/// What a round took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
}

pub(crate) fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of a benchmark")]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

/// Writes all appends, round by round of the chats, `group` of them in each commit.
pub(crate) fn write(path: &Path, scripts: &[Script], group: usize, rows: Rows) -> Took {
    let connection = Connection::open(path).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch(
            "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;
             CREATE TABLE logs (id INTEGER PRIMARY KEY, head INTEGER, seal INTEGER, summary TEXT);
             CREATE TABLE events (id INTEGER PRIMARY KEY, log INTEGER, seq INTEGER, at INTEGER,
                format INTEGER, seal INTEGER, body TEXT);
             CREATE UNIQUE INDEX events_by_place ON events (log, seq);
             CREATE TABLE messages (id INTEGER PRIMARY KEY, log INTEGER, message INTEGER,
                event INTEGER);
             CREATE INDEX messages_by_place ON messages (log, message);
             CREATE VIRTUAL TABLE found USING fts5 (words, place, content = '',
                contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2')",
        )
        .unwrap();
    let mut made = Vec::new();
    let mut words = Words::new(1);
    for round in 0..scripts[0].appends.len() {
        let mut ready: Vec<Ready> = (1_i64..)
            .zip(scripts)
            .map(|(log, script)| ready(log, &script.appends[round]))
            .collect();
        // Chats do not come in the order of their numbers.
        for n in (1..ready.len()).rev() {
            ready.swap(n, words.number(n as u64 + 1) as usize);
        }
        made.extend(ready);
    }
    let (began, cpu_began) = (Instant::now(), cpu());
    for group in made.chunks(group) {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for ready in group {
            one(&connection, ready, rows).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
    Took { seconds: began.elapsed().as_secs_f64(), cpu: cpu() - cpu_began }
}

fn one(connection: &Connection, ready: &Ready, rows: Rows) -> rusqlite::Result<()> {
    let Ready { log, events, head, summary, texts } = ready;
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (log, seq, at, format, seal, body) VALUES (?1, ?2, ?3, 1, ?4, ?5)",
    )?;
    for (seq, at, body) in events {
        insert.execute(params![log, seq, at, at << 20, body])?;
    }
    if rows == Rows::Events {
        return Ok(());
    }
    let set = if *head == 1 {
        "INSERT INTO logs (id, head, seal, summary) VALUES (?1, ?2, ?3, ?4)"
    } else {
        "UPDATE logs SET head = ?2, seal = ?3, summary = ?4 WHERE id = ?1"
    };
    connection.prepare_cached(set)?.execute(params![log, head, head << 40, summary])?;
    if rows == Rows::Summaries {
        return Ok(());
    }
    for (seq, text) in texts {
        connection
            .prepare_cached("INSERT INTO messages (log, message, event) VALUES (?1, ?2, ?2)")?
            .execute(params![log, seq])?;
        let id = connection.last_insert_rowid();
        connection
            .prepare_cached("INSERT INTO found (rowid, words, place) VALUES (?1, ?2, ?3)")?
            .execute(params![id, text, format!("w1 c{log}")])?;
    }
    Ok(())
}

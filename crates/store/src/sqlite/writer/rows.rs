//! The rows that an append writes: events, the log's head and summary, and what the search knows.

use polychat_core::{Seq, ports::LogKey};
use rusqlite::{Connection, OptionalExtension, params};

use super::Prepared;
use crate::sqlite::{
    codec::{self, Owner, Payload},
    read::{Log, chat_name, int, payload, seq},
    search::{Step, places, text_of, words_of},
};

/// How a world is called in the tables, from now on if it was not yet.
pub(super) fn name_world(connection: &Connection, key: &LogKey) -> rusqlite::Result<i64> {
    let name = [key.world().as_str()];
    let mut find = connection.prepare_cached("SELECT id FROM worlds WHERE name = ?1")?;
    if let Some(found) = find.query_row(name, |row| row.get(0)).optional()? {
        return Ok(found);
    }
    connection.prepare_cached("INSERT INTO worlds (name) VALUES (?1)")?.execute(name)?;
    Ok(connection.last_insert_rowid())
}

/// Begins a log with these entries.
pub(super) fn begin(
    connection: &Connection,
    key: &LogKey,
    new: &Prepared,
) -> rusqlite::Result<Log> {
    let world = name_world(connection, key)?;
    let (format, seal, body) = columns(new.summary.as_ref());
    connection
        .prepare_cached(
            "INSERT INTO logs (world, chat, head, format, seal, summary)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![world, chat_name(key), int(new.head), format, seal, body])?;
    let log = Log { id: connection.last_insert_rowid(), world, head: new.head };
    insert(connection, log, new)?;
    Ok(log)
}

/// Goes on with a log.
pub(super) fn go_on(connection: &Connection, log: Log, new: &Prepared) -> rusqlite::Result<Log> {
    let (format, seal, body) = columns(new.summary.as_ref());
    connection
        .prepare_cached(
            "UPDATE logs SET head = ?2, format = ?3, seal = ?4, summary = ?5 WHERE id = ?1",
        )?
        .execute(params![log.id, int(new.head), format, seal, body])?;
    let log = Log { head: new.head, ..log };
    insert(connection, log, new)?;
    Ok(log)
}

fn columns(summary: Option<&Payload<String>>) -> (Option<i64>, Option<i64>, Option<&str>) {
    let of = |summary: &'_ Payload<String>| (summary.format, summary.seal);
    let (format, seal) = summary.map(of).unzip();
    (format, seal, summary.map(|summary| summary.body.as_str()))
}

fn insert(connection: &Connection, log: Log, new: &Prepared) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO events (log, seq, at, format, seal, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (seq, Payload { at, format, seal, body }) in &new.events {
        insert.execute(params![log.id, int(*seq), at, format, seal, body])?;
    }
    Ok(())
}

/// Keeps the search up with one step of a log.
pub(super) fn follow(
    connection: &Connection,
    key: &LogKey,
    log: Log,
    step: &Step,
) -> rusqlite::Result<()> {
    match step {
        Step::Add { message, event, words } => add(connection, log, *message, *event, words),
        Step::Wait { prompt, message, event } => {
            let mut wait = connection.prepare_cached(
                "INSERT OR REPLACE INTO waiting (log, prompt, message, event)
                 VALUES (?1, ?2, ?3, ?4)",
            )?;
            wait.execute(params![log.id, prompt.as_str(), int(*message), int(*event)]).map(drop)
        }
        Step::Edit { prompt, event } => {
            let mut edit = connection
                .prepare_cached("UPDATE waiting SET event = ?3 WHERE log = ?1 AND prompt = ?2")?;
            edit.execute(params![log.id, prompt.as_str(), int(*event)]).map(drop)
        }
        Step::Forget { prompt } => leave(connection, log, prompt.as_str()).map(drop),
        Step::Join { prompt } => match leave(connection, log, prompt.as_str())? {
            Some((message, event)) => {
                let words = words_at(connection, key, log, event)?;
                add(connection, log, message, event, &words)
            }
            // It was accepted by somebody who knew nothing of the search.
            None => Ok(()),
        },
        Step::Cut { from } => cut(connection, log, *from),
    }
}

fn add(
    connection: &Connection,
    log: Log,
    message: Seq,
    event: Seq,
    words: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO messages (log, message, event) VALUES (?1, ?2, ?3)")?
        .execute(params![log.id, int(message), int(event)])?;
    if words.is_empty() {
        return Ok(());
    }
    let id = connection.last_insert_rowid();
    connection
        .prepare_cached("INSERT INTO found (rowid, words, place) VALUES (?1, ?2, ?3)")?
        .execute(params![id, words, places(log.world, log.id)])
        .map(drop)
}

/// A prompt waits no more; answers its message and where its text stands.
fn leave(connection: &Connection, log: Log, prompt: &str) -> rusqlite::Result<Option<(Seq, Seq)>> {
    let mut leave = connection.prepare_cached(
        "DELETE FROM waiting WHERE log = ?1 AND prompt = ?2 RETURNING message, event",
    )?;
    leave.query_row(params![log.id, prompt], |row| Ok((seq(row, 0)?, seq(row, 1)?))).optional()
}

fn words_at(
    connection: &Connection,
    key: &LogKey,
    log: Log,
    event: Seq,
) -> rusqlite::Result<String> {
    let mut read = connection
        .prepare_cached("SELECT at, format, seal, body FROM events WHERE log = ?1 AND seq = ?2")?;
    let words = read.query_row(params![log.id, int(event)], |row| {
        // What cannot be read is for whoever reads the log to say; it is only not found.
        let entry = codec::decode(key, &Owner::of(key), event, &payload(row, 0)?).ok();
        Ok(entry.as_ref().and_then(text_of).map(|text| words_of(&text)))
    });
    Ok(words.optional()?.flatten().unwrap_or_default())
}

/// Takes a message and all that came into the history after it from the search.
fn cut(connection: &Connection, log: Log, from: Seq) -> rusqlite::Result<()> {
    let first = "SELECT min(id) FROM messages WHERE log = ?1 AND message = ?2";
    let first: Option<i64> = connection
        .prepare_cached(first)?
        .query_row(params![log.id, int(from)], |row| row.get(0))?;
    let Some(first) = first else { return Ok(()) };
    let ids: Vec<i64> = connection
        .prepare_cached("SELECT id FROM messages WHERE log = ?1 AND id >= ?2")?
        .query_map(params![log.id, first], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    forget(connection, &ids)
}

/// Takes these messages from the search.
pub(super) fn forget(connection: &Connection, ids: &[i64]) -> rusqlite::Result<()> {
    let mut words = connection.prepare_cached("DELETE FROM found WHERE rowid = ?1")?;
    let mut message = connection.prepare_cached("DELETE FROM messages WHERE id = ?1")?;
    for id in ids {
        words.execute([id])?;
        message.execute([id])?;
    }
    Ok(())
}

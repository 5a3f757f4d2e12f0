//! What the file holds, and how a connection to it is set up.
//!
//! ```text
//! worlds ──< logs ──< events      one row per event, found by (log, seq)
//!              │
//!              ├──< messages      what the search knows, in the order of the history
//!              ├──< waiting       prompts that have not joined a turn yet
//!              └──< purges        deleted logs whose rows still go
//! tombstones                      ids that are never used again
//! found                           the words of messages (FTS5, without the texts)
//! meta                            one row: epochs given out, settlings
//! search_broken                   only there when the words are to be gathered anew
//! ```
//!
//! A log is one chat's, or a world's own where `chat` is empty, which no id can be. Events lie in
//! the order in which they came, with an index on (log, seq): appends of many chats then fill the
//! same pages, where a table clustered by log would touch one page for each chat.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::options::Durability;

/// "PChS": says whose database a file is.
pub(super) const APPLICATION_ID: i32 = 0x5043_6853;

/// The newest format of files, in `user_version`.
pub(super) const VERSION: u32 = 1;

/// How the words of a text are found: alike with and without accents, in either case.
pub(super) const TOKENIZER: &str = "unicode61 remove_diacritics 2";

/// The tables of version 1.
pub(super) const CREATE: &str = "
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epochs INTEGER NOT NULL,
    settlings INTEGER NOT NULL
) STRICT;
INSERT INTO meta VALUES (1, 0, 0);

CREATE TABLE worlds (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    world INTEGER NOT NULL,
    chat TEXT NOT NULL,
    head INTEGER NOT NULL,
    format INTEGER,
    seal INTEGER,
    summary TEXT
) STRICT;
CREATE UNIQUE INDEX logs_by_name ON logs (world, chat);

CREATE TABLE tombstones (
    world INTEGER NOT NULL,
    chat TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (world, chat)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    format INTEGER NOT NULL,
    seal INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_place ON events (log, seq);

CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    message INTEGER NOT NULL,
    event INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_place ON messages (log, message);

CREATE TABLE waiting (
    log INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    message INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (log, prompt)
) STRICT, WITHOUT ROWID;

CREATE TABLE purges (
    log INTEGER PRIMARY KEY
) STRICT;

CREATE VIRTUAL TABLE found USING fts5 (
    words, place,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
";

/// How long a connection waits for a lock of a stranger, for example of a tool that looks inside.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// Prepared statements kept per connection: more than there are.
const STATEMENTS: usize = 64;

/// The log is copied into the database when it has this many pages, 4 MiB.
const CHECKPOINT_PAGES: u32 = 1_000;

/// The size to which the file of the log is cut back when it begins anew.
const LOG_BYTES_KEPT: u32 = 8 * 1024 * 1024;

/// The connection that writes. The file may be new, and is not read yet.
pub(super) fn connect_writer(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    let (synchronous, fullfsync) = match durability {
        Durability::PowerSafe => ("FULL", true),
        Durability::ProcessSafe => ("NORMAL", false),
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "fullfsync", fullfsync)?;
    connection.pragma_update(None, "checkpoint_fullfsync", fullfsync)?;
    // Deleted contents are overwritten where that costs no more writing.
    connection.query_row("PRAGMA secure_delete = FAST", [], |_| Ok(()))?;
    connection.query_row(&format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}"), [], none)?;
    connection.query_row(&format!("PRAGMA journal_size_limit = {LOG_BYTES_KEPT}"), [], none)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -4_000)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(BUSY)?;
    // What a savepoint remembers never goes to a temporary file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What stands in the file is not trusted to call functions, nor to be well-formed.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)
}

fn none(_: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // law 1: what an acknowledgement means is what the connection was told
    #[test]
    fn each_durability_flushes_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        for (durability, synchronous, fullfsync) in
            [(Durability::PowerSafe, 2, 1), (Durability::ProcessSafe, 1, 0)]
        {
            let connection = connect_writer(&folder.path().join("x.db"), durability).unwrap();
            let pragma = |name: &str| -> i64 {
                connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
            };
            assert_eq!(pragma("synchronous"), synchronous);
            assert_eq!(pragma("fullfsync"), fullfsync);
            assert_eq!(pragma("checkpoint_fullfsync"), fullfsync);
            assert_eq!((pragma("secure_delete"), pragma("temp_store")), (2, 2));
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let writer = connect_writer(&path, Durability::ProcessSafe).unwrap();
        writer.execute_batch(CREATE).unwrap();
        let reader = connect_reader(&path).unwrap();
        assert!(reader.execute("DELETE FROM meta", []).is_err());
        assert!(reader.execute_batch("PRAGMA query_only = 0; DELETE FROM meta").is_err());
    }
}

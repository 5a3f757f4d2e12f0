//! From whatever a file is to a file of the newest format, or a typed refusal.
//!
//! The format stands in `user_version`, whose file it is in `application_id`. Migrations go
//! forward only, one version at a time, each in a transaction; before the first of them a copy of
//! the file is made and flushed, and kept. Nothing is written to a file that is not ours.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    error::{Doing, SqliteError},
    lock::beside,
    schema::{APPLICATION_ID, CREATE, VERSION},
};

/// How a file of one version becomes one of the next.
pub(super) struct Migration {
    /// The version it ends with; it begins with the one before.
    pub(super) to: u32,
    pub(super) sql: &'static str,
}

/// The migrations there are, oldest first. Their last one ends with [`VERSION`].
pub(super) const MIGRATIONS: &[Migration] = &[];

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing is in it yet.
    Empty,
    /// One of ours, of a known version.
    Ours { version: u32 },
}

/// Looks at a file without changing it.
pub(super) fn recognise(
    connection: &Connection,
    path: &Path,
    known: u32,
) -> Result<Found, SqliteError> {
    let number = |pragma: &str| -> Result<i32, SqliteError> {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).doing("reading", path)
    };
    let (application_id, version) = (number("application_id")?, number("user_version")?);
    if application_id == APPLICATION_ID {
        // Negative versions were never given out: they are read as large ones, hence newer.
        let version = u32::from_ne_bytes(version.to_ne_bytes());
        if version > known {
            return Err(SqliteError::Newer { path: path.to_owned(), found: version, known });
        }
        return Ok(Found::Ours { version });
    }
    let things = "SELECT count(*) FROM sqlite_schema";
    let things: i64 = connection.query_row(things, [], |row| row.get(0)).doing("reading", path)?;
    if application_id == 0 && version == 0 && things == 0 {
        return Ok(Found::Empty);
    }
    Err(SqliteError::Foreign { path: path.to_owned(), application_id })
}

/// Makes the file one of the newest version.
pub(super) fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), SqliteError> {
    match recognise(connection, path, VERSION)? {
        Found::Empty => create(connection).doing("creating the tables", path)?,
        Found::Ours { version } => migrate(connection, path, version, MIGRATIONS)?,
    }
    // Remembered in the file; it answers what it is then, which on some media is not this.
    let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    match mode.doing("switching to a write-ahead log", path)?.as_str() {
        "wal" => Ok(()),
        other => {
            let source = format!("the journal stays in mode {other}").into();
            let (path, doing) = (path.to_owned(), "switching to a write-ahead log");
            Err(SqliteError::Sqlite { path, doing, source })
        }
    }
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    // Only a file without tables can take this: freed pages can be given back to the disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(CREATE)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Takes a file from `version` through the migrations that are newer.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    version: u32,
    migrations: &[Migration],
) -> Result<(), SqliteError> {
    let newer = || migrations.iter().filter(|migration| migration.to > version);
    if newer().next().is_none() {
        return Ok(());
    }
    let copy = keep_copy(connection, path, version)?;
    let mut from = version;
    for migration in newer() {
        apply(connection, migration).map_err(|source| {
            let (path, copy, source) = (path.to_owned(), copy.clone(), source.into());
            SqliteError::Migration { path, from, copy, source }
        })?;
        tracing::info!(from, to = migration.to, "store file migrated");
        from = migration.to;
    }
    Ok(())
}

fn apply(connection: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration.sql)?;
    transaction.pragma_update(None, "user_version", migration.to)?;
    transaction.commit()
}

/// Copies the file, with all that is in its log, and flushes the copy before it gets its name.
fn keep_copy(connection: &Connection, path: &Path, version: u32) -> Result<PathBuf, SqliteError> {
    let copy = beside(path, &format!("-format-{version}"));
    let half = beside(path, &format!("-format-{version}-half"));
    match fs::remove_file(&half) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).doing("removing an unfinished copy", &half);
        }
        Ok(()) | Err(_) => {}
    }
    let name = half.to_string_lossy();
    connection.execute("VACUUM INTO ?1", [&*name]).doing("copying the file", &half)?;
    File::open(&half).and_then(|file| file.sync_all()).doing("flushing the copy", &half)?;
    fs::rename(&half, &copy).doing("naming the copy", &copy)?;
    flush_name(&copy).doing("flushing the name of the copy", &copy)?;
    Ok(copy)
}

/// Makes sure that a power cut leaves the file its name, where folders can be flushed.
fn flush_name(file: &Path) -> std::io::Result<()> {
    match file.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.db");
        let connection = Connection::open(&path).unwrap();
        (folder, path, connection)
    }

    fn version(connection: &Connection) -> u32 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    const GOOD: [Migration; 2] = [
        Migration { to: 2, sql: "ALTER TABLE worlds ADD COLUMN note TEXT" },
        Migration { to: 3, sql: "UPDATE worlds SET note = 'migrated ' || name" },
    ];

    #[test]
    fn migrations_run_in_order_and_once_and_a_copy_of_the_old_file_is_kept() {
        let (_folder, path, mut connection) = file();
        bring_up(&mut connection, &path).unwrap();
        connection.execute("INSERT INTO worlds (name) VALUES ('home')", []).unwrap();
        migrate(&mut connection, &path, 1, &GOOD).unwrap();
        assert_eq!(version(&connection), 3);
        let note = |c: &Connection| c.query_row("SELECT note FROM worlds", [], |r| r.get(0));
        assert_eq!(note(&connection), Ok("migrated home".to_owned()));
        // Doing them again would fail: the column is there.
        migrate(&mut connection, &path, 3, &GOOD).unwrap();

        let copy = Connection::open(beside(&path, "-format-1")).unwrap();
        assert_eq!(recognise(&copy, &path, 1).unwrap(), Found::Ours { version: 1 });
        let name = copy.query_row("SELECT name FROM worlds", [], |row| row.get(0));
        assert_eq!(name, Ok("home".to_owned()));
        assert!(note(&copy).is_err(), "the copy is of before");
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let (_folder, path, mut connection) = file();
        bring_up(&mut connection, &path).unwrap();
        connection.execute("INSERT INTO worlds (name) VALUES ('home')", []).unwrap();
        let half_way = "DELETE FROM worlds; UPDATE nowhere SET x = 1";
        let [good, _] = GOOD;
        let migrations = [good, Migration { to: 3, sql: half_way }];
        let error = migrate(&mut connection, &path, 1, &migrations).unwrap_err();
        let SqliteError::Migration { from: 2, copy, .. } = &error else { panic!("{error}") };
        assert!(copy.exists());
        // What went well before stays, as its own version.
        assert_eq!(version(&connection), 2);
        let worlds = connection.query_row("SELECT count(*) FROM worlds", [], |row| row.get(0));
        assert_eq!(worlds, Ok(1));
    }

    #[test]
    fn an_unfinished_copy_of_an_earlier_try_is_made_anew() {
        let (_folder, path, mut connection) = file();
        bring_up(&mut connection, &path).unwrap();
        fs::write(beside(&path, "-format-1-half"), "torn").unwrap();
        fs::write(beside(&path, "-format-1"), "old").unwrap();
        migrate(&mut connection, &path, 1, &GOOD).unwrap();
        let copy = Connection::open(beside(&path, "-format-1")).unwrap();
        assert_eq!(recognise(&copy, &path, 1).unwrap(), Found::Ours { version: 1 });
    }

    // What the desk will want: chats by when they were last active. No migration that is there does
    // it; that one could is what this shows.
    #[test]
    fn a_migration_can_index_chats_by_activity() {
        let (_folder, path, mut connection) = file();
        bring_up(&mut connection, &path).unwrap();
        let summary = |n| format!("{{\"chatId\":\"c{n}\",\"updatedAt\":{}}}", 100 - n);
        for n in 0..3 {
            let insert = "INSERT INTO logs (world, chat, head, summary) VALUES (1, ?1, 1, ?2)";
            connection.execute(insert, (format!("c{n}"), summary(n))).unwrap();
        }
        let sql = "ALTER TABLE logs ADD COLUMN active INTEGER;
                   UPDATE logs SET active = json_extract(summary, '$.updatedAt');
                   CREATE INDEX logs_by_activity ON logs (world, active)";
        migrate(&mut connection, &path, 1, &[Migration { to: 2, sql }]).unwrap();
        let newest = "SELECT chat FROM logs WHERE world = 1 ORDER BY active DESC LIMIT 2";
        let plan = format!("EXPLAIN QUERY PLAN {newest}");
        let plan: String = connection.query_row(&plan, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("logs_by_activity"), "{plan}");
        let mut newest = connection.prepare(newest).unwrap();
        let newest = newest.query_map([], |row| row.get(0)).unwrap();
        assert_eq!(newest.collect::<Result<Vec<String>, _>>().unwrap(), ["c0", "c1"]);
    }

    #[test]
    fn the_migrations_there_are_lead_to_the_newest_version_without_a_gap() {
        let versions: Vec<u32> = MIGRATIONS.iter().map(|migration| migration.to).collect();
        let wanted: Vec<u32> = (1..VERSION).map(|version| version + 1).collect();
        assert_eq!(versions, wanted);
    }
}

//! The file as a whole: SQLite's own structures, names, and rows that belong to nobody.

use polychat_core::{ChatId, WorldId, content::Text, ports::StoreError};
use rusqlite::Connection;

use super::{Finding, Problem, Verification};
use crate::sqlite::{fault::fault, search};

/// Of each sort at most so many are named.
const NAMED_MAX: usize = 100;

/// Tables whose rows belong to a log: first what chats said, then what the search knows of it.
const OF_LOGS: [&str; 3] = ["events", "messages", "waiting"];

pub(super) fn check(connection: &Connection) -> Result<Verification, StoreError> {
    let mut verification = Verification::default();
    let mut look = || -> rusqlite::Result<()> {
        let mut find = |problem| verification.find(Finding { key: None, seq: None, problem });
        structures(connection)?.into_iter().for_each(&mut find);
        names(connection)?.into_iter().for_each(&mut find);
        let broken = search::is_broken(connection)?;
        broken.then_some(Problem::SearchGivenUp).into_iter().for_each(&mut find);
        strays(connection, broken)?.into_iter().for_each(&mut find);
        Ok(())
    };
    match look() {
        Ok(()) => Ok(verification),
        Err(error) if crate::sqlite::fault::is_damage(&error) => {
            let problem = Problem::File { reason: error.to_string().into() };
            verification.find(Finding { key: None, seq: None, problem });
            Ok(verification)
        }
        Err(error) => Err(fault("verifying the file", &error)),
    }
}

fn structures(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({NAMED_MAX})"))?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    let mut problems = Vec::new();
    for line in lines {
        let line = line?;
        if line != "ok" {
            problems.push(Problem::File { reason: line.into() });
        }
    }
    Ok(problems)
}

fn names(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut look = |sql: &str, is_name: fn(&str) -> bool| -> rusqlite::Result<()> {
        let mut names = connection.prepare(sql)?;
        let mut names = names.query([])?;
        while problems.len() < NAMED_MAX
            && let Some(row) = names.next()?
        {
            let name = row.get_ref(0)?.as_bytes()?;
            if !std::str::from_utf8(name).is_ok_and(is_name) {
                let name = String::from_utf8_lossy(name);
                let short = name.get(..name.floor_char_boundary(128)).unwrap_or_default();
                problems.push(Problem::Name { name: Text::from(short) });
            }
        }
        Ok(())
    };
    look("SELECT name FROM worlds", |name| WorldId::new(name).is_ok())?;
    let chats = "SELECT chat FROM logs UNION ALL SELECT chat FROM tombstones";
    look(chats, |name| name.is_empty() || ChatId::new(name).is_ok())?;
    // An id is never used again.
    let twice =
        "SELECT l.chat FROM logs l JOIN tombstones t ON t.world = l.world AND t.chat = l.chat";
    look(twice, |_| false)?;
    Ok(problems)
}

/// Rows of nobody; those of an index that was given up are as they may be.
fn strays(connection: &Connection, index_given_up: bool) -> rusqlite::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut look = |table: &'static str, sql: &str| -> rusqlite::Result<()> {
        let rows: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        if rows > 0 {
            problems.push(Problem::Stray { table, rows: rows.cast_unsigned() });
        }
        Ok(())
    };
    for table in OF_LOGS {
        if index_given_up && table != "events" {
            continue;
        }
        look(
            table,
            &format!(
                "SELECT count(*) FROM {table} WHERE log NOT IN
                 (SELECT id FROM logs UNION ALL SELECT log FROM purges)"
            ),
        )?;
    }
    if !index_given_up {
        look("found", "SELECT count(*) FROM found WHERE rowid NOT IN (SELECT id FROM messages)")?;
    }
    look("logs", "SELECT count(*) FROM logs WHERE world NOT IN (SELECT id FROM worlds)")?;
    Ok(problems)
}

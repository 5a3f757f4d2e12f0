//! Deleted logs go in slices, between the groups of appends, so that deleting a long chat holds
//! nobody up. What a crash leaves of them goes after the next opening.

use rusqlite::{Connection, OptionalExtension};

use super::{index::Index, rows::forget};

/// How many rows of a table go in one transaction.
const SLICE: usize = 256;

/// Deletes some rows of one deleted log, and answers whether it found any log to delete.
pub(super) fn slice(connection: &Connection, index: &mut Index) -> rusqlite::Result<bool> {
    let mut next = connection.prepare_cached("SELECT log FROM purges LIMIT 1")?;
    let next: Option<i64> = next.query_row([], |row| row.get(0)).optional()?;
    let Some(log) = next else { return Ok(false) };
    let mut forgotten = 0;
    // What an index that was given up still knows goes when it is made anew.
    index.keep_up(|| {
        let ids: Vec<i64> = connection
            .prepare_cached(&format!("SELECT id FROM messages WHERE log = ?1 LIMIT {SLICE}"))?
            .query_map([log], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        forgotten = ids.len();
        forget(connection, &ids)
    })?;
    let delete = |sql: &str| connection.prepare_cached(sql)?.execute([log]);
    // Bounded by how many prompts of a chat may wait.
    delete("DELETE FROM waiting WHERE log = ?1")?;
    let events = delete(&format!(
        "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE log = ?1 LIMIT {SLICE})"
    ))?;
    if forgotten < SLICE && events < SLICE {
        delete("DELETE FROM purges WHERE log = ?1")?;
    }
    Ok(true)
}

/// Gives some freed pages back to the disk, and answers whether there are more.
pub(super) fn give_back(connection: &Connection) -> rusqlite::Result<bool> {
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({SLICE})"))?;
    // Each step frees a page, and answers nothing.
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    Ok(free > 0)
}

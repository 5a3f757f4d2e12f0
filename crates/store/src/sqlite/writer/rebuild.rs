//! Makes the index of the search anew from the events, when it was found damaged and a file is
//! opened. All of it is one transaction, which takes as long as reading the file once.

use polychat_core::{ChatId, WorldId, ports::LogKey};
use rusqlite::{Connection, Row};

use super::rows::follow;
use crate::sqlite::{
    codec::{self, Owner},
    read::{Log, name, payload, seq},
    search,
};

/// Makes the index anew if it is noted to be damaged; answers whether it was.
pub(in super::super) fn rebuild(connection: &mut Connection) -> rusqlite::Result<bool> {
    if !search::is_broken(connection)? {
        return Ok(false);
    }
    let transaction = connection.transaction()?;
    search::empty(&transaction)?;
    // In the order in which they came, so that newer hits come first again.
    let mut events = transaction.prepare(
        "SELECT l.id, l.world, l.head, w.name, l.chat, e.seq, e.at, e.format, e.seal, e.body
         FROM events e JOIN logs l ON l.id = e.log JOIN worlds w ON w.id = l.world ORDER BY e.id",
    )?;
    let mut rows = events.query([])?;
    while let Some(row) = rows.next()? {
        take(&transaction, row)?;
    }
    drop(rows);
    drop(events);
    search::note_whole(&transaction)?;
    transaction.commit()?;
    Ok(true)
}

/// What cannot be read is for whoever reads the log to say; it is only not found.
fn take(connection: &Connection, row: &Row<'_>) -> rusqlite::Result<()> {
    let log = Log { id: row.get(0)?, world: row.get(1)?, head: seq(row, 2)? };
    let (Some(Ok(world)), Some(Ok(chat))) =
        (name(row, 3)?.map(WorldId::new), name(row, 4)?.map(ChatId::new))
    else {
        return Ok(());
    };
    let key = LogKey::Chat(world, chat);
    let at = seq(row, 5)?;
    let entry = codec::decode(&key, &Owner::of(&key), at, &payload(row, 6)?);
    let Some(entry) = entry.ok().filter(|_| at <= log.head) else { return Ok(()) };
    let steps = search::plan(&[entry]);
    steps.iter().try_for_each(|step| follow(connection, &key, log, step))
}

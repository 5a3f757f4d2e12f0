//! Reading logs, summaries and lists.
//!
//! What is wrong with one log is said of that log: a record that is not what was stored there is
//! `Corrupt` with its position, and a summary that cannot be read is folded from its log anew, so
//! that a list shows the other chats and this one too.

use polychat_core::{
    ChatId, Seq, StatusKind, Summary, Timestamp, WorldId,
    command::Page,
    event::TitleProvenance,
    ports::{Entry, LogKey, StoreError, StoreErrorKind},
    rules::ChatState,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    codec::{self, Owner, Payload},
    fault::{damage_or_fault, fault, is_damage},
};
use crate::check::{deleted, not_found};

/// How many entries are folded at a time.
const FOLD_PAGE: usize = 512;

/// A log that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) id: i64,
    pub(super) world: i64,
    pub(super) head: Seq,
}

/// How a world is called in the tables; `None` when nothing was ever stored of it.
pub(super) fn world_id(
    connection: &Connection,
    world: &WorldId,
) -> Result<Option<i64>, StoreError> {
    let find = || {
        let mut find = connection.prepare_cached("SELECT id FROM worlds WHERE name = ?1")?;
        find.query_row([world.as_str()], |row| row.get(0)).optional()
    };
    find().map_err(|error| damage_or_fault("finding the world", &error, Seq::FIRST))
}

/// The chat's id as it stands in the tables.
pub(super) fn chat_name(key: &LogKey) -> &str {
    key.chat().map_or("", ChatId::as_str)
}

/// The log of this key, if it is there.
pub(super) fn find(connection: &Connection, key: &LogKey) -> Result<Option<Log>, StoreError> {
    let Some(world) = world_id(connection, key.world())? else { return Ok(None) };
    let find = || {
        let mut find = connection
            .prepare_cached("SELECT id, head FROM logs WHERE world = ?1 AND chat = ?2")?;
        let log = |row: &Row<'_>| Ok(Log { id: row.get(0)?, world, head: seq(row, 1)? });
        find.query_row(params![world, chat_name(key)], log).optional()
    };
    find().map_err(|error| damage_or_fault("finding the log", &error, Seq::FIRST))
}

/// The epoch of whoever deleted this log, if somebody did.
pub(super) fn tombstone(connection: &Connection, key: &LogKey) -> Result<Option<u64>, StoreError> {
    let Some(world) = world_id(connection, key.world())? else { return Ok(None) };
    let find = || {
        let mut find = connection
            .prepare_cached("SELECT epoch FROM tombstones WHERE world = ?1 AND chat = ?2")?;
        find.query_row(params![world, chat_name(key)], |row| row.get(0)).optional()
    };
    let epoch: Option<i64> =
        find().map_err(|error| damage_or_fault("finding the tombstone", &error, Seq::FIRST))?;
    Ok(epoch.map(|epoch| u64::try_from(epoch).unwrap_or(0)))
}

/// The log of this key.
pub(super) fn existing(connection: &Connection, key: &LogKey) -> Result<Log, StoreError> {
    if let Some(log) = find(connection, key)? {
        return Ok(log);
    }
    Err(if tombstone(connection, key)?.is_some() { deleted() } else { not_found() })
}

/// A seq as it stands in a row; what is none becomes the largest, which no log has.
pub(super) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).ok().and_then(|n| Seq::try_from(n).ok()).unwrap_or(Seq::MAX))
}

/// A name as it stands in a row; `None` when it is not even text.
pub(super) fn name<'row>(row: &'row Row<'_>, column: usize) -> rusqlite::Result<Option<&'row str>> {
    Ok(std::str::from_utf8(row.get_ref(column)?.as_bytes()?).ok())
}

/// A seq as SQLite takes it: it lies below 2^53.
pub(super) fn int(seq: Seq) -> i64 {
    seq.get().cast_signed()
}

/// A payload in columns that begin here.
pub(super) fn payload<'row>(
    row: &'row Row<'_>,
    first: usize,
) -> rusqlite::Result<Payload<&'row [u8]>> {
    let body = row.get_ref(first + 3)?.as_bytes_or_null()?.unwrap_or_default();
    let number = |column| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
    let (at, format, seal) = (number(first)?, number(first + 1)?, number(first + 2)?);
    Ok(Payload { at, format, seal, body })
}

/// Entries after `after`, at most `limit`.
pub(super) fn read(
    connection: &Connection,
    key: &LogKey,
    after: Seq,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let log = existing(connection, key)?;
    entries(connection, key, log, after, limit)
}

fn entries(
    connection: &Connection,
    key: &LogKey,
    log: Log,
    after: Seq,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let wanted = log.head.since(after).min(u64::try_from(limit).unwrap_or(u64::MAX));
    let last = after.plus(wanted);
    // Not more room than is surely needed: a damaged head must not ask for all memory.
    let mut found = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0).min(FOLD_PAGE));
    let owner = Owner::of(key);
    let mut walk = || -> rusqlite::Result<Option<StoreError>> {
        let mut rows = connection.prepare_cached(
            "SELECT seq, at, format, seal, body FROM events
             WHERE log = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq",
        )?;
        let mut rows = rows.query(params![log.id, int(after), int(last)])?;
        let mut expected = after.next();
        while let Some(row) = rows.next()? {
            if seq(row, 0)? != expected {
                return Ok(Some(missing(expected)));
            }
            match codec::decode(key, &owner, expected, &payload(row, 1)?) {
                Ok(entry) => found.push(entry),
                Err(flaw) => return Ok(Some(flaw.at(expected))),
            }
            expected = expected.next();
        }
        let complete = u64::try_from(found.len()).is_ok_and(|found| found == wanted);
        Ok((!complete).then(|| missing(expected)))
    };
    match walk() {
        Ok(None) => Ok(found),
        Ok(Some(error)) => Err(error),
        Err(error) if is_damage(&error) => {
            let seq = after.plus(u64::try_from(found.len()).unwrap_or(u64::MAX)).next();
            Err(StoreError::new(StoreErrorKind::Corrupt { seq }, error.to_string()))
        }
        Err(error) => Err(fault("reading events", &error)),
    }
}

fn missing(seq: Seq) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt { seq }, "it is missing")
}

/// The summary of one chat.
pub(super) fn summary(connection: &Connection, key: &LogKey) -> Result<Summary, StoreError> {
    let log = existing(connection, key)?;
    let LogKey::Chat(_, chat) = key else { return Err(not_found()) };
    let stored = stored_summary(connection, &Owner::of(key), log);
    let stored = stored.map_err(|e| damage_or_fault("reading a summary", &e, Seq::FIRST))?;
    Ok(stored.unwrap_or_else(|| folded(connection, key, chat, log)))
}

/// Summaries of a world's chats after an id, in the byte order of ids.
pub(super) fn list(
    connection: &Connection,
    world: &WorldId,
    page: &Page,
) -> Result<Vec<Summary>, StoreError> {
    let Some(id) = world_id(connection, world)? else { return Ok(Vec::new()) };
    let walk = || -> rusqlite::Result<Vec<Summary>> {
        // Ids are not empty, so this leaves out the world's own log. Text is compared by bytes.
        // Without a limit: rows are fetched one by one, and a bad one is no part of the page, which
        // would otherwise look like the last.
        let mut rows = connection.prepare_cached(
            "SELECT id, head, chat, 0, format, seal, summary FROM logs
             WHERE world = ?1 AND chat > ?2 ORDER BY chat",
        )?;
        let mut rows = rows.query(params![id, page.after.as_deref().unwrap_or("")])?;
        let mut found = Vec::new();
        while found.len() < page.limit
            && let Some(row) = rows.next()?
        {
            let log = Log { id: row.get(0)?, world: id, head: seq(row, 1)? };
            // A name that is none belongs to no chat that anybody could ask for; `verify` says so.
            let Some(Ok(chat)) = name(row, 2)?.map(ChatId::new) else { continue };
            let key = LogKey::Chat(world.clone(), chat.clone());
            let stored = codec::decode_summary(&Owner::of(&key), log.head, &payload(row, 3)?);
            found.push(stored.unwrap_or_else(|_| folded(connection, &key, &chat, log)));
        }
        Ok(found)
    };
    walk().map_err(|error| fault("listing chats", &error))
}

/// The worlds whose own log is here, in the byte order of their ids.
pub(super) fn worlds(connection: &Connection, page: &Page) -> Result<Vec<WorldId>, StoreError> {
    let walk = || -> rusqlite::Result<Vec<WorldId>> {
        let mut rows = connection.prepare_cached(
            "SELECT name FROM worlds JOIN logs ON logs.world = worlds.id AND logs.chat = ''
             WHERE name > ?1 ORDER BY name",
        )?;
        let mut rows = rows.query([page.after.as_deref().unwrap_or("")])?;
        let mut found = Vec::new();
        while found.len() < page.limit
            && let Some(row) = rows.next()?
        {
            // As in a list: a name that is none belongs to no world that anybody could ask for.
            found.extend(name(row, 0)?.and_then(|name| WorldId::new(name).ok()));
        }
        Ok(found)
    };
    walk().map_err(|error| fault("listing worlds", &error))
}

/// The summary in the log's row; `None` when it is not what was stored.
pub(super) fn stored_summary(
    connection: &Connection,
    owner: &Owner,
    log: Log,
) -> rusqlite::Result<Option<Summary>> {
    let mut find =
        connection.prepare_cached("SELECT 0, format, seal, summary FROM logs WHERE id = ?1")?;
    find.query_row([log.id], |row| {
        Ok(codec::decode_summary(owner, log.head, &payload(row, 0)?).ok())
    })
}

/// The summary as the log says; when that cannot be read either, one that says so.
fn folded(connection: &Connection, key: &LogKey, chat: &ChatId, log: Log) -> Summary {
    let mut state = ChatState::of_empty_log(chat);
    while state.head() < log.head {
        let Ok(page) = entries(connection, key, log, state.head(), FOLD_PAGE) else {
            return unreadable(chat, log.head);
        };
        for entry in &page {
            let Entry::Chat(recorded) = entry else { return unreadable(chat, log.head) };
            if state.apply(recorded).is_err() {
                return unreadable(chat, log.head);
            }
        }
    }
    state.summary()
}

fn unreadable(chat: &ChatId, head: Seq) -> Summary {
    Summary {
        chat_id: chat.clone(),
        kind: StatusKind::Failed,
        last_outcome: None,
        title: "".into(),
        provenance: TitleProvenance::Default,
        archived: false,
        agent: None,
        metadata: polychat_core::Metadata::NONE,
        origin: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        head,
        messages: 0,
        queued: 0,
    }
}

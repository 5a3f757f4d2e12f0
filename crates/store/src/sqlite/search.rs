//! Full-text search: what is found, and how it is shown.
//!
//! The index holds no texts. They are read from the events that hits point to, and only for the
//! hits of one page the words are marked, by SQLite itself in a small database in memory: with the
//! same rules for what a word is, so that what was found is what is marked.

mod index;
mod marker;
mod words;

use polychat_core::{
    ChatId, Seq, WorldId,
    content::Text,
    ports::{Hit, LogKey, SearchPage, SearchQuery, Snippet, StoreError},
    seq::MessageId,
};
use rusqlite::{Connection, params};

use self::words::Words;
use super::{
    codec::{self, Owner},
    fault::fault,
    read::{self, int, payload, seq, world_id},
};
use crate::check::not_found;

pub(super) use self::{
    index::{Step, plan, text_of, words_of},
    marker::Marker,
};

/// What comes after this many bytes of a message is not found, so that indexing one holds the
/// appends of others up for milliseconds at most.
const TEXT_BYTES_MAX: usize = 256 * 1_024;

/// A message whose words were found.
struct Found {
    id: i64,
    log: i64,
    chat: String,
    message: Seq,
    /// Where its text stands.
    event: Seq,
}

/// One page of hits, newest first.
pub(super) fn search(
    connection: &Connection,
    marker: &mut Option<Marker>,
    world: &WorldId,
    query: &SearchQuery,
) -> Result<SearchPage, StoreError> {
    let before = match &query.page.after {
        None => i64::MAX,
        Some(after) => after.parse().map_err(|_| not_found())?,
    };
    let Some(words) = Words::of(&query.text).filter(|_| query.page.limit > 0) else {
        return Ok(SearchPage::default());
    };
    let Some(place) = place(connection, world, query.chat.as_ref())? else {
        return Ok(SearchPage::default());
    };
    let matching = format!("place : \"{place}\" AND words : ({})", words.expression());
    let limit = query.page.limit;
    let mut found = find(connection, &matching, before, limit.saturating_add(1))
        .map_err(|error| fault("searching", &error))?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| Text::from(last.id.to_string()));
    let texts: Vec<String> = found.iter().map(|hit| text(connection, world, hit)).collect();
    let snippets = mark(marker, &words, &texts)?;
    let hits = found.iter().zip(snippets).filter_map(|(found, snippet)| {
        let chat_id = ChatId::new(&found.chat).ok()?;
        Some(Hit { chat_id, message_id: MessageId(found.message), snippet })
    });
    Ok(SearchPage { hits: hits.collect(), next })
}

/// The word that stands with each message of this chat, or of this world.
fn place(
    connection: &Connection,
    world: &WorldId,
    chat: Option<&ChatId>,
) -> Result<Option<String>, StoreError> {
    let Some(chat) = chat else {
        return Ok(world_id(connection, world)?.map(place_of_world));
    };
    let key = LogKey::Chat(world.clone(), chat.clone());
    Ok(read::find(connection, &key)?.map(|log| place_of_log(log.id)))
}

fn place_of_world(world: i64) -> String {
    format!("w{world}")
}

fn place_of_log(log: i64) -> String {
    format!("c{log}")
}

/// The words that say where a message belongs.
pub(super) fn places(world: i64, log: i64) -> String {
    format!("{} {}", place_of_world(world), place_of_log(log))
}

fn find(
    connection: &Connection,
    matching: &str,
    before: i64,
    limit: usize,
) -> rusqlite::Result<Vec<Found>> {
    // The join leaves out what belongs to a deleted log and has not gone yet.
    let mut find = connection.prepare_cached(
        "SELECT m.id, m.log, l.chat, m.message, m.event
         FROM found JOIN messages m ON m.id = found.rowid JOIN logs l ON l.id = m.log
         WHERE found MATCH ?1 AND found.rowid < ?2 ORDER BY found.rowid DESC LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = find.query_map(params![matching, before, limit], |row| {
        let (id, log, chat) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Found { id, log, chat, message: seq(row, 3)?, event: seq(row, 4)? })
    })?;
    rows.collect()
}

/// The text of a hit; empty when its event cannot be read, which is for whoever reads the log to
/// say.
fn text(connection: &Connection, world: &WorldId, found: &Found) -> String {
    let read = || -> rusqlite::Result<Option<String>> {
        let Ok(chat) = ChatId::new(&found.chat) else { return Ok(None) };
        let key = LogKey::Chat(world.clone(), chat);
        let mut read = connection.prepare_cached(
            "SELECT at, format, seal, body FROM events WHERE log = ?1 AND seq = ?2",
        )?;
        read.query_row(params![found.log, int(found.event)], |row| {
            let entry = codec::decode(&key, &Owner::of(&key), found.event, &payload(row, 0)?);
            Ok(entry.ok().as_ref().and_then(text_of))
        })
    };
    read().ok().flatten().unwrap_or_default()
}

fn mark(
    marker: &mut Option<Marker>,
    words: &Words,
    texts: &[String],
) -> Result<Vec<Snippet>, StoreError> {
    let mut marked = || -> rusqlite::Result<Vec<Snippet>> {
        let marker = match marker {
            Some(marker) => marker,
            None => marker.insert(Marker::new()?),
        };
        marker.mark(&words.expression(), texts)
    };
    marked().map_err(|error| fault("marking words", &error))
}

//! Full-text search: what is found, and how it is shown.
//!
//! The index holds no texts. They are read from the events that hits point to, and only for the
//! hits of one page the words are marked, by SQLite itself in a small database in memory: with the
//! same rules for what a word is, so that what was found is what is marked.

mod bookmark;
mod effort;
mod index;
mod marker;
#[cfg(test)]
mod tests;
mod words;

use polychat_core::{
    ChatId, Seq, WorldId,
    ports::{Hit, LogKey, SearchPage, SearchQuery, Snippet, StoreError},
    seq::MessageId,
};
use rusqlite::{Connection, params};

use self::{
    bookmark::Bookmark,
    effort::{Effort, is_too_much},
    marker::Marker,
    words::Words,
};
use super::{
    codec::{self, Owner},
    fault::{fault, unavailable},
    read::{self, int, payload, seq, world_id},
};

pub(super) use self::index::{Step, plan, text_of, words_of};

/// What comes after this many bytes of a message is not found, so that indexing one holds the
/// appends of others up for milliseconds at most.
const TEXT_BYTES_MAX: usize = 256 * 1_024;

/// How many steps of SQLite's machine a search may take. To fetch a page of the index takes three:
/// what the index merges in memory in between makes this tens of milliseconds at most.
const STEPS_MAX: u64 = 12_000;

/// How many more it may take for each hit that is wanted.
const STEPS_PER_HIT: u64 = 30;

/// What a thread that reads keeps for searching.
pub(super) struct Finder {
    effort: Effort,
    steps_max: u64,
    /// Made when first needed.
    marker: Option<Marker>,
}

/// Where to look, and for how much.
struct Wanted {
    /// The word of the chat or the world.
    place: String,
    /// The hit after which the page begins.
    before: i64,
    limit: usize,
}

/// A message whose words were found.
struct Match {
    id: i64,
    log: i64,
    /// `None` when its name is none, so that nobody can ask for it; `verify` says so.
    chat: Option<ChatId>,
    message: Seq,
    /// Where its text stands.
    event: Seq,
}

/// What was found, newest first.
#[derive(Default)]
struct Found {
    matches: Vec<Match>,
    /// There may be more after these.
    more: bool,
    /// It took too much to look at everything.
    cut_short: bool,
}

impl Finder {
    pub(super) fn new() -> Self {
        Self { effort: Effort::unbounded(), steps_max: STEPS_MAX, marker: None }
    }

    /// Prepares a connection to be searched.
    pub(super) fn watch(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        self.effort.watch(connection)
    }

    /// One page of hits, newest first.
    pub(super) fn search(
        &mut self,
        connection: &Connection,
        world: &WorldId,
        query: &SearchQuery,
    ) -> Result<SearchPage, StoreError> {
        if is_broken(connection).map_err(|error| fault("searching", &error))? {
            return Err(unavailable("the index is damaged: it is made anew at the next opening"));
        }
        let after = query.page.after.as_deref().map(Bookmark::parse).transpose()?;
        let Some(words) = Words::of(&query.text).filter(|_| query.page.limit > 0) else {
            return Ok(SearchPage::default());
        };
        let Some(place) = place(connection, world, query.chat.as_ref())? else {
            return Ok(SearchPage::default());
        };
        let before = after.map_or(i64::MAX, |after| after.before);
        let wanted = Wanted { place, before, limit: query.page.limit };
        let (words, found) = match after {
            None => self.find_first(connection, &wanted, words)?,
            Some(after) => self.find_more(connection, &wanted, after.words(words))?,
        };
        let next = found.matches.last().filter(|_| found.more);
        let next = next.map(|last| Bookmark { before: last.id, open: words.is_open() }.to_text());
        let texts: Vec<_> = found.matches.iter().map(|hit| text(connection, world, hit)).collect();
        let snippets = self.mark(&words, &texts)?;
        let hits = found.matches.iter().zip(snippets).filter_map(|(found, snippet)| {
            let chat_id = found.chat.clone()?;
            Some(Hit { chat_id, message_id: MessageId(found.message), snippet })
        });
        Ok(SearchPage { hits: hits.collect(), next })
    }

    /// The first page of messages with these words; where so many words begin with the last one
    /// that this takes too much, with that very word, if there is any. Answers the words that it
    /// was in the end: further pages are of the same.
    fn find_first(
        &self,
        connection: &Connection,
        wanted: &Wanted,
        words: Words,
    ) -> Result<(Words, Found), StoreError> {
        let found = self.look(connection, wanted, &words)?;
        if found.cut_short
            && let Some(closed) = words.closed()
        {
            let of_closed = self.look(connection, wanted, &closed)?;
            if !of_closed.matches.is_empty() {
                return Ok((closed, of_closed));
            }
        }
        enough(words, found)
    }

    /// A further page of the same words.
    fn find_more(
        &self,
        connection: &Connection,
        wanted: &Wanted,
        words: Words,
    ) -> Result<(Words, Found), StoreError> {
        let found = self.look(connection, wanted, &words)?;
        enough(words, found)
    }

    fn look(
        &self,
        connection: &Connection,
        wanted: &Wanted,
        words: &Words,
    ) -> Result<Found, StoreError> {
        let hits = u64::try_from(wanted.limit).unwrap_or(u64::MAX);
        let steps = self.steps_max.saturating_add(hits.saturating_mul(STEPS_PER_HIT));
        let found = self.effort.within(steps, || find(connection, wanted, words));
        found.map_err(|error| fault("searching", &error))
    }

    fn mark(&mut self, words: &Words, texts: &[String]) -> Result<Vec<Snippet>, StoreError> {
        let mut marked = || -> rusqlite::Result<Vec<Snippet>> {
            let marker = match &mut self.marker {
                Some(marker) => marker,
                none => none.insert(Marker::new()?),
            };
            marker.mark(&words.expression(), texts)
        };
        marked().map_err(|error| fault("marking words", &error))
    }
}

/// Whether the index is noted to be damaged. It finds nothing then, and is made anew when the file
/// is next opened for writing.
pub(super) fn is_broken(connection: &Connection) -> rusqlite::Result<bool> {
    let noted = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'search_broken')";
    connection.prepare_cached(noted)?.query_row([], |row| row.get(0))
}

/// Notes that the index is damaged.
pub(super) fn note_broken(connection: &Connection) -> rusqlite::Result<()> {
    let note = "CREATE TABLE IF NOT EXISTS search_broken (id INTEGER PRIMARY KEY) STRICT";
    connection.execute_batch(note)
}

/// Takes the note back.
pub(super) fn note_whole(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DROP TABLE IF EXISTS search_broken")
}

/// Makes the tables of the index anew, with nothing in them.
pub(super) fn empty(connection: &Connection) -> rusqlite::Result<()> {
    let made = "SELECT sql FROM sqlite_schema WHERE name = 'found'";
    let made: String = connection.query_row(made, [], |row| row.get(0))?;
    connection.execute_batch("DROP TABLE found; DELETE FROM messages; DELETE FROM waiting")?;
    connection.execute_batch(&made)
}

/// Whether what was found is an answer: that nothing was found before it took too much is none.
fn enough(words: Words, found: Found) -> Result<(Words, Found), StoreError> {
    if found.cut_short && found.matches.is_empty() {
        return Err(unavailable("the search takes too much: rarer words are needed"));
    }
    Ok((words, found))
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

fn find(connection: &Connection, wanted: &Wanted, words: &Words) -> rusqlite::Result<Found> {
    let Wanted { place, before, limit } = wanted;
    let matching = format!("place : \"{place}\" AND words : ({})", words.expression());
    // The join leaves out what belongs to a deleted log and has not gone yet.
    let mut find = connection.prepare_cached(
        "SELECT m.id, m.log, l.chat, m.message, m.event
         FROM found JOIN messages m ON m.id = found.rowid JOIN logs l ON l.id = m.log
         WHERE found MATCH ?1 AND found.rowid < ?2 ORDER BY found.rowid DESC LIMIT ?3",
    )?;
    // One more than is wanted shows whether there is another page.
    let rows_max = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut rows = find.query(params![matching, before, rows_max])?;
    let mut found = Found::default();
    loop {
        match rows.next() {
            Ok(Some(row)) if found.matches.len() < *limit => found.matches.push(Match {
                id: row.get(0)?,
                log: row.get(1)?,
                chat: read::name(row, 2)?.and_then(|name| ChatId::new(name).ok()),
                message: seq(row, 3)?,
                event: seq(row, 4)?,
            }),
            Ok(Some(_)) => found.more = true,
            Ok(None) => return Ok(found),
            Err(error) if is_too_much(&error) => {
                (found.more, found.cut_short) = (true, true);
                return Ok(found);
            }
            Err(error) => return Err(error),
        }
    }
}

/// The text of a hit; empty when its event cannot be read, which is for whoever reads the log to
/// say.
fn text(connection: &Connection, world: &WorldId, found: &Match) -> String {
    let read = || -> rusqlite::Result<Option<String>> {
        let Some(chat) = &found.chat else { return Ok(None) };
        let key = LogKey::Chat(world.clone(), chat.clone());
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

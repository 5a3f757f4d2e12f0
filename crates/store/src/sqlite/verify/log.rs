//! One log: each event in its place and as it was stored, and all that is derived from them.

use polychat_core::{
    ChatId, Seq, Summary, WorldId,
    ports::{Entry, LogKey, StoreError},
    rules::ChatState,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Finding, Problem, Verification};
use crate::sqlite::{
    codec::{self, Flaw, Owner},
    fault::{fault, is_damage},
    read::{Log, name, payload, seq, stored_summary},
    search,
};

/// After this number there is no log.
const LAST: i64 = i64::MAX;

/// Looks at the first log after this number, and answers its number; `None` when there is none.
pub(super) fn check_next(
    connection: &Connection,
    after: i64,
) -> Result<Option<(i64, Verification)>, StoreError> {
    if after == LAST {
        return Ok(None);
    }
    let mut walk = Walk::default();
    let (log, world, chat) = match next(connection, after) {
        Ok(Some(next)) => next,
        Ok(None) => return Ok(None),
        Err(error) if is_damage(&error) => {
            // Which log would come next is not known: what was found until here is to be told.
            let problem = Problem::File { reason: error.to_string().into() };
            walk.found.find(Finding { key: None, seq: None, problem });
            return Ok(Some((LAST, walk.found)));
        }
        Err(error) => return Err(fault("finding a log", &error)),
    };
    // Names that are none were found with the file as a whole.
    if let (Some(world), Some(chat)) = (world, chat)
        && let Some(key) = key(&world, &chat)
    {
        match walk.log(connection, &key, log) {
            Ok(()) => {}
            Err(error) if is_damage(&error) => {
                walk.find(&key, None, Problem::File { reason: error.to_string().into() });
            }
            Err(error) => return Err(fault("verifying a log", &error)),
        }
    }
    Ok(Some((log.id, walk.found)))
}

/// A log with the names of its world and its chat, where they are text.
type Next = (Log, Option<String>, Option<String>);

fn next(connection: &Connection, after: i64) -> rusqlite::Result<Option<Next>> {
    let mut next = connection.prepare_cached(
        "SELECT l.id, l.world, l.head, w.name, l.chat FROM logs l JOIN worlds w ON w.id = l.world
         WHERE l.id > ?1 ORDER BY l.id LIMIT 1",
    )?;
    next.query_row([after], |row| {
        let log = Log { id: row.get(0)?, world: row.get(1)?, head: seq(row, 2)? };
        Ok((log, name(row, 3)?.map(str::to_owned), name(row, 4)?.map(str::to_owned)))
    })
    .optional()
}

fn key(world: &str, chat: &str) -> Option<LogKey> {
    let world = WorldId::new(world).ok()?;
    if chat.is_empty() {
        Some(LogKey::World(world))
    } else {
        Some(LogKey::Chat(world, ChatId::new(chat).ok()?))
    }
}

#[derive(Default)]
struct Walk {
    found: Verification,
}

impl Walk {
    fn find(&mut self, key: &LogKey, seq: Option<Seq>, problem: Problem) {
        self.found.find(Finding { key: Some(key.clone()), seq, problem });
    }

    fn log(&mut self, connection: &Connection, key: &LogKey, log: Log) -> rusqlite::Result<()> {
        self.found.logs += 1;
        let state = self.events(connection, key, log)?;
        if let Some(state) = state {
            self.derived(connection, key, log, &state)?;
        }
        Ok(())
    }

    /// Looks at each event; answers the state of a chat whose log is sound.
    fn events(
        &mut self,
        connection: &Connection,
        key: &LogKey,
        log: Log,
    ) -> rusqlite::Result<Option<ChatState>> {
        let owner = Owner::of(key);
        let mut state = key.chat().map(ChatState::of_empty_log);
        let mut rows = connection.prepare_cached(
            "SELECT seq, at, format, seal, body FROM events WHERE log = ?1 ORDER BY seq",
        )?;
        let mut rows = rows.query(params![log.id])?;
        let mut expected = Seq::FIRST;
        while let Some(row) = rows.next()? {
            self.found.events += 1;
            let place = seq(row, 0)?;
            if place != expected {
                self.find(key, Some(expected), Problem::Missing);
                state = None;
            }
            if place > log.head {
                self.find(key, Some(place), Problem::BehindHead);
                return Ok(None);
            }
            expected = place.next();
            match codec::decode(key, &owner, place, &payload(row, 1)?) {
                Ok(entry) => self.follow(key, &mut state, &entry),
                Err(flaw) => {
                    self.find(key, Some(place), problem(&flaw));
                    state = None;
                }
            }
        }
        if expected <= log.head {
            self.find(key, Some(expected), Problem::Missing);
            state = None;
        }
        Ok(state)
    }

    fn follow(&mut self, key: &LogKey, state: &mut Option<ChatState>, entry: &Entry) {
        let (Some(so_far), Entry::Chat(recorded)) = (state.as_mut(), entry) else { return };
        if let Err(error) = so_far.apply(recorded) {
            let problem = Problem::Contradicts { reason: error.reason };
            self.find(key, Some(error.seq), problem);
            *state = None;
        }
    }

    fn derived(
        &mut self,
        connection: &Connection,
        key: &LogKey,
        log: Log,
        state: &ChatState,
    ) -> rusqlite::Result<()> {
        let stored = stored_summary(connection, &Owner::of(key), log)?;
        if !stored.is_some_and(|stored| agree(stored, &state.summary())) {
            self.find(key, None, Problem::Summary);
        }
        if search::is_broken(connection)? {
            return Ok(());
        }
        let said =
            state.messages().iter().filter(|message| message.is_user() || message.is_assistant());
        let said: Vec<Seq> = said.map(|message| message.id.0).collect();
        let mut known =
            connection.prepare_cached("SELECT message FROM messages WHERE log = ?1 ORDER BY id")?;
        let known = known.query_map([log.id], |row| seq(row, 0))?;
        if known.collect::<rusqlite::Result<Vec<_>>>()? != said {
            self.find(key, None, Problem::Search);
        }
        Ok(())
    }
}

/// Whether a stored summary is the log's. One of a version that told no outcome has none, and is
/// as good as it was.
fn agree(stored: Summary, folded: &Summary) -> bool {
    let last_outcome = stored.last_outcome.or(folded.last_outcome);
    Summary { last_outcome, ..stored } == *folded
}

fn problem(flaw: &Flaw) -> Problem {
    match flaw {
        Flaw::Newer(_) => Problem::Newer,
        Flaw::Changed => Problem::Changed,
        Flaw::Foreign => Problem::Foreign,
        Flaw::Unreadable { .. } => Problem::Unknown,
    }
}

//! The way through a database: its worlds, their agents, their chats, and what belongs nowhere.

use std::{collections::BTreeSet, fmt, sync::Arc};

use polychat_core::{
    AgentName, ChatId, WorldId,
    command::{ImportedChat, NewChat},
    ports::WorldService,
};
use serde_json::{Map, Value};

use super::{
    AgentWorld,
    agents::agent,
    database::{Database, DatabaseError},
    history::History,
    rows::{self, ChatRow, STRAYS, WorldRow, Wrong},
};
use crate::{
    ImportError, Place, ProblemKind, Report,
    import::{Placed, Settings, Target},
    report::Ledger,
};

/// Where the chats come from, for people.
const SOURCE: &str = "agent-world";

struct Run<'a> {
    database: Database,
    ledger: Ledger<'a>,
    settings: Settings,
    chat_bytes_max: usize,
}

/// A world that takes chats, and who answers in them.
struct Home {
    target: Target,
    /// The ids of all agents there: what they say is no user's.
    known: BTreeSet<String>,
    /// Who answers in its chats, where it was one.
    answers: Option<AgentName>,
}

pub(super) async fn run<Open, Opening, Error>(
    import: AgentWorld<'_>,
    mut open: Open,
) -> Result<Report, ImportError>
where
    Open: FnMut(WorldId) -> Opening,
    Opening: Future<Output = Result<Arc<dyn WorldService>, Error>>,
    Error: fmt::Display,
{
    let AgentWorld { path, observer, settings, chat_bytes_max } = import;
    let database = Database::open(path).await?;
    let mut run = Run { database, ledger: Ledger::new(observer), settings, chat_bytes_max };
    let count = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT count(*) FROM world_chats", [], |row| row.get::<_, i64>(0))
    };
    let total = run.database.read(count).await?;
    run.ledger.report.progress.chats_total = u64::try_from(total).ok();
    let mut after = i64::MIN;
    loop {
        let page = run.database.read(move |connection| rows::worlds(connection, after)).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        for (rowid, row) in page {
            let place = Place::Row { table: "worlds", rowid };
            let row = match row {
                Ok(row) => row,
                Err((kind, why)) => {
                    run.ledger.problem(place, None, kind, &why);
                    continue;
                }
            };
            let world = match WorldId::new(&row.id) {
                Ok(id) => open(id).await.map_err(|e| (ProblemKind::Refused, e.to_string())),
                Err(error) => Err((ProblemKind::InvalidId, error.to_string())),
            };
            match world {
                Ok(world) => run.world(place, row, world).await?,
                Err((kind, why)) => {
                    run.ledger.problem(place, None, kind, &why);
                    run.leave_out(row.id).await?;
                }
            }
        }
    }
    run.strays().await?;
    Ok(run.ledger.report)
}

impl Run<'_> {
    async fn world(
        &mut self,
        place: Place,
        row: WorldRow,
        world: Arc<dyn WorldService>,
    ) -> Result<(), ImportError> {
        let mut target = Target::of(world).await?;
        if self.settings == Settings::Taken {
            let mut settings = target.settings().await?;
            settings.mentions = true;
            if let Some(limit) = row.turn_limit.and_then(|limit| u32::try_from(limit).ok()) {
                settings.handoffs_max = limit;
            }
            if let Placed::LeftOut(kind, why) = target.set(settings).await? {
                self.ledger.problem(place, None, kind, &why);
            }
        }
        let known = self.agents(&row.id, &mut target).await?;
        let only = known.iter().next().filter(|_| known.len() == 1).cloned();
        let answers = row.main_agent.or(only).and_then(|name| AgentName::new(name).ok());
        let answers = answers.filter(|name| target.agents.contains_key(name));
        let home = Home { target, known, answers };
        let mut after = i64::MIN;
        loop {
            let page = self.chats(&row.id, after).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (rowid, chat) in page {
                let place = Place::Row { table: "world_chats", rowid };
                self.chat(&row.id, &home, place, chat).await?;
            }
        }
    }

    /// Adds the agents of a world, and answers with the ids of all of them.
    async fn agents(
        &mut self,
        world: &str,
        target: &mut Target,
    ) -> Result<BTreeSet<String>, ImportError> {
        let mut known = BTreeSet::new();
        let mut after = i64::MIN;
        loop {
            let id = world.to_owned();
            let read =
                move |connection: &rusqlite::Connection| rows::agents(connection, &id, after);
            let read = self.database.read(read).await?;
            let Some((last, _)) = read.last() else { return Ok(known) };
            after = *last;
            for (rowid, row) in read {
                if let Ok(row) = &row {
                    known.insert(row.id.clone());
                }
                let placed = match row.and_then(agent) {
                    Ok(agent) => target.put_agent(agent).await?,
                    Err((kind, why)) => Placed::LeftOut(kind, why),
                };
                self.ledger.report.agents_added += u64::from(placed == Placed::Here);
                if let Placed::LeftOut(kind, why) = placed {
                    self.ledger.problem(Place::Row { table: "agents", rowid }, None, kind, &why);
                }
            }
        }
    }

    async fn chats(
        &self,
        world: &str,
        after: i64,
    ) -> Result<Vec<rows::Numbered<ChatRow>>, DatabaseError> {
        let world = world.to_owned();
        self.database.read(move |connection| rows::chats(connection, &world, after)).await
    }

    async fn chat(
        &mut self,
        world: &str,
        home: &Home,
        place: Place,
        row: Result<ChatRow, Wrong>,
    ) -> Result<(), ImportError> {
        let checked = row.and_then(|row| match ChatId::new(&row.id) {
            Ok(id) => Ok((id, row)),
            Err(error) => Err((ProblemKind::InvalidId, error.to_string())),
        });
        let (id, row) = match checked {
            Ok(checked) => checked,
            Err((kind, why)) => {
                self.ledger.problem(place, None, kind, &why);
                self.ledger.report.chats_left_out += 1;
                self.ledger.chat_done(0);
                return Ok(());
            }
        };
        let mut history = self.history(world, home, &id).await?;
        let mut chat = self.imported(&id, &place, home, row);
        let entries = history.entries();
        self.ledger.report.duplicates += history.duplicates;
        self.tell(&id, history.problems.drain(..));
        let messages = entries.len();
        let placed = if history.is_too_large {
            let why = format!("its messages have more than {} bytes", self.chat_bytes_max);
            Placed::LeftOut(ProblemKind::TooLarge, why)
        } else {
            chat.history = entries;
            home.target.place(&id, chat).await?
        };
        self.ledger.placed(place, &id, placed, messages);
        Ok(())
    }

    async fn history(
        &mut self,
        world: &str,
        home: &Home,
        id: &ChatId,
    ) -> Result<History, DatabaseError> {
        let mut history = History::new(home.known.clone(), self.chat_bytes_max);
        let mut after = i64::MIN;
        loop {
            let (world, chat) = (world.to_owned(), id.as_str().to_owned());
            let read = move |connection: &rusqlite::Connection| {
                let add = |row| history.add(row);
                let last = rows::memory(connection, (&world, &chat), after, add)?;
                Ok((history, last))
            };
            let (read, last) = self.database.read(read).await?;
            history = read;
            // Told page by page, so that a chat of nothing else does not fill the memory.
            self.tell(id, history.problems.drain(..));
            match last {
                Some(last) => after = last,
                None => return Ok(history),
            }
        }
    }

    fn tell(&mut self, chat: &ChatId, problems: impl Iterator<Item = (i64, Wrong)>) {
        for (rowid, (kind, why)) in problems {
            let place = Place::Row { table: "agent_memory", rowid };
            self.ledger.problem(place, Some(chat), kind, &why);
            self.ledger.report.messages_left_out += 1;
        }
    }

    /// The chat without its messages.
    fn imported(&mut self, id: &ChatId, place: &Place, home: &Home, row: ChatRow) -> ImportedChat {
        let mut metadata = Map::new();
        if let Some(description) = row.description.filter(|it| !it.is_empty()) {
            metadata.insert("description".into(), description.into());
        }
        if let Some(tags) = row.tags.filter(|tags| !tags.is_empty() && tags != "[]") {
            // Tags that are no JSON are kept as they are written.
            let tags = serde_json::from_str(&tags).unwrap_or(Value::String(tags));
            metadata.insert("tags".into(), tags);
        }
        let mut new = NewChat::with_id(id.clone()).title(row.name).metadata(metadata);
        new.agent = home.answers.clone();
        let mut chat = ImportedChat::new(new, SOURCE);
        chat.provenance = Some(row.provenance);
        let mut known = |time: Result<_, Wrong>| {
            time.map_err(|(kind, why)| self.ledger.problem(place.clone(), Some(id), kind, &why))
                .ok()
        };
        (chat.created_at, chat.updated_at) = (known(row.created_at), known(row.updated_at));
        chat
    }

    /// The chats of a world that was not opened.
    async fn leave_out(&mut self, world: String) -> Result<(), ImportError> {
        let mut after = i64::MIN;
        loop {
            let page = self.chats(&world, after).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (rowid, row) in page {
                let id = row.ok().and_then(|row| ChatId::new(row.id).ok());
                let (table, why) = ("world_chats", "its world was not opened");
                let place = Place::Row { table, rowid };
                self.ledger.problem(place, id.as_ref(), ProblemKind::NoChat, why);
                self.ledger.report.chats_left_out += 1;
                self.ledger.chat_done(0);
            }
        }
    }

    /// Rows that belong nowhere.
    async fn strays(&mut self) -> Result<(), ImportError> {
        for stray in &STRAYS {
            let mut after = i64::MIN;
            loop {
                let read = self.database.read(move |connection| stray.after(connection, after));
                let page = read.await?;
                let Some(last) = page.last() else { break };
                after = *last;
                for rowid in page {
                    let place = Place::Row { table: stray.table, rowid };
                    self.ledger.problem(place, None, stray.kind, stray.why);
                    if stray.table == "world_chats" {
                        self.ledger.report.chats_left_out += 1;
                        self.ledger.chat_done(0);
                    } else {
                        self.ledger.report.messages_left_out += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

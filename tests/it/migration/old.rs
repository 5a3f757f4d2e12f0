//! Databases as agent-world 0.16.5 writes them, healthy and damaged.

use std::{path::PathBuf, sync::Arc};

use polychat::{
    WorldId, Worlds,
    ports::WorldService,
    transfer::{AgentWorld, Report},
};
use polychat_testkit::require;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::support::House;

const SCHEMA: &str = "
CREATE TABLE worlds (id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT,
    turn_limit INTEGER NOT NULL DEFAULT 5, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    current_chat_id TEXT, main_agent TEXT);
CREATE TABLE agents (id TEXT NOT NULL, world_id TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, system_prompt TEXT,
    temperature REAL, max_tokens INTEGER, PRIMARY KEY (id, world_id));
CREATE TABLE world_chats (id TEXT PRIMARY KEY, world_id TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT, message_count INTEGER DEFAULT 0, tags TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    title_provenance TEXT DEFAULT 'default');
CREATE TABLE agent_memory (id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT NOT NULL,
    world_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, sender TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, chat_id TEXT, message_id TEXT,
    reply_to_message_id TEXT, tool_calls TEXT, tool_call_id TEXT, message_metadata TEXT);
CREATE TABLE message_queue (id INTEGER PRIMARY KEY AUTOINCREMENT, world_id TEXT NOT NULL,
    chat_id TEXT NOT NULL, message_id TEXT NOT NULL, content TEXT NOT NULL, status TEXT);
CREATE TABLE archived_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, agent_id TEXT NOT NULL,
    world_id TEXT NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL);
";

/// A database in a folder that goes with it.
pub(super) struct Old {
    pub(super) folder: TempDir,
    pub(super) connection: Connection,
}

/// A row of `agent_memory`; what is not set is `NULL`.
#[derive(Clone, Copy, Default)]
pub(super) struct Row<'a> {
    pub(super) agent: &'a str,
    pub(super) role: &'a str,
    pub(super) content: &'a str,
    pub(super) sender: Option<&'a str>,
    pub(super) at: &'a str,
    pub(super) chat: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) reply_to: Option<&'a str>,
    pub(super) calls: Option<&'a str>,
    pub(super) call: Option<&'a str>,
    pub(super) metadata: Option<&'a str>,
}

impl Old {
    /// A database with a world `home` and its agents.
    pub(super) fn with_agents(agents: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("old.db")).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection.execute("INSERT INTO worlds (id, name) VALUES ('home', 'Home')", []).unwrap();
        let this = Self { folder, connection };
        for agent in agents {
            this.run(&format!(
                "INSERT INTO agents VALUES ('{agent}', 'home', '{agent}', 'assistant', 'openai', \
                 'gpt', 'You are {agent}.', 0.5, 100)"
            ));
        }
        this
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("old.db")
    }

    pub(super) fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    pub(super) fn chat(&self, id: &str, name: &str) {
        let sql = "INSERT INTO world_chats (id, world_id, name, tags, created_at, updated_at) \
                   VALUES (?1, 'home', ?2, '[]', '2026-11-22 16:44:49', '2026-11-22T16:44:50.500Z')";
        self.connection.execute(sql, [id, name]).unwrap();
    }

    pub(super) fn memory(&self, row: Row<'_>) {
        let sql = "INSERT INTO agent_memory (agent_id, world_id, role, content, sender, created_at, \
                   chat_id, message_id, reply_to_message_id, tool_calls, tool_call_id, \
                   message_metadata) VALUES (?1, 'home', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let Row { agent, role, content, sender, at, chat, id, reply_to, calls, call, metadata } =
            row;
        let row = (agent, role, content, sender, at, chat, id, reply_to, calls, call, metadata);
        self.connection.execute(sql, row).unwrap();
    }

    /// A question to one agent and its answer; message ids are unique only within a chat.
    pub(super) fn turn(&self, agent: &str, chat: &str, second: u32, question: &str, answer: &str) {
        for row in turn(agent, chat, [&at(second, 0), &at(second, 9)], [question, answer]) {
            self.memory(row);
        }
    }
}

/// A time on that day.
pub(super) fn at(second: u32, millisecond: u32) -> String {
    format!("2026-11-22T16:45:{second:02}.{millisecond:03}Z")
}

/// The two rows of a turn.
pub(super) fn turn<'a>(
    agent: &'a str,
    chat: &'a str,
    times: [&'a str; 2],
    said: [&'a str; 2],
) -> [Row<'a>; 2] {
    let asked = Row {
        agent,
        role: "user",
        content: said[0],
        sender: Some("human"),
        at: times[0],
        chat: Some(chat),
        id: Some(said[0]),
        ..Row::default()
    };
    let answered = Row {
        role: "assistant",
        content: said[1],
        sender: Some(agent),
        at: times[1],
        id: Some(said[1]),
        reply_to: Some(said[0]),
        ..asked
    };
    [asked, answered]
}

/// Brings a database into this world, whatever its worlds are called.
pub(super) async fn brought(house: &House, path: impl Into<PathBuf>) -> Report {
    let door = house.world.service();
    let open = |_: WorldId| {
        let door = Arc::clone(&door);
        async move { Ok::<Arc<dyn WorldService>, polychat::Error>(door) }
    };
    AgentWorld::at(path).import(open).await.unwrap()
}

/// Brings a database into worlds of the same names.
pub(super) async fn brought_into(worlds: &Worlds, path: impl Into<PathBuf>) -> Report {
    let open =
        |id: WorldId| async move { Ok::<_, polychat::Error>(opened(worlds, &id).await?.service()) };
    AgentWorld::at(path).import(open).await.unwrap()
}

async fn opened(worlds: &Worlds, id: &WorldId) -> Result<polychat::World, polychat::Error> {
    match worlds.get(id)? {
        Some(world) => Ok(world),
        None => worlds.open(id).await,
    }
}

/// Places and kinds of the problems.
pub(super) fn problems(report: &Report) -> Vec<String> {
    report.problems.iter().map(|it| format!("{} {}", it.place, it.kind.as_str())).collect()
}

/// A database that agent-world wrote itself; `None` after a visible skip.
pub(super) fn fixture(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures");
    let folder = std::env::var_os("POLYCHAT_FIXTURES").map_or_else(|| beside.into(), PathBuf::from);
    let path = folder.join(name);
    require::or_skip("agent-world-fixtures", path.is_file()).then_some(path)
}

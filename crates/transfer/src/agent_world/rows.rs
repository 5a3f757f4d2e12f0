//! The rows of an agent-world database, each whole or wrong.

use polychat_core::{Timestamp, event::TitleProvenance, tool::ToolCall};
use rusqlite::{Connection, Row, types::ValueRef};
use serde_json::{Map, Value};

use super::database::columns;
use crate::ProblemKind;

/// Rows read at once.
const PAGE: i64 = 500;

/// Why a row, or a field of it, cannot be taken.
pub(super) type Wrong = (ProblemKind, String);
/// A row of a table by its number, or what is wrong with it.
pub(super) type Numbered<T> = (i64, Result<T, Wrong>);

/// A row of `worlds`.
pub(super) struct WorldRow {
    pub(super) id: String,
    pub(super) turn_limit: Option<i64>,
    pub(super) main_agent: Option<String>,
}

/// A row of `agents`.
pub(super) struct AgentRow {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) system: Option<String>,
    pub(super) temperature: Option<f64>,
    pub(super) tokens_max: Option<i64>,
}

/// A row of `world_chats`.
pub(super) struct ChatRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) provenance: TitleProvenance,
    pub(super) created_at: Result<Timestamp, Wrong>,
    pub(super) updated_at: Result<Timestamp, Wrong>,
}

/// A row of `agent_memory`.
#[derive(Clone)]
pub(super) struct MemoryRow {
    pub(super) agent: String,
    pub(super) role: Role,
    pub(super) content: String,
    pub(super) sender: Option<String>,
    pub(super) at: Timestamp,
    pub(super) message_id: Option<String>,
    pub(super) calls: Vec<ToolCall>,
    pub(super) tool_call_id: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    User,
    Assistant,
    Tool,
}

/// The worlds after this row.
pub(super) fn worlds(
    connection: &Connection,
    after: i64,
) -> Result<Vec<Numbered<WorldRow>>, rusqlite::Error> {
    let columns = columns(connection, "worlds", &["id", "turn_limit", "main_agent"])?;
    let sql =
        format!("SELECT rowid, {columns} FROM worlds WHERE rowid > ?1 ORDER BY rowid LIMIT ?2");
    numbered(connection, &sql, (after, PAGE), |row| {
        let turn_limit = match value(row, 2)? {
            ValueRef::Integer(limit) => Some(limit),
            _ => None,
        };
        Ok(WorldRow {
            id: required(row, 1, "id")?,
            turn_limit,
            main_agent: text(row, 3, "main_agent")?,
        })
    })
}

/// The agents of a world after this row.
pub(super) fn agents(
    connection: &Connection,
    world: &str,
    after: i64,
) -> Result<Vec<Numbered<AgentRow>>, rusqlite::Error> {
    let wanted = ["id", "model", "system_prompt", "temperature", "max_tokens"];
    let columns = columns(connection, "agents", &wanted)?;
    let sql = format!(
        "SELECT rowid, {columns} FROM agents \
         WHERE world_id = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3"
    );
    numbered(connection, &sql, (world, after, PAGE), |row| {
        Ok(AgentRow {
            id: required(row, 1, "id")?,
            model: required(row, 2, "model")?,
            system: text(row, 3, "system_prompt")?,
            temperature: match value(row, 4)? {
                ValueRef::Real(number) => Some(number),
                #[allow(clippy::cast_precision_loss)] // A temperature is a small number.
                ValueRef::Integer(number) => Some(number as f64),
                _ => None,
            },
            tokens_max: match value(row, 5)? {
                ValueRef::Integer(number) => Some(number),
                _ => None,
            },
        })
    })
}

/// The chats of a world after this row.
pub(super) fn chats(
    connection: &Connection,
    world: &str,
    after: i64,
) -> Result<Vec<Numbered<ChatRow>>, rusqlite::Error> {
    let wanted =
        ["id", "name", "description", "tags", "title_provenance", "created_at", "updated_at"];
    let columns = columns(connection, "world_chats", &wanted)?;
    let sql = format!(
        "SELECT rowid, {columns} FROM world_chats \
         WHERE world_id = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3"
    );
    numbered(connection, &sql, (world, after, PAGE), |row| {
        Ok(ChatRow {
            id: required(row, 1, "id")?,
            name: text(row, 2, "name")?.unwrap_or_default(),
            description: text(row, 3, "description")?,
            tags: text(row, 4, "tags")?,
            provenance: match text(row, 5, "title_provenance")?.as_deref() {
                Some("manual") => TitleProvenance::Manual,
                Some("auto") => TitleProvenance::Auto,
                _ => TitleProvenance::Default,
            },
            created_at: time(row, 6, "created_at"),
            updated_at: time(row, 7, "updated_at"),
        })
    })
}

/// Visits rows of a chat's memory after this one, in the order in which they were written, and
/// answers with the last of them; `None` when there was none.
pub(super) fn memory(
    connection: &Connection,
    (world, chat): (&str, &str),
    after: i64,
    mut visit: impl FnMut(Numbered<MemoryRow>),
) -> Result<Option<i64>, rusqlite::Error> {
    let wanted = [
        "agent_id",
        "role",
        "content",
        "sender",
        "created_at",
        "message_id",
        "reply_to_message_id",
        "tool_calls",
        "tool_call_id",
        "message_metadata",
    ];
    let columns = columns(connection, "agent_memory", &wanted)?;
    let sql = format!(
        "SELECT rowid, {columns} FROM agent_memory \
         WHERE world_id = ?1 AND chat_id = ?2 AND rowid > ?3 ORDER BY rowid LIMIT ?4"
    );
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query((world, chat, after, PAGE))?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let rowid = row.get(0)?;
        visit((rowid, memory_row(row)));
        last = Some(rowid);
    }
    Ok(last)
}

fn memory_row(row: &Row<'_>) -> Result<MemoryRow, Wrong> {
    let role = match required(row, 2, "role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return Err((ProblemKind::UnknownKind, format!("no role of messages: {other:?}"))),
    };
    let mut metadata = match json(row, 10, "message_metadata")? {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(wrong_type("message_metadata")),
    };
    if let Some(reply_to) = text(row, 7, "reply_to_message_id")? {
        metadata.insert("replyToMessageId".into(), reply_to.into());
    }
    let calls = match json(row, 8, "tool_calls")? {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(calls)) => calls.into_iter().map(call).collect::<Result<_, _>>()?,
        Some(_) => return Err(wrong_type("tool_calls")),
    };
    Ok(MemoryRow {
        agent: required(row, 1, "agent_id")?,
        role,
        content: text(row, 3, "content")?.unwrap_or_default(),
        sender: text(row, 4, "sender")?,
        at: time(row, 5, "created_at")?,
        message_id: text(row, 6, "message_id")?.filter(|id| !id.is_empty()),
        calls,
        tool_call_id: text(row, 9, "tool_call_id")?,
        metadata,
    })
}

/// A call as OpenAI writes it: arguments are JSON within a string.
fn call(call: Value) -> Result<ToolCall, Wrong> {
    let Value::Object(mut call) = call else { return Err(wrong_type("tool_calls")) };
    let id = match call.remove("id") {
        Some(Value::String(id)) => Some(id.into()),
        _ => None,
    };
    let mut function = match call.remove("function") {
        Some(Value::Object(function)) => function,
        _ => return Err(wrong_type("tool_calls")),
    };
    let Some(Value::String(name)) = function.remove("name") else {
        return Err(wrong_type("tool_calls"));
    };
    let arguments = match function.remove("arguments") {
        // What a model wrote need not be JSON; it is kept as it was.
        Some(Value::String(text)) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        Some(other) => other,
        None => Value::Object(Map::new()),
    };
    Ok(ToolCall { name: name.into(), arguments, provider_call_id: id })
}

/// Rows that belong nowhere: what selects them, in pages, and what is said of them.
pub(super) struct Stray {
    pub(super) table: &'static str,
    pub(super) kind: ProblemKind,
    pub(super) why: &'static str,
    /// Selects numbers of rows after `?1`, at most `?2`, in order.
    sql: &'static str,
}

/// What may belong nowhere.
pub(super) const STRAYS: [Stray; 4] = [
    Stray {
        table: "world_chats",
        kind: ProblemKind::NoChat,
        why: "a chat of a world that is not there",
        sql: "SELECT c.rowid FROM world_chats c LEFT JOIN worlds w ON w.id = c.world_id \
              WHERE w.id IS NULL AND c.rowid > ?1 ORDER BY c.rowid LIMIT ?2",
    },
    Stray {
        table: "agent_memory",
        kind: ProblemKind::NoChat,
        why: "a message of no chat, or of one that is not there",
        sql: "SELECT m.rowid FROM agent_memory m \
              LEFT JOIN world_chats c ON c.id = m.chat_id AND c.world_id = m.world_id \
              WHERE c.id IS NULL AND m.rowid > ?1 ORDER BY m.rowid LIMIT ?2",
    },
    Stray {
        table: "archived_messages",
        kind: ProblemKind::NoChat,
        why: "archived memory of an agent, which says not of which chat it is",
        sql: "SELECT rowid FROM archived_messages WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    },
    Stray {
        table: "message_queue",
        kind: ProblemKind::Missing,
        why: "a message that still waited there to be sent",
        sql: "SELECT q.rowid FROM message_queue q WHERE q.rowid > ?1 AND NOT EXISTS \
              (SELECT 1 FROM agent_memory m WHERE m.chat_id = q.chat_id \
               AND m.message_id = q.message_id) ORDER BY q.rowid LIMIT ?2",
    },
];

impl Stray {
    pub(super) fn after(
        &self,
        connection: &Connection,
        after: i64,
    ) -> Result<Vec<i64>, rusqlite::Error> {
        if !super::database::has_table(connection, self.table)? {
            return Ok(Vec::new());
        }
        let mut statement = match connection.prepare(self.sql) {
            Ok(statement) => statement,
            // An older file, in which messages have no ids that could be compared.
            Err(rusqlite::Error::SqlInputError { .. }) if self.table == "message_queue" => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let rows = statement.query_map((after, PAGE), |row| row.get(0))?;
        rows.collect()
    }
}

fn numbered<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    take: impl Fn(&Row<'_>) -> Result<T, Wrong>,
) -> Result<Vec<Numbered<T>>, rusqlite::Error> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(parameters, |row| Ok((row.get(0)?, take(row))))?;
    rows.collect()
}

fn value<'a>(row: &'a Row<'_>, at: usize) -> Result<ValueRef<'a>, Wrong> {
    row.get_ref(at).map_err(|error| (ProblemKind::WrongType, error.to_string()))
}

fn text(row: &Row<'_>, at: usize, name: &str) -> Result<Option<String>, Wrong> {
    match value(row, at)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err((ProblemKind::WrongType, format!("{name} is no utf-8"))),
        },
        _ => Err(wrong_type(name)),
    }
}

fn required(row: &Row<'_>, at: usize, name: &str) -> Result<String, Wrong> {
    text(row, at, name)?.ok_or_else(|| (ProblemKind::WrongType, format!("{name} is null")))
}

fn json(row: &Row<'_>, at: usize, name: &str) -> Result<Option<Value>, Wrong> {
    let Some(text) = text(row, at, name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
    let parsed = serde_json::from_str(&text);
    parsed.map(Some).map_err(|error| (ProblemKind::NotJson, format!("{name} is no json: {error}")))
}

/// A time as agent-world writes it (`…T…Z`) or SQLite does (`… …`, in UTC).
fn time(row: &Row<'_>, at: usize, name: &str) -> Result<Timestamp, Wrong> {
    let impossible =
        |what: &str| (ProblemKind::ImpossibleTime, format!("{name} is no time: {what:?}"));
    let Ok(Some(text)) = text(row, at, name) else { return Err(impossible("no text")) };
    let since = humantime::parse_rfc3339_weak(&text)
        .ok()
        .and_then(|at| at.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    let milliseconds = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    milliseconds.map(Timestamp).ok_or_else(|| impossible(&text))
}

fn wrong_type(name: &str) -> Wrong {
    (ProblemKind::WrongType, format!("{name} is of the wrong sort"))
}

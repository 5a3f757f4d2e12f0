//! Chats of another program brought in, found by their words, and taken out again: all without
//! losing one, and however often it is run.
//!
//! ```text
//! cargo run --example 10_import_and_search
//! ```

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    path::Path,
};

use polychat::{
    DemoModel, SqliteStore, World, WorldBuilder, Worlds,
    ports::Hit,
    transfer::{AgentWorld, Export, Observed, Progress, Report},
};
use rusqlite::Connection;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tables as agent-world has them, as far as they are read.
const TABLES: &str = "
    CREATE TABLE worlds (id TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE agents (id TEXT, world_id TEXT, name TEXT, model TEXT, system_prompt TEXT);
    CREATE TABLE world_chats (id TEXT PRIMARY KEY, world_id TEXT, name TEXT,
        created_at TIMESTAMP, updated_at TIMESTAMP, title_provenance TEXT);
    CREATE TABLE agent_memory (id INTEGER PRIMARY KEY, agent_id TEXT, world_id TEXT, role TEXT,
        content TEXT, sender TEXT, created_at TIMESTAMP, chat_id TEXT, message_id TEXT);
    INSERT INTO worlds VALUES ('inn', 'The Inn');
    INSERT INTO agents VALUES ('host', 'inn', 'host', 'assistant', 'You keep the inn.');
";

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let old = folder.path().join("old.db");
    build(&old)?;

    let store = SqliteStore::open(folder.path().join("chats.db"))?;
    let template = WorldBuilder::new("template", DemoModel::new()).keep_in(store);
    let worlds = Worlds::new(template);
    println!("the old database is brought in");
    tell(&import(&old, &worlds).await?);
    println!("a second time changes nothing");
    tell(&import(&old, &worlds).await?);

    let inn = worlds.get("inn")?.ok_or("the world was not brought in")?;
    println!("who spoke of green tea?");
    for hit in inn.search("green tea").await?.hits {
        println!("  {}: {}", hit.chat_id, marked(&hit));
    }
    let chat = inn.chat("chat-2")?;
    println!("the chat goes on");
    println!("  host: {}", chat.prompt("what did I say first?").await?.answer().await?);
    println!("and here it is, for people");
    print(&inn, chat.id().clone()).await?;
    worlds.close_all().await;
    Ok(())
}

/// Brings all worlds of the old database into worlds of the same names.
async fn import(old: &Path, worlds: &Worlds) -> Result<Report> {
    let open = |id| async move {
        let world = match worlds.get(&id)? {
            Some(world) => world,
            None => worlds.open(&id).await?,
        };
        Ok::<_, polychat::Error>(world.service())
    };
    let observe = |observed: Observed<'_>| match observed {
        Observed::Progress(progress) => bar(progress),
        Observed::Problem(problem) => println!("  left out: {problem}"),
        _ => {}
    };
    Ok(AgentWorld::at(old).observe(observe).import(open).await?)
}

/// One line that grows, or one line each where nobody watches.
fn bar(progress: &Progress) {
    let (done, total) = (progress.chats_done, progress.chats_total.unwrap_or(progress.chats_done));
    let whole = usize::try_from(20 * done / total.max(1)).unwrap_or(20);
    let line = format!("  [{:-<20}] {done} of {total} chats", "#".repeat(whole));
    if io::stdout().is_terminal() {
        print!("\r{line}{}", if done == total { "\n" } else { "" });
        // Where the line cannot be written, there is nobody to see it.
        let _ = io::stdout().flush();
    } else {
        println!("{line}");
    }
}

fn tell(report: &Report) {
    let Report { chats_imported, chats_already_there, messages_imported, duplicates, .. } = report;
    println!("  {chats_imported} chats and {messages_imported} messages are new");
    println!("  {chats_already_there} chats were there; {duplicates} rows said nothing new");
}

/// The piece that was found, with its words in brackets.
fn marked(hit: &Hit) -> String {
    let (mut text, mut from) = (String::new(), 0);
    for mark in &hit.snippet.marks {
        text += &hit.snippet.text[from..mark.start];
        text += &format!("[{}]", &hit.snippet.text[mark.clone()]);
        from = mark.end;
    }
    text + &hit.snippet.text[from..]
}

async fn print(world: &World, chat: polychat::ChatId) -> Result<()> {
    let markdown = Export::chat(world.service(), chat).markdown().into_text().await?;
    markdown.lines().for_each(|line| println!("  {line}"));
    Ok(())
}

/// An old database with three chats, in which some messages were saved several times.
fn build(path: &Path) -> Result<()> {
    let old = Connection::open(path)?;
    old.execute_batch(TABLES)?;
    let chats = [
        ("chat-1", "Breakfast", ["is there green tea?", "Green tea, black tea, and coffee."]),
        ("chat-2", "A room", ["a room with a view, please", "The green one, above the garden."]),
        ("chat-3", "New Chat", ["my tea was cold", "I bring you another one."]),
    ];
    for (chat, name, said) in chats {
        let times = "'2024-05-01 08:00:00', '2024-05-01 08:00:30', 'manual'";
        old.execute(
            &format!("INSERT INTO world_chats VALUES (?1, 'inn', ?2, {times})"),
            [chat, name],
        )?;
        for _ in 0..3 {
            let speakers = [("user", "human"), ("assistant", "host")];
            for (n, ((role, sender), text)) in speakers.iter().zip(said).enumerate() {
                let sql = "INSERT INTO agent_memory \
                    (agent_id, world_id, role, content, sender, created_at, chat_id, message_id) \
                    VALUES ('host', 'inn', ?1, ?2, ?3, ?4, ?5, ?6)";
                let at = format!("2024-05-01T08:00:{:02}.000Z", 10 * n);
                old.execute(sql, (role, text, sender, at, chat, format!("m{n}")))?;
            }
        }
    }
    let lost = "INSERT INTO agent_memory (agent_id, world_id, role, content, created_at) \
        VALUES ('host', 'inn', 'user', 'where am I?', '2024-05-01 08:00:00')";
    old.execute(lost, [])?;
    Ok(())
}

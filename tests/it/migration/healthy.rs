//! What becomes of worlds, agents, chats and messages; and the database stays as it is.
//!
//! Time is not paused in these tests: a database is read on threads of its own.

use std::{collections::BTreeMap, fs, path::Path};

use polychat::{
    Metadata, Timestamp, WorldId, Worlds,
    command::{ChatFilter, Page},
    event::{Origin, TitleProvenance},
    message::Role,
    tool::ToolSelection,
    transfer::{AgentWorld, Export, ImportError, Observed, agent_world::DatabaseError},
};
use rusqlite::Connection;

use super::old::{Old, Row, at, brought, brought_into, fixture, problems};
use crate::support::{assert_sound, house, messages};

/// All files of a folder with what they hold.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap()))
        .collect()
}

// issue 4, NFR-5: worlds, agents, chats with ids, titles and times, messages in order
#[tokio::test]
async fn a_database_is_brought_in_whole_and_a_second_time_changes_nothing() {
    let old = Old::with_agents(&["ada"]);
    old.run(
        "UPDATE worlds SET turn_limit = 7; \
         INSERT INTO world_chats VALUES ('x', 'home', 'Tea', 'about tea', 2, '[\"hot\"]', \
            '2026-11-22 16:44:49', '2026-11-22T16:44:50.500Z', 'manual')",
    );
    old.chat("y", "New Chat");
    old.turn("ada", "x", 1, "what is tea?", "a drink");
    old.turn("ada", "x", 2, "hot?", "often");
    old.turn("ada", "y", 1, "what is tea?", "the same id, in another chat");
    drop(old.connection);
    let path = old.folder.path().join("old.db");
    let before = files(old.folder.path());

    let house = house().open().await;
    let mut seen = Vec::new();
    let door = house.world.service();
    let report = AgentWorld::at(&path)
        .take_settings()
        .observe(|observed| {
            if let Observed::Progress(progress) = observed {
                seen.push((progress.chats_done, progress.chats_total, progress.messages));
            }
        })
        .import(|world| {
            assert_eq!(world, WorldId::new("home").unwrap());
            let door = door.clone();
            async move { Ok::<_, polychat::Error>(door) }
        })
        .await
        .unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.chats_imported, report.messages_imported, report.duplicates), (2, 6, 0));
    assert_eq!(seen, [(1, Some(2), 4), (2, Some(2), 6)]);

    let chat = house.chat("x").await;
    let expected = ["user: what is tea?", "assistant: a drink", "user: hot?", "assistant: often"];
    assert_eq!(messages(&chat).await, expected);
    let snapshot = chat.snapshot().await.unwrap();
    let summary = &snapshot.summary;
    assert_eq!((&*summary.title, summary.provenance), ("Tea", TitleProvenance::Manual));
    let times = (Timestamp(1_795_365_889_000), Timestamp(1_795_365_890_500));
    assert_eq!((summary.created_at, summary.updated_at), times);
    assert_eq!(summary.metadata.get("tags"), Some(&serde_json::json!(["hot"])));
    assert_eq!(summary.metadata.get("description"), Some(&"about tea".into()));
    assert!(
        matches!(&summary.origin, Some(Origin::Import { source, .. }) if &**source == "agent-world")
    );
    assert_eq!(summary.agent.as_ref().map(|it| it.as_str()), Some("ada"));
    let answer = &snapshot.messages[1];
    assert_eq!((answer.source_id.as_deref(), answer.at.0), (Some("a drink"), 1_795_365_901_009));
    assert_eq!(answer.metadata, Metadata::from([("replyToMessageId", "what is tea?")]));
    assert_sound(&chat).await;
    let info = house.world.info().await.unwrap();
    let agent = info.agents.iter().find(|it| it.name.as_str() == "ada").unwrap();
    assert_eq!((agent.model.as_str(), &*agent.system), ("gpt", "You are ada."));
    assert_eq!((agent.params.temperature, agent.params.output_tokens_max), (Some(0.5), Some(100)));
    assert_eq!(agent.tools, ToolSelection::All);
    assert_eq!((info.settings.mentions, info.settings.handoffs_max), (true, 7));

    let lines = || Export::world(house.world.service()).json_lines().into_text();
    let first = lines().await.unwrap();
    let again = brought(&house, &path).await;
    assert_eq!((again.chats_already_there, again.chats_imported), (2, 0));
    assert!(again.is_whole(), "{:?}", again.problems);
    assert_eq!(lines().await.unwrap(), first);
    assert_eq!(files(old.folder.path()), before, "the database stays as it is");
}

// issue 4: tool calls and results are placed
#[tokio::test]
async fn results_of_tools_stand_after_the_message_that_asked_for_them() {
    let old = Old::with_agents(&["ada"]);
    old.chat("x", "Tools");
    let calls = r#"[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}},
        {"id":"c2","function":{"name":"look","arguments":"not json"}}]"#;
    let row = |role, content, second: &'static str| Row {
        agent: "ada",
        role,
        content,
        at: second,
        chat: Some("x"),
        id: Some(content),
        ..Row::default()
    };
    let [one, two, three, four, five] = [1, 2, 3, 4, 5].map(|second| &*at(second, 0).leak());
    old.memory(Row { sender: Some("bo"), ..row("user", "look!", one) });
    old.memory(Row { calls: Some(calls), ..row("assistant", "I look", two) });
    // The results came in another order, with a message between them, and an id used again.
    old.memory(Row { call: Some("c2"), ..row("tool", "second", three) });
    old.memory(Row { sender: Some("human"), ..row("user", "well?", three) });
    old.memory(Row { call: Some("c1"), ..row("tool", "first", four) });
    let again = r#"[{"id":"c1","function":{"name":"look","arguments":""}}]"#;
    old.memory(Row { calls: Some(again), ..row("assistant", "and again", four) });
    old.memory(Row { call: Some("c1"), ..row("tool", "third", five) });
    let house = house().open().await;
    let report = brought(&house, old.path()).await;
    assert!(report.is_whole(), "{:?}", report.problems);
    let snapshot = house.chat("x").await.snapshot().await.unwrap();
    let texts: Vec<_> = snapshot.messages.iter().map(|message| message.text()).collect();
    assert_eq!(texts, ["look!", "I look", "first", "second", "well?", "and again", "third"]);
    let Role::Assistant { tool_calls, .. } = &snapshot.messages[1].role else { panic!() };
    assert_eq!(tool_calls[0].arguments, serde_json::json!({ "at": 1 }));
    assert_eq!(tool_calls[1].arguments, "not json");
    let Role::Tool { tool_call_id } = &snapshot.messages[3].role else { panic!() };
    assert_eq!((tool_call_id.message, tool_call_id.index), (snapshot.messages[1].id, 1));
    assert_eq!(snapshot.messages[0].metadata, Metadata::from([("sender", "bo")]));
}

// issue 4: a write-ahead log beside the database counts, and stays where it is
#[tokio::test]
async fn what_stands_only_in_the_log_beside_the_database_is_brought_in_too() {
    let old = Old::with_agents(&["ada"]);
    old.connection.pragma_update(None, "journal_mode", "wal").unwrap();
    old.chat("x", "Tea");
    old.turn("ada", "x", 1, "what is tea?", "a drink");
    // As a crash leaves them: nothing of it is in the database itself.
    let crashed = tempfile::tempdir().unwrap();
    for name in ["old.db", "old.db-wal"] {
        fs::copy(old.folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    let before = files(crashed.path());
    assert!(before["old.db-wal"].len() > 1_000);
    let house = house().open().await;
    let report = brought(&house, crashed.path().join("old.db")).await;
    assert_eq!((report.chats_imported, report.messages_imported), (1, 2));
    assert_eq!(files(crashed.path()), before, "nothing is written, not even beside it");
}

// Law 7: more chats and more rows than are read at once
#[tokio::test]
async fn many_chats_and_long_ones_are_brought_in_to_their_last_message() {
    let old = Old::with_agents(&["ada"]);
    old.run("BEGIN");
    for n in 0..501 {
        old.chat(&format!("chat-{n:03}"), "One of many");
    }
    for n in 0..600 {
        old.turn("ada", "chat-500", n / 10, &format!("q{n:03}"), &format!("a{n:03}"));
    }
    old.run("COMMIT");
    let house = house().open().await;
    let report = brought(&house, old.path()).await;
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.chats_imported, report.messages_imported), (501, 1_200));
    assert_eq!(messages(&house.chat("chat-500").await).await.len(), 1_200);
}

// issue 4: opened with checks
#[tokio::test]
async fn what_is_no_sound_database_of_agent_world_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("text"), "hello".repeat(100)).unwrap();
    fs::write(place("empty"), "").unwrap();
    let other = Connection::open(place("other")).unwrap();
    other.execute_batch("CREATE TABLE worlds (id); CREATE TABLE agents (id)").unwrap();
    let old = Old::with_agents(&["ada"]);
    old.chat("x", "Tea");
    for second in 0..50 {
        old.turn("ada", "x", second, &format!("{second} {}", "?".repeat(200)), "!");
    }
    drop(old.connection);
    let mut bytes = fs::read(old.folder.path().join("old.db")).unwrap();
    let len = bytes.len();
    bytes[len / 2..].fill(0xAA);
    fs::write(place("damaged"), bytes).unwrap();
    let house = house().open().await;
    for (name, expected) in [
        ("absent", "cannot be read"),
        ("text", "is no sqlite database"),
        ("empty", "is no sqlite database"),
        ("other", "no table world_chats"),
        ("damaged", "is damaged"),
    ] {
        let door = house.world.service();
        let open = |_| std::future::ready(Ok::<_, polychat::Error>(door.clone()));
        let error = AgentWorld::at(place(name)).import(open).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(matches!(error, ImportError::Database(_)));
        if let ImportError::Database(DatabaseError::Sqlite(error)) = error {
            panic!("{name}: {error}");
        }
    }
    let all = house.world.chats(Page::first(9), ChatFilter::new()).await.unwrap();
    assert_eq!(all.chats, []);
}

// issue 4: files of older versions have fewer columns
#[tokio::test]
async fn messages_of_a_time_when_they_had_no_ids_are_brought_in_once() {
    let old = Old::with_agents(&["ada"]);
    old.chat("x", "Tea");
    for _ in 0..2 {
        old.turn("ada", "x", 1, "what is tea?", "a drink");
    }
    for column in ["message_id", "reply_to_message_id", "tool_calls", "message_metadata"] {
        old.run(&format!("ALTER TABLE agent_memory DROP COLUMN {column}"));
    }
    old.run("ALTER TABLE world_chats DROP COLUMN title_provenance");
    let house = house().open().await;
    for (imported, there) in [(1, 0), (0, 1)] {
        let report = brought(&house, old.path()).await;
        assert!(report.is_whole(), "{:?}", report.problems);
        assert_eq!((report.chats_imported, report.chats_already_there), (imported, there));
        assert_eq!(report.duplicates, 2);
    }
    let chat = house.chat("x").await;
    assert_eq!(messages(&chat).await, ["user: what is tea?", "assistant: a drink"]);
    assert_eq!(chat.snapshot().await.unwrap().messages[0].source_id, None);
}

// issue 4: a database that agent-world wrote itself
#[tokio::test]
async fn the_healthy_database_of_agent_world_says_here_what_its_tables_say() {
    let Some(path) = fixture("agent-world-0.16.5-healthy.db") else { return };
    let house = house().open().await;
    let worlds = Worlds::new(house.builder());
    let report = brought_into(&worlds, &path).await;
    assert!(report.is_whole(), "{:?}", problems(&report));
    assert_eq!((report.chats_imported, report.messages_imported, report.duplicates), (2, 8, 0));
    let world = worlds.get("bench-03z3yv").unwrap().unwrap();
    let chat = world.chat("bench-03z3yv-chat-00000").unwrap();
    let said = messages(&chat).await;
    let numbers: Vec<_> = said.iter().step_by(2).map(|it| it[..14].to_owned()).collect();
    assert_eq!(numbers, ["user: hello r1", "user: hello r3", "user: hello r2", "user: hello r0"]);
    assert!(said.iter().skip(1).step_by(2).all(|it| it.starts_with("assistant: tag:bench")));
    assert_eq!(chat.snapshot().await.unwrap().summary.title.as_ref(), "Bench 0");
    let again = brought_into(&worlds, &path).await;
    assert_eq!((again.chats_imported, again.chats_already_there), (0, 2));
}

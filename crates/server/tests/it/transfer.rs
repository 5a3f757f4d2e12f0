//! What is done with the file without a server: taken out, brought in, searched, verified.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use polychat::{
    ChatId, Notice, Seq, SqliteStore, StartAt,
    ports::{Entry, LogKey, Store},
};
use rustix::process::Signal;

use super::child::{Place, Served, answer, home, over, polychat, refused, send, until, within};

/// What a subcommand did: its status, what it wrote, what it said.
async fn done(arguments: &[&str], file: &Path) -> (i32, String, String) {
    let mut command = polychat(arguments);
    command.args(["--data", file.to_str().unwrap()]).stdin(Stdio::null());
    let output = within(command.output()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A file in which this was said, and nothing runs any more.
async fn spoken(file: &Path, words: &[&str]) {
    let mut served = Served::start(&mut over(file));
    for (index, words) in words.iter().enumerate() {
        let chat = within(served.world.open_chat(format!("chat-{index}"))).await.unwrap();
        answer(&chat, words).await;
    }
    drop(served.world);
    assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
}

/// The log of a chat, as it is stored.
async fn log(file: &Path, chat: &str) -> Vec<Entry> {
    let store = Arc::new(SqliteStore::open_read_only(file).unwrap());
    let key = LogKey::Chat(home(), ChatId::new(chat).unwrap());
    let log = store.read(&key, Seq::ZERO, 1_000).await.unwrap();
    store.close().await;
    log
}

// REQ-9
#[tokio::test]
async fn chats_go_from_file_to_file_are_found_there_and_come_once() {
    let place = Place::new();
    let (old, new, lines) = (place.file(), place.path("new.db"), place.path("out.jsonl"));
    spoken(&old, &["the meeting is at the lighthouse", "green tea\u{1b}[2J"]).await;
    let out = lines.to_str().unwrap();
    fs::write(&lines, "what was there before").unwrap();
    let (status, written, said) = done(&["export", "-o", out], &old).await;
    assert_eq!((status, written.as_str(), said.as_str()), (0, "", ""));
    assert!(!PathBuf::from(format!("{out}.part")).exists());
    // One that fails leaves it.
    let (status, ..) = done(&["export", "--chat", "nobody", "-o", out], &old).await;
    assert_eq!(status, 1);
    assert!(!PathBuf::from(format!("{out}.part")).exists());
    let (status, written, _) = done(&["export"], &old).await;
    assert_eq!((status, written), (0, fs::read_to_string(&lines).unwrap()));
    for (imported, there) in [(2, 0), (0, 2)] {
        let (status, report, said) = done(&["import", out], &new).await;
        assert_eq!((status, said.as_str()), (0, ""), "{report}");
        assert!(report.contains(&format!("chats imported: {imported}\n")), "{report}");
        assert!(report.contains(&format!("chats already there: {there}\n")), "{report}");
    }
    let (status, found, _) = done(&["search", "lighthouse"], &new).await;
    assert_eq!(status, 0);
    assert!(found.starts_with("chat-0\t"), "{found}");
    // What a terminal would obey is not handed on.
    let (_, found, _) = done(&["search", "green", "tea", "--limit", "1"], &new).await;
    assert!(found.starts_with("chat-1\t") && !found.contains('\u{1b}'), "{found:?}");
    assert_eq!(found.lines().count(), 1);
    let (status, text, _) =
        done(&["export", "--chat", "chat-0", "--format", "markdown"], &new).await;
    assert_eq!(status, 0);
    assert!(text.contains("> the meeting is at the lighthouse") && !text.contains("green tea"));
}

/// As much of agent-world's tables as is read.
const AGENT_WORLD: &str = "
    CREATE TABLE worlds (id TEXT PRIMARY KEY, name TEXT);
    CREATE TABLE agents (id TEXT, world_id TEXT, name TEXT, model TEXT, system_prompt TEXT);
    CREATE TABLE world_chats (id TEXT PRIMARY KEY, world_id TEXT, name TEXT,
        created_at TIMESTAMP, updated_at TIMESTAMP, title_provenance TEXT);
    CREATE TABLE agent_memory (id INTEGER PRIMARY KEY, agent_id TEXT, world_id TEXT, role TEXT,
        content TEXT, sender TEXT, created_at TIMESTAMP, chat_id TEXT, message_id TEXT);
    INSERT INTO worlds VALUES ('inn', 'The Inn');
    INSERT INTO agents VALUES ('host', 'inn', 'host', 'demo', 'You keep the inn.');
    INSERT INTO world_chats VALUES ('tea', 'inn', 'Tea', '2025-01-01T10:00:00Z', '2025-01-01T10:00:00Z', 'manual');
    INSERT INTO agent_memory VALUES (1, 'host', 'inn', 'user', 'is there green tea?', 'human',
        '2025-01-01T10:00:00Z', 'tea', 'm1');";

// constraint 1
#[tokio::test]
async fn a_database_of_agent_world_is_recognised_and_its_worlds_keep_their_names() {
    let place = Place::new();
    let old = place.path("old.db");
    rusqlite::Connection::open(&old).unwrap().execute_batch(AGENT_WORLD).unwrap();
    let (status, report, said) = done(&["import", old.to_str().unwrap()], &place.file()).await;
    assert_eq!((status, said.as_str()), (0, ""), "{report}");
    assert!(report.contains("messages imported: 1\n"), "{report}");
    assert!(report.contains("agents added: 1\n"), "{report}");
    let (_, found, _) = done(&["search", "tea", "--world", "inn"], &place.file()).await;
    assert!(found.starts_with("tea\t"), "{found}");
}

// law 5: nobody who takes something out decides how a turn ends
#[tokio::test]
async fn what_is_under_way_is_left_as_it_is_by_whoever_takes_out_or_brings_in() {
    let place = Place::new();
    let (file, lines) = (place.file(), place.path("in.jsonl"));
    let mut served = Served::start(&mut over(&file));
    let (chat, mut seen) = served.hanging("busy").await;
    within(chat.prompt("and then?").send()).await.unwrap();
    let waits = |notice: &Notice| match notice {
        Notice::Recorded { event, .. } => event.event.name() == "prompt.accepted",
        _ => false,
    };
    until(&mut seen, waits).await;
    send(&served.child, Signal::KILL);
    served.ended().await;
    let before = log(&file, "busy").await;
    fs::write(&lines, "{\"v\":1,\"type\":\"end\",\"chats\":0,\"messages\":0}\n").unwrap();
    for arguments in
        [&["export"][..], &["search", "then"], &["verify"], &["import", lines.to_str().unwrap()]]
    {
        let (status, _, said) = done(arguments, &file).await;
        assert_eq!(status, 0, "{arguments:?}: {said}");
        assert_eq!(log(&file, "busy").await, before, "{arguments:?}");
    }
    // Who serves it takes up what was left.
    let served = Served::start(&mut over(&file));
    let chat = served.world.chat("busy").unwrap();
    let mut seen = within(chat.subscribe(StartAt::Start)).await.unwrap();
    let ended = |notice: &Notice| match notice {
        Notice::Recorded { event, .. } => event.event.name() == "turn.ended",
        _ => false,
    };
    until(&mut seen, ended).await;
}

#[tokio::test]
async fn a_file_in_use_is_verified_and_otherwise_refused_with_who_uses_it() {
    let place = Place::new();
    let served = Served::start(&mut over(&place.file()));
    let chat = within(served.world.open_chat("a")).await.unwrap();
    answer(&chat, "hello").await;
    let (status, found, said) = done(&["verify"], &place.file()).await;
    assert_eq!((status, found.as_str()), (0, ""), "{said}");
    assert!(said.contains("in 2 logs"), "{said}");
    let process = format!("process {}", served.child.id().unwrap());
    for arguments in [&["export"][..], &["search", "hello"], &["import", "/dev/null"]] {
        let (status, _, said) = done(arguments, &place.file()).await;
        assert_eq!(status, 1, "{arguments:?}");
        assert!(said.contains(&process), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn damage_is_found_and_named() {
    let place = Place::new();
    spoken(&place.file(), &["the meeting is at the lighthouse"]).await;
    let mut bytes = fs::read(place.file()).unwrap();
    let words = b"the meeting is at the lighthouse";
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(words)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + 4] = b'g';
    }
    fs::write(place.file(), bytes).unwrap();
    let (status, found, _) = done(&["verify"], &place.file()).await;
    assert_eq!(status, 3, "{found}");
    assert!(found.contains("world home, chat chat-0, event 2: the checksum is wrong"), "{found}");
}

#[tokio::test]
async fn what_an_import_leaves_out_is_told_and_shows_in_its_status() {
    let place = Place::new();
    let lines = place.path("in.jsonl");
    let text = concat!(
        r#"{"v":1,"type":"chat","chatId":"a","source":"an app","createdAt":1,"updatedAt":2}"#,
        "\n",
        r#"{"v":1,"type":"message","chatId":"a","id":"m1","at":1,"role":"owl","parts":[]}"#,
        "\n",
        r#"{"v":1,"type":"end","chats":1,"messages":1}"#,
        "\n",
    );
    fs::write(&lines, text).unwrap();
    let (status, report, said) = done(&["import", lines.to_str().unwrap()], &place.file()).await;
    assert_eq!(status, 3, "{said}");
    assert!(report.contains("chats imported: 1\n") && report.contains("messages left out: 1\n"));
    assert!(said.starts_with("left out: line 2: "), "{said}");
}

#[tokio::test]
async fn what_cannot_be_done_without_a_server_says_why() {
    let place = Place::new();
    spoken(&place.file(), &["hello"]).await;
    let (file, missing) = (place.file(), place.path("missing"));
    let (file, missing) = (file.to_str().unwrap(), missing.to_str().unwrap());
    let text = place.path("text.db");
    fs::write(&text, "SQLite format 3\0 but not really").unwrap();
    let text = text.to_str().unwrap();
    let table: [(&[&str], &[&str]); 8] = [
        (&["export", "--data", missing], &["missing does not exist"]),
        (&["search", "x", "--data", missing], &["missing does not exist"]),
        (&["verify", "--data", missing], &["missing does not exist"]),
        (&["export", "--world", "work", "--data", file], &["no world \"work\"", "--world"]),
        (&["export", "--chat", "b", "--data", file], &["polychat: there is no chat b\n"]),
        (&["export", "-o", "/dev/null/x", "--data", file], &["/dev/null/x cannot be written"]),
        (&["import", missing, "--data", file], &["missing cannot be read"]),
        (&["import", text, "--data", file], &["text.db"]),
    ];
    for (arguments, words) in table {
        let (status, said) = refused(&mut polychat(arguments)).await;
        assert_eq!(status, 1, "{arguments:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {said}");
        }
    }
    assert!(!Path::new(missing).exists());
    let mut in_memory = polychat(["export"]);
    let (status, said) = refused(in_memory.env("POLYCHAT_STORE__MEMORY", "true")).await;
    assert_eq!(status, 1);
    assert!(said.contains("in memory") && said.contains("--data FILE"), "{said}");
}

//! Which files are opened, by whom, and what is said of the others.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use polychat_core::{
    Seq, Timestamp,
    command::Page,
    ports::{AppendError, OpenMode, Store, StoreErrorKind},
};
use polychat_store::{SqliteError, SqliteStore};
use polychat_testkit::samples::world_id;

use super::support::{Chat, Place, key, search};

/// Names the file to a child, which is this test binary.
const FILE: &str = "POLYCHAT_TEST_FILE";

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    let place = Place::new();
    let mut epochs = Vec::new();
    for life in 0..4 {
        let store = place.store();
        let mut chat = if life == 0 {
            Chat::create(&store, "w", "a").await
        } else {
            let (fence, head) =
                Store::open(&store, &key("w", "a"), OpenMode::Existing).await.unwrap();
            let log = store.read(&key("w", "a"), Seq::ZERO, 1_000).await.unwrap();
            assert_eq!(head.get(), 1 + 5 * life);
            let log = log.iter().map(|entry| match entry {
                polychat_core::ports::Entry::Chat(recorded) => &**recorded,
                polychat_core::ports::Entry::World(_) => panic!("a chat's log"),
            });
            let state = polychat_core::rules::ChatState::replay(key("w", "a").chat().unwrap(), log);
            Chat { store: &store, fence, state: state.unwrap() }
        };
        chat.turn("question", "answer").await;
        epochs.push(chat.fence.epoch);
        assert_eq!(search(&store, "w", "answer").await.len() as u64, life + 1);
        assert!(store.verify().await.unwrap().is_sound());
    }
    assert!(epochs.is_sorted_by(|earlier, later| earlier < later), "{epochs:?}");
}

#[tokio::test]
async fn closing_ends_what_was_begun_and_unlocks_the_file() {
    let place = Place::new();
    for n in 0..3 {
        let store = place.store();
        let chat = Chat::create(&store, "w", &format!("c{n}")).await;
        drop(chat);
        assert_eq!(store.list(&world_id("w"), &Page::first(10)).await.unwrap().len(), n + 1);
        store.close().await;
    }
    // The last connection takes the log with it, and the holder its note.
    assert_eq!(place.files(), 2, "the database and the lock");
}

// A world holds the store as well, and must not keep the file from being opened again.
#[tokio::test]
async fn closing_unlocks_the_file_whoever_else_holds_the_store() {
    let place = Place::new();
    let store = std::sync::Arc::new(place.store());
    let elsewhere = std::sync::Arc::clone(&store);
    let chat = Chat::create(&store, "w", "a").await;
    let (fence, head) = (chat.fence.clone(), chat.head());
    tokio::join!(store.close(), elsewhere.close());

    let again = place.store();
    assert_eq!(again.list(&world_id("w"), &Page::first(10)).await.unwrap().len(), 1);
    let closed = StoreErrorKind::Unavailable;
    let list = elsewhere.list(&world_id("w"), &Page::first(10)).await;
    assert_eq!(list.unwrap_err().kind, closed);
    assert_eq!(elsewhere.verify().await.unwrap_err().kind, closed);
    assert_eq!(elsewhere.delete(&fence).await.unwrap_err().kind, closed);
    let summary = polychat_testkit::samples::summary(fence.key.chat().unwrap(), head);
    let late = elsewhere.append(&fence, head, &[], Some(&summary)).await;
    assert_eq!(late.unwrap_err().inner().kind, closed);
    elsewhere.close().await;
    assert_eq!(elsewhere.counts().appends, 1);
    // The old one, dropped, takes no lock from the new one.
    drop(chat);
    drop((store, elsewhere));
    assert!(matches!(place.options().open(), Err(SqliteError::Held { .. })));
}

// law 1: whoever held a log in an earlier life of the store holds it no more
#[tokio::test]
async fn fences_of_an_earlier_life_are_refused() {
    let place = Place::new();
    let store = place.store();
    let chat = Chat::create(&store, "w", "a").await;
    let (unborn, _) = Store::open(&store, &key("w", "b"), OpenMode::Create).await.unwrap();
    let (a, head) = (chat.fence, chat.state.head());
    drop(store);
    let store = place.store();
    let summary = polychat_testkit::samples::summary(a.key.chat().unwrap(), head);
    let late = store.append(&a, head, &[], Some(&summary)).await;
    let Err(AppendError::Rejected(error)) = late else { panic!("{late:?}") };
    assert_eq!(error.kind, StoreErrorKind::Fenced);
    assert_eq!(store.delete(&a).await.unwrap_err().kind, StoreErrorKind::Fenced);
    assert_eq!(store.delete(&unborn).await.unwrap_err().kind, StoreErrorKind::Fenced);
}

#[tokio::test]
async fn a_second_opening_is_told_who_holds_the_file_and_may_read() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "a").await;
    // Whichever way leads to the file.
    let link = place.file().with_file_name("link.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.file(), &link).unwrap();
    let round_about = place.file().parent().unwrap().join(".").join("chats.db");
    for path in [place.file(), round_about, link] {
        let error = SqliteStore::open(&path).unwrap_err();
        let SqliteError::Held { holder, .. } = &error else { panic!("{error}") };
        assert_eq!(holder.pid, Some(std::process::id()));
    }
    let reader = SqliteStore::open_read_only(place.file()).unwrap();
    chat.turn("question", "needle").await;
    assert_eq!(reader.read(&key("w", "a"), Seq::ZERO, 100).await.unwrap().len(), 6);
    assert_eq!(search(&reader, "w", "needle").await.len(), 1);
    assert!(reader.verify().await.unwrap().is_sound());
    let opened = Store::open(&reader, &key("w", "a"), OpenMode::Existing).await;
    assert_eq!(opened.unwrap_err().kind, StoreErrorKind::Unavailable);
    let refused = reader.delete(&chat.fence).await;
    assert_eq!(refused.unwrap_err().kind, StoreErrorKind::Unavailable);
    drop(chat);
    drop(store);
    // Who reads keeps nobody out.
    drop(place.store());
}

// REQ-9: another process is told, and a process that was killed keeps nobody out
#[tokio::test]
async fn another_process_is_named_and_a_dead_one_is_no_holder() {
    let place = Place::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "files::holds_a_file", "--nocapture"])
        .env(FILE, place.file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let held = lines.map(Result::unwrap).any(|line| line.contains("holding"));
    assert!(held, "the child said nothing");

    let error = SqliteStore::open(place.file()).unwrap_err();
    let SqliteError::Held { path, holder } = &error else { panic!("{error}") };
    assert_eq!((path.file_name(), holder.pid), (place.file().file_name(), Some(child.id())));
    assert!(holder.host.is_some() && holder.since > Some(Timestamp(1_600_000_000_000)));
    assert!(error.to_string().contains(&format!("held by process {} on ", child.id())), "{error}");
    let reader = SqliteStore::open_read_only(place.file()).unwrap();
    assert_eq!(reader.list(&world_id("w"), &Page::first(10)).await.unwrap().len(), 1);
    drop(reader);

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(place.file().with_file_name("chats.db-holder").exists(), "it could not clean up");
    let store = place.store();
    assert_eq!(store.read(&key("w", "a"), Seq::ZERO, 10).await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "started by `another_process_is_named_and_a_dead_one_is_no_holder`"]
async fn holds_a_file() {
    let path = std::env::var_os(FILE).unwrap();
    let store = SqliteStore::options(path).ballast_bytes(0).open().unwrap();
    Chat::create(&store, "w", "a").await;
    println!("holding");
    // Until the parent ends it, or is gone itself.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
    let refused = |contents: &dyn Fn(&Place), is_right: fn(&SqliteError) -> bool| {
        let place = Place::new();
        contents(&place);
        let before = fs::read(place.file()).unwrap();
        for error in [
            SqliteStore::open(place.file()).unwrap_err(),
            SqliteStore::open_read_only(place.file()).unwrap_err(),
        ] {
            assert!(is_right(&error), "{error:?}");
        }
        assert_eq!(fs::read(place.file()).unwrap(), before, "it was changed");
    };
    let not_a_database = |error: &SqliteError| matches!(error, SqliteError::NotADatabase { .. });
    for text in [b"hello".repeat(1_000), vec![0; 5_000], b"SQLite format 2\0".repeat(100)] {
        refused(&|place| fs::write(place.file(), &text).unwrap(), not_a_database);
    }
    let database =
        |sql: &'static str| move |place: &Place| place.stranger().execute_batch(sql).unwrap();
    let foreign = |error: &SqliteError| matches!(error, SqliteError::Foreign { .. });
    refused(&database("CREATE TABLE worlds (id)"), foreign);
    refused(&database("PRAGMA application_id = 7; CREATE TABLE x (y)"), foreign);
    refused(&database("PRAGMA application_id = 7; PRAGMA user_version = 1"), foreign);
    refused(&database("PRAGMA user_version = 1"), foreign);
    let newer =
        |error: &SqliteError| matches!(error, SqliteError::Newer { found: 2, known: 1, .. });
    refused(
        &|place| {
            drop(place.store());
            place.stranger().pragma_update(None, "user_version", 2).unwrap();
        },
        newer,
    );
}

#[test]
fn reading_creates_nothing_and_says_what_is_missing() {
    let place = Place::new();
    let missing = SqliteStore::open_read_only(place.file()).unwrap_err();
    assert!(matches!(missing, SqliteError::Missing { .. }), "{missing:?}");
    assert!(!place.file().exists());
    fs::write(place.file(), "").unwrap();
    let empty = SqliteStore::open_read_only(place.file()).unwrap_err();
    assert!(matches!(empty, SqliteError::NeedsMigration { found: 0, .. }), "{empty:?}");
    // An empty file is as good as none.
    drop(place.store());
    let nowhere = place.file().join("below").join("chats.db");
    let error = SqliteStore::open(nowhere).unwrap_err();
    assert!(matches!(error, SqliteError::Io { .. }), "{error:?}");
}

// "read-only file": whoever may not write is told so, and may read
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_and_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let store = place.store();
    Chat::create(&store, "w", "a").await;
    drop(store);
    let protect =
        |mode| fs::set_permissions(place.file(), fs::Permissions::from_mode(mode)).unwrap();
    protect(0o444);
    let may_write_all_the_same = fs::File::options().write(true).open(place.file()).is_ok();
    if polychat_testkit::require::or_skip("permissions", !may_write_all_the_same) {
        let error = SqliteStore::open(place.file()).unwrap_err();
        assert!(matches!(error, SqliteError::Sqlite { .. }), "{error:?}");
    }
    let reader = SqliteStore::open_read_only(place.file()).unwrap();
    assert_eq!(reader.read(&key("w", "a"), Seq::ZERO, 10).await.unwrap().len(), 1);
    protect(0o644);
}

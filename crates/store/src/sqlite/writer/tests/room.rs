//! What the writer does when room is missing: in the file, on the disk, or in somebody's share of it.

use super::*;

const FULL: (&str, StoreErrorKind) = ("rejected", StoreErrorKind::Full);

// law 7
#[tokio::test]
async fn a_full_file_refuses_appends_lets_go_what_is_deleted_and_heals() {
    let subject = Subject::with_ballast(100_000);
    let (a, b) = (subject.chat("a", 200).await, subject.chat("b", 200).await);
    let ballast = beside(&subject.path(), "-ballast");
    let limit = "PRAGMA max_page_count = 1".to_owned();
    subject.probe(Probe::Sql(limit)).await;
    let mut stored = 200;
    let refused = loop {
        match subject.append(&b, stored, 50).await {
            Ok(()) => stored += 50,
            Err(error) => break error,
        }
    };
    assert_eq!(kind(Err(refused)), Err(("rejected", StoreErrorKind::Full)));
    assert!(ballast.exists(), "nothing was deleted yet");
    // Reading, listing, searching and opening go on.
    assert_eq!(subject.len("b").await as u64, stored);
    let query = SearchQuery::new("words", polychat_core::command::Page::first(1));
    assert!(subject.store.search(&world_id("w"), &query).await.is_ok());
    let (b, head) = subject.store.open(&b.key, OpenMode::Existing).await.unwrap();
    assert_eq!(head, seq(stored));
    assert_eq!(subject.store.delete(&a).await, Ok(()));
    assert_eq!(subject.len("a").await, 0);
    // What was freed is used again, without anybody's doing.
    let mut tries = 0;
    while let Err(error) = subject.append(&b, stored, 1).await {
        assert_eq!(error.inner().kind, StoreErrorKind::Full);
        tries += 1;
        assert!(tries < 100, "it does not heal");
    }
    assert!(ballast.exists());
}

// law 6: what does not fit keeps nothing out that does
#[tokio::test]
async fn an_append_that_does_not_fit_is_refused_alone() {
    let subject = Subject::new();
    let [a, b, c] =
        [subject.chat("a", 1).await, subject.chat("b", 1).await, subject.create("c").await];
    let pages = subject.count("PRAGMA page_count");
    subject.probe(Probe::Sql(format!("PRAGMA max_page_count = {}", pages + 12))).await;
    // One entry, so that it is sent at once, and longer than what room there is.
    let prompt_id = samples::prompt_id("long");
    let body = polychat_core::event::PromptBody::text(&*"x".repeat(200_000));
    let event = Event::PromptAccepted { prompt_id, mode: PromptMode::Queue, body };
    let long = [Entry::Chat(recorded(&chat_id("b"), seq(2), event))];
    let summary = samples::summary(&chat_id("b"), seq(2));
    let appends: [BoxFuture<'_, _>; 3] = [
        subject.append(&a, 1, 1).boxed(),
        subject.store.append(&b, seq(1), &long, Some(&summary)),
        subject.append(&c, 0, 2).boxed(),
    ];
    let answers = subject.in_one_group(None, appends).await;
    let answers: Vec<_> = answers.into_iter().map(kind).collect();
    assert_eq!(answers, [Ok(()), Err(FULL), Ok(())]);
    assert_eq!([subject.len("a").await, subject.len("b").await, subject.len("c").await], [2, 1, 2]);
    assert_eq!(subject.append(&b, 1, 1).await, Ok(()));
}

// law 7: of a quota that is used up SQLite says no more than that writing failed
#[cfg(target_os = "linux")]
#[tokio::test]
async fn writing_that_fails_where_nothing_fits_is_for_want_of_room() {
    let subject = Subject::new();
    let a = subject.chat("a", 1).await;
    let probe = beside(&subject.path(), "-probe");
    std::os::unix::fs::symlink("/dev/full", &probe).unwrap();
    subject.fail(Fault::Commit(StoreErrorKind::Unavailable)).await;
    assert_eq!(kind(subject.append(&a, 1, 1).await), Err(FULL));
    assert!(!probe.is_symlink(), "it is taken away again");
    assert_eq!(subject.append(&a, 1, 1).await, Ok(()));
    assert_eq!(subject.count("SELECT settlings FROM meta"), 1);
}

// law 7: what cannot be kept aside for another reason than lack of room is done without
#[tokio::test]
async fn a_ballast_that_cannot_be_made_keeps_nobody_from_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    std::fs::create_dir(beside(&path, "-ballast")).unwrap();
    let options = SqliteStore::options(&path).durability(Durability::ProcessSafe);
    let subject = Subject { store: options.ballast_bytes(1).open().unwrap(), folder };
    let a = subject.chat("a", 1).await;
    assert_eq!(subject.append(&a, 1, 1).await, Ok(()));
}

// law 7: what is kept aside for deletions is not for those who append
#[cfg(target_os = "linux")]
#[tokio::test]
async fn while_the_ballast_is_not_whole_only_those_who_delete_may_write() {
    let subject = Subject::new();
    let (a, b) = (subject.chat("a", 1).await, subject.chat("b", 1).await);
    drop((a, b));
    let Subject { store, folder } = subject;
    drop(store);
    // Nothing fits where the ballast would be.
    let path = folder.path().join("chats.db");
    let in_the_way = beside(&path, "-ballast");
    std::os::unix::fs::symlink("/dev/full", &in_the_way).unwrap();
    let options = SqliteStore::options(&path).durability(Durability::ProcessSafe);
    let subject = Subject { store: options.ballast_bytes(1).open().unwrap(), folder };
    let open = async |chat| subject.store.open(&key(chat), OpenMode::Existing).await.unwrap().0;
    let (a, b) = (open("a").await, open("b").await);
    for _ in 0..3 {
        let full = Err(("rejected", StoreErrorKind::Full));
        assert_eq!(kind(subject.append(&a, 1, 1).await), full);
    }
    let summary = samples::summary(&chat_id("b"), seq(2));
    let last = [Entry::Chat(recorded(&chat_id("b"), seq(2), Event::ChatDeleted {}))];
    assert_eq!(subject.store.append(&b, seq(1), &last, Some(&summary)).await, Ok(()));
    assert_eq!(subject.store.delete(&b).await, Ok(()));
    std::fs::remove_file(&in_the_way).unwrap();
    assert_eq!(subject.append(&a, 1, 1).await, Ok(()));
}

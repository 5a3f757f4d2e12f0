//! Verification: each kind of damage is named, with the log and the position, and no other is.

use polychat_core::{
    Event, OutcomeKind, Seq, StatusKind, Summary,
    command::Page,
    ports::{LogKey, OpenMode, Store, StoreErrorKind},
};
use polychat_store::{
    SqliteStore,
    sqlite::{Finding, Problem},
};
use polychat_testkit::samples::world_id;

use super::support::{Chat, Place, accepted, key, search};

/// A file with three chats of two turns each.
async fn healthy() -> Place {
    let place = Place::new();
    let store = place.store();
    for chat in ["a", "b", "c"] {
        let mut chat = Chat::create(&store, "w", chat).await;
        chat.turn("one", "two").await;
        chat.turn("three", "four").await;
    }
    Chat::create(&store, "v", "gone").await.delete().await;
    place
}

/// What `verify` finds after a stranger did this.
async fn after(sql: &str) -> (Place, Vec<Finding>) {
    let place = healthy().await;
    place.stranger().execute_batch(sql).unwrap();
    let store = place.store();
    let verification = store.verify().await.unwrap();
    assert_eq!(verification.is_sound(), verification.findings.is_empty());
    drop(store);
    (place, verification.findings)
}

fn of_b(seq: u64, problem: Problem) -> Finding {
    // `Finding` cannot be written out here: it may get more fields.
    found(Some(key("w", "b")), Some(polychat_testkit::samples::seq(seq)), problem)
}

fn found(key: Option<LogKey>, seq: Option<Seq>, problem: Problem) -> Finding {
    Finding::new(key, seq, problem)
}

// Logs are numbered as they were created: b has number 2.
#[tokio::test]
async fn a_healthy_file_is_sound() {
    let place = healthy().await;
    let verification = place.store().verify().await.unwrap();
    assert!(verification.is_sound(), "{:?}", verification.findings);
    assert_eq!((verification.logs, verification.events), (3, 33));
}

#[tokio::test]
async fn damage_to_one_log_is_named_with_its_position() {
    let update = "UPDATE events SET";
    let table: [(&str, &[Finding]); 9] = [
        (
            &format!("{update} body = replace(body, 'one', 'eno') WHERE log = 2 AND seq = 2"),
            &[of_b(2, Problem::Changed)],
        ),
        (&format!("{update} at = at + 1 WHERE log = 2 AND seq = 5"), &[of_b(5, Problem::Changed)]),
        ("DELETE FROM events WHERE log = 2 AND seq = 3", &[of_b(3, Problem::Missing)]),
        ("DELETE FROM events WHERE log = 2 AND seq = 11", &[of_b(11, Problem::Missing)]),
        ("DELETE FROM events WHERE log = 2 AND seq = 1", &[of_b(1, Problem::Missing)]),
        (
            "INSERT INTO events SELECT NULL, log, 12, at, format, seal, body FROM events
             WHERE log = 2 AND seq = 11",
            &[of_b(12, Problem::BehindHead)],
        ),
        // The record of another chat, and one of the same chat from another place.
        (
            "UPDATE events SET (at, seal, body) = (SELECT at, seal, body FROM events
             WHERE log = 1 AND seq = 4) WHERE log = 2 AND seq = 4",
            &[of_b(4, Problem::Foreign)],
        ),
        (
            "UPDATE events SET (at, seal, body) = (SELECT at, seal, body FROM events
             WHERE log = 2 AND seq = 5) WHERE log = 2 AND seq = 10",
            &[of_b(10, Problem::Foreign)],
        ),
        (&format!("{update} format = 2 WHERE log = 2 AND seq = 6"), &[of_b(6, Problem::Newer)]),
    ];
    for (sql, wanted) in table {
        let (place, findings) = after(sql).await;
        assert_eq!(findings, wanted, "{sql}");
        one_chat_is_quarantined(&place.store(), wanted[0].seq.unwrap()).await;
    }
}

// law 6, REQ-9, REQ-11: reading stops at the position, and the other chats notice nothing
async fn one_chat_is_quarantined(store: &SqliteStore, seq: Seq) {
    let read = store.read(&key("w", "b"), Seq::ZERO, 100).await;
    // What stands behind the end is not read.
    if seq <= Seq::ZERO.plus(11) {
        assert_eq!(read.unwrap_err().kind, StoreErrorKind::Corrupt { seq });
        let before = usize::try_from(seq.get() - 1).unwrap();
        assert_eq!(store.read(&key("w", "b"), Seq::ZERO, before).await.unwrap().len(), before);
    }
    for chat in ["a", "c"] {
        assert_eq!(store.read(&key("w", chat), Seq::ZERO, 100).await.unwrap().len(), 11);
    }
    let list = store.list(&world_id("w"), &Page::first(10)).await.unwrap();
    assert_eq!(list.iter().map(|s| s.chat_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[tokio::test]
async fn an_event_that_contradicts_its_past_is_named() {
    let place = healthy().await;
    let store = place.store();
    // A store stores what it is given; that it makes no sense is seen by folding it.
    let mut chat = Chat::create(&store, "w", "d").await;
    chat.append([accepted("p", "one")]).await;
    let again = polychat_testkit::samples::recorded(
        chat.state.chat_id(),
        chat.head().next(),
        accepted("p", "one"),
    );
    let summary = chat.state.summary();
    let again = [polychat_core::ports::Entry::Chat(again)];
    store.append(&chat.fence, chat.head(), &again, Some(&summary)).await.unwrap();
    let findings = store.verify().await.unwrap().findings;
    let reason = "a prompt accepted twice".into();
    let problem = Problem::Contradicts { reason };
    assert_eq!(findings, [found(Some(key("w", "d")), Some(Seq::ZERO.plus(3)), problem)]);
}

#[tokio::test]
async fn what_is_derived_from_a_log_is_compared_with_it() {
    let b = |problem| [found(Some(key("w", "b")), None, problem)];
    let table = [
        (
            "UPDATE logs SET summary = replace(summary, 'Title', 'Other') WHERE id = 2",
            Problem::Summary,
        ),
        (
            "UPDATE logs SET summary = (SELECT summary FROM logs WHERE id = 1) WHERE id = 2",
            Problem::Summary,
        ),
        ("UPDATE logs SET summary = NULL WHERE id = 2", Problem::Summary),
        ("DELETE FROM messages WHERE log = 2 AND message = 2", Problem::Search),
    ];
    for (sql, problem) in table {
        let is_summary = problem == Problem::Summary;
        let (place, findings) = after(sql).await;
        let of_b: Vec<_> = findings.iter().filter(|f| f.key.is_some()).cloned().collect();
        assert_eq!(of_b, b(problem), "{sql}");
        // A summary that is not what was stored is folded from the log instead.
        if is_summary {
            let summary = place.store().summary(&key("w", "b")).await.unwrap();
            assert_eq!((&*summary.title, summary.messages), ("Title", 4));
        }
    }
}

// constraint 1: a summary of an earlier version tells no outcome, and is no damage
#[tokio::test]
async fn a_summary_that_tells_no_outcome_is_sound_and_one_that_tells_another_is_not() {
    let damage = [found(Some(key("w", "a")), None, Problem::Summary)];
    let table: [(Option<OutcomeKind>, &[Finding]); 3] =
        [(Some(OutcomeKind::Completed), &[]), (None, &[]), (Some(OutcomeKind::Failed), &damage)];
    for (last_outcome, wanted) in table {
        let place = Place::new();
        let store = place.store();
        let mut chat = Chat::create(&store, "w", "a").await;
        chat.turn("one", "two").await;
        let stored = Summary { last_outcome, ..chat.state.summary() };
        let (at, of_chat) = (chat.head(), chat.state.chat_id());
        let next = polychat_testkit::samples::recorded(of_chat, at.next(), Event::ChatClosed {});
        let closed =
            Summary { kind: StatusKind::Closed, head: at.next(), updated_at: next.at, ..stored };
        let next = [polychat_core::ports::Entry::Chat(next)];
        store.append(&chat.fence, at, &next, Some(&closed)).await.unwrap();
        assert_eq!(store.verify().await.unwrap().findings, wanted, "{last_outcome:?}");
    }
}

// law 6: neither summary nor log can be read, and still the list shows the chat, as failed
#[tokio::test]
async fn a_chat_of_which_nothing_can_be_read_is_listed_as_failed() {
    let (place, findings) = after(
        "UPDATE logs SET summary = 'x' WHERE id = 2;
         UPDATE events SET body = 'x' WHERE log = 2 AND seq = 1",
    )
    .await;
    assert_eq!(findings, [of_b(1, Problem::Changed)]);
    let list = place.store().list(&world_id("w"), &Page::first(10)).await.unwrap();
    let kinds: Vec<_> = list.iter().map(|summary| summary.kind).collect();
    assert_eq!(kinds, [StatusKind::Idle, StatusKind::Failed, StatusKind::Idle]);
    assert_eq!(list[1].head, Seq::ZERO.plus(11));
}

#[tokio::test]
async fn rows_of_nobody_and_names_that_are_none_are_named() {
    let file = |problem| [found(None, None, problem)];
    let table = [
        (
            "INSERT INTO events VALUES (NULL, 99, 1, 1, 1, 1, '{}'), (NULL, 99, 2, 1, 1, 1, '{}')",
            Problem::Stray { table: "events", rows: 2 },
        ),
        (
            "INSERT INTO waiting VALUES (99, 'p', 1, 1)",
            Problem::Stray { table: "waiting", rows: 1 },
        ),
        (
            "INSERT INTO found (rowid, words, place) VALUES (99, 'x', 'w1')",
            Problem::Stray { table: "found", rows: 1 },
        ),
        ("UPDATE worlds SET name = '..' WHERE name = 'v'", Problem::Name { name: "..".into() }),
        (
            "INSERT INTO tombstones SELECT world, chat, 1 FROM logs WHERE id = 1",
            Problem::Name { name: "a".into() },
        ),
    ];
    for (sql, problem) in table {
        assert_eq!(after(sql).await.1, file(problem), "{sql}");
    }
}

// laws 6, 7: pages of a list join although a name in between is none
#[tokio::test]
async fn a_name_that_is_none_hides_no_other_chat_and_no_other_world() {
    let own_logs = "INSERT INTO worlds (name) VALUES ('a'), ('x');
        INSERT INTO logs (world, chat, head) SELECT id, '', 0 FROM worlds";
    for name in ["CAST(x'62FF' AS TEXT)", "'b' || char(1)"] {
        let break_names = format!(
            "{own_logs}; UPDATE logs SET chat = {name} WHERE id = 2;
             UPDATE worlds SET name = {name} WHERE name = 'v'"
        );
        let (place, findings) = after(&break_names).await;
        let is_name = |finding: &&Finding| matches!(finding.problem, Problem::Name { .. });
        assert_eq!(findings.iter().filter(is_name).count(), 2, "{findings:?}");
        assert_eq!(findings.len(), 2, "{findings:?}");
        let store = place.store();
        for limit in 1..4 {
            assert_eq!(chats(&store, limit).await, ["a", "c"]);
            assert_eq!(worlds(&store, limit).await, ["a", "w", "x"]);
        }
        assert_eq!(search(&store, "w", "three").await.len(), 2);
        let (fence, _) = Store::open(&store, &key("w", "c"), OpenMode::Existing).await.unwrap();
        store.delete(&fence).await.unwrap();
        assert_eq!(chats(&store, 10).await, ["a"]);
    }
}

/// Walks a list as callers do: a page that is not full is the last one.
async fn chats(store: &SqliteStore, limit: usize) -> Vec<String> {
    let (mut found, mut page) = (Vec::new(), Page::first(limit));
    loop {
        let part = store.list(&world_id("w"), &page).await.unwrap();
        found.extend(part.iter().map(|summary| summary.chat_id.to_string()));
        if part.len() < limit {
            return found;
        }
        page = Page::after(found.last().unwrap().as_str(), limit);
    }
}

async fn worlds(store: &SqliteStore, limit: usize) -> Vec<String> {
    let (mut found, mut page) = (Vec::new(), Page::first(limit));
    loop {
        let part = store.worlds(&page).await.unwrap();
        found.extend(part.iter().map(ToString::to_string));
        if part.len() < limit {
            return found;
        }
        page = Page::after(found.last().unwrap().as_str(), limit);
    }
}

// law 6: damage where logs are found is damage, and no fault that passes
#[tokio::test]
async fn damage_where_logs_are_found_is_said_of_the_log_and_ends_no_verification() {
    let place = healthy().await;
    let elsewhere = "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage =
            (SELECT rootpage FROM sqlite_schema WHERE name = 'worlds')
         WHERE name = 'logs_by_name'";
    place.stranger().execute_batch(elsewhere).unwrap();
    let store = place.store();
    let damaged = StoreErrorKind::Corrupt { seq: Seq::FIRST };
    let (a, first) = (key("w", "a"), Seq::ZERO);
    let summary = store.summary(&a).await.unwrap_err();
    assert_eq!(summary.kind, damaged, "{}", summary.message);
    assert_eq!(store.read(&a, first, 1).await.unwrap_err().kind, damaged);
    let opened = Store::open(&store, &a, OpenMode::Existing).await.unwrap_err();
    assert_eq!(opened.kind, damaged, "{}", opened.message);
    assert!(!store.verify().await.unwrap().is_sound());
}

#[tokio::test]
async fn what_sqlite_itself_finds_is_passed_on() {
    let place = healthy().await;
    // The index on events loses an entry, behind the back of the table.
    place
        .stranger()
        .execute_batch(
            "PRAGMA writable_schema = ON;
             CREATE TABLE other (x); CREATE INDEX other_x ON other (x);
             UPDATE sqlite_schema SET rootpage =
                (SELECT rootpage FROM sqlite_schema WHERE name = 'other_x')
             WHERE name = 'messages_by_place'",
        )
        .unwrap();
    let findings = place.store().verify().await.unwrap().findings;
    assert!(
        findings.iter().any(|finding| matches!(&finding.problem, Problem::File { .. })),
        "{findings:?}"
    );
}

// law 7
#[tokio::test]
async fn findings_beyond_a_thousand_are_counted() {
    let place = Place::new();
    let store = place.store();
    let mut chat = Chat::create(&store, "w", "a").await;
    for n in 0..110 {
        chat.append((0..10).map(|m| accepted(&format!("p{n}-{m}"), "x"))).await;
    }
    drop(store);
    place.stranger().execute("UPDATE events SET body = body || ' '", []).unwrap();
    let verification = place.store().verify().await.unwrap();
    assert_eq!((verification.findings.len(), verification.findings_left_out), (1_000, 101));
    assert_eq!(verification.events, 1_101);
}

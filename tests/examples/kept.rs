//! `concurrent_chats --keep`: the chats are there when the program is started again, however it
//! ended.

use std::path::Path;

use polychat::SqliteStore;

use crate::program::{Printed, Talk, example, output, printed, run};

fn args(file: &Path) -> [&str; 4] {
    ["--pace", "0", "--keep", file.to_str().unwrap()]
}

async fn pipe(file: &Path, lines: &[&str]) -> Printed {
    run(example("concurrent_chats", &args(file)), &lines.join("\n")).await
}

fn talk(file: &Path) -> Talk {
    Talk::with(example("concurrent_chats", &args(file)))
}

// REQ-9, issue 4
#[tokio::test]
async fn chats_that_were_kept_are_told_of_and_remember_what_they_were_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chats.db");
    pipe(&file, &["a: my name is Ada", "b: my name is Bob", "c: /close"]).await;

    let printed = pipe(&file, &["a: what is my name?", "b: who am I?", "c: hello"]).await;
    printed.assert_plain(&["a", "b", "c"]);
    let told = |chat| printed.of(chat)[0].to_owned();
    let kept = "This is message 1 you sent in this ch…]";
    assert_eq!(told("a"), format!("[kept, 2 messages: Nice to meet you, Ada. {kept}"));
    assert_eq!(told("b"), format!("[kept, 2 messages: Nice to meet you, Bob. {kept}"));
    assert_eq!(told("c"), "[kept, 0 messages: closed]");
    // What was said before is neither said nor counted again.
    assert_eq!(printed.said("a"), "Your name is Ada.");
    assert_eq!(printed.said("b"), "Your name is Bob.");
    assert_eq!((printed.row("a")["turns"], printed.row("b")["turns"]), (1, 1));
    assert!(printed.of("c").contains(&"[refused: the chat is closed]"), "{}", printed.out);
}

// Law 5, recovery: kill -9 in the middle of a turn, with a message that waits and a call that asks.
#[cfg(unix)]
#[tokio::test]
async fn after_a_kill_each_chat_goes_on_where_it_was_and_nothing_runs_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chats.db");
    let mut first = talk(&file);
    first.say("a: my name is Ada").await;
    first.hear("a: This is message 1").await;
    first.say("a: /hang").await;
    first.say("a: what is my name?").await;
    first.say("a: /history").await;
    // A line is obeyed after the one before it: so the turn runs, and the question waits.
    first.hear("a: [you: /hang]").await;
    first.say("b: /tool ring {\"times\":2}").await;
    first.hear("b: [waiting for you: ring").await;
    first.kill().await;

    let mut second = talk(&file);
    second.hear("a: [kept, 3 messages: what ran broke off, what waits goes on]").await;
    second.hear("b: [kept, 2 messages: it waits for you]").await;
    second.hear("a: [interrupted]").await;
    second.hear("a: Your name is Ada.").await;
    second.hear("b: [waiting for you: ring {\"times\":2} — /allow, /allow-chat, /deny WHY]").await;
    second.say("b: /allow").await;
    second.hear("b: [ring answered: rang 2 times]").await;
    let printed = second.end().await;
    printed.assert_plain(&["a", "b"]);
    let (a, b) = (printed.row("a"), printed.row("b"));
    assert_eq!((a["turns"], a["interrupted"], a["completed"]), (2, 1, 1));
    assert_eq!((b["turns"], b["completed"], b["tool calls"]), (1, 1, 1));

    let third = pipe(&file, &["a: how many messages?"]).await;
    assert_eq!(third.row("a")["turns"], 1);
    assert!(!third.out.contains("interrupted]"), "it was settled once: {}", third.out);
}

// Law 5: what was accepted is answered, also when nobody says anything any more.
#[cfg(unix)]
#[tokio::test]
async fn what_waited_when_the_process_was_killed_is_answered_without_a_word_of_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chats.db");
    let mut first = talk(&file);
    let chats = ["a", "b", "c", "d"];
    for chat in chats {
        first.say(&format!("{chat}: /hang")).await;
        first.say(&format!("{chat}: my name is Ada")).await;
        first.say(&format!("{chat}: /history")).await;
        first.hear(&format!("{chat}: [you: /hang]")).await;
    }
    first.kill().await;
    let printed = pipe(&file, &[]).await;
    for chat in chats {
        let row = printed.row(chat);
        assert_eq!((row["turns"], row["interrupted"], row["completed"]), (2, 1, 1));
        assert!(printed.said(chat).contains("Nice to meet you, Ada."), "{}", printed.out);
    }
}

// Issue 4: a second process gets a typed error that names the holder.
#[tokio::test]
async fn a_file_that_another_process_holds_is_not_opened_and_the_holder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chats.db");
    let held = SqliteStore::open(&path).unwrap();
    let refused = output(&mut example("concurrent_chats", &args(&path)), "a: hello\n").await;
    assert_eq!(refused.status.code(), Some(1));
    let printed = printed(&refused);
    let holder = format!("chats.db is held by process {}", std::process::id());
    assert!(printed.err.contains(&holder) && printed.out.is_empty(), "{printed:?}");
    drop(held);
    let printed = pipe(&path, &["a: my name is Ada"]).await;
    assert_eq!(printed.row("a")["completed"], 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_is_and_the_reason_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "these are the notes of somebody, and no database at all\n".repeat(100);
    std::fs::write(&path, &notes).unwrap();
    let refused = output(&mut example("concurrent_chats", &args(&path)), "a: hello\n").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(printed(&refused).err.contains("notes.txt is not a database"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

//! A disk that is really full: a small file system in memory that a namespace lends.
//!
//! The outer test starts this very binary again inside of `unshare -rm`, filtered to the inner one.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use polychat_core::{
    Event,
    command::Page,
    ports::{AppendError, OpenMode, Store, StoreErrorKind},
};
use polychat_store::{Durability, SqliteStore};
use polychat_testkit::{require, samples::world_id};

use super::support::{Chat, accepted, key, search};

/// Names the folder on the small disk to the inner test.
const DISK: &str = "POLYCHAT_TEST_DISK";

const BALLAST: u64 = 2 * 1024 * 1024;

#[test]
fn a_full_disk_refuses_appends_lets_chats_be_deleted_and_heals() {
    let lends = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !require::or_skip("unshare", lends.is_ok_and(|status| status.success())) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$POLYCHAT_TEST_DISK\" && exec \"$0\" \"$@\"";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "full_disk::on_a_small_disk", "--nocapture"])
        .env(DISK, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

fn open(file: &Path) -> SqliteStore {
    let options = SqliteStore::options(file).durability(Durability::PowerSafe);
    options.readers(2).ballast_bytes(BALLAST).open().unwrap()
}

fn ballast(file: &Path) -> u64 {
    fs::metadata(file.with_file_name("chats.db-ballast")).map_or(0, |metadata| metadata.len())
}

/// Offers one more prompt to a chat.
async fn offer(chat: &mut Chat<'_>, bytes: usize) -> Result<(), StoreErrorKind> {
    let prompt = accepted(&format!("p{}", chat.head()), &"x".repeat(bytes));
    let recorded =
        polychat_testkit::samples::recorded(chat.state.chat_id(), chat.head().next(), prompt);
    let mut state = chat.state.clone();
    state.apply(&recorded).unwrap();
    let entries = [polychat_core::ports::Entry::Chat(recorded)];
    let appended =
        chat.store.append(&chat.fence, chat.head(), &entries, Some(&state.summary())).await;
    match appended {
        Ok(()) => {
            chat.state = state;
            Ok(())
        }
        Err(AppendError::Rejected(error)) => Err(error.kind),
        Err(error) => panic!("{error}"),
    }
}

/// Offers until the disk is full.
async fn fill(chat: &mut Chat<'_>, bytes: usize) {
    for _ in 0..10_000 {
        match offer(chat, bytes).await {
            Ok(()) => {}
            Err(kind) => return assert_eq!(kind, StoreErrorKind::Full),
        }
    }
    panic!("the disk never was full");
}

/// Offers until it is taken: nobody tells the store that there is room.
async fn heals(chat: &mut Chat<'_>) {
    for _ in 0..1_000 {
        match offer(chat, 100).await {
            Ok(()) => return,
            Err(kind) => assert_eq!(kind, StoreErrorKind::Full),
        }
        tokio::task::yield_now().await;
    }
    panic!("it does not heal");
}

/// What somebody else puts on the disk, until nothing fits any more.
fn fill_from_outside(folder: &Path) -> PathBuf {
    let path = folder.join("somebody-elses");
    let mut file = File::create(&path).unwrap();
    for size in [64 * 1024, 4 * 1024, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    path
}

async fn holds(chat: &Chat<'_>) {
    let log = chat.store.read(&chat.fence.key, polychat_core::Seq::ZERO, 100_000).await.unwrap();
    assert_eq!(log.len() as u64, chat.head().get(), "what was acknowledged is there");
}

#[tokio::test]
#[ignore = "started by `a_full_disk_refuses_appends_lets_chats_be_deleted_and_heals`"]
async fn on_a_small_disk() {
    let folder = PathBuf::from(std::env::var_os(DISK).unwrap());
    let file = folder.join("chats.db");
    let store = open(&file);
    assert_eq!(ballast(&file), BALLAST);
    let mut small = Chat::create(&store, "w", "small").await;
    small.turn("needle", "thread").await;
    let mut large = Chat::create(&store, "w", "large").await;
    fill(&mut large, 20_000).await;

    // Readable, listed, found, and open for whoever wants to delete.
    holds(&large).await;
    assert_eq!(store.list(&world_id("w"), &Page::first(10)).await.unwrap().len(), 2);
    assert_eq!(search(&store, "w", "needle").await.len(), 1);
    let (fence, head) = Store::open(&store, &key("w", "large"), OpenMode::Existing).await.unwrap();
    assert_eq!(head, large.head());
    large.fence = fence;
    // A little may have been used to make sure that nothing of what was refused comes to light.
    assert!(ballast(&file) > BALLAST - 128 * 1024, "{} bytes are left", ballast(&file));

    // Deleting is an append, and then rows that go.
    let delete = deletion(&large);
    assert!(large.try_append(delete).await, "the append that says so has room");
    large.delete().await;
    heals(&mut small).await;
    assert_eq!(ballast(&file), BALLAST, "it is kept aside again before others use the room");
    holds(&small).await;

    // Somebody else fills the disk, and gives the room back.
    let others = fill_from_outside(&folder);
    fill(&mut small, 2_000).await;
    holds(&small).await;
    fs::remove_file(&others).unwrap();
    heals(&mut small).await;

    // The process begins on a disk that is full to the last byte: the file can be opened all the
    // same, or nothing could be deleted.
    let state = small.state.clone();
    drop(store);
    let others = fill_from_outside(&folder);
    let store = open(&file);
    let (fence, head) = Store::open(&store, &key("w", "small"), OpenMode::Existing).await.unwrap();
    assert_eq!(head, state.head());
    let mut small = Chat { store: &store, fence, state };
    holds(&small).await;
    assert!(ballast(&file) < BALLAST, "opening needed some of it");
    assert_eq!(offer(&mut small, 100).await, Err(StoreErrorKind::Full));
    fs::remove_file(&others).unwrap();
    heals(&mut small).await;
    assert_eq!(ballast(&file), BALLAST);
    assert!(store.verify().await.unwrap().is_sound());
}

/// What an actor appends before the rows go.
fn deletion(chat: &Chat<'_>) -> Vec<Event> {
    let reason = polychat_core::event::WithdrawReason::Deleted;
    let waiting = 1..chat.head().get();
    let mut events: Vec<Event> = waiting
        .map(|n| Event::PromptWithdrawn {
            prompt_id: polychat_testkit::samples::prompt_id(&format!("p{n}")),
            reason,
        })
        .collect();
    events.push(Event::ChatDeleted {});
    events
}

//! A disk that is really full beneath a world, and a file that may only be read.
//!
//! The outer test starts this very binary again inside of `unshare -rm`, which lends a small file
//! system, filtered to the inner one. Nothing here is paused: the inner test waits for what it is
//! told, and the outer one for its end.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use polychat::{
    Chat, Error, Limits, PromptOutcome, ScriptedModel, StatusKind, World, WorldBuilder,
    command::{ChatFilter, Page},
    ports::Store,
};
use polychat_model::Script;
use polychat_store::SqliteStore;
use polychat_testkit::{require, samples::world_id};

use crate::support::{WORLD, WorldWatcher, assert_sound, code, messages, outcome};

/// Names the folder on the small disk to the inner test.
const DISK: &str = "POLYCHAT_TEST_DISK";

// law 6, law 7; issue 4: a full disk
#[test]
fn on_a_full_disk_chats_stall_can_be_read_and_deleted_and_heal_by_themselves() {
    let lends = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !require::or_skip("unshare", lends.is_ok_and(|status| status.success())) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=8m none \"$POLYCHAT_TEST_DISK\" && exec \"$0\" \"$@\"";
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "faults::disk::on_a_small_disk", "--nocapture"])
        .env(DISK, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// A world in a file, which tries again soon.
async fn world_in(file: &Path) -> (World, Script) {
    let store = SqliteStore::options(file).readers(2).ballast_bytes(2 * 1024 * 1024);
    let store = Arc::new(store.open().unwrap());
    let (model, script) = ScriptedModel::new();
    let mut limits = Limits::default();
    limits.stall_retry_delay = Duration::from_millis(5);
    limits.stall_retry_delay_max = Duration::from_millis(20);
    limits.prompts_queued_max = 10_000;
    let builder = WorldBuilder::new(WORLD, model).search(store.clone()).store(store);
    (builder.limits(limits).open().await.unwrap(), script)
}

/// What somebody else puts on the disk, until nothing fits any more.
fn fill_from_outside(folder: &Path) {
    let mut file = File::create(folder.join("somebody-elses")).unwrap();
    for size in [64 * 1024, 4 * 1024, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
}

/// A chat whose turn has said all that it will say, but not that this was all.
async fn speaking(world: &World, script: &Script, name: &str) -> (Chat, polychat_model::Call) {
    let chat = world.open_chat(name).await.unwrap();
    chat.prompt(format!("to {name}")).await.unwrap();
    let call = script.call_for(&format!("to {name}")).await;
    call.text(format!("all of {name}")).drained().await;
    (chat, call)
}

#[tokio::test]
#[ignore = "started by `on_a_full_disk_chats_stall_can_be_read_and_deleted_and_heal_by_themselves`"]
async fn on_a_small_disk() {
    let folder = PathBuf::from(std::env::var_os(DISK).unwrap());
    let minute = Duration::from_secs(60);
    tokio::time::timeout(minute, live_on_a_small_disk(&folder)).await.expect("it takes too long");
}

async fn live_on_a_small_disk(folder: &Path) {
    let (world, script) = world_in(&folder.join("chats.db")).await;
    let (large, to_large) = speaking(&world, &script, "large").await;
    let (held, to_held) = speaking(&world, &script, "held").await;
    let held_prompt = held.prompt("and then").await.unwrap();
    while large.prompt("needle ".repeat(5_000)).send().await.is_ok() {}
    fill_from_outside(folder);

    // What has happened and cannot be stored stalls its chat.
    let mut feed = WorldWatcher::new(&world).await;
    to_large.finish();
    to_held.finish();
    feed.until_status(&large, StatusKind::Stalled).await;
    feed.until_status(&held, StatusKind::Stalled).await;
    let refused = held.prompt("more").await.unwrap_err();
    assert_eq!((refused.code(), refused.retryable()), ("chat_stalled", true));

    // It can be read, listed and found all the same.
    let snapshot = held.snapshot().await.unwrap();
    assert_eq!(&*snapshot.open.unwrap().text, "all of held");
    let listed = world.chats(Page::first(10), ChatFilter::new()).await.unwrap();
    assert_eq!(listed.chats.len(), 2);
    assert!(!world.search("held").await.unwrap().hits.is_empty());

    // Deleting one makes room, and the other goes on by itself.
    large.delete().await.unwrap();
    script.call_for("and then").await.text("at last").finish();
    assert_eq!(outcome(&held_prompt).await, PromptOutcome::Completed);
    assert_eq!(code(large.snapshot().await), "chat_deleted");
    world.shutdown().await;
    // Whoever holds a handle holds the world, and with it the file.
    drop((world, large, held, held_prompt, feed));

    // Another process finds what was acknowledged.
    let (world, _) = world_in(&folder.join("chats.db")).await;
    let held = world.chat("held").unwrap();
    let said = ["user: to held", "assistant: all of held", "user: and then", "assistant: at last"];
    assert_eq!(messages(&held).await, said);
    assert_sound(&held).await;
    world.shutdown().await;
}

// issue 4: a read-only file
#[tokio::test]
async fn a_world_over_a_file_that_may_only_be_read_says_why_it_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chats.db");
    let (world, _) = world_in(&file).await;
    world.open_chat("a").await.unwrap();
    // One process writes and another one reads.
    let store = Arc::new(SqliteStore::open_read_only(&file).unwrap());
    let (model, _) = ScriptedModel::new();
    let opened = WorldBuilder::new(WORLD, model).store(store.clone()).open().await;
    let Err(Error::Open(error)) = opened else { panic!("it has nothing to write to") };
    assert!(error.to_string().contains("reading only"), "{error}");
    assert_eq!(store.list(&world_id(WORLD), &Page::first(10)).await.unwrap().len(), 1);
    world.shutdown().await;
}

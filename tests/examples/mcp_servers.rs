//! `concurrent_chats` with `--mcp`: servers that nobody here wrote, and one that is not there.
//!
//! Needs `node` and the npm package `@modelcontextprotocol/server-everything`. CI provides it by
//! `npm install --prefix target/npm`; elsewhere the environment variable `POLYCHAT_MCP_EVERYTHING`
//! may name its `dist/index.js`. What is missing is a visible skip, unless `POLYCHAT_REQUIRE` names
//! it (`node`, `mcp-everything`).

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use polychat_testkit::require;

use crate::program::{Talk, example, run};

/// Where the server's entry script lies.
const SCRIPT: &str = "POLYCHAT_MCP_EVERYTHING";

/// How `--mcp` names the server, if it can run here.
fn everything() -> Option<String> {
    let package = "target/npm/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    let script = env::var_os(SCRIPT)
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(package), PathBuf::from);
    let node = Command::new("node").arg("--version").output();
    let found = [
        ("node", node.is_ok_and(|output| output.status.success())),
        ("mcp-everything", script.is_file()),
    ];
    // Both are looked at, so that each missing one is told.
    let found = found.map(|(name, found)| require::or_skip(name, found));
    found.iter().all(|found| *found).then(|| format!("everything=node '{}'", script.display()))
}

// REQ-4, issue 3: concurrent_chats gains --mcp
#[tokio::test]
async fn two_chats_use_one_server_at_once_each_with_its_own_progress_and_after_being_allowed() {
    let Some(server) = everything() else { return };
    let mut talk = Talk::with(example("concurrent_chats", &["--pace", "0", "--mcp", &server]));
    // They would run for an hour, and report each second's hundredth part.
    let long = |steps| {
        format!(
            "/tool everything_trigger-long-running-operation {{\"duration\":3600,\"steps\":{steps}}}"
        )
    };
    for (chat, steps) in [("a", 360_000), ("b", 180_000)] {
        talk.say(&format!("{chat}: {}", long(steps))).await;
        talk.hear(&format!("{chat}: [waiting for you: everything_trigger-long-running-operation"))
            .await;
        talk.say(&format!("{chat}: /allow")).await;
    }
    talk.hear("a: [everything_trigger-long-running-operation: 1 of 360000").await;
    talk.hear("b: [everything_trigger-long-running-operation: 1 of 180000").await;
    // The server serves a third one meanwhile.
    talk.say("c: /tool everything_echo {\"message\":\"hi\"}").await;
    talk.hear("c: [waiting for you: everything_echo {\"message\":\"hi\"}").await;
    talk.say("c: /allow").await;
    talk.hear("c: [everything_echo answered: Echo: hi]").await;
    for chat in ["a", "b"] {
        talk.say(&format!("{chat}: /cancel")).await;
        talk.hear(&format!("{chat}: [cancelled]")).await;
    }
    let printed = talk.end().await;

    printed.assert_plain(&["a", "b", "c", "the world"]);
    for (chat, other) in [("a", "180000"), ("b", "360000"), ("c", "000")] {
        assert!(!printed.of(chat).iter().any(|line| line.contains(other)), "{}", printed.out);
        assert_eq!(printed.row(chat)["tool calls"], 1);
    }
    assert_eq!(
        printed.of("the world"),
        ["[tools of everything: starting]", "[tools of everything: ready]"]
    );
}

// Law 6: a server that cannot be had is left out.
#[tokio::test]
async fn a_server_that_cannot_be_started_is_told_of_and_the_chats_are_answered_without_it() {
    let missing = "no-such-program-of-polychat --with 'an argument'";
    let command = example("concurrent_chats", &["--pace", "0", "--mcp", missing]);
    let printed = run(command, "a: hello\nb: /tool clock\n").await;
    printed.assert_plain(&["a", "b", "the world"]);
    assert!(printed.said("a").starts_with("Hello."), "{}", printed.out);
    assert_eq!((printed.row("a")["completed"], printed.row("b")["tool calls"]), (1, 1));
    let told = printed.of("the world");
    assert!(told.iter().any(|line| line.starts_with("[tools of mcp1: failed: ")), "{told:?}");
}

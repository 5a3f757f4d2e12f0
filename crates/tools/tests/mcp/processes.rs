//! Servers that are processes of their own: shell scripts that answer just enough.

use std::{path::PathBuf, process::Command};

use polychat_tools::mcp::{McpServer, McpState};
use tokio::{io::AsyncReadExt, net::unix::pipe};

use crate::support::{Watcher, alone, call, limits, names, prepare_all};

/// Reads a message, and nothing of it.
const READ: &str = "read -r line\n";
/// Shakes hands and lists one tool; `rmcp` numbers its requests from 0.
const HELLO: &str = r#"
read -r line
echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}'
read -r line
read -r line
echo '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"work","inputSchema":{"type":"object"}}]}}'
"#;

/// Answers request number `id` with the words of a shell's `printf`.
fn answer(id: u32, text: &str) -> String {
    let result = r#"{"content":[{"type":"text","text":"%s"}]}"#;
    format!(r#"printf '{{"jsonrpc":"2.0","id":{id},"result":{result}}}\n' "{text}""#) + "\n"
}

fn sh(script: &str) -> McpServer {
    McpServer::stdio("s", "sh").args(["-c", script]).limits(limits())
}

/// A pipe with a name, which ends for its reader when the last process has let go of it.
struct Leash(PathBuf);

impl Leash {
    fn new(name: &str) -> Self {
        let file = format!("{name}-{}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self(path)
    }

    fn reader(&self) -> pipe::Receiver {
        pipe::OpenOptions::new().open_receiver(&self.0).unwrap()
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Reads to the end, which comes when all who held the leash are gone.
async fn all_gone(mut leash: pipe::Receiver) -> String {
    let mut text = String::new();
    leash.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_process_gets_its_environment_and_folder_and_nothing_else_of_ours() {
    let text = "$GIVEN|$CARGO_MANIFEST_DIR|${PATH:+path}|$(pwd)|$1";
    let script = format!("{HELLO}{READ}{}{READ}", answer(2, text));
    // Cargo gives tests this variable, and a server none of it.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let server = sh(&script).args(["arg0", "one two"]).env("GIVEN", "given").working_dir("/");
    assert_eq!(call(&alone(server), "s_work").text().await, "given||path|/|one two");

    let server = sh(&script).inherit_env();
    let text = call(&alone(server), "s_work").text().await;
    assert!(text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
}

// Issue 3: killed in the middle, both calls end as errors, the next call finds a restarted server
#[tokio::test]
async fn a_process_that_is_killed_fails_its_calls_and_the_next_call_finds_another() {
    let script = format!("{HELLO}{READ}{READ}{READ}");
    let mcp = alone(sh(&script));
    let watcher = Watcher::of(&mcp);
    prepare_all(&mcp).await;
    let pid = mcp.status()[0].pid.unwrap();
    let calls = [call(&mcp, "s_work"), call(&mcp, "s_work")];
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    for call in calls {
        let failure = call.failure().await;
        assert!(failure.retryable, "{failure}");
        assert!(failure.message.contains("it has ended (signal: 9"), "{failure}");
    }
    watcher.until(3).await;
    assert_eq!((mcp.status()[0].state, mcp.status()[0].pid), (McpState::Failed, None));
    prepare_all(&mcp).await;
    watcher.until(5).await;
    let status = mcp.status().remove(0);
    assert_eq!((status.state, status.starts), (McpState::Ready, 2));
    assert_ne!(status.pid, Some(pid));
}

#[tokio::test]
async fn a_process_that_ends_at_once_says_why_to_operators() {
    let mcp = alone(sh("echo 'no key' >&2; exit 3"));
    prepare_all(&mcp).await;
    let reason = mcp.status().remove(0).reason;
    assert_eq!(&*reason, "the handshake failed: it has ended (exit status: 3)");
    let mcp = alone(McpServer::stdio("s", "/no/such/command"));
    prepare_all(&mcp).await;
    let reason = mcp.status().remove(0).reason;
    assert!(reason.starts_with("it cannot be reached: No such file"), "{reason}");
    assert!(names(&mcp).is_empty());
}

// Law 7: what a process writes to its standard error is read, bounded, and never holds it up
#[tokio::test]
async fn a_process_that_floods_its_standard_error_is_not_held_up() {
    let flood = "head -c 3000000 /dev/zero >&2; yes complaint | head -n 100000 >&2\n";
    let script = format!("{flood}{HELLO}{READ}{flood}{}{READ}", answer(2, "done"));
    assert_eq!(call(&alone(sh(&script)), "s_work").text().await, "done");
}

// Nothing is left behind: wrappers like npx start the server as a process of theirs
#[tokio::test]
async fn dropping_the_toolbox_ends_the_process_and_those_that_it_started() {
    let leash = Leash::new("dropped");
    let reader = leash.reader();
    // Neither the process nor its child ends by itself, when asked to, or with its input.
    let child =
        "(trap '' TERM; exec >\"$1\" 2>&1 </dev/null; echo child; while :; do sleep 60; done) &";
    let stubborn = "trap '' TERM; while :; do sleep 60; done";
    let script = format!("exec 9>\"$1\"\n{child}\n{HELLO}{stubborn}");
    let mcp = alone(sh(&script).args(["sh", leash.as_str()]));
    prepare_all(&mcp).await;
    assert_eq!(mcp.status()[0].state, McpState::Ready);
    drop(mcp);
    assert_eq!(all_gone(reader).await, "child\n");
}

#[tokio::test]
async fn what_a_process_started_ends_with_it() {
    let leash = Leash::new("orphans");
    let reader = leash.reader();
    // The child holds the standard output, too: without its end, nobody would notice the end.
    let child = "(exec 8>\"$1\" </dev/null; echo child >&8; exec sleep 1000) &";
    let mcp = alone(sh(&format!("{child}\n{HELLO}{READ}exit 0")).args(["sh", leash.as_str()]));
    let failure = call(&mcp, "s_work").failure().await;
    assert!(failure.message.contains("it has ended (exit status: 0)"), "{failure}");
    assert_eq!(all_gone(reader).await, "child\n");
}

// The end is orderly where the process lets it be
#[tokio::test]
async fn a_process_may_finish_what_it_does_when_its_input_ends() {
    let leash = Leash::new("orderly");
    let reader = leash.reader();
    let script = format!("exec 9>\"$1\"\n{HELLO}while read -r line; do :; done; echo bye >&9");
    let mcp = alone(sh(&script).args(["sh", leash.as_str()]));
    prepare_all(&mcp).await;
    mcp.stop().await;
    assert_eq!(all_gone(reader).await, "bye\n");

    // One that ends when it is asked to gets the time to do so, and is waited for, also with calls.
    let leash = Leash::new("asked");
    let mut reader = leash.reader();
    let wait = "trap 'echo asked >&9; exit 0' TERM; while :; do sleep 0.05; done";
    let script = format!("exec 9>\"$1\"\n{HELLO}{READ}echo called >&9\n{wait}");
    let mcp = alone(sh(&script).args(["sh", leash.as_str()]));
    let calling = call(&mcp, "s_work");
    let mut word = [0; 7];
    reader.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"called\n");
    let pid = mcp.status()[0].pid.unwrap().to_string();
    let alive = || Command::new("kill").args(["-0", &pid]).output().unwrap().status.success();
    assert!(alive());
    mcp.stop().await;
    assert!(!alive());
    assert_eq!(all_gone(reader).await, "asked\n");
    assert!(calling.failure().await.message.contains("it was stopped"));
}

// A runtime that goes away takes the process with it, at once
#[test]
fn a_process_ends_with_the_runtime_that_it_was_started_on() {
    let leash = Leash::new("runtime");
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stubborn = "trap '' TERM; while :; do sleep 60; done";
    let mcp = alone(sh(&format!("exec 9>\"$1\"\n{HELLO}{stubborn}")).args(["sh", leash.as_str()]));
    let (first, second) = (runtime(), runtime());
    let reader = second.block_on(async { leash.reader() });
    let calling = first.block_on(async {
        prepare_all(&mcp).await;
        call(&mcp, "s_work")
    });
    drop((first, calling));
    assert_eq!(second.block_on(all_gone(reader)), "");
    assert_eq!(names(&mcp), ["s_work"]);
}

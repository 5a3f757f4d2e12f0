//! A child of this test, and the world behind its pipes.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use polychat::transport::ipc::{Framing, RemoteOptions, RemoteWorld};
use polychat::{
    Chat, ChatId, Event, Notice, StartAt, TurnOutcome, World, WorldId,
    ports::{Entry, LogKey, NoticeStream, Store},
};
use rustix::process::{Pid, Signal};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, join},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// Waits for what must happen; the limit only turns a hang into a failure.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what).await.expect("waited in vain")
}

/// A private folder that vanishes with its test, with the paths in it that tests use.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(folder.path(), private).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("chats.db")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("home.sock")
    }
}

/// The binary with these arguments, its pipes held here, ended with this test at the latest.
pub(crate) fn polychat<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polychat"));
    command.args(arguments).env_remove("POLYCHAT_LOG").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `polychat stdio` over this file; turns that run at its end are not waited for.
pub(crate) fn over(file: &Path) -> Command {
    let file = file.to_str().unwrap();
    polychat(["stdio", "--grace", "0", "--data", file])
}

/// A world behind the pipes of a child.
pub(crate) fn world_behind(out: ChildStdout, into: ChildStdin, framing: Framing) -> World {
    let mut options = RemoteOptions::default();
    options.framing = framing;
    let remote = RemoteWorld::over(join(out, into), home(), options);
    World::of_service(Arc::new(remote))
}

pub(crate) fn home() -> WorldId {
    WorldId::new("home").unwrap()
}

/// A child, and a handle on the world behind its pipes.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) world: World,
}

impl Served {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_in(command, Framing::Lines)
    }

    pub(crate) fn start_in(command: &mut Command, framing: Framing) -> Self {
        let mut child = command.spawn().unwrap();
        let (out, into) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        Self { child, world: world_behind(out, into, framing) }
    }

    /// A chat in which a turn hangs, and what its watcher sees next.
    pub(crate) async fn hanging(&self, chat: &str) -> (Chat, NoticeStream) {
        let chat = within(self.world.open_chat(chat)).await.unwrap();
        let mut seen = within(chat.subscribe(StartAt::Start)).await.unwrap();
        within(chat.prompt("/hang").send()).await.unwrap();
        until(&mut seen, |notice| matches!(notice, Notice::Live { .. })).await;
        (chat, seen)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(&self.child, signal);
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within(self.child.wait()).await.unwrap()
    }
}

/// What a chat answers to this.
pub(crate) async fn answer(chat: &Chat, text: &str) -> String {
    let prompt = within(chat.prompt(text).send()).await.unwrap();
    within(prompt.answer()).await.unwrap()
}

pub(crate) fn send(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id().expect("it runs")).unwrap();
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// The first notice of this sort.
pub(crate) async fn until(seen: &mut NoticeStream, sort: impl Fn(&Notice) -> bool) -> Notice {
    loop {
        let notice = within(seen.next()).await.expect("the stream has ended");
        if sort(&notice) {
            return notice;
        }
    }
}

/// How the turns of a chat ended, as the file says that nobody has opened since.
pub(crate) async fn stored_outcomes(file: &Path, chat: &str) -> Vec<TurnOutcome> {
    let store = polychat::SqliteStore::open_read_only(file).unwrap();
    let key = LogKey::Chat(home(), ChatId::new(chat).unwrap());
    let entries = store.read(&key, polychat::Seq::ZERO, 1_000).await.unwrap();
    let outcome = |entry| match entry {
        Entry::Chat(recorded) => match &recorded.event {
            Event::TurnEnded { outcome, .. } => Some(outcome.clone()),
            _ => None,
        },
        Entry::World(_) => None,
    };
    entries.into_iter().filter_map(outcome).collect()
}

/// A child that is spoken to by hand, in lines.
pub(crate) struct ByHand {
    pub(crate) child: Child,
    into: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl ByHand {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { into: child.stdin.take(), lines, child }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let into = self.into.as_mut().expect("it is still spoken to");
        within(into.write_all(bytes)).await.unwrap();
    }

    /// The next line, of a program whose output is for people.
    pub(crate) async fn line(&mut self) -> String {
        within(self.lines.next_line()).await.unwrap().expect("it has ended")
    }

    /// Nothing more is heard; the pipe into it stays open.
    pub(crate) fn stop_listening(self) -> (Child, Option<ChildStdin>) {
        (self.child, self.into)
    }

    /// Nothing more is said; the answers are still heard.
    pub(crate) fn stop_speaking(&mut self) {
        self.into = None;
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.write(format!("{message}\n").as_bytes()).await;
    }

    pub(crate) async fn ask(&mut self, id: u64, method: &str, params: Value) {
        let message =
            serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.say(&message).await;
    }

    /// The next message; every line has to be one.
    pub(crate) async fn hear(&mut self) -> Option<Value> {
        let line = within(self.lines.next_line()).await.unwrap()?;
        let message: Value = serde_json::from_str(&line).expect(&line);
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        Some(message)
    }

    /// Asks, and hears the answer; what else is said before it is left out.
    pub(crate) async fn asked(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.ask(id, method, params).await;
        loop {
            let answer = self.hear().await.expect("there is no answer");
            if answer["id"] == id {
                return answer;
            }
        }
    }

    /// Creates a chat, and follows it.
    pub(crate) async fn follows(&mut self, id: u64, chat: &str) {
        self.asked(id, "chat/create", serde_json::json!({ "chatId": chat })).await;
        let watch = serde_json::json!({ "scope": "chat", "chatId": chat, "start": "start" });
        assert!(self.asked(id + 1, "events/subscribe", watch).await["error"].is_null());
    }

    /// Sends a prompt, and does not wait for its answer.
    pub(crate) async fn prompts(&mut self, id: u64, chat: &str, text: &str) {
        let parts = serde_json::json!([{ "type": "text", "text": text }]);
        let prompt = format!("p{id}");
        let params = serde_json::json!({ "chatId": chat, "promptId": prompt, "parts": parts });
        self.ask(id, "prompt/send", params).await;
    }

    /// How the next turn ends of those that are followed.
    pub(crate) async fn outcome(&mut self) -> Value {
        loop {
            let message = self.hear().await.expect("the turn has not ended");
            let event = &message["params"]["event"];
            if event["type"] == "turn.ended" {
                return event["outcome"]["kind"].clone();
            }
        }
    }

    pub(crate) async fn initialize(&mut self) {
        let params = serde_json::json!({ "protocolVersion": 1, "client": { "name": "test" } });
        let answer = self.asked(0, "initialize", params).await;
        assert_eq!(answer["result"]["worldId"], "home");
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within(self.child.wait()).await.unwrap()
    }
}

/// Everything that was written to standard error.
pub(crate) async fn complaints(err: Option<ChildStderr>) -> String {
    let mut text = String::new();
    within(err.expect("it is heard once").read_to_string(&mut text)).await.unwrap();
    text
}

/// The code that a program ends with, and what it says then.
pub(crate) async fn refused(command: &mut Command) -> (i32, String) {
    let output = within(command.stdin(Stdio::null()).output()).await.unwrap();
    assert_eq!(output.stdout, b"", "standard output is for frames");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

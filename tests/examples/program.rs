//! Runs an example, and reads what it printed.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// No verdict, only a guard: a program that hangs shall not hang CI.
const HANGS_AFTER: Duration = Duration::from_secs(180);

/// What this future answers, unless something hangs.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(HANGS_AFTER, future).await.expect("the program hangs")
}

/// An example, ready to be run with these arguments.
pub(crate) fn example(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(path(name));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

/// Beside the folder of this very test lies that of the examples, built with the same profile.
fn path(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: cargo build --examples", path.display());
    path
}

/// What a program that ended well printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a program on this input to its end, which has to be a good one.
pub(crate) async fn run(mut command: Command, input: &str) -> Printed {
    let output = output(&mut command, input).await;
    assert!(output.status.success(), "{output:?}");
    printed(&output)
}

/// Runs a program on this input to its end.
pub(crate) async fn output(command: &mut Command, input: &str) -> Output {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let write = async {
        // A program that reads nothing may be gone before this is written.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
    };
    let both = async { tokio::join!(write, child.wait_with_output()).1.unwrap() };
    soon(both).await
}

pub(crate) fn printed(output: &Output) -> Printed {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Printed { out: text(&output.stdout), err: text(&output.stderr) }
}

impl Printed {
    /// The lines of a chat, without its name.
    pub(crate) fn of(&self, chat: &str) -> Vec<&str> {
        let label = format!("{chat}: ");
        self.out.lines().filter_map(|line| line.strip_prefix(&label)).collect()
    }

    /// What a chat said, its notes and its row of the table not included.
    pub(crate) fn said(&self, chat: &str) -> String {
        let lines = self.of(chat).into_iter();
        lines.filter(|line| !line.starts_with('[') && !is_row(line)).collect::<Vec<_>>().join(" ")
    }

    /// The counts of a chat's row of the table.
    pub(crate) fn row(&self, chat: &str) -> BTreeMap<String, u64> {
        let rows: Vec<_> = self.of(chat).into_iter().filter(|line| is_row(line)).collect();
        assert_eq!(rows.len(), 1, "{chat}: {}", self.out);
        let counts = rows[0].split('|').filter_map(|cell| cell.trim().rsplit_once(' '));
        counts.filter_map(|(name, n)| Some((name.trim().to_owned(), n.parse().ok()?))).collect()
    }

    /// That each line begins with one of these names and a colon, and steers no terminal.
    pub(crate) fn assert_plain(&self, chats: &[&str]) {
        for line in self.out.lines() {
            let name = line.split_once(": ").map(|(name, _)| name);
            assert!(name.is_some_and(|name| chats.contains(&name)), "{line:?}");
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
}

fn is_row(line: &str) -> bool {
    line.starts_with("turns ") && line.contains(" | completed ")
}

/// A running program that is talked with line by line.
pub(crate) struct Talk {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// All lines until now, and those that were not waited for.
    all: Vec<String>,
    unheard: Vec<String>,
}

impl Talk {
    pub(crate) fn with(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdin, lines, all: Vec::new(), unheard: Vec::new() }
    }

    pub(crate) async fn say(&mut self, line: &str) {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits for a line that contains this; each line is heard once, in whatever order they came.
    pub(crate) async fn hear(&mut self, what: &str) {
        let listen = async {
            loop {
                let unheard = self.unheard.iter().position(|line| line.contains(what));
                if let Some(place) = unheard {
                    self.unheard.remove(place);
                    return;
                }
                let line = self.lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("{what:?} was not said: {:?}", self.all));
                self.unheard.push(line.clone());
                self.all.push(line);
            }
        };
        soon(listen).await;
    }

    /// The id of the program's process.
    #[cfg(unix)]
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends the program as `kill -9` does, and waits until it is gone.
    #[cfg(unix)]
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ends the input, and reads to the end, which has to be a good one.
    pub(crate) async fn end(self) -> Printed {
        let Self { child, stdin, lines, all, .. } = self;
        drop(stdin);
        read_to_end(child, lines, all).await
    }

    /// Reads to the end, which has to be a good one, with the input still open.
    #[cfg(unix)]
    pub(crate) async fn end_by_itself(self) -> Printed {
        let Self { child, stdin, lines, all, .. } = self;
        let printed = read_to_end(child, lines, all).await;
        drop(stdin);
        printed
    }
}

async fn read_to_end(
    child: Child,
    mut lines: Lines<BufReader<ChildStdout>>,
    mut all: Vec<String>,
) -> Printed {
    let read = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            all.push(line);
        }
        child.wait_with_output().await.unwrap()
    };
    let output = soon(read).await;
    assert!(output.status.success(), "{output:?} {all:#?}");
    Printed { out: all.join("\n"), ..printed(&output) }
}

//! A server that is a process of its own, spoken to over its standard input and output.

use std::{
    env, io,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use polychat_core::content::Text;
use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    config::Process,
    lines::{Line, Lines},
    pipe::Pipe,
    wire::Wire,
};

/// What programs need of the environment to run at all; the rest may be none of their business.
const INHERITED: &[&str] = if cfg!(windows) {
    &[
        "APPDATA",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PATH",
        "PATHEXT",
        "PROCESSOR_ARCHITECTURE",
        "PROGRAMFILES",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "USERNAME",
        "USERPROFILE",
    ]
} else {
    &["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"]
};

/// How long an orderly end may take at each of its steps, before the next, harder one.
const STEP_DURATION_MAX: Duration = Duration::from_secs(2);
/// How long what an ended process wrote may still be on its way.
const LEFTOVER_DURATION_MAX: Duration = Duration::from_secs(1);
/// The longest line of standard error that is shown.
const ERROR_LINE_BYTES_MAX: usize = 2 * 1024;

/// A running server process, and the connection to it.
///
/// Dropping it kills the process and those that it started, as far as they stayed in its group.
pub(super) struct ProcessLink {
    pipe: Pipe<ChildStdout, ChildStdin>,
    child: Child,
    group: Group,
    wire: Arc<Wire>,
    /// Set once the process has ended: until when what it wrote is still read.
    leftover: Option<(ExitStatus, Instant)>,
    _errors: AbortOnDropHandle<()>,
}

impl ProcessLink {
    /// Starts the process.
    ///
    /// # Errors
    ///
    /// When it cannot be started, for example because there is no such command.
    pub(super) fn start(
        process: &Process,
        server: Text,
        message_bytes_max: usize,
        wire: Arc<Wire>,
    ) -> io::Result<Self> {
        let mut child = command(process).spawn()?;
        let group = Group(child.id());
        let no_pipe = || io::Error::other("a pipe to the process is missing");
        let stdin = child.stdin.take().ok_or_else(no_pipe)?;
        let stdout = child.stdout.take().ok_or_else(no_pipe)?;
        let stderr = child.stderr.take().ok_or_else(no_pipe)?;
        let errors = tokio::spawn(log_errors(stderr, server, Arc::clone(&wire)));
        Ok(Self {
            pipe: Pipe::new(stdout, stdin, message_bytes_max, Arc::clone(&wire)),
            child,
            group,
            wire,
            leftover: None,
            _errors: AbortOnDropHandle::new(errors),
        })
    }

    /// The id of the process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.group.0
    }

    /// Why nothing more comes from it.
    async fn why_ended(&mut self) -> String {
        let status = match self.leftover {
            Some((status, _)) => Some(status),
            // It closed its output; as a rule that is because it has just ended.
            None => {
                timeout(LEFTOVER_DURATION_MAX, self.child.wait()).await.ok().and_then(Result::ok)
            }
        };
        match status {
            Some(status) => format!("it has ended ({status})"),
            None => "it has closed its output".to_owned(),
        }
    }
}

impl Transport<RoleClient> for ProcessLink {
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        self.pipe.send(message)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let deadline = self.leftover.map(|(_, deadline)| deadline);
            tokio::select! {
                biased;
                message = self.pipe.receive() => {
                    if message.is_none() && !self.wire.has_ended() {
                        let why = self.why_ended().await;
                        self.wire.end(&why);
                    }
                    return message;
                }
                status = self.child.wait(), if deadline.is_none() => {
                    // Others that it started may hold its output open, without anybody to speak.
                    self.group.kill();
                    let status = status.unwrap_or_default();
                    self.leftover = Some((status, Instant::now() + LEFTOVER_DURATION_MAX));
                }
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    let why = self.why_ended().await;
                    self.wire.end(&why);
                    return None;
                }
            }
        }
    }

    /// Ends the process as the protocol says: its input ends, then it is asked to, then it is made
    /// to.
    async fn close(&mut self) -> Result<(), io::Error> {
        self.pipe.close_now();
        if timeout(STEP_DURATION_MAX, self.child.wait()).await.is_err() {
            self.group.terminate();
            let _ = timeout(STEP_DURATION_MAX, self.child.wait()).await;
        }
        self.group.kill();
        let _ = self.child.start_kill();
        let _ = timeout(STEP_DURATION_MAX, self.child.wait()).await;
        Ok(())
    }
}

impl Drop for ProcessLink {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// The process and those that it started: a group of their own, named by its first process.
///
/// `None` once it was killed: its number may be another's by then.
struct Group(Option<u32>);

impl Group {
    fn terminate(&self) {
        #[cfg(unix)]
        signal(self.0, rustix::process::Signal::TERM);
    }

    fn kill(&mut self) {
        let group = self.0.take();
        #[cfg(unix)]
        signal(group, rustix::process::Signal::KILL);
        #[cfg(not(unix))]
        let _ = group;
    }
}

#[cfg(unix)]
fn signal(group: Option<u32>, signal: rustix::process::Signal) {
    let id = group.and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id.and_then(rustix::process::Pid::from_raw) {
        // It fails when all of them have ended already.
        let _ = rustix::process::kill_process_group(id, signal);
    }
}

fn command(process: &Process) -> Command {
    let mut command = Command::new(&process.command);
    command.args(&process.args);
    if !process.inherit_env {
        command.env_clear();
        command.envs(INHERITED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    }
    command.envs(process.env.iter().map(|(name, value)| (name, value)));
    if let Some(dir) = &process.working_dir {
        command.current_dir(dir);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Reads what the process writes to its standard error, so that it never waits for a reader.
async fn log_errors(stderr: ChildStderr, server: Text, wire: Arc<Wire>) {
    let mut lines = Lines::new(stderr, ERROR_LINE_BYTES_MAX);
    while let Ok(Some(line)) = lines.next().await {
        let Line::Whole(line) = line else { continue };
        let line = String::from_utf8_lossy(&line);
        if wire.was_called() {
            tracing::trace!(%server, %line, "standard error of an mcp server");
        } else {
            tracing::debug!(%server, %line, "standard error of an mcp server");
        }
    }
}

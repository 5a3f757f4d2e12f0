//! When a process ends: signals that ask for it, once in order and twice at once.

use std::{process::ExitCode, time::Duration};

use crate::error::Error;

/// How long clients that do not read have before what is left for them is dropped.
pub(crate) const DRAIN_DURATION: Duration = Duration::from_millis(500);

/// What the shell says of a process that ended by SIGTERM.
const AT_ONCE: u8 = 128 + 15;

/// Closes in order; the second signal of this process ends it at once. The first one does not, also
/// where something else was why it closes: a parent that closes its pipes may well send one too.
pub(crate) async fn or_at_once(
    closing: impl Future<Output = ()>,
    signals: &mut Signals,
) -> ExitCode {
    tokio::select! {
        () = closing => ExitCode::SUCCESS,
        () = signals.second() => ExitCode::from(AT_ONCE),
    }
}

/// The signals that ask a process to end.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    heard: u32,
}

#[cfg(unix)]
impl Signals {
    /// From now on they do not end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).map_err(Error::Signals);
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
            heard: 0,
        })
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        };
        self.heard = self.heard.saturating_add(1);
        tracing::info!(signal = name, "asked to end");
    }
}

impl Signals {
    /// The second since the process began.
    async fn second(&mut self) {
        while self.heard < 2 {
            self.next().await;
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
    heard: u32,
}

#[cfg(not(unix))]
impl Signals {
    /// From now on it does not end the process by itself.
    pub(crate) fn listen() -> Result<Self, Error> {
        let interrupt = tokio::signal::windows::ctrl_c().map_err(Error::Signals)?;
        Ok(Self { interrupt, heard: 0 })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        let _ = self.interrupt.recv().await;
        self.heard = self.heard.saturating_add(1);
        tracing::info!(signal = "ctrl-c", "asked to end");
    }
}

//! When a process ends: signals that ask for it, once in order and twice at once.

use std::{process::ExitCode, time::Duration};

use crate::error::Error;

/// How long clients have to read what is left, and to leave.
pub(crate) const DRAIN_DURATION: Duration = Duration::from_millis(500);

/// What the shell says of a process that ended by SIGTERM.
const AT_ONCE: u8 = 128 + 15;

/// Closes in order; a signal meanwhile ends it at once.
pub(crate) async fn or_at_once(
    closing: impl Future<Output = ()>,
    signals: &mut Signals,
) -> ExitCode {
    tokio::select! {
        () = closing => ExitCode::SUCCESS,
        () = signals.next() => ExitCode::from(AT_ONCE),
    }
}

/// The signals that ask a process to end.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
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
        })
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hang_up.recv() => "SIGHUP",
        };
        tracing::info!(signal = name, "asked to end");
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(not(unix))]
impl Signals {
    /// From now on it does not end the process by itself.
    pub(crate) fn listen() -> Result<Self, Error> {
        tokio::signal::windows::ctrl_c().map(|interrupt| Self { interrupt }).map_err(Error::Signals)
    }

    /// The next one.
    pub(crate) async fn next(&mut self) {
        let _ = self.interrupt.recv().await;
        tracing::info!(signal = "ctrl-c", "asked to end");
    }
}

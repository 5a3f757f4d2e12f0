//! Tells the time.

use std::{
    fmt::Write,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use polychat_core::{Failure, FailureKind, ports::Clock, seq::Timestamp};

use crate::{FnTool, NoArguments, tool};

/// Tells the current time of the machine in UTC, as RFC 3339: `2026-11-23T03:19:19Z`.
///
/// Its name is `clock`; it only reads.
#[must_use]
pub fn clock() -> FnTool {
    clock_by(Arc::new(SystemClock))
}

/// As [`clock()`], but by this clock, for example the one that the world was given.
///
/// ```
/// use std::sync::Arc;
/// use polychat_core::{ports::Clock, seq::Timestamp};
///
/// struct Stopped;
/// impl Clock for Stopped {
///     fn now(&self) -> Timestamp {
///         Timestamp(0)
///     }
/// }
///
/// let clock = polychat_tools::builtin::clock_by(Arc::new(Stopped));
/// # let _ = clock;
/// ```
#[must_use]
pub fn clock_by(clock: Arc<dyn Clock>) -> FnTool {
    let description = "Tells the current date and time in UTC, as RFC 3339.";
    tool("clock", description, move |_: NoArguments| {
        let now = written(clock.now());
        async move { now }
    })
    .reads_only()
}

fn written(now: Timestamp) -> Result<String, Failure> {
    let mut text = String::new();
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(now.0));
    // A clock may be set to a year that cannot be written with four digits.
    let written = time.map(|time| write!(text, "{}", humantime::format_rfc3339_seconds(time)));
    match written {
        Some(Ok(())) => Ok(text),
        _ => Err(Failure::new(FailureKind::ToolFailed, "the clock is set beyond the year 9999")),
    }
}

struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the port
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

//! A start of a server: the process or connection, the handshake, the list of tools.
//!
//! It runs in a task of its own, which the [`Server`] begins and which tells it how it went. Everybody
//! who needs the server meanwhile waits here, and so does whoever stops it.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Weak},
};

use futures_util::FutureExt;
use polychat_core::{content::Text, outcome::cut};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    config::Config,
    connection::{Connection, StartError},
    listing::Listing,
    server::{REASON_BYTES_MAX, Server},
};

/// What those hear who wait for a server that is stopped.
const STOPPED: &str = "it was stopped";

/// How a start went: the connection, or why there is none.
pub(super) type Started = Result<Arc<Connection>, Text>;

/// A start under way; everybody who needs the server waits for the same one.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) number: u64,
    /// Nothing was known of the server: model calls wait for it.
    pub(super) is_first: bool,
    outcome: watch::Receiver<Option<Started>>,
    /// Tells it to give up.
    stop: CancellationToken,
    /// The task goes on when those who wait give up, and ends with the server.
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Start {
    /// Begins it. The number tells it from those before it.
    pub(super) fn begin(
        number: u64,
        is_first: bool,
        server: Weak<Server>,
        config: Arc<Config>,
        known: Option<Arc<Listing>>,
    ) -> Self {
        let (done, outcome) = watch::channel(None);
        let stop = CancellationToken::new();
        let work = report(run(server, config, number, known), stop.clone(), done);
        let task = Arc::new(AbortOnDropHandle::new(tokio::spawn(work)));
        Self { number, is_first, outcome, stop, _task: task }
    }

    /// Waits until it is over. `None` if it went with its runtime.
    pub(super) async fn outcome(&self) -> Option<Started> {
        let mut outcome = self.outcome.clone();
        outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// Whether nothing will come of it, because its runtime has gone.
    pub(super) fn is_lost(&self) -> bool {
        self.outcome.has_changed().is_err()
    }

    /// Gives it up, and waits for that.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let _ = self.outcome().await;
    }
}

/// Lets everybody who waits for a start know how it went, also when it was stopped.
async fn report(
    start: impl Future<Output = Started>,
    stop: CancellationToken,
    done: watch::Sender<Option<Started>>,
) {
    // What the start has opened is gone before anybody hears that it was stopped.
    let outcome = stop.run_until_cancelled_owned(start).await;
    let _ = done.send(Some(outcome.unwrap_or_else(|| Err(STOPPED.into()))));
}

/// A start: the process or connection, the handshake, the list of tools, all within one limit.
async fn run(
    server: Weak<Server>,
    config: Arc<Config>,
    number: u64,
    known: Option<Arc<Listing>>,
) -> Started {
    let (began, limit) = (Instant::now(), config.limits.start_duration_max);
    let opened = timeout(limit, open(&config, known.as_ref()));
    let outcome = match AssertUnwindSafe(opened).catch_unwind().await {
        Ok(opened) => opened.unwrap_or(Err(StartError::TooSlow(limit))),
        Err(_) => Err(StartError::Panicked),
    };
    let Some(server) = server.upgrade() else { return Err(STOPPED.into()) };
    match outcome {
        Ok((connection, listing, change)) => {
            let connection = Arc::new(connection);
            if server.started(number, &connection, listing, change) {
                Ok(connection)
            } else {
                Err(STOPPED.into())
            }
        }
        Err(error) => {
            let reason = Text::from(cut(&error.to_string(), REASON_BYTES_MAX));
            server.not_started(number, &reason, began.elapsed());
            Err(reason)
        }
    }
}

async fn open(
    config: &Arc<Config>,
    known: Option<&Arc<Listing>>,
) -> Result<(Connection, Listing, u64), StartError> {
    let connection = Connection::open(config).await?;
    let change = connection.wire().changes();
    let listing = Listing::ask(connection.peer(), config, known).await;
    let listing = listing.map_err(|error| StartError::Listing(error.to_string().into()))?;
    Ok((connection, listing, change))
}

//! One server over all its lives: started when it is needed, once for all chats, and again after a
//! pause when it has ended.
//!
//! ```text
//!            needed                     ready
//!   idle ─────────────▶ starting ─────────────────▶ ready
//!                       ▲      │ failed, too slow     │ ended
//!                       │      ▼                      ▼
//!                       └──── paused ◀────────────────┘
//!                   needed, and the pause is over
//! ```
//!
//! The tools that it said it has outlast it, so that models keep them while it starts again.

use std::{
    collections::VecDeque,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::FutureExt;
use polychat_core::{
    content::Text,
    diagnostic::ToolSourceState::{self, Failed, Ready, Starting},
    outcome::cut,
};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    back_off::BackOff,
    catalog::Part,
    config::Config,
    connection::{Connection, StartError},
    listing::Listing,
    observers::Observers,
    status::{McpState, McpStatus},
};

/// The longest reason of a failure: a server may have said it.
const REASON_BYTES_MAX: usize = 512;

/// One server, shared by all chats.
pub(super) struct Server {
    config: Arc<Config>,
    observers: Arc<Observers>,
    state: Mutex<State>,
    /// Held while observers are told, so that they hear of changes in order.
    telling: Mutex<()>,
    /// Held while the tools are listed again: who waits for it finds them listed.
    listing_turn: tokio::sync::Mutex<()>,
    this: Weak<Self>,
}

struct State {
    phase: Phase,
    back_off: BackOff,
    listing: Option<Arc<Listing>>,
    /// What `Wire::changes` said before the tools were listed last.
    listed_at_change: u64,
    starts: u64,
    reason: Text,
    untold: VecDeque<(ToolSourceState, Text)>,
}

enum Phase {
    Idle,
    Starting(Start),
    Ready { connection: Arc<Connection>, since: Instant, _watch: AbortOnDropHandle<()> },
    Paused { until: Instant, could_start: bool },
}

/// A start under way; everybody who needs the server waits for the same one.
#[derive(Clone)]
struct Start {
    outcome: watch::Receiver<Option<Result<Arc<Connection>, Text>>>,
    /// The task goes on when those who wait give up, and ends with the server.
    _task: Arc<AbortOnDropHandle<()>>,
}

/// The server cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unavailable {
    /// Why.
    pub(super) reason: Text,
    /// How long it will not be tried again.
    pub(super) pause: Duration,
}

impl Server {
    pub(super) fn new(config: Config, observers: Arc<Observers>) -> Arc<Self> {
        let back_off = BackOff::new(&config.limits);
        Arc::new_cyclic(|this| Self {
            config: Arc::new(config),
            observers,
            state: Mutex::new(State {
                phase: Phase::Idle,
                back_off,
                listing: None,
                listed_at_change: 0,
                starts: 0,
                reason: "".into(),
                untold: VecDeque::new(),
            }),
            telling: Mutex::new(()),
            listing_turn: tokio::sync::Mutex::new(()),
            this: Weak::clone(this),
        })
    }

    pub(super) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Its tools as they are known now.
    pub(super) fn part(&self) -> Part {
        let state = self.state();
        let could_start = !matches!(state.phase, Phase::Paused { could_start: false, .. });
        Part {
            config: Arc::clone(&self.config),
            listing: state.listing.clone(),
            offered: could_start,
        }
    }

    pub(super) fn listing(&self) -> Option<Arc<Listing>> {
        self.state().listing.clone()
    }

    /// A connection to the server, which is started for that if need be and if its pause is over.
    ///
    /// Dropping the future does not end a start: others wait for it, or will.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Unavailable> {
        loop {
            let mut start = match self.need()? {
                Needed::Ready(connection) => return Ok(connection),
                Needed::Start(start) => start,
            };
            let outcome = start.outcome.wait_for(Option::is_some).await.map(|it| it.clone());
            match outcome {
                Ok(Some(Ok(connection))) => return Ok(connection),
                Ok(Some(Err(reason))) => {
                    return Err(Unavailable { reason, pause: self.pause_left() });
                }
                // Its task went with its runtime: whoever still has one begins anew.
                Ok(None) | Err(_) => self.forget_lost_start(),
            }
        }
    }

    /// Starts the server if it can be, and lists its tools again if it says that they have changed.
    pub(super) async fn prepare(&self) {
        let Ok(connection) = self.connection().await else { return };
        let _turn = self.listing_turn.lock().await;
        if self.state().listed_at_change != connection.wire().changes() {
            self.list_again(&connection).await;
        }
    }

    /// The server cannot be reached through this connection any more, though calls that are under
    /// way on it may still end well: the next use makes another.
    pub(super) fn retire(&self, connection: &Arc<Connection>, why: &str) {
        self.ended(connection, why);
    }

    /// Ends the server, if it runs. The next use starts it again.
    pub(super) async fn stop(&self) {
        let phase = std::mem::replace(&mut self.state().phase, Phase::Idle);
        if let Phase::Ready { connection, .. } = phase {
            connection.close().await;
        }
    }

    pub(super) fn status(&self) -> McpStatus {
        let state = self.state();
        let (now, pid) = match &state.phase {
            Phase::Idle => (McpState::Idle, None),
            Phase::Starting(_) => (McpState::Starting, None),
            Phase::Ready { connection, .. } if !connection.wire().has_ended() => {
                (McpState::Ready, connection.pid())
            }
            Phase::Ready { .. } | Phase::Paused { .. } => (McpState::Failed, None),
        };
        let (tools, left_out) = state
            .listing
            .as_ref()
            .map_or((0, Vec::new()), |listing| (listing.len(), listing.left_out().to_vec()));
        McpStatus {
            name: Arc::clone(&self.config.name),
            state: now,
            reason: Arc::clone(&state.reason),
            starts: state.starts,
            pid,
            tools,
            left_out,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What to wait for. Begins a start where there is none.
    fn need(&self) -> Result<Needed, Unavailable> {
        let dead = match &self.state().phase {
            Phase::Ready { connection, .. } if connection.wire().has_ended() => {
                Some(Arc::clone(connection))
            }
            _ => None,
        };
        if let Some(connection) = dead {
            // Noticed here first; whoever watches it may be late, or gone with its runtime.
            self.ended(&connection, &connection.wire().why_ended());
        }
        let mut state = self.state();
        match &state.phase {
            Phase::Ready { connection, .. } => Ok(Needed::Ready(Arc::clone(connection))),
            Phase::Starting(start) => Ok(Needed::Start(start.clone())),
            Phase::Paused { until, .. } if *until > Instant::now() => Err(Unavailable {
                reason: Arc::clone(&state.reason),
                pause: until.saturating_duration_since(Instant::now()),
            }),
            Phase::Paused { .. } | Phase::Idle => {
                let (done, outcome) = watch::channel(None);
                let start = run(Weak::clone(&self.this), Arc::clone(&self.config), done);
                let task = Arc::new(AbortOnDropHandle::new(tokio::spawn(start)));
                let start = Start { outcome, _task: task };
                state.phase = Phase::Starting(start.clone());
                state.untold.push_back((Starting, "".into()));
                drop(state);
                self.tell();
                Ok(Needed::Start(start))
            }
        }
    }

    fn pause_left(&self) -> Duration {
        match &self.state().phase {
            Phase::Paused { until, .. } => until.saturating_duration_since(Instant::now()),
            _ => Duration::ZERO,
        }
    }

    fn forget_lost_start(&self) {
        let mut state = self.state();
        if matches!(&state.phase, Phase::Starting(start) if start.outcome.has_changed().is_err()) {
            state.phase = Phase::Idle;
        }
    }

    fn started(&self, connection: &Arc<Connection>, listing: Listing, change: u64) {
        let watch = watch_end(Weak::clone(&self.this), connection);
        let mut state = self.state();
        state.phase = Phase::Ready {
            connection: Arc::clone(connection),
            since: Instant::now(),
            _watch: AbortOnDropHandle::new(tokio::spawn(watch)),
        };
        state.listing = Some(Arc::new(listing));
        state.listed_at_change = change;
        state.starts += 1;
        state.reason = "".into();
        state.untold.push_back((Ready, "".into()));
        drop(state);
        self.tell();
    }

    fn not_started(&self, reason: &Text) {
        let mut state = self.state();
        let pause = state.back_off.not_started();
        state.fail(pause, false, reason);
        drop(state);
        self.tell();
    }

    /// A connection has ended, or is of no more use. Only the first word of it counts.
    fn ended(&self, connection: &Arc<Connection>, why: &str) {
        let mut state = self.state();
        match &state.phase {
            Phase::Ready { connection: current, since, .. } if Arc::ptr_eq(current, connection) => {
                let ran = since.elapsed();
                let pause = state.back_off.ended_after(ran);
                state.fail(pause, true, why);
            }
            _ => return,
        }
        drop(state);
        self.tell();
    }

    async fn list_again(&self, connection: &Arc<Connection>) {
        // Read before asking: what changes while the server answers is asked for next time.
        let change = connection.wire().changes();
        let asked = Listing::ask(connection.peer(), &self.config);
        let listing = timeout(self.config.limits.start_duration_max, asked).await;
        let mut state = self.state();
        if !matches!(&state.phase, Phase::Ready { connection: it, .. } if Arc::ptr_eq(it, connection))
        {
            return;
        }
        state.listed_at_change = change;
        // A server that cannot say what it has keeps what it had.
        let Ok(Ok(listing)) = listing else { return };
        let same = state.listing.as_ref().is_some_and(|known| known.says_the_same_as(&listing));
        state.listing = Some(Arc::new(listing));
        if !same {
            state.untold.push_back((Ready, "its tools have changed".into()));
        }
        drop(state);
        self.tell();
    }

    /// Tells observers what they have not heard yet, in order.
    fn tell(&self) {
        let _turn = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = self.state().untold.pop_front();
            let Some((now, reason)) = next else { return };
            self.observers.tell(&self.config.name, now, &reason);
        }
    }
}

impl State {
    fn fail(&mut self, pause: Duration, could_start: bool, reason: &str) {
        let now = Instant::now();
        let until = now.checked_add(pause).unwrap_or(now);
        self.phase = Phase::Paused { until, could_start };
        let reason = Text::from(cut(reason, REASON_BYTES_MAX));
        self.reason = Arc::clone(&reason);
        self.untold.push_back((Failed, reason));
    }
}

enum Needed {
    Ready(Arc<Connection>),
    Start(Start),
}

/// A start: the process or connection, the handshake, the list of tools, all within one limit.
async fn run(
    server: Weak<Server>,
    config: Arc<Config>,
    done: watch::Sender<Option<Result<Arc<Connection>, Text>>>,
) {
    let limit = config.limits.start_duration_max;
    let opened = AssertUnwindSafe(timeout(limit, open(&config))).catch_unwind().await;
    let outcome = match opened {
        Ok(opened) => opened.unwrap_or(Err(StartError::TooSlow(limit))),
        Err(_) => Err(StartError::Panicked),
    };
    let Some(server) = server.upgrade() else { return };
    let outcome = match outcome {
        Ok((connection, listing, change)) => {
            let connection = Arc::new(connection);
            server.started(&connection, listing, change);
            Ok(connection)
        }
        Err(error) => {
            let reason = Text::from(cut(&error.to_string(), REASON_BYTES_MAX));
            server.not_started(&reason);
            Err(reason)
        }
    };
    let _ = done.send(Some(outcome));
}

async fn open(config: &Config) -> Result<(Connection, Listing, u64), StartError> {
    let connection = Connection::open(config).await?;
    let change = connection.wire().changes();
    let listing = Listing::ask(connection.peer(), config).await;
    let listing = listing.map_err(|error| StartError::Listing(error.to_string().into()))?;
    Ok((connection, listing, change))
}

/// Waits for the end of a connection, so that it is told also when nobody calls.
fn watch_end(
    server: Weak<Server>,
    connection: &Arc<Connection>,
) -> impl Future<Output = ()> + Send + 'static {
    let (wire, connection) = (Arc::clone(connection.wire()), Arc::downgrade(connection));
    async move {
        wire.ended().await;
        if let (Some(server), Some(connection)) = (server.upgrade(), connection.upgrade()) {
            server.ended(&connection, &wire.why_ended());
        }
    }
}

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
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use polychat_core::{
    content::Text,
    diagnostic::ToolSourceState::{self, Failed, Ready, Starting},
    outcome::cut,
};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    back_off::BackOff,
    catalog::Part,
    config::Config,
    connection::Connection,
    listing::Listing,
    start::Start,
    status::{McpState, McpStatus},
};
use crate::observers::Observers;

/// The longest reason of a failure: a server may have said it.
pub(super) const REASON_BYTES_MAX: usize = 512;
/// How long a server's tools are not listed again after they were: it may say all the time that
/// they have changed.
const LISTING_PAUSE: Duration = Duration::from_secs(5);

/// One server, shared by all chats.
pub(super) struct Server {
    config: Arc<Config>,
    observers: Arc<Observers>,
    state: Mutex<State>,
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
    /// When they may be listed again; `None` before the server has asked for that.
    listed_until: Option<Instant>,
    starts: u64,
    /// How many starts were begun: each is told from those before it.
    begun: u64,
    reason: Text,
    untold: VecDeque<(ToolSourceState, Text)>,
    /// Whether somebody tells observers: only one does at a time, so that they hear of changes in
    /// order.
    telling: bool,
}

enum Phase {
    Idle,
    Starting(Start),
    Ready { connection: Arc<Connection>, since: Instant, _watch: AbortOnDropHandle<()> },
    Paused { until: Instant, could_start: bool },
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
                listed_until: None,
                starts: 0,
                begun: 0,
                reason: "".into(),
                untold: VecDeque::new(),
                telling: false,
            }),
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
        let (offered, failed) = match &state.phase {
            Phase::Paused { until, could_start } => (*could_start, Some(state.unavailable(*until))),
            _ => (true, None),
        };
        let (config, listing) = (Arc::clone(&self.config), state.listing.clone());
        Part { config, listing, offered, failed }
    }

    pub(super) fn listing(&self) -> Option<Arc<Listing>> {
        self.state().listing.clone()
    }

    /// A connection to the server, which is started for that if need be and if its pause is over.
    ///
    /// Dropping the future does not end a start: others wait for it, or will.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, Unavailable> {
        loop {
            let start = match self.need()? {
                Needed::Ready(connection) => return Ok(connection),
                Needed::Start(start) => start,
            };
            match start.outcome().await {
                Some(Ok(connection)) => return Ok(connection),
                Some(Err(reason)) => {
                    return Err(Unavailable { reason, pause: self.pause_left() });
                }
                // Its task went with its runtime: whoever still has one begins anew.
                None => {}
            }
        }
    }

    /// Starts the server if it can be, and lists its tools again if it says that they have changed.
    ///
    /// Only a first start is waited for: a server that hangs each time must not hold up each model
    /// call, and one that has merely ended is waited for by whoever calls it.
    pub(super) async fn prepare(&self) {
        let connection = match self.need() {
            Ok(Needed::Ready(connection)) => connection,
            Ok(Needed::Start(start)) if start.is_first => match self.connection().await {
                Ok(connection) => connection,
                Err(_) => return,
            },
            Ok(Needed::Start(_)) | Err(_) => return,
        };
        let _turn = self.listing_turn.lock().await;
        if self.state().wants_listing(&connection) {
            self.list_again(&connection).await;
        }
    }

    /// The server cannot be reached through this connection any more, though calls that are under
    /// way on it may still end well: the next use makes another.
    pub(super) fn retire(&self, connection: &Arc<Connection>, why: &str) {
        self.ended(connection, why);
    }

    /// Ends the server, if it runs or is being started. The next use starts it again.
    pub(super) async fn stop(&self) {
        let phase = std::mem::replace(&mut self.state().phase, Phase::Idle);
        match phase {
            Phase::Ready { connection, .. } => connection.close().await,
            Phase::Starting(start) => start.stop().await,
            Phase::Idle | Phase::Paused { .. } => {}
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
        self.forget_lost_start();
        let mut state = self.state();
        match &state.phase {
            Phase::Ready { connection, .. } => Ok(Needed::Ready(Arc::clone(connection))),
            Phase::Starting(start) => Ok(Needed::Start(start.clone())),
            Phase::Paused { until, .. } if *until > Instant::now() => {
                Err(state.unavailable(*until))
            }
            Phase::Paused { .. } | Phase::Idle => {
                let start = self.begin(&mut state);
                drop(state);
                self.tell();
                Ok(Needed::Start(start))
            }
        }
    }

    fn begin(&self, state: &mut State) -> Start {
        state.begun += 1;
        let is_first = matches!(state.phase, Phase::Idle);
        let known = state.listing.clone();
        let server = Weak::clone(&self.this);
        let start = Start::begin(state.begun, is_first, server, Arc::clone(&self.config), known);
        state.phase = Phase::Starting(start.clone());
        state.untold.push_back((Starting, "".into()));
        start
    }

    fn pause_left(&self) -> Duration {
        match &self.state().phase {
            Phase::Paused { until, .. } => until.saturating_duration_since(Instant::now()),
            _ => Duration::ZERO,
        }
    }

    fn forget_lost_start(&self) {
        let mut state = self.state();
        if matches!(&state.phase, Phase::Starting(start) if start.is_lost()) {
            state.phase = Phase::Idle;
        }
    }

    /// A start has succeeded. Whether that still counts: it may have been stopped.
    pub(super) fn started(
        &self,
        number: u64,
        connection: &Arc<Connection>,
        listing: Listing,
        change: u64,
    ) -> bool {
        let watch = watch_end(Weak::clone(&self.this), connection);
        let mut state = self.state();
        if !state.is_starting(number) {
            return false;
        }
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
        true
    }

    pub(super) fn not_started(&self, number: u64, reason: &Text, took: Duration) {
        let mut state = self.state();
        if !state.is_starting(number) {
            return;
        }
        let pause = state.back_off.not_started(took);
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
        let (change, began) = (connection.wire().changes(), Instant::now());
        let known = self.listing();
        let asked = Listing::ask(connection.peer(), &self.config, known.as_ref());
        let listing = timeout(self.config.limits.start_duration_max, asked).await;
        let mut state = self.state();
        if !matches!(&state.phase, Phase::Ready { connection: it, .. } if Arc::ptr_eq(it, connection))
        {
            return;
        }
        state.listed_at_change = change;
        let pause = LISTING_PAUSE.max(began.elapsed());
        state.listed_until = Instant::now().checked_add(pause);
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
        {
            let mut state = self.state();
            if state.telling {
                return;
            }
            state.telling = true;
        }
        // An observer that panics must not silence the server for ever.
        let _turn = Telling(self);
        while let Some((now, reason)) = self.state().next_untold() {
            // Under no lock: who hears of one thing may well ask for another.
            self.observers.tell(&self.config.name, now, &reason);
        }
    }
}

/// Whoever tells observers.
struct Telling<'a>(&'a Server);

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().telling = false;
        }
    }
}

impl State {
    fn is_starting(&self, number: u64) -> bool {
        matches!(&self.phase, Phase::Starting(start) if start.number == number)
    }

    fn unavailable(&self, until: Instant) -> Unavailable {
        let pause = until.saturating_duration_since(Instant::now());
        Unavailable { reason: Arc::clone(&self.reason), pause }
    }

    /// Whether the tools have changed, and were not listed again just now.
    fn wants_listing(&self, connection: &Connection) -> bool {
        self.listed_at_change != connection.wire().changes()
            && self.listed_until.is_none_or(|until| until <= Instant::now())
    }

    /// What observers hear next; with nothing left, nobody tells them any more.
    fn next_untold(&mut self) -> Option<(ToolSourceState, Text)> {
        let next = self.untold.pop_front();
        self.telling = next.is_some();
        next
    }

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

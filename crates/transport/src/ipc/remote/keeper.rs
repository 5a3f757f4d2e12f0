//! The task that owns the pipe, and seeks the next one when it is lost.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use polychat_core::{Fault, WorldId};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    select,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    RemoteOptions,
    connect::Connect,
    connection::{Connection, Ended, fault},
    driver::Driver,
    options::Backoff,
};
use crate::ipc::error::ConnectionError;

/// How the connection stands, as its users see it.
#[derive(Clone)]
pub(super) enum State {
    /// Speak.
    Up(Arc<Connection>),
    /// It is sought.
    Away,
    /// There will be none any more.
    Over(Fault),
}

/// A connection and what drives it, which has to be polled.
pub(super) struct Driven {
    pub(super) connection: Arc<Connection>,
    pub(super) driving: Driving,
}

/// Runs a connection until it ends.
pub(super) type Driving = BoxFuture<'static, Result<(), ConnectionError>>;

impl Driven {
    /// Begins to speak with who must serve this world, and waits for nothing.
    pub(super) fn over<T>(io: T, world_id: WorldId, options: &RemoteOptions) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (greeting, _) = oneshot::channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let ended = Ended::default();
        let driver = Driver::new(io, Some(world_id.clone()), options, ordered, greeting);
        let driving = Box::pin(driver.run(ended.clone()));
        Self { connection: Arc::new(Connection::new(world_id, orders, ended, options)), driving }
    }
}

/// Makes connections, one after the other.
pub(super) struct Maker<C> {
    pub(super) connector: C,
    pub(super) options: RemoteOptions,
    /// Connections made so far.
    pub(super) made: Arc<AtomicU64>,
}

impl<C: Connect> Maker<C> {
    /// One connection to the wanted world, or to any: it has said which it serves.
    pub(super) async fn make(
        &self,
        wanted: Option<WorldId>,
    ) -> Result<(WorldId, Driven), ConnectionError> {
        let making = timeout(self.options.connect_duration_max, self.greeted(wanted)).await;
        let made = making.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(made)
    }

    async fn greeted(&self, wanted: Option<WorldId>) -> Result<(WorldId, Driven), ConnectionError> {
        let io = self.connector.connect().await?;
        let (greeting, greeted) = oneshot::channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let ended = Ended::default();
        let driver = Driver::new(io, wanted, &self.options, ordered, greeting);
        let mut driving: Driving = Box::pin(driver.run(ended.clone()));
        let world_id = select! {
            // What ended said why; a greeting that will not come says nothing.
            biased;
            end = &mut driving => return Err(end.err().unwrap_or_else(closed)),
            greeted = greeted => greeted.map_err(|_| closed())?,
        };
        let connection = Connection::new(world_id.clone(), orders, ended, &self.options);
        Ok((world_id, Driven { connection: Arc::new(connection), driving }))
    }
}

fn closed() -> ConnectionError {
    io::Error::from(io::ErrorKind::UnexpectedEof).into()
}

/// Drives one connection until it ends; there will be no other.
pub(super) async fn keep_one(
    driving: Driving,
    state: watch::Sender<State>,
    goodbye_duration_max: Duration,
) {
    let end = drive(driving, &state, goodbye_duration_max).await;
    state.send_replace(State::Over(fault(&end)));
}

/// Drives one connection after the other until nobody wants any more, or there can be none.
pub(super) async fn keep<C: Connect>(
    maker: Maker<C>,
    world_id: WorldId,
    mut driving: Driving,
    state: watch::Sender<State>,
) {
    let mut backoff = maker.options.backoff();
    loop {
        let since = Instant::now();
        let end = drive(driving, &state, maker.options.connect_duration_max).await;
        backoff.held_for(since.elapsed());
        if let Err(ConnectionError::Protocol { .. }) = end {
            // It would be no better the next time: another world, another version.
            state.send_replace(State::Over(fault(&end)));
            return;
        }
        state.send_replace(State::Away);
        let next = select! {
            () = state.closed() => return,
            next = seek(&maker, &world_id, &mut backoff) => next,
        };
        match next {
            Ok(next) => {
                state.send_replace(State::Up(next.connection));
                driving = next.driving;
            }
            Err(error) => {
                state.send_replace(State::Over(fault(&Err(error))));
                return;
            }
        }
    }
}

/// Polls what drives a connection until that has ended.
async fn drive(
    driving: Driving,
    state: &watch::Sender<State>,
    goodbye_duration_max: Duration,
) -> Result<(), ConnectionError> {
    let mut driving = pin!(driving);
    select! {
        end = &mut driving => return end,
        () = state.closed() => {}
    }
    // Nobody is there any more: once this lets go of it, too, it writes what was said, and closes.
    state.send_replace(State::Away);
    timeout(goodbye_duration_max, driving).await.unwrap_or(Ok(()))
}

/// The next connection to the same world; an error is one that stays.
async fn seek<C: Connect>(
    maker: &Maker<C>,
    world_id: &WorldId,
    backoff: &mut Backoff,
) -> Result<Driven, ConnectionError> {
    loop {
        sleep(backoff.next()).await;
        match maker.make(Some(world_id.clone())).await {
            Ok((_, driven)) => return Ok(driven),
            Err(error @ ConnectionError::Protocol { .. }) => return Err(error),
            Err(error) => {
                let world_id = world_id.as_str();
                tracing::debug!(world_id, path = super::PATH, %error, "not connected");
            }
        }
    }
}

//! What a remote world's handle and its streams share: the connection of the moment.
//!
//! A command waits for a connection, and for a bounded time. One that was under way when its
//! connection was lost is a fault, which says that sending it again is safe; of those that the world
//! keeps by an id it is asked what became of them.

use std::sync::Arc;

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, EndReason, Fault, FaultKind, Refusal, Reply, Scope, StartAt, WorldId,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    RemoteOptions,
    connection::Connection,
    in_question::InQuestion,
    keeper::State,
    options::Backoff,
    returning::{Begun, REFUSALS_MAX, Way, reason},
};

/// What a remote world's handle and its streams share.
pub(super) struct Link {
    world_id: WorldId,
    state: watch::Receiver<State>,
    /// Whether what is lost is sought.
    returns: bool,
    waiting: Semaphore,
    options: RemoteOptions,
}

impl Link {
    pub(super) fn new(
        world_id: WorldId,
        state: watch::Receiver<State>,
        options: RemoteOptions,
    ) -> Self {
        let waiting = Semaphore::new(options.requests_waiting_max.min(Semaphore::MAX_PERMITS));
        Self { world_id, state, returns: false, waiting, options }
    }

    /// A link that is made again when it is lost.
    pub(super) fn returning(mut self) -> Self {
        self.returns = true;
        self
    }

    pub(super) fn world_id(&self) -> &WorldId {
        &self.world_id
    }

    pub(super) fn options(&self) -> &RemoteOptions {
        &self.options
    }

    /// Whether there is a connection now.
    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(connection) if !connection.ended().has())
    }

    /// The connection, as soon as there is one; an error when there will be none any more.
    pub(super) async fn up(&self) -> Result<Arc<Connection>, Fault> {
        let mut state = self.state.clone();
        let settled = state
            .wait_for(|state| match state {
                State::Up(connection) => !connection.ended().has(),
                State::Away => false,
                State::Over(_) => true,
            })
            .await;
        match settled.as_deref() {
            Ok(State::Up(connection)) => Ok(Arc::clone(connection)),
            Ok(State::Over(fault)) => Err(fault.clone()),
            // Its task was cut off together with its runtime.
            Ok(State::Away) | Err(_) => {
                Err(Fault::new(FaultKind::ConnectionLost, "nobody seeks the connection any more"))
            }
        }
    }

    /// The connection, for which is waited as long as a command may wait.
    async fn connection(&self) -> Result<Arc<Connection>, CommandError> {
        if let State::Up(connection) = &*self.state.borrow()
            && !connection.ended().has()
        {
            return Ok(Arc::clone(connection));
        }
        let max = self.options.requests_waiting_max;
        let overloaded = Refusal::Overloaded { scope: "connection".into(), max };
        let _place = self.waiting.try_acquire().map_err(|_| overloaded)?;
        let up = timeout(self.options.connect_duration_max, self.up()).await;
        let late = || Fault::new(FaultKind::ConnectionLost, "there is no connection just now");
        Ok(up.map_err(|_| late())??)
    }

    pub(super) async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let in_question = self.returns.then(|| InQuestion::of(&command)).flatten();
        let connection = self.connection().await?;
        let answer = connection.call(command).await;
        match (&answer, in_question) {
            (Err(error), Some(in_question)) if connection.lost(error) => {
                self.settled(&in_question).await.unwrap_or(answer)
            }
            _ => answer,
        }
    }

    /// What became of a command of which the answer was lost; `None` when that cannot be known, or
    /// when nothing has become of it so far.
    async fn settled(&self, sent: &InQuestion) -> Option<Result<Reply, CommandError>> {
        let settling = async {
            loop {
                let connection = self.up().await.ok()?;
                match sent.settle(&connection).await {
                    Err(error) if connection.lost(&error) => {}
                    answer => return answer.transpose(),
                }
            }
        };
        timeout(self.options.connect_duration_max, settling).await.ok().flatten()
    }

    /// Begins to watch, over the connection of the moment or, if that is lost, over a later one.
    pub(super) async fn begin(
        &self,
        scope: &Scope,
        start: &StartAt,
    ) -> Result<Begun, CommandError> {
        let (begun, patience) = (Instant::now(), self.options.connect_duration_max);
        loop {
            let connection = self.connection().await?;
            match Begun::over(&connection, scope, start, self.returns).await {
                // To watch has no effect, so it may be asked for twice.
                Err(error) if connection.lost(&error) && begun.elapsed() < patience => {}
                outcome => return outcome,
            }
        }
    }
}

#[async_trait]
impl Way for Link {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        Self::call(self, command).await
    }

    async fn again(&self, scope: Scope, place: Option<StartAt>) -> Result<Begun, EndReason> {
        let mut backoff = self.backoff();
        loop {
            let connection = self.up().await.map_err(|fault| reason(&fault.into()))?;
            // Nothing had come yet, and where that was is not known.
            let place = place.clone().ok_or(EndReason::Unreadable)?;
            match Begun::after(&connection, scope.clone(), place).await {
                Err(error) if connection.lost(&error) => {}
                // The server may not have noticed yet that the connection before has ended.
                Err(error) if error.retryable() && backoff.attempts() < REFUSALS_MAX => {
                    drop(connection);
                    sleep(backoff.next()).await;
                }
                begun => return begun.map_err(|error| reason(&error)),
            }
        }
    }

    fn backoff(&self) -> Backoff {
        self.options.backoff()
    }
}

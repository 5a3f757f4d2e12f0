//! What a remote world's handle and its streams share: the connection of the moment.
//!
//! A command waits for a connection, and for a bounded time. One that was under way when its
//! connection was lost is a fault, which says that sending it again is safe; of those that the world
//! keeps by an id it is asked what became of them.

use std::sync::Arc;

use polychat_core::{
    ChatId, Command, CommandError, Cursor, Fault, FaultKind, PromptId, Refusal, Reply, Scope, Seq,
    StartAt, WorldId,
    command::{Accepted, PromptState},
    ports::NoticeStream,
};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, timeout},
};

use super::{
    RemoteOptions,
    connection::{Connection, Ended},
    keeper::State,
    options::Backoff,
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

/// A stream of one connection, and the place from which the next one's goes on.
pub(super) struct Begun {
    pub(super) stream: NoticeStream,
    pub(super) ended: Ended,
    /// `None` when it is not known, and only then.
    pub(super) place: Option<StartAt>,
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

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(&self.options)
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
            match self.begin_over(&connection, scope, start).await {
                // To watch has no effect, so it may be asked for twice.
                Err(error) if connection.lost(&error) && begun.elapsed() < patience => {}
                outcome => return outcome,
            }
        }
    }

    async fn begin_over(
        &self,
        connection: &Connection,
        scope: &Scope,
        start: &StartAt,
    ) -> Result<Begun, CommandError> {
        let place = match (scope, start) {
            (Scope::Chat(chat), StartAt::Now) if self.returns => head(connection, chat).await?,
            (Scope::Chat(_), StartAt::Now) => None,
            (_, start) => Some(start.clone()),
        };
        let stream = connection.subscribe(scope.clone(), start.clone()).await?;
        Ok(Begun { stream, ended: connection.ended().clone(), place })
    }
}

/// Where a chat's log ends before "now": what comes after that is missed by nobody who begins now
/// and loses the connection before anything came.
async fn head(connection: &Connection, chat: &ChatId) -> Result<Option<StartAt>, CommandError> {
    let command = Command::ReadLog { chat: chat.clone(), after: Seq::MAX, limit: 1 };
    match connection.call(command).await {
        Ok(Reply::Log(page)) => Ok(Some(StartAt::After(Cursor::after(page.head)))),
        Err(error) if connection.lost(&error) => Err(error),
        // Whether it may be watched is for the subscription to say.
        _ => Ok(None),
    }
}

/// A command that the world can be asked about later, by the id of its prompt.
struct InQuestion {
    chat: ChatId,
    prompt: PromptId,
    command: Command,
}

impl InQuestion {
    fn of(command: &Command) -> Option<Self> {
        let (Command::SendPrompt { chat, prompt, .. } | Command::Revise { chat, prompt, .. }) =
            command
        else {
            return None;
        };
        Some(Self { chat: chat.clone(), prompt: prompt.clone(), command: command.clone() })
    }

    /// The answer that was lost; `None` when the world knows of no such prompt.
    ///
    /// Nothing is sent twice unless it has arrived: a prompt that the world has is sent once more,
    /// which has no effect, only to hear whether it was this one, or another of the same id.
    async fn settle(&self, connection: &Connection) -> Result<Option<Reply>, CommandError> {
        let (chat, prompt) = (self.chat.clone(), self.prompt.clone());
        let found = connection.call(Command::LookUpPrompt { chat, prompt }).await;
        let accepted_seq = match found {
            Ok(Reply::Prompt(
                PromptState::Queued { accepted_seq }
                | PromptState::Running { accepted_seq, .. }
                | PromptState::Ended { accepted_seq, .. },
            )) => accepted_seq,
            Err(error) if connection.lost(&error) => return Err(error),
            _ => return Ok(None),
        };
        match connection.call(self.command.clone()).await {
            Err(error @ CommandError::Refused(Refusal::Conflict { .. })) => Err(error),
            Err(error) if connection.lost(&error) => Err(error),
            // Whatever else is said of the second one, the first was accepted.
            _ => {
                let prompt_id = self.prompt.clone();
                Ok(Some(Reply::Accepted(Accepted { prompt_id, accepted_seq })))
            }
        }
    }
}

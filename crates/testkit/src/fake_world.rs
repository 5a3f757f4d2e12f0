//! A world that does what a test says: a scripted [`WorldService`] for tests of transports.
//!
//! Commands are answered by a function, subscriptions are handed to the test, which then plays the
//! world's side of each. Nothing is stored and nothing happens by itself. [`lies`] holds what a
//! world must not send.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::{FutureExt, future::BoxFuture, stream};
use polychat_core::{
    Command, CommandError, Notice, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};
use tokio::sync::mpsc;

pub mod lies;

/// Notices of one subscription that may wait for its reader; the test waits beyond.
const NOTICES_WAITING_MAX: usize = 64;

type Answer = Box<dyn Fn(Command) -> BoxFuture<'static, Result<Reply, CommandError>> + Send + Sync>;

/// A world that does what a test says.
///
/// ```
/// # use polychat_core::{Command, Reply, ports::WorldService};
/// # use polychat_testkit::fake_world::FakeWorld;
/// # async fn test() {
/// let world = FakeWorld::answering(|_| async { Ok(Reply::Done) });
/// assert_eq!(world.call(Command::GetWorld).await, Ok(Reply::Done));
/// assert_eq!(world.commands(), [Command::GetWorld]);
/// # }
/// ```
pub struct FakeWorld {
    answer: Answer,
    commands: Mutex<Vec<Command>>,
    refusal: Mutex<Option<CommandError>>,
    opened: mpsc::UnboundedSender<FakeSubscription>,
    to_play: tokio::sync::Mutex<mpsc::UnboundedReceiver<FakeSubscription>>,
}

impl FakeWorld {
    /// A world that answers each command by this function.
    pub fn answering<F, A>(answer: F) -> Self
    where
        F: Fn(Command) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Reply, CommandError>> + Send + 'static,
    {
        let (opened, to_play) = mpsc::unbounded_channel();
        Self {
            answer: Box::new(move |command| answer(command).boxed()),
            commands: Mutex::default(),
            refusal: Mutex::default(),
            opened,
            to_play: tokio::sync::Mutex::new(to_play),
        }
    }

    /// A world that answers every command with the same.
    #[must_use]
    pub fn always(answer: Result<Reply, CommandError>) -> Self {
        Self::answering(move |_| std::future::ready(answer.clone()))
    }

    /// The commands that have arrived, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses all further subscriptions.
    pub fn refuse_subscriptions(&self, error: CommandError) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    /// The next subscription that arrived and was not taken yet; waits for it.
    ///
    /// # Panics
    ///
    /// Never: the world itself keeps the line open.
    #[expect(clippy::expect_used, reason = "the sender lives in the same struct")]
    pub async fn next_subscription(&self) -> FakeSubscription {
        self.to_play.lock().await.recv().await.expect("the world holds the sender")
    }
}

#[async_trait]
impl WorldService for FakeWorld {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).push(command.clone());
        (self.answer)(command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        if let Some(error) = self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(error);
        }
        let (notices, mut waiting) = mpsc::channel(NOTICES_WAITING_MAX);
        // Nobody takes it once the test is over, and then nobody reads the stream either.
        let _ = self.opened.send(FakeSubscription { scope, start, notices });
        Ok(Box::pin(stream::poll_fn(move |cx| waiting.poll_recv(cx))))
    }
}

/// The world's side of one subscription. Dropping it ends the stream without a reason.
#[derive(Debug)]
pub struct FakeSubscription {
    /// What is watched.
    pub scope: Scope,
    /// Where it begins.
    pub start: StartAt,
    notices: mpsc::Sender<Notice>,
}

impl FakeSubscription {
    /// Sends a notice; waits while too many wait. `false` when nobody reads any more.
    pub async fn send(&self, notice: Notice) -> bool {
        self.notices.send(notice).await.is_ok()
    }

    /// Waits until nobody reads any more: the reader has unsubscribed.
    pub async fn unsubscribed(&self) {
        self.notices.closed().await;
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub fn is_unsubscribed(&self) -> bool {
        self.notices.is_closed()
    }
}

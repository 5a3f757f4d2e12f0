//! A world at the other end of HTTP.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use polychat_core::{
    Command, CommandError, EndReason, Reply, Scope, StartAt, WorldId,
    ports::{NoticeStream, WorldService},
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    dial::Dial,
    exchange::{Exchange, Line},
    options::HttpWorldOptions,
    tcp::Tcp,
    url::WorldUrl,
};
use crate::{
    bytes::NearEnd,
    ipc::{
        Connect,
        remote::{
            Backoff, Begun, ChatStream, Connection, Ended, InQuestion, REFUSALS_MAX, Returning,
            Way, WorldStream, reason,
        },
    },
};

/// A world at the other end of HTTP: commands are requests, streams are server-sent events.
///
/// It needs a connection for each stream and for each request under way, and comes back to a server
/// that was away as [`RemoteWorld`](crate::ipc::RemoteWorld) does, which over a WebSocket needs one
/// connection for everything:
///
/// - **Streams of chats** go on after the last notice that their reader took (`Last-Event-ID`), inside
///   of the same stream. **Streams of the world** begin again with what is true then.
/// - **Commands under way** when their connection is lost fail with
///   [`ConnectionLost`](polychat_core::FaultKind): with the same ids they are safe to send again. What
///   became of a prompt or a revision is asked first, and if it was accepted, that is the answer.
/// - **Commands sent while it is away** wait for
///   [`connect_duration_max`](HttpWorldOptions::connect_duration_max), then fail in the same way.
///
/// An id with a slash has no path, and is refused as `invalid_input` before anything is sent.
///
/// ```no_run
/// use polychat_core::{Command, ports::WorldService};
/// use polychat_transport::http::client::{Headers, HttpWorld, HttpWorldOptions};
///
/// # async fn program() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = HttpWorldOptions::default();
/// options.headers = Headers::bearer("the token of the server")?;
/// let world = HttpWorld::new("http://127.0.0.1:7777/v1/worlds/home".parse()?, options);
/// world.call(Command::GetWorld).await?;
/// # Ok(())
/// # }
/// ```
pub struct HttpWorld {
    line: Arc<Line>,
}

impl HttpWorld {
    /// The world of this address, over plain TCP. Nothing is sent before something is asked.
    #[must_use]
    pub fn new(url: WorldUrl, options: HttpWorldOptions) -> Self {
        let connector = Tcp::to(&url);
        Self::by(connector, url, options)
    }

    /// The same over connections of your own, such as TLS; each of them leads to the address's host.
    #[must_use]
    pub fn by<C: Connect>(connector: C, url: WorldUrl, options: HttpWorldOptions) -> Self {
        let dial = Dial::new(connector, &options);
        Self { line: Arc::new(Line::new(dial, url, options)) }
    }

    /// The world that is served.
    #[must_use]
    pub fn world_id(&self) -> &WorldId {
        self.line.url.world_id()
    }

    /// Records rejected so far.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.line.options.rejections.count()
    }
}

#[async_trait]
impl WorldService for HttpWorld {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        call(&self.line, command).await
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let begun = begin(&self.line, &scope, &start).await?;
        let returning = Returning::new(Arc::new(Course::new(&self.line)), scope.clone(), begun);
        Ok(match scope {
            Scope::World => Box::pin(WorldStream::new(returning)),
            _ => Box::pin(ChatStream(returning)),
        })
    }
}

/// One question, whose connection is the one that it gets.
struct Question {
    over: Connection<Exchange>,
    sent: Arc<AtomicBool>,
}

impl Question {
    fn new(line: &Arc<Line>) -> Self {
        let (ended, sent) = (Ended::default(), Arc::<AtomicBool>::default());
        let options = &line.options;
        let exchange =
            Exchange { line: Arc::clone(line), ended: ended.clone(), sent: Arc::clone(&sent) };
        let near =
            NearEnd::new(line.url.world_id().clone(), exchange, Arc::clone(&options.rejections))
                .limits(options.wire.clone());
        Self { over: Connection::of(near, ended), sent }
    }

    /// Whether it has no answer, and may have been heard all the same.
    fn lost(&self, error: &CommandError) -> bool {
        self.over.lost(error) && self.sent.load(Ordering::Relaxed)
    }
}

async fn call(line: &Arc<Line>, command: Command) -> Result<Reply, CommandError> {
    let in_question = InQuestion::of(&command);
    let question = Question::new(line);
    let answer = question.over.call(command).await;
    match (&answer, in_question) {
        (Err(error), Some(in_question)) if question.lost(error) => {
            settled(line, &in_question).await.unwrap_or(answer)
        }
        _ => answer,
    }
}

/// What became of a command of which the answer was lost; `None` when that cannot be known, or when
/// nothing has become of it so far.
async fn settled(line: &Arc<Line>, sent: &InQuestion) -> Option<Result<Reply, CommandError>> {
    let settling = async {
        let mut backoff = line.options.backoff();
        loop {
            sleep(backoff.next()).await;
            let question = Question::new(line);
            match sent.settle(&question.over).await {
                Err(error) if question.over.lost(&error) => {}
                answer => return answer.transpose(),
            }
        }
    };
    timeout(line.options.connect_duration_max, settling).await.ok().flatten()
}

/// Begins to watch. To watch has no effect, so it may be asked for twice.
async fn begin(line: &Arc<Line>, scope: &Scope, start: &StartAt) -> Result<Begun, CommandError> {
    let (begun, patience) = (Instant::now(), line.options.connect_duration_max);
    let mut backoff = line.options.backoff();
    loop {
        let question = Question::new(line);
        match Begun::over(&question.over, scope, start, true).await {
            Err(error) if question.lost(&error) && begun.elapsed() < patience => {
                sleep(backoff.next()).await;
            }
            outcome => return outcome,
        }
    }
}

/// How one stream comes back.
struct Course {
    line: Arc<Line>,
    /// The delays, and since when the stream holds.
    held: Mutex<(Backoff, Instant)>,
}

impl Course {
    fn new(line: &Arc<Line>) -> Self {
        let held = Mutex::new((line.options.backoff(), Instant::now()));
        Self { line: Arc::clone(line), held }
    }

    /// How long to wait before the next attempt.
    fn delay(&self) -> std::time::Duration {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).0.next()
    }

    fn has_broken_off(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let time = held.1.elapsed();
        held.0.held_for(time);
    }

    fn holds(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).1 = Instant::now();
    }
}

#[async_trait]
impl Way for Course {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        call(&self.line, command).await
    }

    async fn again(&self, scope: Scope, place: Option<StartAt>) -> Result<Begun, EndReason> {
        // Nothing had come yet, and where that was is not known.
        let place = place.ok_or(EndReason::Unreadable)?;
        self.has_broken_off();
        let mut refusals = 0;
        loop {
            sleep(self.delay()).await;
            let question = Question::new(&self.line);
            match Begun::after(&question.over, scope.clone(), place.clone()).await {
                Err(error) if question.over.lost(&error) => {}
                // The server may not have noticed yet that the connection before has ended.
                Err(error) if error.retryable() && refusals < REFUSALS_MAX => refusals += 1,
                Err(error) => return Err(reason(&error)),
                Ok(begun) => {
                    self.holds();
                    return Ok(begun);
                }
            }
        }
    }

    fn backoff(&self) -> Backoff {
        self.line.options.backoff()
    }
}

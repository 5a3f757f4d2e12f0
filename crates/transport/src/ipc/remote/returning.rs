//! A subscription that outlives connections.
//!
//! When its connection is lost it waits for the next one, however long that takes, and goes on
//! after the last notice that its reader has taken: of a chat exactly there (law 4), of the world
//! with what is true then. Its reader notices nothing, unless the world says that there is nothing
//! to go on with.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_trait::async_trait;
use futures_core::Stream;
use futures_util::future::BoxFuture;
use polychat_core::{
    ChatId, Command, CommandError, Cursor, EndReason, FaultKind, Notice, Refusal, Reply, Scope,
    Seq, StartAt, ports::NoticeStream,
};

use super::{
    connection::{Connection, Ended},
    options::Backoff,
};
use crate::bytes::ByteDoor;

/// How often in a row the world may say "not now" to a subscription that comes back.
pub(crate) const REFUSALS_MAX: u32 = 16;

/// How a world is reached by what outlives connections.
#[async_trait]
pub(crate) trait Way: Send + Sync + 'static {
    /// Has the world do what was asked, over whatever connection there is then.
    async fn call(&self, command: Command) -> Result<Reply, CommandError>;

    /// Subscribes over the next connection that lasts long enough for it; `place` is `None` when it
    /// is not known where to go on.
    async fn again(&self, scope: Scope, place: Option<StartAt>) -> Result<Begun, EndReason>;

    /// The delays between attempts.
    fn backoff(&self) -> Backoff;
}

/// A stream of one connection, and the place from which the next one's goes on.
pub(crate) struct Begun {
    stream: NoticeStream,
    ended: Ended,
    /// `None` when it is not known, and only then.
    place: Option<StartAt>,
}

impl Begun {
    /// Subscribes over this connection. Only who comes back has to know where "now" is.
    pub(crate) async fn over<D: ByteDoor>(
        connection: &Connection<D>,
        scope: &Scope,
        start: &StartAt,
        comes_back: bool,
    ) -> Result<Self, CommandError> {
        let place = match (scope, start) {
            (Scope::Chat(chat), StartAt::Now) if comes_back => head(connection, chat).await?,
            (Scope::Chat(_), StartAt::Now) => None,
            (_, start) => Some(start.clone()),
        };
        let stream = connection.subscribe(scope.clone(), start.clone()).await?;
        Ok(Self { stream, ended: connection.ended().clone(), place })
    }

    /// Goes on over this connection.
    pub(crate) async fn after<D: ByteDoor>(
        connection: &Connection<D>,
        scope: Scope,
        place: StartAt,
    ) -> Result<Self, CommandError> {
        let stream = connection.subscribe(scope, place).await?;
        Ok(Self { stream, ended: connection.ended().clone(), place: None })
    }
}

/// Where a chat's log ends before "now": what comes after that is missed by nobody who begins now
/// and loses the connection before anything came.
async fn head<D: ByteDoor>(
    connection: &Connection<D>,
    chat: &ChatId,
) -> Result<Option<StartAt>, CommandError> {
    let command = Command::ReadLog { chat: chat.clone(), after: Seq::MAX, limit: 1 };
    match connection.call(command).await {
        Ok(Reply::Log(page)) => Ok(Some(StartAt::After(Cursor::after(page.head)))),
        Err(error) if connection.lost(&error) => Err(error),
        // Whether it may be watched is for the subscription to say.
        _ => Ok(None),
    }
}

/// A subscription that outlives connections.
pub(crate) struct Returning<W> {
    way: Arc<W>,
    scope: Scope,
    /// Where the next connection goes on.
    place: Option<StartAt>,
    phase: Phase,
}

enum Phase {
    Reading { stream: NoticeStream, ended: Ended },
    Away(BoxFuture<'static, Result<Begun, EndReason>>),
    Over,
}

/// What is heard of a subscription.
pub(crate) enum Heard {
    /// A notice; the last one says that it is.
    Notice(Notice),
    /// It goes on over another connection.
    Returned,
}

impl<W: Way> Returning<W> {
    pub(crate) fn new(way: Arc<W>, scope: Scope, begun: Begun) -> Self {
        let Begun { stream, ended, place } = begun;
        Self { way, scope, place, phase: Phase::Reading { stream, ended } }
    }

    pub(super) fn way(&self) -> &Arc<W> {
        &self.way
    }

    /// Whether it waits for a connection.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.phase, Phase::Away(_))
    }

    /// What is heard next; `None` after the end.
    pub(super) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<Option<Heard>> {
        loop {
            match &mut self.phase {
                Phase::Reading { stream, ended } => {
                    let notice = ready!(stream.as_mut().poll_next(cx));
                    let Some(notice) = notice else { return self.end(EndReason::Unreadable) };
                    match notice {
                        Notice::Ended(EndReason::Unreadable) if ended.has() => {
                            let way = Arc::clone(&self.way);
                            let (scope, place) = (self.scope.clone(), self.place.clone());
                            let again = async move { way.again(scope, place).await };
                            self.phase = Phase::Away(Box::pin(again));
                        }
                        Notice::Ended(reason) => return self.end(reason),
                        notice => {
                            if let Some(cursor) = notice.cursor() {
                                self.place = Some(StartAt::After(cursor));
                            }
                            return Poll::Ready(Some(Heard::Notice(notice)));
                        }
                    }
                }
                Phase::Away(again) => match ready!(again.as_mut().poll(cx)) {
                    Ok(Begun { stream, ended, .. }) => {
                        self.phase = Phase::Reading { stream, ended };
                        return Poll::Ready(Some(Heard::Returned));
                    }
                    Err(reason) => return self.end(reason),
                },
                Phase::Over => return Poll::Ready(None),
            }
        }
    }

    /// Says why it ends; whatever it holds goes.
    pub(super) fn end(&mut self, reason: EndReason) -> Poll<Option<Heard>> {
        self.phase = Phase::Over;
        Poll::Ready(Some(Heard::Notice(Notice::Ended(reason))))
    }
}

/// Why a stream ends of which the world says that it does not go on.
pub(crate) fn reason(error: &CommandError) -> EndReason {
    match error {
        CommandError::Refused(Refusal::ChatDeleted { .. } | Refusal::UnknownChat { .. }) => {
            EndReason::Deleted
        }
        CommandError::Refused(Refusal::WorldClosed {}) => EndReason::WorldClosed,
        CommandError::Refused(Refusal::ChatFailed { .. }) => EndReason::Failed,
        // The log is not the one that was read; or what serves it now is another world.
        CommandError::Refused(Refusal::CursorInvalid { .. }) => EndReason::Damaged,
        CommandError::Fault(fault) if fault.kind == FaultKind::Protocol => EndReason::Damaged,
        _ => EndReason::Unreadable,
    }
}

/// The notices of one chat.
pub(crate) struct ChatStream<W>(pub(crate) Returning<W>);

impl<W: Way> Stream for ChatStream<W> {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        loop {
            match ready!(self.0.poll_heard(cx)) {
                Some(Heard::Notice(notice)) => return Poll::Ready(Some(notice)),
                // It goes on where it was, so there is nothing to say.
                Some(Heard::Returned) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

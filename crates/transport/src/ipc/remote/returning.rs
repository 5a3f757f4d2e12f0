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

use futures_core::Stream;
use futures_util::future::BoxFuture;
use polychat_core::{
    CommandError, EndReason, FaultKind, Notice, Refusal, Scope, StartAt, ports::NoticeStream,
};
use tokio::time::sleep;

use super::{
    connection::Ended,
    link::{Begun, Link},
};

/// How often in a row the world may say "not now" to a subscription that comes back.
const REFUSALS_MAX: u32 = 16;

/// A subscription that outlives connections.
pub(super) struct Returning {
    link: Arc<Link>,
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
pub(super) enum Heard {
    /// A notice; the last one says that it is.
    Notice(Notice),
    /// It goes on over another connection.
    Returned,
}

impl Returning {
    pub(super) fn new(link: Arc<Link>, scope: Scope, begun: Begun) -> Self {
        let Begun { stream, ended, place } = begun;
        Self { link, scope, place, phase: Phase::Reading { stream, ended } }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
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
                            let link = Arc::clone(&self.link);
                            let again = again(link, self.scope.clone(), self.place.clone());
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

/// The subscription over the next connection that lasts long enough to begin it.
async fn again(link: Arc<Link>, scope: Scope, place: Option<StartAt>) -> Result<Begun, EndReason> {
    let mut backoff = link.backoff();
    loop {
        let connection = link.up().await.map_err(|fault| reason(&fault.into()))?;
        // Nothing had come yet, and where that was is not known.
        let start = place.clone().ok_or(EndReason::Unreadable)?;
        match connection.subscribe(scope.clone(), start).await {
            Ok(stream) => {
                let ended = connection.ended().clone();
                return Ok(Begun { stream, ended, place: None });
            }
            Err(error) if connection.lost(&error) => {}
            // The server may not have noticed yet that the connection before has ended.
            Err(error) if error.retryable() && backoff.attempts() < REFUSALS_MAX => {
                drop(connection);
                sleep(backoff.next()).await;
            }
            Err(error) => return Err(reason(&error)),
        }
    }
}

/// Why a stream ends of which the world says that it does not go on.
fn reason(error: &CommandError) -> EndReason {
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
pub(super) struct ChatStream(pub(super) Returning);

impl Stream for ChatStream {
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

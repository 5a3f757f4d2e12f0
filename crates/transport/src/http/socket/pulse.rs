//! Whether the other side of a WebSocket still lives: pings, and how many had no answer.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::fault::SocketFault;

/// Pings without any sign of life, after which the next one is not worth sending.
const UNANSWERED_MAX: u32 = 2;

/// The shortest interval, so that none of zero keeps a thread busy.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Says when to ping, and when nobody is there any more.
///
/// Whatever is heard is a sign of life: who sends much need not answer pings in between.
pub(super) struct Pulse {
    interval: Duration,
    next: Pin<Box<Sleep>>,
    unanswered: u32,
}

impl Pulse {
    pub(super) fn new(interval: Duration) -> Self {
        let interval = interval.max(INTERVAL_MIN);
        Self { interval, next: Box::pin(sleep(interval)), unanswered: 0 }
    }

    /// The other side lives.
    pub(super) fn heard(&mut self) {
        self.unanswered = 0;
    }

    /// Ready when it is time for the next ping.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketFault>> {
        ready!(self.next.as_mut().poll(cx));
        if self.unanswered == UNANSWERED_MAX {
            return Poll::Ready(Err(SocketFault::Silent));
        }
        self.unanswered += 1;
        self.next.set(sleep(self.interval));
        Poll::Ready(Ok(()))
    }
}

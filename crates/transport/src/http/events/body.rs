//! The body of a stream of events: whatever is to be told, when the connection takes it.

use std::{
    convert::Infallible,
    future::Future,
    num::NonZeroU64,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{
    followed::{Followed, Told},
    quiet::Quiet,
    write::{Over, Writer},
};
use crate::http::state::Caller;

/// Bytes that are handed on at once; a notice that exceeds it is handed on whole.
const PIECE_BYTES: usize = 8 * 1024;

/// Room for a notice or two, so that what waits to be written does not hold a whole piece.
const PIECE_BYTES_MIN: usize = 512;

/// The shortest interval, so that one of zero keeps no thread busy.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// A stream of events as it goes out.
///
/// It holds no task and no buffer. Each piece is what is ready when the connection asks for one, up to
/// [`PIECE_BYTES`].
pub(super) struct EventBody {
    followed: Followed,
    writer: Writer,
    quiet: Option<Quiet>,
    /// Notices that may still be told.
    limit: Option<NonZeroU64>,
    pulse: Pulse,
    closing: CancellationToken,
    closes: Pin<Box<WaitForCancellationFutureOwned>>,
    /// What is said before anything else.
    retry_after: Option<Duration>,
    /// Room for what is told at once, which is often as much as the last time.
    room_bytes: usize,
    over: bool,
}

impl EventBody {
    pub(super) fn new(
        caller: &Caller,
        followed: Followed,
        quiet: Option<Quiet>,
        limit: Option<NonZeroU64>,
    ) -> Self {
        let options = caller.options();
        let closing = options.closing.clone();
        Self {
            followed,
            writer: Writer::new(caller.world_id()),
            quiet,
            limit,
            pulse: Pulse::new(options.heartbeat_interval),
            closes: Box::pin(closing.clone().cancelled_owned()),
            closing,
            retry_after: Some(options.retry_after),
            room_bytes: PIECE_BYTES_MIN,
            over: false,
        }
    }

    /// Tells what is ready, as far as a piece goes.
    fn tell(&mut self, out: &mut Vec<u8>, cx: &mut Context<'_>) {
        while !self.over && out.len() < PIECE_BYTES {
            let Poll::Ready(told) = self.followed.poll_next(cx) else { return };
            match told {
                Some(told) => self.tell_one(out, &told),
                None => self.over = true,
            }
        }
    }

    fn tell_one(&mut self, out: &mut Vec<u8>, told: &Told) {
        if out.is_empty() {
            out.reserve(self.room_bytes);
        }
        self.writer.told(out, told, &self.followed);
        if self.followed.is_over() {
            self.over = true;
        } else if self.quiet.as_ref().is_some_and(|quiet| quiet.is_reached(&self.followed)) {
            self.end(out, Over::Idle);
        } else if let Some(limit) = self.limit.filter(|_| !told.ended) {
            self.limit = NonZeroU64::new(limit.get() - 1);
            if self.limit.is_none() {
                self.end(out, Over::Limit);
            }
        }
    }

    /// Waits for anything else that is to be said.
    fn wait(&mut self, out: &mut Vec<u8>, cx: &mut Context<'_>) {
        if self.closes.as_mut().poll(cx).is_ready() {
            return self.end(out, Over::Closing);
        }
        if let Some(quiet) = &mut self.quiet
            && quiet.poll(cx, &self.followed).is_ready()
        {
            return self.end(out, Over::Idle);
        }
        if self.pulse.poll_silent(cx).is_ready() {
            self.writer.heartbeat(out, &self.followed);
            self.quiet.iter_mut().for_each(Quiet::ask_again);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>, over: Over) {
        self.writer.over(out, over, &self.followed);
        self.over = true;
    }
}

impl Stream for EventBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        // It takes no room before something is written to it.
        let mut out = Vec::new();
        if let Some(after) = this.retry_after.take() {
            Writer::begin(&mut out, after, &this.followed);
        }
        // A flood must not hold up the end.
        if this.closing.is_cancelled() {
            this.end(&mut out, Over::Closing);
        } else {
            this.tell(&mut out, cx);
        }
        if out.is_empty() && !this.over {
            this.wait(&mut out, cx);
        }
        if out.is_empty() {
            return if this.over { Poll::Ready(None) } else { Poll::Pending };
        }
        this.pulse.said();
        this.room_bytes = out.len().clamp(PIECE_BYTES_MIN, PIECE_BYTES);
        Poll::Ready(Some(Ok(out.into())))
    }
}

/// Says when nothing was said for an interval.
///
/// To say something costs a look at the clock: the timer is set anew only when it has run out.
struct Pulse {
    interval: Duration,
    said_at: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pulse {
    fn new(interval: Duration) -> Self {
        let interval = interval.max(INTERVAL_MIN);
        Self { interval, said_at: Instant::now(), timer: Box::pin(sleep(interval)) }
    }

    fn said(&mut self) {
        self.said_at = Instant::now();
    }

    fn poll_silent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let left = self.interval.saturating_sub(self.said_at.elapsed());
            if left.is_zero() {
                self.timer.set(sleep(self.interval));
                return Poll::Ready(());
            }
            self.timer.set(sleep(left));
        }
        Poll::Pending
    }
}

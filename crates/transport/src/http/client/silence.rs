//! Connections of which only one end is left: nothing comes, and nobody says that nothing will.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A connection that fails when whoever reads it has waited for so long in vain.
///
/// Only waiting counts: a reader that is busy with other things is not told that nothing came.
pub(super) struct Silence<T> {
    io: T,
    patience: Duration,
    /// When it has been waited for too long.
    alarm: Pin<Box<Sleep>>,
    waiting: bool,
}

impl<T> Silence<T> {
    pub(super) fn new(io: T, patience: Duration) -> Self {
        Self { io, patience, alarm: Box::pin(sleep(patience)), waiting: false }
    }

    fn poll_silent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.waiting {
            self.waiting = true;
            match Instant::now().checked_add(self.patience) {
                Some(end) => self.alarm.as_mut().reset(end),
                // An alarm that lies beyond what a clock can say is set as far off as one can be.
                None => self.alarm.set(sleep(self.patience)),
            }
        }
        ready!(self.alarm.as_mut().poll(cx));
        let why = "nothing came for too long";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Silence<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_read(cx, buffer) {
            Poll::Pending => self.poll_silent(cx),
            Poll::Ready(read) => {
                self.waiting = false;
                Poll::Ready(read)
            }
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Silence<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::advance,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(45);

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_too_long_is_told_and_every_byte_begins_it_anew() {
        let (near, mut far) = duplex(64);
        let mut near = Silence::new(near, PATIENCE);
        let reading = tokio::spawn(async move {
            let began = Instant::now();
            let first = near.read_u8().await.unwrap();
            let second = tokio::time::timeout(PATIENCE * 10, near.read_u8()).await;
            let error = second.unwrap().unwrap_err();
            (first, error.kind(), began.elapsed())
        });
        tokio::task::yield_now().await;
        advance(Duration::from_secs(44)).await;
        far.write_u8(7).await.unwrap();
        let (first, kind, waited) = reading.await.unwrap();
        assert_eq!((first, kind), (7, io::ErrorKind::TimedOut));
        assert_eq!(waited.as_secs(), 44 + 45);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_endlessly_patient_is_never_told() {
        let (near, mut far) = duplex(64);
        let mut near = Silence::new(near, Duration::MAX);
        let late = async {
            tokio::time::sleep(PATIENCE * 1_000).await;
            far.write_u8(3).await.unwrap();
        };
        assert_eq!(tokio::join!(near.read_u8(), late).0.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_told_that_nothing_came() {
        let (near, mut far) = duplex(64);
        let mut near = Silence::new(near, PATIENCE);
        far.write_u8(1).await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), 1);
        advance(PATIENCE * 3).await;
        let (second, ()) = tokio::join!(near.read_u8(), async {
            tokio::task::yield_now().await;
            far.write_u8(2).await.unwrap();
        });
        assert_eq!(second.unwrap(), 2);
    }
}

//! A pipe in memory that is measured, and cut or held up when a test says so.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use polychat::{
    WorldId,
    ports::WorldService,
    transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions, Server},
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

/// What a test sees of its pipes, and does to them. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Valve(Arc<Shared>);

#[derive(Default)]
struct Shared {
    bytes: AtomicU64,
    held: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Valve {
    /// Bytes that have passed the near ends, in both directions.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::SeqCst)
    }

    /// Lets nothing in at the near ends any more.
    pub(super) fn hold(&self) {
        self.0.held.store(true, Ordering::SeqCst);
    }

    /// Lets everything in again.
    pub(super) fn release(&self) {
        self.0.held.store(false, Ordering::SeqCst);
        self.0.waiting.lock().unwrap().drain(..).for_each(Waker::wake);
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        if self.0.held.load(Ordering::SeqCst) {
            self.0.waiting.lock().unwrap().push(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn count(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
    }
}

/// The near end of a pipe in memory.
pub(crate) struct Pipe {
    /// `None` once it is cut.
    io: Option<DuplexStream>,
    valve: Valve,
    /// Bytes that may still be read, and written, before it is cut.
    left: [u64; 2],
}

impl Pipe {
    /// Both ends of a pipe that keeps so many bytes in each direction.
    pub(crate) fn new(keeps: usize, valve: Valve) -> (Self, DuplexStream) {
        let (near, far) = duplex(keeps);
        (Self { io: Some(near), valve, left: [u64::MAX; 2] }, far)
    }

    /// Cuts it once so many bytes were read, or written: the one after is lost, at both ends.
    pub(super) fn cut_after(mut self, read: u64, written: u64) -> Self {
        self.left = [read, written];
        self
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.valve.poll_open(cx));
        let Some(io) = &mut this.io else { return Poll::Ready(Ok(())) };
        let room = buf.remaining().min(usize::try_from(this.left[0]).unwrap_or(usize::MAX));
        let mut some = ReadBuf::new(buf.initialize_unfilled_to(room));
        ready!(Pin::new(io).poll_read(cx, &mut some))?;
        let read = some.filled().len();
        buf.advance(read);
        this.passed(0, read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let Some(io) = &mut this.io else { return Poll::Ready(Err(cut())) };
        let room = bytes.len().min(usize::try_from(this.left[1]).unwrap_or(usize::MAX));
        let written = ready!(Pin::new(io).poll_write(cx, &bytes[..room]))?;
        this.passed(1, written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => Pin::new(io).poll_flush(cx),
            None => Poll::Ready(Err(cut())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Pipe {
    fn passed(&mut self, direction: usize, bytes: usize) {
        self.valve.count(bytes);
        self.left[direction] -= bytes as u64;
        if self.left[direction] == 0 {
            self.io = None;
        }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// The same world at the other end of a pipe that holds; what passes is counted by the valve.
pub(crate) fn over_a_pipe(
    world_id: WorldId,
    world: Arc<dyn WorldService>,
    valve: Valve,
    options: RemoteOptions,
) -> RemoteWorld {
    let (near, far) = Pipe::new(64 * 1024, valve);
    let server = Server::new(world_id.clone(), world, ServeOptions::default());
    tokio::spawn(async move { server.serve(far).await });
    RemoteWorld::over(near, world_id, options)
}

//! Standard input and output that are pipes or sockets: read and written when they are ready.
//!
//! That takes half the time of going through a thread that blocks, and no thread. It makes them
//! non-blocking for whoever has inherited the very same end, which for a child's pipes is nobody.
//! What else they may be, a terminal or a file, is often shared, cannot be polled, and stays as it
//! is.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream as Blocking},
    },
};

use tokio::net::{
    UnixStream,
    unix::pipe::{Receiver, Sender},
};

use super::{Input, Output};

/// Standard input, if it can be polled.
pub(super) fn input() -> io::Result<Input> {
    Ok(match end_of(&io::stdin())? {
        End::Pipe(end) => Box::new(Receiver::from_owned_fd(end)?),
        End::Socket(end) => Box::new(socket(end)?),
    })
}

/// Standard output, if it can be polled.
pub(super) fn output() -> io::Result<Output> {
    Ok(match end_of(&io::stdout())? {
        End::Pipe(end) => Box::new(Sender::from_owned_fd(end)?),
        End::Socket(end) => Box::new(socket(end)?),
    })
}

/// One end of something that two processes have between them.
enum End {
    Pipe(OwnedFd),
    Socket(OwnedFd),
}

fn end_of(of: &impl AsFd) -> io::Result<End> {
    let file = File::from(of.as_fd().try_clone_to_owned()?);
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() {
        Ok(End::Pipe(file.into()))
    } else if kind.is_socket() {
        Ok(End::Socket(file.into()))
    } else {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn socket(end: OwnedFd) -> io::Result<UnixStream> {
    let end = Blocking::from(end);
    end.set_nonblocking(true)?;
    UnixStream::from_std(end)
}

//! Unix sockets: conformance in both framings, who may enter, and what was left behind.

use std::{
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener as Raw, UnixStream as RawStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use polychat_core::ports::WorldService;
use polychat_testkit::samples::world_id;
use polychat_transport::ipc::{Framing, RemoteOptions, RemoteWorld, Server, socket::Listener};
use tempfile::TempDir;
use tokio::net::UnixStream;

mod left_over;
mod serving;
mod strangers;

/// A private folder that vanishes with its test, and a path in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    let path = folder.path().join("home.sock");
    (folder, path)
}

/// A socket that somebody else's program listens on.
fn foreign(path: &Path) -> Raw {
    Raw::bind(path).unwrap()
}

/// What a process leaves behind that did not clean up.
fn leave_over(path: &Path) {
    drop(foreign(path));
    assert!(path.exists());
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A world behind a socket.
fn over_a_socket(world: Arc<dyn WorldService>, framing: Framing) -> Arc<dyn WorldService> {
    use futures_util::FutureExt;
    let (folder, path) = place();
    // The suite takes functions that wait for nothing; binding a free path does not.
    let listener = Listener::bind(&path).now_or_never().unwrap().unwrap();
    let server = Arc::new(Server::new(world_id("w"), world, super::serve_options(framing)));
    tokio::spawn(async move {
        let _folder = folder;
        listener.serve(server, std::future::pending()).await
    });
    let stream = RawStream::connect(&path).unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut options = RemoteOptions::default();
    options.framing = framing;
    let stream = UnixStream::from_std(stream).unwrap();
    Arc::new(RemoteWorld::over(stream, world_id("w"), options))
}

mod through_lines {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        over_a_socket(world, Framing::Lines)
    });
}

mod through_content_length {
    use super::*;

    polychat_testkit::transport_suite!(|world: Arc<dyn WorldService>| -> Arc<dyn WorldService> {
        over_a_socket(world, Framing::ContentLength)
    });
}

//! Other users: not into the folder, not through the socket, and not as a server.

use std::{
    io::Read,
    os::unix::{
        fs::chown,
        net::{UnixListener as Raw, UnixStream as RawStream},
    },
    path::Path,
    sync::Arc,
    thread,
};

use polychat_testkit::require;
use polychat_transport::{
    Rejections,
    ipc::socket::{Listener, SocketError, connect},
};
use rustix::{process::Uid, thread::set_thread_uid};

use super::{mode, place, set_mode};

/// Nobody's number on most systems; any that is not ours will do.
const STRANGER: u32 = 65_534;

/// Only root may act as somebody else.
fn is_root() -> bool {
    require::or_skip("root", rustix::process::geteuid().is_root())
}

/// Runs this as another user, on a thread of its own that ends with it.
fn as_a_stranger<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(|| {
        set_thread_uid(Uid::from_raw(STRANGER)).unwrap();
        work()
    });
    thread.join().unwrap()
}

#[tokio::test]
async fn a_folder_that_others_may_enter_is_refused_and_nothing_is_left_there() {
    for open_to_others in [0o701, 0o710, 0o704, 0o750, 0o755, 0o777, 0o1777] {
        let (folder, path) = place();
        set_mode(folder.path(), open_to_others);
        let refused = Listener::bind(&path).await.unwrap_err();
        let SocketError::FolderOpenToOthers { mode: seen, .. } = refused else {
            panic!("{open_to_others:o}: {refused:?}")
        };
        assert_eq!(seen, open_to_others);
        assert_eq!(mode(folder.path()), open_to_others, "it is not ours to change");
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_folder_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    let (folder, path) = place();
    chown(folder.path(), Some(STRANGER), None).unwrap();
    let refused = Listener::bind(&path).await.unwrap_err();
    let SocketError::ForeignFolder { owner, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(owner, STRANGER);
}

fn open_up(path: &Path) {
    set_mode(path.parent().unwrap(), 0o777);
    set_mode(path, 0o666);
}

// The folder alone would keep them out; here somebody has opened it behind our back.
#[tokio::test]
async fn a_connection_of_another_user_is_closed_and_counted_and_the_next_one_is_served() {
    if !is_root() {
        return;
    }
    let (_folder, path) = place();
    let rejections = Arc::new(Rejections::new("socket"));
    let listener = Listener::bind(&path).await.unwrap().rejections(Arc::clone(&rejections));
    open_up(&path);
    let stranger = path.clone();
    let mut stranger = as_a_stranger(move || RawStream::connect(stranger).unwrap());
    let (ours, accepted) = tokio::join!(connect(&path), listener.accept());
    assert_eq!(rejections.count(), 1);
    assert_eq!(stranger.read(&mut [0; 1]).unwrap(), 0, "closed without a word");
    // What was accepted is ours.
    accepted.unwrap().try_write(b"x").unwrap();
    ours.unwrap().readable().await.unwrap();
}

// It would be told everything that is said.
#[tokio::test]
async fn a_server_of_another_user_is_not_spoken_to() {
    if !is_root() {
        return;
    }
    let (folder, path) = place();
    set_mode(folder.path(), 0o777);
    let theirs = path.clone();
    let theirs = as_a_stranger(move || Raw::bind(theirs).unwrap());
    let refused = connect(&path).await.unwrap_err();
    let SocketError::ForeignServer { server, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(server, STRANGER);
    drop(theirs);
}

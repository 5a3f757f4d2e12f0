//! One process serves a path: races, left-overs, and what is not ours.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener as Raw},
    sync::Arc,
};

use polychat_transport::ipc::socket::{Listener, SocketError, connect};
use tokio::{sync::Barrier, task::JoinSet};

use super::{foreign, leave_over, mode, place};

#[tokio::test]
async fn a_missing_folder_is_made_for_its_user_only_and_so_is_the_socket() {
    let (folder, _) = place();
    let path = folder.path().join("run/polychat/home.sock");
    let listener = Listener::bind(&path).await.unwrap();
    assert_eq!(
        listener.path(),
        folder.path().canonicalize().unwrap().join("run/polychat/home.sock")
    );
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let (near, far) = tokio::join!(connect(&path), listener.accept());
    near.unwrap();
    far.unwrap();
}

#[tokio::test]
async fn a_socket_that_nobody_serves_is_replaced() {
    let (_folder, path) = place();
    leave_over(&path);
    assert!(matches!(connect(&path).await, Err(SocketError::Nobody { .. })));
    let listener = Listener::bind(&path).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    let (near, far) = tokio::join!(connect(&path), listener.accept());
    near.unwrap();
    far.unwrap();
}

#[tokio::test]
async fn a_socket_that_is_served_is_refused_and_goes_on() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path).await.unwrap();
    let second = Listener::bind(&path).await.unwrap_err();
    assert!(matches!(second, SocketError::Live { .. }), "{second:?}");
    let (near, far) = tokio::join!(connect(&path), listener.accept());
    near.unwrap();
    far.unwrap();
    drop(listener);
    assert!(!path.exists());
    Listener::bind(&path).await.unwrap();
}

// Another program knows nothing of the lock.
#[tokio::test]
async fn a_socket_of_another_program_is_refused_while_it_answers() {
    let (_folder, path) = place();
    let theirs = foreign(&path);
    let refused = Listener::bind(&path).await.unwrap_err();
    assert!(matches!(refused, SocketError::Live { .. }), "{refused:?}");
    assert!(connect(&path).await.is_ok());
    drop(theirs);
    Listener::bind(&path).await.unwrap();
}

// It does not answer, but it is there.
#[tokio::test]
async fn a_socket_of_another_program_that_is_too_busy_to_answer_is_refused() {
    let (_folder, path) = place();
    let theirs = foreign(&path);
    let mut waiting = Vec::new();
    // Until the operating system takes no more; a bound only against a hang.
    for _ in 0..10_000 {
        match connect(&path).await {
            Ok(stream) => waiting.push(stream),
            Err(_) => break,
        }
    }
    let refused = Listener::bind(&path).await.unwrap_err();
    assert!(matches!(refused, SocketError::Live { .. }), "{refused:?}, {} wait", waiting.len());
    drop(theirs);
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let (folder, path) = place();
    let other = folder.path().join("other.sock");
    leave_over(&other);
    let makes: [&dyn Fn(); 4] = [
        &|| fs::write(&path, "precious").unwrap(),
        &|| fs::create_dir(&path).unwrap(),
        &|| symlink("nowhere", &path).unwrap(),
        &|| symlink(&other, &path).unwrap(),
    ];
    for make in makes {
        make();
        let before = fs::symlink_metadata(&path).unwrap();
        let refused = Listener::bind(&path).await.unwrap_err();
        assert!(matches!(refused, SocketError::NotASocket { .. }), "{refused:?}");
        let after = fs::symlink_metadata(&path).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert!(other.exists());
        if before.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
    }
}

#[tokio::test]
async fn a_listener_removes_its_own_socket_and_no_other() {
    let (_folder, path) = place();
    let listener = Listener::bind(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    let theirs = foreign(&path);
    drop(listener);
    assert!(connect(&path).await.is_ok());
    drop(theirs);
}

#[tokio::test]
async fn a_path_that_can_be_no_socket_is_told_apart() {
    let (folder, _) = place();
    let long = folder.path().join("x".repeat(200));
    for path in [long.clone(), "/".into(), folder.path().join("..")] {
        let refused = Listener::bind(&path).await.unwrap_err();
        assert!(matches!(refused, SocketError::NotAPath { .. }), "{path:?}: {refused:?}");
    }
    assert!(matches!(connect(&long).await, Err(SocketError::NotAPath { .. })));
    let nowhere = folder.path().join("nobody.sock");
    assert!(matches!(connect(&nowhere).await, Err(SocketError::Nobody { .. })));
}

/// Rounds of the race, each of them with and without a left-over.
const ROUNDS: usize = 40;
/// Who binds at the same moment.
const RACERS: usize = 8;

// Without a lock each could remove what the other has just bound.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_those_that_bind_at_the_same_moment_exactly_one_serves() {
    for round in 0..ROUNDS {
        let (_folder, path) = place();
        if round % 2 == 0 {
            leave_over(&path);
        }
        let start = Arc::new(Barrier::new(RACERS));
        let mut racers = JoinSet::new();
        for _ in 0..RACERS {
            let (path, start) = (path.clone(), Arc::clone(&start));
            racers.spawn(async move {
                start.wait().await;
                Listener::bind(&path).await
            });
        }
        let (mut won, mut lost) = (Vec::new(), 0);
        while let Some(raced) = racers.join_next().await {
            match raced.unwrap() {
                Ok(listener) => won.push(listener),
                Err(SocketError::Live { .. }) => lost += 1,
                Err(error) => panic!("round {round}: {error:?}"),
            }
        }
        assert_eq!((won.len(), lost), (1, RACERS - 1), "round {round}");
        let listener = won.remove(0);
        let (near, far) = tokio::join!(connect(&path), listener.accept());
        near.unwrap();
        far.unwrap();
    }
}

// Whoever was there before the lock was asked for is not driven out by it.
#[tokio::test]
async fn a_lock_that_was_left_behind_keeps_nobody_out() {
    let (_folder, path) = place();
    for _ in 0..3 {
        drop(Listener::bind(&path).await.unwrap());
        assert!(!path.exists());
    }
    drop(Raw::bind(&path).unwrap());
    Listener::bind(&path).await.unwrap();
}

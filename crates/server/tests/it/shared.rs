//! `polychat socket`: several programs, one world, one process.

use std::{os::unix::net::UnixListener, path::Path, process::Stdio, sync::Arc};

use polychat::transport::ipc::{RemoteOptions, RemoteWorld, socket::connect};
use polychat::{EndReason, Notice, StartAt, World, WorldNotice, diagnostic::DiagnosticKind};
use rustix::process::Signal;
use tokio::{net::UnixStream, process::Command};

use super::child::{ByHand, Place, complaints, home, polychat, refused, send, until, within};

fn socket(place: &Path) -> Command {
    polychat(["socket", "--memory", "--grace", "0", place.to_str().unwrap()])
}

/// A server that listens.
async fn listening(command: &mut Command) -> ByHand {
    let mut server = ByHand::start(command.stdin(Stdio::null()));
    assert!(server.line().await.starts_with("listening on "));
    server
}

async fn client(path: &Path) -> World {
    over(within(connect(path)).await.unwrap())
}

fn over(stream: UnixStream) -> World {
    let remote = RemoteWorld::over(stream, home(), RemoteOptions::default());
    World::of_service(Arc::new(remote))
}

// REQ-1, REQ-10, REQ-12
#[tokio::test]
async fn programs_share_a_world_and_nothing_ends_with_one_of_them() {
    let place = Place::new();
    let mut server = listening(&mut socket(&place.socket())).await;
    let (desk, phone) = (client(&place.socket()).await, client(&place.socket()).await);
    let on_desk = within(desk.open_chat("a")).await.unwrap();
    let on_phone = within(phone.open_chat("a")).await.unwrap();
    let mut seen = within(on_phone.subscribe(StartAt::Start)).await.unwrap();
    within(on_desk.prompt("/long 30").send()).await.unwrap();
    until(&mut seen, |notice| matches!(notice, Notice::Live { .. })).await;
    drop((on_desk, desk));
    let ended = |notice: &Notice| match notice {
        Notice::Recorded { event, .. } => event.event.name() == "turn.ended",
        _ => false,
    };
    until(&mut seen, ended).await;
    assert_eq!(within(on_phone.snapshot()).await.unwrap().messages.len(), 2);
    send(&server.child, Signal::TERM);
    let end = until(&mut seen, |notice| matches!(notice, Notice::Ended(_))).await;
    assert_eq!(end, Notice::Ended(EndReason::WorldClosed));
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(!place.socket().exists());
}

// All stay: that they hear the end is enough, nobody is waited for.
#[tokio::test]
async fn after_a_signal_clients_that_stay_are_let_go_once_they_are_told() {
    let place = Place::new();
    let mut command = socket(&place.socket());
    let mut server = listening(command.args(["--log", "polychat_transport=debug"])).await;
    let (desk, phone) = (client(&place.socket()).await, client(&place.socket()).await);
    let mut seen = within(desk.subscribe()).await.unwrap();
    within(phone.info()).await.unwrap();
    send(&server.child, Signal::TERM);
    until(&mut seen, |notice| matches!(notice, Notice::Ended(EndReason::WorldClosed))).await;
    assert_eq!(server.ended().await.code(), Some(0));
    // Who has to be left behind after a time leaves no such words.
    let log = complaints(server.child.stderr.take()).await;
    assert_eq!(log.matches("closed=ByServer").count(), 2, "{log}");
}

#[tokio::test]
async fn a_path_that_is_served_is_refused_and_one_that_was_left_is_taken() {
    let place = Place::new();
    let mut first = listening(&mut socket(&place.socket())).await;
    let (status, said) = refused(&mut socket(&place.socket())).await;
    assert_eq!(status, 1);
    assert!(said.contains("is served already") && said.contains("Connect to it"), "{said}");
    within(client(&place.socket()).await.info()).await.unwrap();
    send(&first.child, Signal::KILL);
    first.ended().await;
    assert!(place.socket().exists());
    let _second = listening(&mut socket(&place.socket())).await;
    within(client(&place.socket()).await.info()).await.unwrap();
}

#[tokio::test]
async fn a_folder_for_everybody_is_refused_and_another_one_proposed() {
    let place = Place::new();
    let open = place.path("open");
    std::fs::create_dir(&open).unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&open, everybody).unwrap();
    let (status, said) = refused(&mut socket(&open.join("home.sock"))).await;
    assert_eq!(status, 1);
    assert!(said.contains("others may enter"), "{said}");
    let proposed = said.lines().last().unwrap().split_once(": ").unwrap().1.to_owned();
    let _server = listening(&mut socket(Path::new(&proposed))).await;
    within(client(Path::new(&proposed)).await.info()).await.unwrap();
    let taken = place.path("file");
    drop(UnixListener::bind(place.path("unused")).unwrap());
    std::fs::write(&taken, "precious").unwrap();
    let (status, said) = refused(&mut socket(&taken)).await;
    assert_eq!(status, 1);
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious");
}

// law 7, REQ-13: what is not let in is told to operators
#[tokio::test]
async fn a_connection_beyond_the_bound_is_closed_and_becomes_a_diagnostic() {
    let place = Place::new();
    let _server = listening(socket(&place.socket()).args(["--connections", "1"])).await;
    let first = client(&place.socket()).await;
    let mut seen = within(first.subscribe()).await.unwrap();
    let second = client(&place.socket()).await;
    assert_eq!(within(second.info()).await.unwrap_err().code(), "connection_lost");
    let rejected = |kind: &DiagnosticKind| match kind {
        DiagnosticKind::RejectedInput { path, code } => {
            (&**path, &**code) == ("socket", "overloaded")
        }
        _ => false,
    };
    let told = |notice: &Notice| match notice {
        Notice::World(WorldNotice::Diagnostic { diagnostic, .. }) => rejected(&diagnostic.kind),
        _ => false,
    };
    until(&mut seen, told).await;
    within(first.info()).await.unwrap();
}

/// Files that the server may have open: a few more than it needs for itself.
const FILES: usize = 40;

// law 6, law 7
#[tokio::test]
async fn a_server_without_a_free_file_serves_who_is_there_and_later_who_waits() {
    let place = Place::new();
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {FILES} && exec \"$0\" \"$@\"");
    limited.args(["-c", &script, env!("CARGO_BIN_EXE_polychat"), "socket", "--memory"]);
    limited.arg(place.socket()).kill_on_drop(true);
    limited.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = listening(&mut limited).await;
    let calm = client(&place.socket()).await;
    within(calm.info()).await.unwrap();
    // More than there can be files: some are accepted, the others wait in line.
    let mut crowd = Vec::new();
    for _ in 0..FILES {
        crowd.push(within(connect(&place.socket())).await.unwrap());
    }
    within(calm.info()).await.unwrap();
    let late = crowd.pop().unwrap();
    drop(crowd);
    within(over(late).info()).await.unwrap();
    within(calm.info()).await.unwrap();
    send(&server.child, Signal::TERM);
    assert_eq!(server.ended().await.code(), Some(0));
}

//! What goes over the pipes: frames and nothing else, whatever comes in and whoever reads.

use std::{fs, os::fd::OwnedFd, sync::Arc};

use polychat::{
    World,
    transport::ipc::{Framing, RemoteWorld},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::child::{ByHand, Place, Served, answer, complaints, home, polychat, refused, within};

// REQ-13, law 6: `hear` takes nothing but messages of the protocol
#[tokio::test]
async fn standard_output_holds_frames_only_whatever_is_said_and_logged() {
    let mut command = polychat(["stdio", "--memory", "--log", "trace"]);
    let mut child = ByHand::start(&mut command);
    // Somebody has to read that much.
    let logged = tokio::spawn(complaints(child.child.stderr.take()));
    child.initialize().await;
    let answers = [
        ("nonsense", -32_700),
        ("[]", -32_600),
        ("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"chat/explode\"}", -32_601),
        ("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"chat/close\",\"params\":{}}", -32_602),
    ];
    for (wrong, code) in answers {
        child.write(format!("{wrong}\n").as_bytes()).await;
        let answer = child.hear().await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    child.follows(1, "a").await;
    // A panic prints where it happened, and not here.
    for (id, text, outcome) in
        [(10, "/crash", "failed"), (11, "/error", "failed"), (12, "hello", "completed")]
    {
        child.prompts(id, "a", text).await;
        assert_eq!(child.outcome().await, outcome, "{text}");
    }
    child.stop_speaking();
    while child.hear().await.is_some() {}
    assert_eq!(child.ended().await.code(), Some(0));
    let logged = within(logged).await.unwrap();
    assert!(logged.contains("message rejected") && logged.contains("panicked"), "{logged}");
}

// law 7: as many records as fill any pipe many times over
#[tokio::test]
async fn a_parent_that_never_reads_the_log_holds_nothing_up() {
    let mut child = ByHand::start(&mut polychat(["stdio", "--memory", "--log", "trace"]));
    child.initialize().await;
    for id in 1..2_000 {
        child.write(b"nonsense\n").await;
        child.asked(id, "ping", json!({})).await;
    }
    child.asked(2_000, "shutdown", json!({})).await;
    assert_eq!(child.ended().await.code(), Some(0));
    let logged = complaints(child.child.stderr.take()).await;
    assert!(!logged.is_empty());
}

#[tokio::test]
async fn a_parent_that_closed_the_log_crashes_nothing() {
    let mut child = ByHand::start(&mut polychat(["stdio", "--memory", "--log", "trace"]));
    drop(child.child.stderr.take());
    child.initialize().await;
    for id in 1..100 {
        child.write(b"nonsense\n").await;
        child.asked(id, "ping", json!({})).await;
    }
    child.stop_speaking();
    while child.hear().await.is_some() {}
    assert_eq!(child.ended().await.code(), Some(0));
}

#[tokio::test]
async fn with_lengths_before_them_messages_go_both_ways() {
    let mut command = polychat(["stdio", "--memory", "--framing", "content-length"]);
    let mut served = Served::start_in(&mut command, Framing::ContentLength);
    let chat = within(served.world.open_chat("a")).await.unwrap();
    answer(&chat, "my name is Ada").await;
    assert!(answer(&chat, "what is my name?").await.contains("Ada"));
    drop((chat, served.world));
    assert_eq!(within(served.child.wait()).await.unwrap().code(), Some(0));
}

// Nobody knows where the next frame begins, so nothing can be said any more.
#[tokio::test]
async fn frames_that_are_lost_end_it_with_a_reason() {
    let mut child = polychat(["stdio", "--memory", "--framing", "content-length"]).spawn().unwrap();
    let mut into = child.stdin.take().unwrap();
    into.write_all(b"{\"jsonrpc\":\"2.0\"}\r\n\r\n{}\n").await.unwrap();
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(1));
    let said = complaints(child.stderr.take()).await;
    assert!(said.contains("the frames are lost") && said.contains("--framing"), "{said}");
    let mut heard = Vec::new();
    within(child.stdout.take().unwrap().read_to_end(&mut heard)).await.unwrap();
    assert_eq!(heard, b"");
    drop(into);
}

// Node starts its children on sockets, where others use pipes.
#[tokio::test]
async fn sockets_serve_as_well_as_pipes() {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = polychat(["stdio", "--memory"]);
    command.stdin(OwnedFd::from(far.try_clone().unwrap())).stdout(OwnedFd::from(far));
    let mut child = command.spawn().unwrap();
    // It holds the child's ends.
    drop(command);
    near.set_nonblocking(true).unwrap();
    let near = UnixStream::from_std(near).unwrap();
    let world = World::of_service(Arc::new(RemoteWorld::over(near, home(), Default::default())));
    let chat = within(world.open_chat("a")).await.unwrap();
    assert!(answer(&chat, "my name is Ada").await.contains("Ada"));
    drop((chat, world));
    assert_eq!(within(child.wait()).await.unwrap().code(), Some(0));
}

// Neither can be waited for, and the first ends at once.
#[tokio::test]
async fn files_serve_as_well_as_pipes() {
    let place = Place::new();
    let (questions, answers) = (place.path("questions"), place.path("answers"));
    let initialize = json!({ "protocolVersion": 1, "client": { "name": "test" } });
    let lines = [
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize }),
        json!({ "jsonrpc": "2.0", "id": 1, "method": "chat/create", "params": { "chatId": "a" } }),
    ];
    fs::write(&questions, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let mut command = polychat(["stdio", "--memory"]);
    command.stdin(fs::File::open(&questions).unwrap());
    command.stdout(fs::File::create(&answers).unwrap());
    assert_eq!(within(command.status()).await.unwrap().code(), Some(0));
    let answers = fs::read_to_string(&answers).unwrap();
    let answers: Vec<Value> = answers.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(answers[0]["result"]["worldId"], "home");
    assert_eq!(answers[1]["result"]["chatId"], "a");
    assert_eq!(answers.len(), 2);
}

#[tokio::test]
async fn without_an_input_there_is_nobody_to_serve() {
    let (status, said) = refused(&mut polychat(["stdio", "--memory"])).await;
    assert_eq!((status, said.as_str()), (0, ""));
}

//! A client of server-sent events that nobody here wrote: npm `eventsource`, behind a proxy that cuts
//! its connections.
//!
//! CI installs it by `npm install --prefix target/npm eventsource@5.1.5`; elsewhere the environment
//! variable `POLYCHAT_EVENTSOURCE` says where its module is.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use polychat_testkit::require;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
};

use crate::{
    child::{ByHand, polychat},
    serving::Server,
};

/// Prompts of the chat: more events than fit in what is let through before a cut.
const PROMPTS: usize = 8;
/// After so many bytes of an answer a connection is cut, in the midst of whatever it is.
const CUTS: [usize; 2] = [1_500, 2_777];

fn module() -> PathBuf {
    let installed = "../../target/npm/node_modules/eventsource/dist/index.js";
    env::var_os("POLYCHAT_EVENTSOURCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(installed), PathBuf::from)
}

/// Whether the client is there, and what runs it.
fn found(module: &Path) -> bool {
    let node = std::process::Command::new("node").arg("--version").stdout(Stdio::null()).status();
    let found =
        [("node", node.is_ok_and(|status| status.success())), ("eventsource", module.is_file())];
    // Both are looked at, so that each missing one is told.
    found.map(|(name, found)| require::or_skip(name, found)).iter().all(|found| *found)
}

/// Hands connections on to the server, and cuts the first of them; tells the head of each request.
async fn cutting(listener: TcpListener, server: String, heads: mpsc::UnboundedSender<String>) {
    for cut in CUTS.into_iter().map(Some).chain(std::iter::repeat(None)) {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut behind = TcpStream::connect(&server).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        heads.send(String::from_utf8(head.clone()).unwrap().to_lowercase()).unwrap();
        behind.write_all(&head).await.unwrap();
        match cut {
            Some(bytes) => {
                let mut answer = vec![0; bytes];
                behind.read_exact(&mut answer).await.unwrap();
                client.write_all(&answer).await.unwrap();
            }
            // It may end in whatever way it likes.
            None => drop(copy_bidirectional(&mut client, &mut behind).await),
        }
    }
}

async fn next(client: &mut ByHand) -> Value {
    serde_json::from_str(&client.line().await).unwrap()
}

// issue 6, law 4: the server drops it twice, and every recorded event arrives once, in order
#[tokio::test]
async fn a_browsers_client_that_is_cut_off_twice_hears_every_event_once_and_in_order() {
    let module = module();
    if !found(&module) {
        return;
    }
    let server =
        Server::start(&mut polychat(["serve", "--memory", "--no-auth", "--listen", "127.0.0.1:0"]))
            .await;
    assert_eq!(server.post("/v1/worlds/home/chats", &json!({ "chatId": "a" })).await.0, 201);
    for n in 0..PROMPTS {
        let said = json!({ "parts": [{ "type": "text", "text": format!("this is message {n}") }] });
        let (status, _) = server.post("/v1/worlds/home/chats/a/prompts?wait=outcome", &said).await;
        assert_eq!(status, 200);
    }
    let (_, snapshot) = server.get("/v1/worlds/home/chats/a").await;
    let head = snapshot["status"]["head"].as_u64().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let (tell, mut heads) = mpsc::unbounded_channel();
    let proxying = tokio::spawn(cutting(listener, server.address.clone(), tell));
    let url = format!("http://{proxy}/v1/worlds/home/chats/a/events?until=idle");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/eventsource.mjs");
    let mut node = Command::new("node");
    node.args([script, module]).arg(url).kill_on_drop(true);
    let mut client = ByHand::start(node.stdin(Stdio::null()).stdout(Stdio::piped()));

    let mut heard = Vec::new();
    let ended = loop {
        let said = next(&mut client).await;
        match said["heard"]["event"]["seq"].as_u64() {
            Some(seq) => {
                assert_eq!(said["id"], said["heard"]["cursor"], "{said}");
                heard.push(seq);
            }
            None => break said,
        }
    };
    assert_eq!(heard, (1..=head).collect::<Vec<_>>());
    assert_eq!(ended["ended"]["event"]["reason"], "idle", "{ended}");
    // It comes back once more, as it always does, and is told not to.
    assert_eq!(next(&mut client).await, json!({ "closed": 204 }));
    assert_eq!(client.ended().await.code(), Some(0));

    proxying.abort();
    let mut came_back = 0;
    while let Ok(head) = heads.try_recv() {
        came_back += usize::from(head.contains("\r\nlast-event-id: "));
    }
    // After the end it may come back over the connection that it has.
    assert!(came_back >= CUTS.len(), "{came_back} times from where it was");
}

//! A world behind a Unix socket: two programs' worth of clients on three chats, and a server that
//! goes away in the middle of an answer and comes back.
//!
//! ```text
//! cargo run --example 11_ipc_server_and_client
//! ```
//!
//! All of it is in one process here, so that it can be read in one go. The client would be the same
//! in another one; `polychat socket PATH` is such a server, ready to run.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;
use polychat::{
    Chat, DemoModel, LiveBody, Notice, StartAt, StreamExt, World, WorldBuilder,
    transport::ipc::{RemoteOptions, RemoteWorld, ServeOptions, Server, socket::Listener},
};
use tokio::{sync::oneshot, task::JoinHandle};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("run/home.sock");

    // Beside the world: it knows nothing of connections.
    let model = DemoModel::new().pace(Duration::from_millis(5));
    let world = WorldBuilder::new("home", model).open().await?;
    let serving = Serving::begin(&world, &path).await?;

    // Beside the caller: a world like any other, which happens to be elsewhere.
    let remote = Arc::new(RemoteWorld::connect_socket(&path, RemoteOptions::default()).await?);
    let client = World::of_service(remote.clone());
    three_at_once(&client).await?;

    let chat = client.open_chat("ada").await?;
    let watching = watch(&chat).await?;
    let story = chat.prompt("/long 60").await?;
    println!("The connection is lost while ada answers, and made again:");
    watching.first_words.await?;
    serving.end().await;
    let running = world.turns_running().unwrap_or_default();
    println!("  nobody is connected, and the world goes on with {running} turn");
    let serving = Serving::begin(&world, &path).await?;
    let (shown, answer) = (watching.text.await?, story.answer().await?);
    println!("  connections made: {}", remote.connections());
    println!("  what was shown is what was answered: {}", shown == answer);

    second_program(&path).await?;
    serving.end().await;
    world.shutdown().await;
    Ok(())
}

/// Three prompts on one connection; none waits for another, each is answered from its own history.
async fn three_at_once(client: &World) -> Outcome {
    println!("Three chats on one connection:");
    let answers = ["Ada", "Bob", "Cyd"].map(|name| async move {
        let chat = client.open_chat(name.to_lowercase()).await?;
        chat.prompt(format!("my name is {name}")).await?.outcome().await?;
        let answer = chat.prompt("what is my name?").await?.answer().await?;
        Ok::<_, polychat::Error>(format!("  {}: {answer}", chat.id()))
    });
    for answer in join_all(answers).await {
        println!("{}", answer?);
    }
    Ok(())
}

/// Whoever connects later sees the same log, from its first event.
async fn second_program(path: &Path) -> Outcome {
    let remote = RemoteWorld::connect_socket(path, RemoteOptions::default()).await?;
    let chat = World::of_service(Arc::new(remote)).chat("bob")?;
    println!("A second program reads bob from the beginning:");
    let mut notices = chat.subscribe(StartAt::Start).await?;
    while let Some(Notice::Recorded { event, .. }) = notices.next().await {
        println!("  {:>2} {}", event.seq, event.event.name());
        if event.event.name() == "turn.ended" {
            break;
        }
    }
    Ok(())
}

/// A reader of one chat's next answer: told when it begins, and what it said in the end.
struct Watching {
    first_words: oneshot::Receiver<()>,
    text: JoinHandle<String>,
}

async fn watch(chat: &Chat) -> Outcome<Watching> {
    let mut notices = chat.subscribe(StartAt::Now).await?;
    let (begun, first_words) = oneshot::channel();
    let mut begun = Some(begun);
    let text = tokio::spawn(async move {
        let mut text = String::new();
        // It goes on over the lost connection; no word is missing, and none comes twice.
        while let Some(notice) = notices.next().await {
            match notice {
                Notice::Live { event, .. } => {
                    let LiveBody::MessageChunk { text: words, .. } = &event.body else { continue };
                    text.push_str(words);
                    begun.take().map(|begun| begun.send(()));
                }
                Notice::Recorded { event, .. } if event.event.name() == "turn.ended" => break,
                _ => {}
            }
        }
        text
    });
    Ok(Watching { first_words, text })
}

/// A server of this world, until it is ended.
struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    async fn begin(world: &World, path: &Path) -> Outcome<Self> {
        // Only this user may enter the folder, and exactly one process serves the path.
        let listener = Listener::bind(path).await?;
        let id = world.info().await?.world_id;
        let server = Arc::new(Server::new(id, world.service(), ServeOptions::default()));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let connections = listener.serve(server, async { stopped.await.unwrap_or(()) }).await;
            // Closes them at once. That cancels nothing: what runs in the world goes on.
            drop(connections);
        });
        Ok(Self { stop, task })
    }

    async fn end(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}
